//! An ensemble where a classifier may stand.

use super::Playing;
use super::doubles::Lengths;
use nines_domain::ensemble::Combine;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::ensemble::Ensemble;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_store::NewEnsemble;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Gives a snippet twice the length of its completion as its score, and none to one that says so.
struct Twice;

impl Scorer for Twice {
    fn version(&self) -> &str {
        "twice"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let score = |snippet: &SnippetText| match snippet.completion.as_str() {
            "refuse" => Err(Unscoreable::Tokens("it was told to refuse".to_owned())),
            text => Ok(Score::new(2.0 * text.len() as f64).expect("finite")),
        };
        snippets.iter().map(score).collect()
    }
}

async fn with_ensemble() -> (Playing, i64) {
    let server = Playing::start().await;
    let new = NewEnsemble {
        name: "both".to_owned(),
        members: server.models.to_vec(),
        combine: Combine::Mean,
        metrics: Value::Null,
    };
    let stored = server.store().insert_ensemble(&new).await.expect("stored");
    let members: Vec<Arc<dyn Scorer>> = vec![Arc::new(Lengths::default()), Arc::new(Twice)];
    let ensemble = Ensemble::new("both", members, Combine::Mean).expect("an ensemble");
    *server.server.bench.classifier.lock().expect("no panic") = Some(Arc::new(ensemble));
    (server, stored.id.0)
}

#[tokio::test]
async fn it_is_listed_with_what_it_is_made_of() {
    let (server, id) = with_ensemble().await;
    let (status, answer) = server.get("/api/classifiers").await;
    assert_eq!(status, StatusCode::OK);
    let newest = &answer["rows"][0];
    assert_eq!(
        (&newest["id"], &newest["label"]),
        (&json!(id), &json!("both v1"))
    );
    let made_of = json!({ "members": ["injury v1", "injury v2"], "combine": "mean" });
    assert_eq!(newest["ensemble"], made_of);
    assert_eq!(newest["base"], Value::Null);
    assert_eq!(answer["rows"][1]["ensemble"], Value::Null);
}

#[tokio::test]
async fn it_scores_what_all_its_members_score_and_rules_on_candidates() {
    let (server, id) = with_ensemble().await;
    let snippet = |text: &str| json!({ "prompt": "Once.", "completion": text });
    let snippets = ["four", "refuse", "NaN"].map(snippet);
    let asked = json!({ "classifier": id, "snippets": snippets });
    let (status, answer) = server.post("/api/score", &asked).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["scores"][0], json!({ "score": 6.0 }));
    for at in [1, 2] {
        assert!(answer["scores"][at]["reason"].is_string(), "{answer}");
        assert!(answer["scores"][at].get("score").is_none(), "{answer}");
    }
    // Its operating points and the score of a job's form know it too.
    let (status, points) = server
        .get(&format!("/api/classifiers/{id}/operating-points"))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        points["notes"][0]
            .as_str()
            .expect("a note")
            .contains("both v1 is not calibrated")
    );
    let job = json!({ "kind": "score", "classifier": id });
    let (status, job) = server.post("/api/jobs", &job).await;
    assert!(status.is_success(), "{job}");
    assert!(job.to_string().contains("both@1"), "{job}");
}
