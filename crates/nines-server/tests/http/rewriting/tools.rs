//! The tools: who has them, what they answer, and that they stop.

use super::{PROMPT, Rewriting, START, ask, begin, events};
use nines_attack::thesaurus::Thesaurus;
use nines_infer::masked_language_model::MaskedLanguageModel;
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn click(part: &str, start: usize, end: usize) -> Value {
    json!({ "prompt": PROMPT, "completion": START, "part": part, "start": start, "end": end })
}

fn weigh(method: &str) -> Value {
    json!({ "prompt": PROMPT, "completion": START, "method": method })
}

#[tokio::test]
async fn a_session_without_tools_has_none_of_them_and_scores_all_the_same() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, false).await;
    ask(&project.ada, &session, "saliency", weigh("leave_one_out"))
        .await
        .refused(403, "no-tools");
    ask(
        &project.ada,
        &session,
        "substitutes",
        click("completion", 0, 2),
    )
    .await
    .refused(403, "no-tools");
    project
        .ada
        .get("/api/rewriting/inspiration")
        .await
        .refused(403, "no-tools");
    let mut step = super::typed(1, "He fell.", 0.0);
    step["kind"] = json!("substitute");
    ask(&project.ada, &session, "steps", step)
        .await
        .refused(403, "no-tools");
    let text = json!({ "prompt": PROMPT, "completion": START });
    let live = ask(&project.ada, &session, "score", text)
        .await
        .expect(200)
        .json();
    assert_eq!(live["score"], 23.0);
    ask(
        &project.ada,
        &session,
        "steps",
        super::typed(1, "He fell.", 0.0),
    )
    .await
    .expect(200);
    // Others have theirs.
    project
        .bob
        .get("/api/rewriting/inspiration")
        .await
        .expect(200);
}

#[tokio::test]
async fn inspiration_waits_until_what_compares_tools_is_done() {
    let project = Rewriting::start().await;
    let ids = project.injurious(2).await;
    let inspiration = || project.ada.get("/api/rewriting/inspiration");
    inspiration().await.expect(200);
    let on = project.task("on", &ids).await;
    inspiration().await.expect(200);
    let coin = project.task("random", &ids).await;
    let refused = inspiration().await;
    refused.refused(403, "no-tools");
    assert!(refused.text().contains("break it"), "{}", refused.text());
    // A session of one's own choice is no way round it, nor one of another task's.
    let ended = json!({ "seconds": 0.0, "away_seconds": 0.0 });
    let own = begin(&project.ada, true).await;
    inspiration().await.refused(403, "no-tools");
    ask(&project.ada, &own, "give-up", ended.clone())
        .await
        .expect(200);
    let begin_of = async |task: i64| {
        let body = json!({ "task": task });
        let begun = project.ada.post("/api/rewriting/sessions", body).await;
        begun.expect(201).json()
    };
    let session = begin_of(on).await;
    inspiration().await.refused(403, "no-tools");
    ask(&project.ada, &session, "give-up", ended.clone())
        .await
        .expect(200);
    // A task that is closed compares nothing any more.
    let path = format!("/api/rewriting/tasks/{coin}");
    for (open, status) in [(false, 200), (true, 403)] {
        let body = json!({ "open": open });
        project.boss.patch(&path, body).await.expect(200);
        inspiration().await.expect(status);
    }
    for _ in 0..2 {
        let session = begin_of(coin).await;
        let told = inspiration().await;
        if session["tools"] == true {
            told.expect(200);
        } else {
            told.refused(403, "no-tools");
        }
        ask(&project.ada, &session, "give-up", ended.clone())
            .await
            .expect(200);
    }
    inspiration().await.expect(200);
}

