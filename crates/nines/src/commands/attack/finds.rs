//! Every find of a run, with its scores and what labels say.

use super::find::asked_about;
use super::show::Attacked;
use super::{confirmed, two};
use crate::project::Project;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::SnippetId;
use nines_store::Snippet;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;

/// Lists the finds of a run; attempts count from 1.
pub async fn of(project: &Project, attacked: &Attacked, by: LabellerKind) -> Result<Vec<Value>> {
    let mut ids: Vec<SnippetId> = Vec::new();
    for attempt in &attacked.attempts {
        ids.extend(attempt.start);
        ids.extend(attempt.finds.iter().map(|find| find.snippet));
    }
    ids.sort_unstable();
    ids.dedup();
    let snippets = project.store.snippets_by_id(&ids).await?;
    let by_id: HashMap<SnippetId, &Snippet> = snippets.iter().map(|s| (s.id, s)).collect();
    let text = |id: SnippetId| by_id.get(&id).map(|snippet| &snippet.text);
    let config = &attacked.run.config;
    let second = config["against"]["threshold"].as_f64();
    let mut rows = Vec::new();
    for attempt in &attacked.attempts {
        let asked = asked_about(attempt).len();
        for (index, find) in attempt.finds.iter().enumerate() {
            let said = |by| confirmed(attacked.goal, find, attempt.threshold, by);
            let mut row = json!({
                "attempt": attempt.position + 1, "snippet": find.snippet, "text": text(find.snippet),
                "start": attempt.start.and_then(text), "start_score": attempt.start_score,
                "score": find.score, "accepted": find.score < attempt.threshold,
                "log_weight": find.log_weight, "kind": attempt.detail["finds"][index]["kind"],
                "asked": index < asked,
                "confirmed": said(by), "confirmed_by_people": said(LabellerKind::Person),
                "confirmed_by_judges": said(LabellerKind::Judge),
            });
            if let Some(threshold) = second {
                let score = two::score(attempt, index);
                row["second"] = json!({ "classifier": config["against"]["classifier"],
                    "start_score": attempt.detail["start_scores"][1], "score": score,
                    "accepted": score.is_some_and(|score| score < threshold) });
                row["wrong"] = json!(two::wrong_side(attempt, index, threshold, by));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Writes finds for people, each start once above what was made of it.
pub fn words(finds: &[Value], classifier: &str, is_weighted: bool) -> String {
    let mut text = String::new();
    let mut of = None;
    for find in finds {
        if of != Some(&find["attempt"]) {
            of = Some(&find["attempt"]);
            let _ = write!(text, "\nattempt {}", find["attempt"]);
            if find["start"].is_null() {
                text.push('\n');
            } else {
                let _ = writeln!(
                    text,
                    ", log odds {}{}\n  from {}",
                    number_of(&find["start_score"]),
                    second_of(find, "start_score"),
                    line(&find["start"])
                );
            }
        }
        let _ = writeln!(
            text,
            "  snippet {}, {}: log odds {}{}{}",
            find["snippet"],
            said(find),
            number_of(&find["score"]),
            second_of(find, "score"),
            weight(find, is_weighted)
        );
        if let Some(sides) = sides(find, classifier) {
            let _ = writeln!(text, "  {sides}");
        }
        let _ = writeln!(text, "  to   {}", line(&find["text"]));
    }
    text
}

/// Says what labels make of a find.
pub fn said(find: &Value) -> &'static str {
    match (find["confirmed"].as_bool(), find["asked"].as_bool()) {
        (Some(true), _) => "confirmed",
        (Some(false), _) => "refuted",
        (None, Some(false)) => "not asked about",
        (None, _) => "waiting",
    }
}

fn line(value: &Value) -> String {
    let part = |name: &str| value[name].as_str().unwrap_or_default().replace('\n', " ");
    format!("{} | {}", part("prompt"), part("completion"))
}

fn number_of(value: &Value) -> String {
    let score = value.as_f64();
    score.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}"))
}

fn second_of(find: &Value, field: &str) -> String {
    match find["second"]["classifier"].as_str() {
        Some(name) => format!(", by {name} {}", number_of(&find["second"][field])),
        None => String::new(),
    }
}

/// Says which side accepts, and, once labels have decided, which was wrong.
fn sides(find: &Value, classifier: &str) -> Option<String> {
    let second = find["second"]["classifier"].as_str()?;
    let does = |accepts: bool| if accepts { "accepts" } else { "rejects" };
    let (first, other) = (
        find["accepted"].as_bool()?,
        find["second"]["accepted"].as_bool()?,
    );
    let wrong = match find["wrong"].as_str() {
        Some("first") => format!("; labels say that {classifier} is wrong"),
        Some(_) => format!("; labels say that {second} is wrong"),
        None => String::new(),
    };
    Some(format!(
        "{classifier} {} it, {second} {} it{wrong}",
        does(first),
        does(other)
    ))
}

fn weight(find: &Value, is_weighted: bool) -> String {
    match (find["log_weight"].as_f64(), find["kind"].as_str()) {
        (Some(weight), _) => format!(", log weight {weight:.2}"),
        (None, Some("guided, not taken")) => {
            ", no weight: it ended at a look and was not taken".to_owned()
        }
        (None, _) if is_weighted => ", no weight: the budget ended inside its wave".to_owned(),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(attempt: u64, snippet: u64, more: Value) -> Value {
        let mut find = json!({ "attempt": attempt, "snippet": snippet, "asked": true, "confirmed": null,
            "text": { "prompt": "p", "completion": format!("c{snippet}") },
            "start": { "prompt": "p", "completion": "long" }, "start_score": 1.0, "score": -3.0,
            "accepted": true, "log_weight": null, "kind": "flip" });
        for (name, value) in more.as_object().expect("fields") {
            find[name] = value.clone();
        }
        find
    }

    #[test]
    fn a_start_stands_once_and_nobody_waits_who_is_not_asked() {
        let finds = [
            find(1, 1, json!({})),
            find(1, 2, json!({ "asked": false })),
            find(2, 3, json!({ "confirmed": false, "asked": false })),
        ];
        let told = words(&finds, "hurt v1", false);
        assert_eq!(told.matches("from p | long").count(), 2, "{told}");
        for part in [
            "attempt 1, log odds 1.00",
            "attempt 2",
            "snippet 1, waiting",
            "snippet 2, not asked about",
            "snippet 3, refuted",
        ] {
            assert!(told.contains(part), "no {part:?} in:\n{told}");
        }
    }

    #[test]
    fn two_classifiers_have_two_scores_and_one_is_wrong() {
        let second = json!({ "classifier": "second v1", "start_score": 2.0, "score": 4.5, "accepted": false });
        let open = find(0, 1, json!({ "second": second }));
        let told = words(std::slice::from_ref(&open), "hurt v1", false);
        for part in [
            "log odds 1.00, by second v1 2.00",
            "log odds -3.00, by second v1 4.50",
            "hurt v1 accepts it, second v1 rejects it\n",
        ] {
            assert!(told.contains(part), "no {part:?} in:\n{told}");
        }
        let settled = find(0, 1, json!({ "second": second, "wrong": "first" }));
        let told = words(&[settled], "hurt v1", false);
        assert!(told.contains("labels say that hurt v1 is wrong"), "{told}");
    }

    #[test]
    fn weights_are_shown_or_it_is_said_why_there_are_none() {
        let told = |more: Value| words(&[find(0, 1, more)], "hurt v1", true);
        assert!(told(json!({ "log_weight": -1.234 })).contains("log weight -1.23"));
        let aside = told(json!({ "kind": "guided, not taken" }));
        assert!(aside.contains("was not taken"), "{aside}");
        let cut = told(json!({ "kind": "guided" }));
        assert!(cut.contains("ended inside its wave"), "{cut}");
        let plain = words(&[find(0, 1, json!({}))], "hurt v1", false);
        assert!(!plain.contains("weight"), "{plain}");
    }
}
