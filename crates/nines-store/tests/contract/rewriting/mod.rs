//! Rewriting: tasks and their starts, sessions, steps, finds and who verifies them.

mod finds;
mod sessions;
mod tasks;

use crate::data::snippet;
use crate::labelling::snippets;
use nines_domain::label::Severity;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use nines_store::{
    Labeller, ModelKind, NewModel, NewRewritingFind, NewRewritingSession, NewRewritingStep,
    NewRewritingTask, RewritingSession, RewritingStart, StepKind, Store, Tools, WorkTime,
};
use serde_json::json;

pub const PATH: &str = "cpu/test";

pub fn logit(score: f64) -> Score {
    Score::new(score).expect("finite")
}

pub fn threshold() -> Threshold {
    Threshold::new(-2.0).expect("finite")
}

pub fn time(seconds: f64, away_seconds: f64) -> WorkTime {
    WorkTime {
        seconds,
        away_seconds,
    }
}

pub async fn classifier(store: &Store) -> ModelId {
    let new = NewModel {
        kind: ModelKind::Classifier,
        name: "injury".to_owned(),
        path: "models/injury".to_owned(),
        digest: "d".repeat(64),
        config: json!({}),
        metrics: json!({}),
        parent: None,
        run: None,
    };
    store.insert_model(&new).await.expect("stored").id
}

/// Makes a task with so many starts. Returns it and the starts.
pub async fn task(store: &Store, tools: Tools, starts: usize) -> (i64, Vec<SnippetId>) {
    let model = classifier(store).await;
    let ids = snippets(store, starts).await;
    let new = NewRewritingTask {
        name: "break it".to_owned(),
        model,
        path: PATH.to_owned(),
        threshold: threshold(),
        tools,
        seed: u64::MAX,
        record: json!({ "injurious": starts }),
        starts: ids.iter().map(|id| (*id, logit(3.0))).collect(),
        created_by: None,
    };
    let made = store.insert_rewriting_task(&new).await.expect("stored");
    (made.id, ids)
}

/// Begins a session on a text of somebody's own.
pub async fn begin(store: &Store, model: ModelId, who: &Labeller) -> RewritingSession {
    let new = own_text(model, who);
    store.begin_rewriting(&new).await.expect("begun")
}

pub fn own_text(model: ModelId, who: &Labeller) -> NewRewritingSession {
    NewRewritingSession {
        labeller: who.clone(),
        model,
        path: PATH.to_owned(),
        threshold: threshold(),
        tools: true,
        start: RewritingStart {
            snippet: None,
            text: SnippetText::new("The duel began.", "He fell on the spear."),
            score: logit(4.0),
        },
    }
}

pub fn step(n: u64, completion: &str) -> NewRewritingStep {
    NewRewritingStep {
        n,
        kind: StepKind::Typed,
        text: SnippetText::new("The duel began.", completion),
        score: Ok(logit(1.0 / n as f64)),
        time: time(0.0, 0.0),
    }
}

pub fn find(completion: &str, severity: Severity) -> NewRewritingFind {
    NewRewritingFind {
        text: SnippetText::new("The duel began.", completion),
        score: logit(-3.5),
        path: PATH.to_owned(),
        severity,
        trick: " euphemism ".to_owned(),
        predicate: crate::labelling::PREDICATE.to_owned(),
        time: time(0.0, 0.0),
    }
}

/// Stores one snippet.
pub async fn one(store: &Store, prompt: &str, completion: &str) -> SnippetId {
    let stored = store.insert_snippets(&[snippet(prompt, completion)]).await;
    stored.expect("stored").ids().next().expect("one")
}
