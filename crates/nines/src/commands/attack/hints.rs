//! What an attack says before it begins, when it cannot go on, and which command comes next.

use crate::cli::AttackRunArgs;
use nines_attack::recipe::{GoalKind, Recipe};
use serde_json::Value;
use std::fmt::Write;

/// Longest command behind which its explanation still stands in one line.
const WIDEST: usize = 44;

/// Says in words what a run's record says otherwise than what is there now.
pub fn changed(then: &Value, now: &Value) -> Option<String> {
    let (name, old) = then
        .as_object()?
        .iter()
        .find(|(name, value)| now.get(name.as_str()) != Some(*value))?;
    let new = &now[name.as_str()];
    let what = match name.as_str() {
        "attacked" | "victim" => "the classifier under attack",
        "against" => "the second classifier",
        "judge" => "the judge",
        "path" => "the scoring path",
        "models" | "fallible" => "a model that helps the attack",
        "probe" => "the probe that says what is injurious",
        "recipe" | "goal" | "name" => "the recipe",
        "starts" => "what it begins with",
        "version" => "the version of nines",
        other => other,
    };
    Some(match (short(old), short(new)) {
        (Some(old), Some(new)) => format!("{what} is not what it was: {old} then, {new} now"),
        _ => match part(old, new) {
            Some(part) => format!("{what} is not what it was: {part} differs"),
            None => format!("{what} is not what it was"),
        },
    })
}

/// Writes a value that fits into a sentence.
fn short(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (text.len() <= 60 && !text.contains('\n')).then_some(text)
}

/// Names the part of a described model that differs.
fn part(then: &Value, now: &Value) -> Option<&'static str> {
    let fields = then.as_object()?;
    let (name, _) = fields
        .iter()
        .find(|(name, value)| now.get(name.as_str()) != Some(*value))?;
    Some(match name.as_str() {
        "digest" => "the digest of its weights",
        "version" => "its weights or the way in which it scores",
        "endpoint" => "the endpoint or its model",
        "guide_characters" | "guide_is_cut" | "predicate" => "the guide that it is told",
        "record" | "name" | "file" => "what it was trained on",
        _ => return None,
    })
}

/// Warns of attempts that do not end with the first find: they take their whole budget.
pub fn lasting(recipe: &Recipe, starts: usize) -> Option<String> {
    let goes_on = match recipe.search.kind.as_str() {
        "mcmc" => "an attempt takes all its steps, whatever it has found",
        _ if recipe.goal == GoalKind::Gap => {
            "an attempt goes on after the first disagreement, and looks for a wider one"
        }
        _ => return None,
    };
    let seconds = recipe.budget.seconds;
    Some(format!(
        "{}: {goes_on}, to the end of its search or of its budget ({} queries, {}); {starts} {} can take up to {}. \
         --limit, --queries and --seconds make it shorter",
        recipe.name,
        crate::shown::grouped(recipe.budget.queries),
        lasts(seconds),
        if starts == 1 { "start" } else { "starts" },
        lasts(seconds * starts as f64)
    ))
}

fn lasts(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.0} s"),
        middle if middle < 7_200.0 => format!("{:.0} min", middle / 60.0),
        long => format!("{:.1} h", long / 3_600.0),
    }
}

/// Writes the command that begins the control with the same starts, the same classifier and the same threshold.
pub fn control(args: &AttackRunArgs, classifier: &str) -> String {
    let mut text = format!("nines attack run random --classifier {}", word(classifier));
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " --{name} {}", word(&value));
        }
    };
    flag("threshold", args.threshold.map(|p| p.to_string()));
    flag(
        "from",
        args.from.as_ref().map(|file| file.display().to_string()),
    );
    flag(
        "split",
        args.split.and_then(|split| {
            let word = serde_json::to_value(split).ok()?;
            word.as_str().map(str::to_owned)
        }),
    );
    for id in &args.snippet {
        flag("snippet", Some(id.to_string()));
    }
    flag("limit", Some(args.limit.to_string()));
    flag("queries", args.queries.map(|queries| queries.to_string()));
    flag("seconds", args.seconds.map(|seconds| seconds.to_string()));
    flag("seed", (args.seed != 0).then(|| args.seed.to_string()));
    text
}

/// Quotes what a shell would take apart.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:=,+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// Lists commands with what each is for, in columns; a long command has its explanation above it.
pub fn next(commands: &[(String, &str)]) -> String {
    let widths = commands.iter().map(|(command, _)| command.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut text = String::from("next: ");
    for (at, (command, what)) in commands.iter().enumerate() {
        if at > 0 {
            text.push_str("\n      ");
        }
        if command.chars().count() <= WIDEST {
            let _ = write!(text, "{command:<width$}  ({what})");
        } else {
            let _ = write!(text, "({what})\n      {command}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_told_in_words() {
        let of = |path: &str, digest: &str| json!({ "attacked": { "classifier": "hurt v1", "digest": digest }, "path": path });
        assert_eq!(changed(&of("cpu/f32", "a"), &of("cpu/f32", "a")), None);
        assert_eq!(
            changed(&of("cpu/f32", "a"), &of("cpu/bf16", "a")).as_deref(),
            Some("the scoring path is not what it was: cpu/f32 then, cpu/bf16 now")
        );
        let weights = changed(&of("cpu/f32", "a"), &of("cpu/f32", "b")).expect("it differs");
        assert!(
            weights.contains("digest of its weights") && !weights.contains('{'),
            "{weights}"
        );
        let gone = changed(
            &json!({ "probe": { "name": "x" } }),
            &json!({ "probe": null }),
        );
        assert!(gone.expect("it differs").contains("the probe"));
    }

    #[test]
    fn the_control_has_the_starts_of_the_attack() {
        let args = AttackRunArgs {
            limit: 7,
            seed: 3,
            from: Some("my starts.jsonl".into()),
            ..AttackRunArgs::default()
        };
        assert_eq!(
            control(&args, "hurt@2"),
            "nines attack run random --classifier hurt@2 --from 'my starts.jsonl' --limit 7 --seed 3"
        );
    }

    #[test]
    fn attempts_that_go_on_are_told_before() {
        let recipe = |name| Recipe::named(name).expect("known");
        let told = lasting(&recipe("mcmc"), 20).expect("it goes on");
        assert!(
            told.contains("10 min") && told.contains("20 starts can take up to 3.3 h"),
            "{told}"
        );
        let told = lasting(&recipe("disagree"), 1).expect("it goes on");
        assert!(told.contains("first disagreement"), "{told}");
        assert_eq!(lasting(&recipe("hotflip"), 20), None);
    }

    #[test]
    fn commands_stand_in_columns() {
        let long = "x".repeat(60);
        let told = next(&[
            ("short".to_owned(), "one"),
            ("longer".to_owned(), "two"),
            (long.clone(), "three"),
        ]);
        let expected =
            format!("next: short   (one)\n      longer  (two)\n      (three)\n      {long}");
        assert_eq!(told, expected);
    }
}
