//! What the service promises, on a scorer that does what a test tells it.

use super::worker::Worker;
use super::*;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::time::timeout;

/// Scores a completion by the number that it is, and panics, answers nothing or no number when told
/// so. With a gate, each batch waits until it is let through.
struct Double {
    gate: Option<Mutex<mpsc::Receiver<()>>>,
    batches: Mutex<Vec<Vec<String>>>,
    calls: AtomicUsize,
}

impl Double {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: None,
            batches: Mutex::default(),
            calls: AtomicUsize::new(0),
        })
    }

    fn gated() -> (Arc<Self>, mpsc::Sender<()>) {
        let (open, gate) = mpsc::channel();
        let double = Self {
            gate: Some(Mutex::new(gate)),
            batches: Mutex::default(),
            calls: AtomicUsize::new(0),
        };
        (Arc::new(double), open)
    }

    fn batches(&self) -> Vec<Vec<String>> {
        self.batches.lock().expect("no test panics in it").clone()
    }
}

impl Scorer for Double {
    fn version(&self) -> &str {
        "double"
    }

    fn score(&self, snippets: &[SnippetText], _: &mut dyn FnMut(usize)) -> Vec<Scored> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let texts: Vec<String> = snippets.iter().map(|s| s.completion.clone()).collect();
        self.batches.lock().expect("whole").push(texts.clone());
        if let Some(gate) = &self.gate {
            // A test that has ended lets everything through.
            let _ = gate.lock().expect("whole").recv();
        }
        assert!(!texts.iter().any(|t| t == "panic"), "told to panic");
        if texts.iter().any(|t| t == "short") {
            return Vec::new();
        }
        let score = |text: &String| {
            let logit = text.parse().unwrap_or(f64::NAN);
            Score::new(logit).map_err(|error| Unscoreable::Model(error.to_string()))
        };
        texts.iter().map(score).collect()
    }
}

fn snippets(completions: impl IntoIterator<Item = impl ToString>) -> Vec<SnippetText> {
    completions
        .into_iter()
        .map(|c| SnippetText::new("", c.to_string()))
        .collect()
}

fn logits(scored: &[Scored]) -> Vec<Option<f64>> {
    scored
        .iter()
        .map(|s| s.as_ref().ok().map(|s| s.logit()))
        .collect()
}

fn worker(scorer: Arc<dyn Scorer>, limits: Limits) -> Arc<Worker> {
    Arc::new(Worker::start(scorer, limits).expect("a thread"))
}

/// Waits until something holds, which other threads bring about.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect(what);
}

/// Asks in a task of its own.
fn ask(
    worker: &Arc<Worker>,
    snippets: Vec<SnippetText>,
) -> tokio::task::JoinHandle<Result<Vec<Scored>, ScoringError>> {
    let worker = worker.clone();
    tokio::spawn(async move { worker.score(snippets).await })
}

