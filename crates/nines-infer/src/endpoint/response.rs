//! What may come back.

use super::Route;
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_text::SentenceStop;
use serde_json::Value;

/// Reads the choices of an answer as draws, numbered from `first`; at most `count` of them.
///
/// # Errors
/// A reason, when the answer as a whole is not what OpenAI's interface describes. A single choice
/// that is not has its own.
pub(super) fn draws(
    bytes: &[u8],
    route: Route,
    sampling: &Sampling,
    first: u32,
    count: u32,
) -> Result<Vec<Result<Draw, String>>, String> {
    let answer = json(bytes)?;
    if !answer["error"].is_null() {
        return Err(format!(
            "it answered with an error: {}",
            message(&answer, bytes)
        ));
    }
    let Some(choices) = answer["choices"].as_array() else {
        return Err(format!(
            "its answer has no list of choices: {}",
            excerpt(bytes)
        ));
    };
    if choices.is_empty() {
        return Err(format!("its answer has no choices: {}", excerpt(bytes)));
    }
    let mut choices: Vec<&Value> = choices.iter().collect();
    choices.sort_by_key(|choice| choice["index"].as_u64().unwrap_or(0));
    let tokens = shares(
        answer["usage"]["completion_tokens"].as_u64(),
        choices.len() as u64,
    );
    Ok(choices
        .into_iter()
        .take(count as usize)
        .zip(tokens)
        .zip(first..)
        .map(|((choice, tokens), number)| draw(choice, route, sampling, number, tokens))
        .collect())
}

/// Shares the tokens of an answer among all its choices, which servers do not count one by one;
/// the first ones have what is left over. A choice without text is no draw, so 0 says that the
/// server did not tell.
fn shares(tokens: Option<u64>, choices: u64) -> impl Iterator<Item = usize> {
    let tokens = tokens.unwrap_or(0);
    let (each, over) = (tokens / choices, tokens % choices);
    (0..choices)
        .map(move |choice| usize::try_from(each + u64::from(choice < over)).unwrap_or(usize::MAX))
}

/// Reads one choice.
fn draw(
    choice: &Value,
    route: Route,
    sampling: &Sampling,
    number: u32,
    tokens: usize,
) -> Result<Draw, String> {
    let (place, text) = match route {
        Route::Completions => ("text", &choice["text"]),
        Route::Chat => ("message.content", &choice["message"]["content"]),
    };
    let text = text.as_str().ok_or_else(|| {
        format!(
            "a choice's {place} is not a text: {}",
            shorten(&choice.to_string())
        )
    })?;
    let reason = match &choice["finish_reason"] {
        Value::Null => None,
        Value::String(reason) => Some(reason.as_str()),
        other => {
            return Err(format!(
                "a choice's finish_reason is not a word: {}",
                shorten(&other.to_string())
            ));
        }
    };
    let is_over = matches!(
        reason,
        Some("stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence")
    );
    let is_cut = matches!(reason, None | Some("length" | "max_tokens"));
    if !is_over && !is_cut {
        let reason = shorten(reason.unwrap_or_default());
        return Err(format!(
            "a choice ended for the reason {reason:?}, so its text is not whole"
        ));
    }
    let end = sampling
        .one_sentence
        .then(|| SentenceStop::default().feed(text, is_over))
        .flatten();
    let (text, finish) = match end {
        Some(end) => (&text[..end], Finish::Sentence),
        None if is_over => (text, Finish::EndOfText),
        None => (text, Finish::Budget),
    };
    let completion = text.trim().to_owned();
    if completion.is_empty() {
        return Err("a choice has no text".to_owned());
    }
    Ok(Draw {
        draw: number,
        completion,
        finish,
        tokens,
    })
}

/// Reads an answer as JSON.
fn json(bytes: &[u8]) -> Result<Value, String> {
    let start = bytes.trim_ascii_start();
    if start.starts_with(b"<") {
        return Err(format!(
            "it answered with a web page, not JSON (is the base URL right?): {}",
            excerpt(bytes)
        ));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| format!("its answer is not JSON ({error}): {}", excerpt(bytes)))
}

/// Finds the message of an error answer, or else shows the beginning of it.
pub(super) fn error_message(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(answer) => message(&answer, bytes),
        Err(_) => excerpt(bytes),
    }
}

fn message(answer: &Value, bytes: &[u8]) -> String {
    let error = &answer["error"];
    let text = error["message"]
        .as_str()
        .or_else(|| error.as_str())
        .or_else(|| answer["message"].as_str())
        .or_else(|| answer["detail"].as_str());
    text.map_or_else(|| excerpt(bytes), shorten)
}