#[tokio::test]
async fn a_black_box_has_no_saliency_and_says_so() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    for method in ["gradient_norm", "gradient_x_input"] {
        let refused = ask(&project.ada, &session, "saliency", weigh(method)).await;
        refused.refused(409, "no-gradients");
        assert!(
            refused.text().contains("leave-one-out"),
            "{}",
            refused.text()
        );
    }
    ask(&project.ada, &session, "saliency", weigh("by heart"))
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn a_classifier_with_gradients_weighs_every_token_that_it_reads() {
    let project = Rewriting::start().await;
    let classifier = crate::workbench::real_classifier();
    *project.server.bench.classifier.lock().expect("no panic") = Some(Arc::new(classifier));
    let body = json!({ "name": "t", "tools": "on", "threshold": -100.0,
        "snippets": [project.injurious(1).await[0].0] });
    let task = project
        .boss
        .post("/api/rewriting/tasks", body)
        .await
        .expect(201)
        .json();
    let session = project
        .ada
        .post("/api/rewriting/sessions", json!({ "task": task["id"] }))
        .await;
    let session = session.expect(201).json();
    let (prompt, completion) = ("The knight 😀 rode.", "He fell on the e\u{301} sword.");
    let text = json!({ "prompt": prompt, "completion": completion });
    let live = ask(&project.ada, &session, "score", text)
        .await
        .expect(200)
        .json();
    let read = live["tokens"].as_array().expect("tokens").clone();
    assert!(!read.is_empty());
    let slice = |token: &Value| {
        let half = if token["part"] == "prompt" {
            prompt
        } else {
            completion
        };
        let units: Vec<u16> = half.encode_utf16().collect();
        let place = |name: &str| token[name].as_u64().expect("a place") as usize;
        String::from_utf16(&units[place("start")..place("end")]).expect("whole characters")
    };
    for token in &read {
        assert_eq!(token["text"], slice(token), "{token}");
    }
    let mut sums = Vec::new();
    for method in ["gradient_norm", "gradient_x_input", "leave_one_out"] {
        let body = json!({ "prompt": prompt, "completion": completion, "method": method });
        let weighed = ask(&project.ada, &session, "saliency", body)
            .await
            .expect(200)
            .json();
        let tokens = weighed["tokens"].as_array().expect("tokens");
        assert_eq!(tokens.len(), read.len(), "{method}");
        for (weighed, read) in tokens.iter().zip(&read) {
            assert_eq!(
                (&weighed["part"], &weighed["start"], &weighed["end"]),
                (&read["part"], &read["start"], &read["end"])
            );
        }
        sums.push(
            tokens
                .iter()
                .map(|t| t["value"].as_f64().expect("a number"))
                .sum::<f64>(),
        );
    }
    assert!(
        sums.iter().all(|sum| sum.is_finite()) && sums[0] > 0.0,
        "{sums:?}"
    );
    let rows = project
        .boss
        .get("/api/rewriting/sessions")
        .await
        .expect(200)
        .json();
    assert_eq!(rows["rows"][0]["saliency_calls"], 3);
}

#[tokio::test]
async fn rows_are_ranked_by_the_score_of_the_whole_edited_text() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let id = session["id"].as_i64().expect("a key");
    let path = format!("/api/rewriting/sessions/{id}/substitutes");
    for (start, end) in [(0, 2), (8, 12), (2, 2), (17, 22)] {
        let told = events(&project.ada, &path, &click("completion", start, end)).await;
        let last = told.last().expect("events");
        assert_eq!(last["final"], true, "{told:?}");
        let rows = last["rows"].as_array().expect("rows");
        assert!(!rows.is_empty());
        let mut before = f64::NEG_INFINITY;
        for row in rows {
            let (from, to) = (
                row["start"].as_u64().expect("a place"),
                row["end"].as_u64().expect("a place"),
            );
            let edited = format!(
                "{}{}{}",
                &START[..from as usize],
                row["text"].as_str().expect("text"),
                &START[to as usize..]
            );
            let score = row["score"].as_f64().expect("a score");
            assert_eq!(score, edited.len() as f64, "{row}");
            assert!(score >= before, "{rows:?}");
            before = score;
        }
    }
    let mut few = click("completion", 17, 22);
    few["limit"] = json!(2);
    let told = events(&project.ada, &path, &few).await;
    let rows = told.last().expect("events")["rows"]
        .as_array()
        .expect("rows")
        .len();
    assert!(rows <= 2, "{rows}");
    for limit in [0, 49] {
        few["limit"] = json!(limit);
        ask(&project.ada, &session, "substitutes", few.clone())
            .await
            .refused(422, "invalid");
    }
}

/// The rows of a menu on the spear, and those of one kind.
async fn rows_of_kind(project: &Rewriting, kind: &str) -> (Vec<Value>, Vec<Value>) {
    let session = begin(&project.ada, true).await;
    let id = session["id"].as_i64().expect("a key");
    let path = format!("/api/rewriting/sessions/{id}/substitutes");
    let told = events(&project.ada, &path, &click("completion", 17, 22)).await;
    let last = told.last().expect("events");
    assert_eq!(last["final"], true, "{told:?}");
    let rows = last["rows"].as_array().expect("rows").clone();
    let of_kind = rows.iter().filter(|row| row["kind"] == kind);
    let of_kind = of_kind.cloned().collect();
    (rows, of_kind)
}