/// Lets one snippet block the thread, so that what is asked next waits.
async fn busy(
    worker: &Arc<Worker>,
    double: &Double,
) -> tokio::task::JoinHandle<Result<Vec<Scored>, ScoringError>> {
    let first = ask(worker, snippets([0]));
    until("the first batch begins", || !double.batches().is_empty()).await;
    first
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_snippets() {
    let worker = worker(Double::new(), Limits::default());
    let asked: Vec<Vec<i32>> = (0..20)
        .map(|k| (0..64).map(|i| 100 * k + i).collect())
        .collect();
    let answers = asked
        .iter()
        .map(|part| worker.score(snippets(part.iter().copied())));
    for (part, answer) in asked.iter().zip(join_all(answers).await) {
        let expected: Vec<Option<f64>> = part.iter().map(|i| Some(f64::from(*i))).collect();
        assert_eq!(logits(&answer.expect("room for all")), expected);
    }
    assert_eq!(worker.score(Vec::new()).await.expect("nothing").len(), 0);
    let stats = worker.stats();
    assert_eq!(
        (stats.snippets, stats.waiting_tokens, stats.requests),
        (1280, 0, 0)
    );
}

#[tokio::test]
async fn what_waits_goes_into_the_next_batch_within_the_budget_and_in_turns() {
    let (double, open) = Double::gated();
    // One such snippet counts for five tokens.
    let limits = Limits {
        batch_tokens: 25,
        ..Limits::default()
    };
    let worker = worker(double.clone(), limits);
    let first = busy(&worker, &double).await;
    let many = ask(&worker, snippets(10..20));
    until("many wait", || worker.stats().waiting_snippets == 10).await;
    let one = ask(&worker, snippets([99]));
    until("one more waits", || worker.stats().waiting_snippets == 11).await;
    for _ in 0..4 {
        open.send(()).expect("the scorer is there");
    }
    assert_eq!(
        logits(&one.await.expect("ran").expect("scored")),
        [Some(99.0)]
    );
    let expected: Vec<_> = (10..20).map(|i| Some(f64::from(i))).collect();
    assert_eq!(logits(&many.await.expect("ran").expect("scored")), expected);
    first.await.expect("ran").expect("scored");
    let batches = double.batches();
    // The single one did not wait for all ten; no batch holds more than five of five tokens each.
    assert_eq!(batches[1], ["10", "99", "11", "12", "13"]);
    assert_eq!(batches[2], ["14", "15", "16", "17", "18"]);
    assert_eq!(batches[3], ["19"]);
    let stats = worker.stats();
    assert_eq!(stats.largest_batch_tokens, 25);
    assert_eq!(stats.batch_sizes[..4], [2, 0, 0, 2]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_says_when_to_come_back() {
    let (double, open) = Double::gated();
    let limits = Limits {
        waiting_tokens: 16,
        ..Limits::default()
    };
    let worker = worker(double.clone(), limits);
    // An empty queue takes what it could never hold beside something else.
    let first = ask(&worker, snippets(0..30));
    until("it is taken", || {
        worker.stats().waiting_snippets == 0 && !double.batches().is_empty()
    })
    .await;
    let second = ask(&worker, snippets(0..4));
    until("it waits", || worker.stats().waiting_tokens == 16).await;
    let refused = worker.score(snippets([5])).await;
    match refused {
        Err(ScoringError::Full {
            waiting,
            retry_after,
        }) => {
            assert_eq!(waiting, 16);
            assert!((1..=30).contains(&retry_after));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(worker.stats().refused, 1);
    drop(open);
    assert!(first.await.expect("ran").is_ok());
    assert!(second.await.expect("ran").is_ok());
    assert!(
        worker.score(snippets([5])).await.is_ok(),
        "there is room again"
    );
}

#[tokio::test]
async fn whoever_has_gone_is_not_scored() {
    let (double, open) = Double::gated();
    let limits = Limits {
        batch_tokens: 25,
        waiting_tokens: 60,
        ..Limits::default()
    };
    let worker = worker(double.clone(), limits);
    let first = busy(&worker, &double).await;
    let gone = ask(&worker, snippets(10..22));
    until("it waits", || worker.stats().waiting_snippets == 12).await;
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    // Its room is free at once: these would not fit beside it.
    let kept = ask(&worker, snippets(50..55));
    until("the new one waits", || worker.stats().waiting_snippets == 5).await;
    drop(open);
    assert!(kept.await.expect("ran").is_ok());
    assert!(first.await.expect("ran").is_ok());
    let batches = double.batches();
    assert_eq!(batches.len(), 2, "{batches:?}");
    assert_eq!(worker.stats().dropped, 1);
}

#[tokio::test]
async fn a_request_given_up_halfway_costs_no_more_batches() {
    let (double, open) = Double::gated();
    let limits = Limits {
        batch_tokens: 25,
        ..Limits::default()
    };
    let worker = worker(double.clone(), limits);
    let gone = ask(&worker, snippets(10..30));
    until("a part is taken", || worker.stats().waiting_snippets == 15).await;
    gone.abort();
    drop(gone.await);
    drop(open);
    let next = worker.score(snippets([1])).await.expect("scored");
    assert_eq!(logits(&next), [Some(1.0)]);
    assert_eq!(double.batches().len(), 2);
    let stats = worker.stats();
    assert_eq!(
        (stats.requests, stats.waiting_snippets, stats.waiting_tokens),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_panic_takes_no_score_from_the_others_and_ends_nothing() {
    let double = Double::new();
    let worker = worker(double.clone(), Limits::default());
    for bad in ["panic", "short"] {
        let scored = worker
            .score(snippets(["1", bad, "3"]))
            .await
            .expect("answered");
        assert_eq!(logits(&scored), [Some(1.0), None, Some(3.0)]);
        assert!(
            matches!(&scored[1], Err(Unscoreable::Model(_))),
            "{scored:?}"
        );
    }
    let after = worker.score(snippets([7])).await.expect("it still answers");
    assert_eq!(logits(&after), [Some(7.0)]);
    assert_eq!(worker.stats().faults, 4);
}

#[tokio::test]
async fn what_is_no_number_is_no_score() {
    let worker = worker(Double::new(), Limits::default());
    let scored = worker.score(snippets(["NaN", "inf", "-inf", "2"])).await;
    let scored = scored.expect("answered");
    assert_eq!(logits(&scored), [None, None, None, Some(2.0)]);
}

#[tokio::test]
async fn nobody_waits_for_a_worker_that_is_gone() {
    let (double, open) = Double::gated();
    let cell = worker(double.clone(), Limits::default());
    let shared = cell.scorer();
    assert_eq!(shared.version(), "double");
    let mut first = busy(&cell, &double).await;
    assert!((&mut first).now_or_never().is_none());
    drop(cell);
    drop(open);
    // The task holds the worker until it has its answer.
    assert!(first.await.expect("ran").is_ok());
}

fn service(double: &Arc<Double>, loaded: &Arc<AtomicUsize>, most: usize) -> Scoring {
    let (double, loaded) = (double.clone(), loaded.clone());
    let limits = Limits {
        loaded: most,
        ..Limits::default()
    };
    Scoring::new(
        move |model| {
            let (double, loaded) = (double.clone(), loaded.clone());
            async move {
                loaded.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                match model {
                    ModelId(13) => Err(WorkbenchError::Refused("no such file".to_owned())),
                    _ => Ok(double as Arc<dyn Scorer>),
                }
            }
            .boxed()
        },
        limits,
    )
}

#[tokio::test]
async fn a_classifier_is_loaded_once_however_many_ask_at_once() {
    let (double, loaded) = (Double::new(), Arc::new(AtomicUsize::new(0)));
    let service = service(&double, &loaded, 2);
    let all = join_all((0..10).map(|i| service.score(ModelId(1), snippets([i])))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(loaded.load(Ordering::SeqCst), 1);
    assert_eq!(service.stats()[0].1.snippets, 10);
}

#[tokio::test]
async fn the_classifier_unused_for_longest_makes_room() {
    let (double, loaded) = (Double::new(), Arc::new(AtomicUsize::new(0)));
    let service = service(&double, &loaded, 2);
    for model in [1, 2, 1, 3, 1] {
        let scored = service.score(ModelId(model), snippets([4])).await;
        assert_eq!(logits(&scored.expect("scored")), [Some(4.0)]);
    }
    let kept: Vec<i64> = service.stats().iter().map(|(model, _)| model.0).collect();
    assert_eq!(kept, [1, 3]);
    assert_eq!(loaded.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_classifier_that_cannot_be_loaded_is_tried_again_and_takes_no_place() {
    let (double, loaded) = (Double::new(), Arc::new(AtomicUsize::new(0)));
    let service = service(&double, &loaded, 1);
    service
        .score(ModelId(1), snippets([1]))
        .await
        .expect("scored");
    for _ in 0..2 {
        let failed = service.score(ModelId(13), snippets([1])).await;
        assert!(matches!(failed, Err(ScoringError::Load(_))), "{failed:?}");
    }
    assert_eq!(loaded.load(Ordering::SeqCst), 3);
    assert!(service.score(ModelId(1), snippets([1])).await.is_ok());
}

#[test]
fn the_estimate_of_tokens_is_rather_too_high() {
    // Each text as prompt and as completion, counted by MiniLM's tokenizer.
    let counted = [
        (
            "The bandit leader stepped aside, and the blade took a bite out of the gatepost.",
            39,
        ),
        (
            "“No!” she said — twice; ‘never’, he'd answered… 1,234.5 times.",
            53,
        ),
        (
            "Antidisestablishmentarianism x9z8q7 incomprehensibilities",
            43,
        ),
        ("日本語 и кириллица", 29),
        ("", 3),
    ];
    for (text, exact) in counted {
        let estimated = tokens::estimate(&SnippetText::new(text, text));
        assert!(estimated >= exact, "{text:?}: {estimated} for {exact}");
        assert!(estimated <= 2 * exact, "{text:?}: {estimated} for {exact}");
    }
}