/// Shows the beginning of an answer.
fn excerpt(bytes: &[u8]) -> String {
    if bytes.trim_ascii().is_empty() {
        return "(empty)".to_owned();
    }
    // Enough bytes for the characters that `shorten` keeps.
    shorten(&String::from_utf8_lossy(
        &bytes[..bytes.len().min(4 * SHOWN)],
    ))
}

/// How many characters of an answer a message shows.
const SHOWN: usize = 300;

/// Shortens a text for a message, on one line.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(answer: &str) -> Result<Draw, String> {
        let sampling = Sampling::default();
        let draws = draws(answer.as_bytes(), Route::Completions, &sampling, 7, 1)?;
        draws.into_iter().next().expect("one")
    }

    #[test]
    fn a_sentence_is_cut_and_its_finish_told() {
        let answer = |text: &str, reason: &str| {
            one(&format!(
                r#"{{"choices": [{{"text": {text:?}, "finish_reason": {reason}}}], "usage": {{"completion_tokens": 9}}}}"#
            ))
        };
        let draw = answer(" He ran. She fell", r#""length""#).expect("a draw");
        assert_eq!(
            (draw.completion.as_str(), draw.finish),
            ("He ran.", Finish::Sentence)
        );
        assert_eq!((draw.draw, draw.tokens), (7, 9));
        let finish = |text: &str, reason: &str| answer(text, reason).map(|draw| draw.finish);
        assert_eq!(finish(" He ran", r#""length""#), Ok(Finish::Budget));
        assert_eq!(finish(" He met Mr.", r#""length""#), Ok(Finish::Budget));
        assert_eq!(finish(" He ran.", r#""stop""#), Ok(Finish::Sentence));
        assert_eq!(finish(" He ran", r#""stop""#), Ok(Finish::EndOfText));
        assert_eq!(finish(" He ran", "null"), Ok(Finish::Budget));
        for reason in [r#""content_filter""#, r#""tool_calls""#, "3", "{}"] {
            assert!(finish(" He ran.", reason).is_err());
        }
    }

    #[test]
    fn tokens_are_shared_by_all_choices_and_none_is_lost() {
        let tokens = |choices: usize, usage: &str, count: u32| -> Vec<usize> {
            let choice = r#"{"text": " He ran. So", "finish_reason": "stop"}"#;
            let choices = vec![choice; choices].join(", ");
            let answer = format!(r#"{{"choices": [{choices}]{usage}}}"#);
            let sampling = Sampling::default();
            let draws = draws(answer.as_bytes(), Route::Completions, &sampling, 0, count);
            let draws = draws.expect("an answer").into_iter();
            draws.map(|draw| draw.expect("a draw").tokens).collect()
        };
        let usage = |tokens: u64| format!(r#", "usage": {{"completion_tokens": {tokens}}}"#);
        assert_eq!(tokens(3, &usage(11), 3), [4, 4, 3]);
        assert_eq!(tokens(4, &usage(40), 1), [10], "of one of four");
        assert_eq!(tokens(1, &usage(9), 4), [9]);
        assert_eq!(tokens(2, "", 2), [0, 0], "the server did not tell");
    }

    #[test]
    fn whatever_is_not_an_answer_is_an_error() {
        for (answer, word) in [
            ("", "not JSON"),
            ("null", "no list of choices"),
            ("{\"choices\": {}}", "no list of choices"),
            ("{\"choices\": []}", "no choices"),
            ("{\"choices\": [1]}", "text is not a text"),
            ("{\"choices\": [{}]}", "text is not a text"),
            (
                "{\"choices\": [{\"text\": 3, \"finish_reason\": \"stop\"}]}",
                "not a text",
            ),
            (
                "{\"choices\": [{\"text\": \" \\n\", \"finish_reason\": \"stop\"}]}",
                "no text",
            ),
            ("{\"error\": {\"message\": \"overloaded\"}}", "overloaded"),
            ("<!DOCTYPE html><p>Sign in</p>", "web page"),
            ("{\"choices\": [{\"te", "not JSON"),
        ] {
            let error = one(answer).expect_err("refused");
            assert!(error.contains(word), "{answer}: {error}");
        }
        let long = format!("{{\"error\": {:?}}}", "x".repeat(100_000));
        assert!(one(&long).expect_err("refused").len() < 2 * SHOWN);
        assert!(draws(&[0xff, 0xfe], Route::Chat, &Sampling::default(), 0, 1).is_err());
    }
}
