//! Places in texts of more than plain letters.

use super::{PROMPT, Rewriting, ask, begin, events};
use serde_json::{Value, json};

/// An emoji of two code units, a combining accent, a flag: 34 bytes, 26 code units.
const TEXT: &str = "The 😀 é\u{301}clair hit 🇫🇷 and him";

fn click(start: usize, end: usize) -> Value {
    json!({ "prompt": PROMPT, "completion": TEXT, "part": "completion", "start": start, "end": end })
}

#[tokio::test]
async fn half_a_character_and_what_lies_outside_are_refused() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let units = TEXT.encode_utf16().count();
    for (start, end) in [
        (5, 6),
        (4, 5),
        (0, units + 1),
        (units + 1, units + 1),
        (7, 6),
        (usize::MAX, usize::MAX),
    ] {
        let refused = ask(&project.ada, &session, "substitutes", click(start, end)).await;
        refused.refused(422, "invalid");
    }
    let negative = json!({ "prompt": PROMPT, "completion": TEXT, "part": "completion", "start": -1, "end": 2 });
    ask(&project.ada, &session, "substitutes", negative)
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn a_row_splices_as_javascript_slices() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let id = session["id"].as_i64().expect("a key");
    let path = format!("/api/rewriting/sessions/{id}/substitutes");
    let units: Vec<u16> = TEXT.encode_utf16().collect();
    let word = TEXT.find("hit").expect("there");
    let start = TEXT[..word].encode_utf16().count();
    let told = events(&project.ada, &path, &click(start, start + 3)).await;
    let rows = told.last().expect("events")["rows"]
        .as_array()
        .expect("rows")
        .clone();
    assert!(!rows.is_empty());
    for row in rows {
        let place = |name: &str| row[name].as_u64().expect("a place") as usize;
        let before = String::from_utf16(&units[..place("start")]).expect("whole characters");
        let after = String::from_utf16(&units[place("end")..]).expect("whole characters");
        let edited = format!("{before}{}{after}", row["text"].as_str().expect("text"));
        assert_eq!(
            row["score"].as_f64(),
            Some(edited.len() as f64),
            "{row}: {edited}"
        );
        assert!(
            edited.contains("😀 é\u{301}clair") && edited.contains("🇫🇷"),
            "{edited}"
        );
    }
}