#[tokio::test]
async fn a_masked_language_model_proposes_words_that_are_scored_like_others() {
    let project = Rewriting::start().await;
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../golden/fixtures/bert_masked"
    );
    let masked = MaskedLanguageModel::load(folder.as_ref()).expect("the fixture loads");
    let filled = masked.fill(&format!("{PROMPT} He fell upon the "), ".", 1000);
    let known: Vec<String> = filled
        .expect("it fits")
        .into_iter()
        .map(|word| word.word)
        .collect();
    *project.server.bench.masked.lock().expect("no panic") = Some(Arc::new(masked));
    let (rows, masked) = rows_of_kind(&project, "masked_language_model").await;
    assert!(masked.len() >= 5, "{rows:?}");
    for row in &masked {
        let word = row["text"].as_str().expect("text");
        assert!(known.iter().any(|one| one == word), "{word}");
        let length = START.len() - "spear".len() + word.len();
        assert_eq!(row["score"], length as f64, "the score of the whole text");
    }
}

/// Runs where a package has put a thesaurus: its words as they really come.
#[tokio::test]
async fn synonyms_of_an_installed_thesaurus_stand_in_the_menu() {
    let Ok(thesaurus) = Thesaurus::find() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no thesaurus is installed: run make thesauri"
        );
        eprintln!("skipped: no thesaurus is installed; `make thesauri` installs one");
        return;
    };
    let project = Rewriting::start().await;
    let known = thesaurus.synonyms("spear");
    *project.server.bench.thesaurus.lock().expect("no panic") = Some(Arc::new(thesaurus));
    let (rows, synonyms) = rows_of_kind(&project, "synonym").await;
    let words: Vec<&str> = synonyms
        .iter()
        .map(|row| row["text"].as_str().expect("text"))
        .collect();
    assert!(words.contains(&"lance"), "{rows:?}");
    for word in words {
        assert!(known.iter().any(|one| one == word), "{word}: {known:?}");
    }
}

#[tokio::test]
async fn too_many_at_once_are_told_to_wait_and_what_nobody_waits_for_stops() {
    let project = Rewriting::start().await;
    let session = begin(&project.ada, true).await;
    let id = session["id"].as_i64().expect("a key");
    let held = crate::play::doubles::hold(&project.server.bench.scorer);
    let path = format!("/api/rewriting/sessions/{id}/substitutes");
    let mut open = Vec::new();
    for _ in 0..2 {
        let request = project.ada.request(Method::POST, &path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = click("completion", 17, 22).to_string();
        // The head comes at once; rows wait for the scorer.
        open.push(request.body(body).send().await.expect("an answer"));
    }
    let refused = ask(
        &project.ada,
        &session,
        "substitutes",
        click("completion", 17, 22),
    )
    .await;
    refused.refused(429, "too-many");
    assert!(refused.header("retry-after").is_some());
    drop(open);
    drop(held);
    // Both have made room.
    let mut told = Vec::new();
    for _ in 0..50 {
        let answer = ask(
            &project.ada,
            &session,
            "substitutes",
            click("completion", 17, 22),
        )
        .await;
        if answer.status == 200 {
            told = answer.body;
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!told.is_empty(), "no turn came");
}

#[tokio::test]
async fn a_fresh_start_is_drawn_and_scored() {
    let project = Rewriting::start().await;
    let body = json!({ "prompt": PROMPT, "seed": 3 });
    let told = events(&project.ada, "/api/rewriting/generate", &body).await;
    let drawn: Vec<&Value> = told
        .iter()
        .filter(|event| event["event"] == "candidate")
        .collect();
    assert_eq!(drawn.len(), 10);
    let whole = drawn
        .iter()
        .find(|event| event["draw"] == 0)
        .expect("the first");
    let completion = whole["completion"].as_str().expect("text");
    let model = project.model.0.to_string();
    assert_eq!(
        whole["scores"][&model]["score"].as_f64(),
        Some(completion.len() as f64)
    );
    // Whoever draws knows against whom, and what is accepted.
    let opponent = project.ada.get("/api/rewriting/opponent").await;
    assert_eq!(
        opponent.expect(200).json(),
        json!({ "id": project.model.0, "label": "injury v1", "threshold": super::THRESHOLD })
    );
    let nobody = project.ada.get("/api/rewriting/opponent?classifier=99");
    nobody.await.expect(404);
    let start = json!({ "prompt": PROMPT, "completion": completion });
    project
        .ada
        .post("/api/rewriting/sessions", start)
        .await
        .expect(201);
    let empty = json!({ "prompt": " ", "seed": 3 });
    project
        .ada
        .post("/api/rewriting/generate", empty)
        .await
        .refused(422, "invalid");
}
