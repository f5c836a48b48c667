//! What measuring keeps: distributions, designs, comparisons, attack sessions, estimates.

mod designs;
mod large;
mod records;

use crate::flow::{draw, prompts, sampler, score};
use crate::runs::{model, run};
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::draw::Ruling;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::score::Threshold;
use nines_domain::snippet::{ContentHash, DistributionId, ModelId, PromptId, SnippetId};
use nines_store::{
    AttackerKind, DesignKind, FilterSetting, ModelKind, NewAttackSession, NewCandidate,
    NewComparison, NewDesign, NewDesignItem, NewDistribution, NewEstimate, NewFilterAnswer,
    NewPrompt, Store, StoreError,
};
use serde_json::{Value, json};

/// Text that a careless database mangles.
const ODD: &str = "ü\u{1F9E8}\u{200D}漢\r\n\t\"'\\%_; DROP";

fn record() -> Value {
    json!({"sum": 0.1 + 0.2, "ü": [null, -1e-300, u64::MAX, "\\u0000"], "empty": {}})
}

pub fn distribution(name: &str, prompts: &[PromptId]) -> NewDistribution {
    let probability = 1.0 / prompts.len() as f64;
    NewDistribution {
        name: name.into(),
        record: record(),
        prompts: prompts.iter().map(|id| (*id, probability)).collect(),
    }
}

/// What designs rest on: a distribution, a classifier, and answers of a filter.
struct World {
    distribution: DistributionId,
    model: ModelId,
    answers: Vec<i64>,
}

impl World {
    async fn new(store: &Store) -> Self {
        let ids = prompts(store, &["a", "b"]).await;
        let distribution = distribution("uniform", &ids);
        let distribution = store
            .insert_distribution(&distribution)
            .await
            .expect("stored");
        let classifier = model(ModelKind::Classifier, "injury", "d");
        let model = store.insert_model(&classifier).await.expect("stored").id;
        let setting = FilterSetting {
            run: store.start_run(&run("filter")).await.expect("started").id,
            model,
            calibration: None,
            threshold: Threshold::new(-4.0).expect("finite"),
            law: "first-accepted".into(),
            sampler: sampler(3),
        };
        let answer = |position, prompt: &str| NewFilterAnswer {
            position,
            prompt: NewPrompt::new(prompt, "test"),
            accepted: Some(0),
            candidates: vec![NewCandidate {
                draw: draw(0, "He ate."),
                ruling: Ruling::Accepted { score: score(-7.0) },
            }],
            draws: 1,
            reason: None,
        };
        let answers = store
            .insert_filter_answers(&setting, &[answer(0, "a"), answer(1, "b")])
            .await
            .expect("stored");
        Self {
            distribution: distribution.id,
            model,
            answers,
        }
    }

    fn design(&self, kind: DesignKind, identity: &str) -> NewDesign {
        NewDesign {
            kind,
            identity: ContentHash::of_prompt(identity),
            distribution: self.distribution,
            model: self.model,
            record: record(),
        }
    }

    fn item(&self, position: u64, lot: f64) -> NewDesignItem {
        NewDesignItem {
            position,
            answer: self.answers[0],
            other_answer: None,
            stratum: Some(0),
            lot,
        }
    }
}

/// Stores a design and returns the snippet of an answer that it draws from.
pub async fn drawn_snippet(store: &Store) -> SnippetId {
    let world = World::new(store).await;
    let design = world.design(DesignKind::Leak, "drawn");
    let design = store.ensure_design(&design).await.expect("stored");
    store
        .add_design_items(design.id, &[world.item(0, 0.5)])
        .await
        .expect("stored");
    let runs = store.runs(Some("filter")).await.expect("listed");
    let answers = store.filter_answers(runs[0].id).await.expect("listed");
    let accepted = answers.iter().find(|answer| answer.id == world.answers[0]);
    accepted
        .and_then(|answer| answer.accepted)
        .expect("a snippet")
}

fn comparison(left: SnippetId, right: SnippetId, choice: Choice) -> NewComparison {
    NewComparison {
        left,
        right,
        comparison: Comparison {
            labeller: "ada".into(),
            kind: LabellerKind::Person,
            choice,
            seconds: None,
        },
        occasion: String::new(),
        source: "pairs.csv".into(),
    }
}

fn session(attacker: &str, seconds: f64) -> NewAttackSession {
    NewAttackSession {
        attacker: attacker.into(),
        kind: AttackerKind::Person,
        group: "baseline".into(),
        model: None,
        seconds,
        found: false,
        snippet: None,
        occasion: "line 1".into(),
        source: "sessions.csv".into(),
    }
}

fn estimate(quantity: &str, value: Option<f64>, lower: f64, upper: f64) -> NewEstimate {
    NewEstimate {
        quantity: quantity.into(),
        estimate: Estimate {
            value,
            lower,
            upper,
            confidence: 0.95,
            method: "exact/1".into(),
            n: 40,
        },
        record: record(),
        design: None,
    }
}

#[track_caller]
fn assert_bad_value<T: std::fmt::Debug>(
    outcome: Result<T, StoreError>,
    row: usize,
    field: &str,
    words: &str,
) {
    match outcome {
        Err(StoreError::BadValue {
            row: at,
            field: which,
            why,
        }) => {
            assert_eq!((at, which), (row, field), "{why}");
            assert!(why.contains(words), "{why:?} does not say {words:?}");
        }
        other => panic!("not refused for {field}: {other:?}"),
    }
}

#[track_caller]
fn assert_nul<T: std::fmt::Debug>(outcome: Result<T, StoreError>, row: usize, field: &str) {
    let told =
        matches!(&outcome, Err(StoreError::Nul { row: at, field: f }) if (*at, *f) == (row, field));
    assert!(told, "{outcome:?}");
}

#[track_caller]
fn assert_dangling<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(
        matches!(outcome, Err(StoreError::Dangling { .. })),
        "{outcome:?}"
    );
}
