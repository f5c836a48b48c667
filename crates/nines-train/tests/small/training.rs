//! What training does: it learns, the same way every time, and moves what it should.

use crate::tiny::{Bench, StopAfter};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_nn::encoder::{Classifier, ParameterPlace};
use nines_train::config::{Keep, LongRows, PositiveWeight};
use nines_train::data::Role;
use nines_train::record::{Ending, EvaluationRecord, Observer, RunPlan, StepRecord};
use nines_train::{TrainError, TrainingData};

/// Keeps what it is told.
#[derive(Default)]
struct Listener {
    plans: Vec<RunPlan>,
    steps: Vec<StepRecord>,
    evaluations: Vec<EvaluationRecord>,
    checkpoints: usize,
}

impl Observer for Listener {
    fn planned(&mut self, plan: &RunPlan) {
        self.plans.push(plan.clone());
    }
    fn step(&mut self, step: &StepRecord) {
        self.steps.push(*step);
    }
    fn evaluation(&mut self, evaluation: &EvaluationRecord) {
        self.evaluations.push(evaluation.clone());
    }
    fn checkpoint(&mut self, _: &nines_train::record::CheckpointRecord) {
        self.checkpoints += 1;
    }
}

#[test]
fn a_short_run_reaches_a_known_loss_and_tells_everything() {
    let mut bench = Bench::new(120);
    bench.config.epochs = 8;
    let mut listener = Listener::default();
    let record = bench.train_in("run", &mut listener).expect("trained");
    assert!(
        record.best.loss.value < Some(0.12),
        "{:?}",
        record.best.loss
    );
    assert!(
        record.best.auroc.value > Some(0.98),
        "{:?}",
        record.best.auroc
    );

    assert_eq!(record.ending, Ending::AllEpochs);
    assert_eq!(listener.steps.len() as u64, record.steps);
    assert_eq!(record.curves.loss.len() as u64, record.steps);
    assert_eq!(listener.evaluations, record.evaluations);
    assert_eq!(listener.evaluations.len(), 16);
    assert!(listener.checkpoints > 0);
    assert_eq!(listener.plans[0].first_step, 1);
    let (first, last) = (
        &listener.steps[0],
        &listener.steps[listener.steps.len() - 1],
    );
    assert!(first.learning_rate < bench.config.learning_rate && last.learning_rate > 0.0);
    assert!(
        listener
            .steps
            .iter()
            .all(|s| s.gradient_norm > 0.0 && s.examples_per_second > 0.0)
    );
    let evaluation = &listener.evaluations[0].validation;
    let asked: Vec<f64> = evaluation
        .recall_at_acceptance
        .iter()
        .map(|r| r.asked)
        .collect();
    assert_eq!(asked, [0.5, 0.8, 0.9, 0.95]);
    for estimate in [&evaluation.loss, &evaluation.auroc, &evaluation.auprc] {
        assert!(
            estimate.lower < estimate.upper,
            "{estimate:?} has an interval"
        );
    }
}

#[test]
fn one_seed_gives_one_result() {
    let mut bench = Bench::new(60);
    let (first, second) = (bench.train("first"), bench.train("second"));
    assert_eq!(first.weights_digest, second.weights_digest);
    assert_eq!(first.curves.loss, second.curves.loss);
    assert_eq!(first.evaluations, second.evaluations);
    bench.config.seed += 1;
    assert_ne!(first.weights_digest, bench.train("third").weights_digest);
}

#[test]
fn a_batch_can_be_learnt_by_heart() {
    let mut bench = Bench::new(60);
    bench.one_batch();
    bench.config.epochs = 300;
    let record = bench.train("run");
    let last = record.curves.loss.last().copied().expect("a loss");
    assert!(last < 0.01, "the loss on the only batch is {last}");
}

#[test]
fn frozen_layers_stay_and_all_others_move() {
    let mut bench = Bench::new(60);
    bench.config.epochs = 1;
    let device = nines_nn::device::cpu();
    let before = Classifier::load(&bench.base, &device).expect("loaded");
    for (from_layer, freezes, run) in [
        (0, false, "all"),
        (0, true, "layers"),
        (1, false, "upper"),
        (2, true, "head"),
    ] {
        bench.config.freeze_embeddings = freezes;
        bench.config.from_layer = from_layer;
        let mut listener = Listener::default();
        bench.train_in(run, &mut listener).expect("trained");
        let after = Classifier::load(&bench.path(&format!("{run}-out")), &device).expect("loaded");
        let mut frozen = 0;
        for info in before.parameters() {
            let same = before.values(&info.name).expect("values")
                == after.values(&info.name).expect("values");
            let learns = match info.place {
                ParameterPlace::Embeddings => from_layer == 0 && !freezes,
                ParameterPlace::Layer(layer) => layer >= from_layer,
                ParameterPlace::Head => true,
            };
            assert_eq!(
                same, !learns,
                "{} when training from layer {from_layer}",
                info.name
            );
            frozen += if learns { 0 } else { info.len() };
        }
        assert_eq!(listener.plans[0].frozen, frozen);
    }
    bench.config.from_layer = 3;
    let error = bench
        .train_in("none", &mut Listener::default())
        .expect_err("refused");
    assert!(
        error.to_string().contains("the model has 2 layers"),
        "{error}"
    );
}

#[test]
fn early_stopping_keeps_the_best_weights() {
    let mut bench = Bench::new(60);
    bench.config.epochs = 60;
    bench.config.learning_rate = 2e-2;
    bench.config.patience = Some(3);
    let record = bench.train("run");
    assert_eq!(record.ending, Ending::EarlyStopping);
    let lowest = record
        .evaluations
        .iter()
        .min_by(|a, b| {
            a.validation
                .loss
                .value
                .partial_cmp(&b.validation.loss.value)
                .expect("finite")
        })
        .expect("an evaluation");
    assert_eq!(
        (record.best_step, &record.best),
        (lowest.step, &lowest.validation)
    );
    assert!(record.steps > record.best_step);
    assert!(lowest.best && !record.evaluations[record.evaluations.len() - 1].best);
}

#[test]
fn the_last_weights_are_kept_where_the_recipe_says_so() {
    let mut bench = Bench::new(60);
    bench.config.epochs = 20;
    bench.config.learning_rate = 2e-2;
    bench.config.dropout = Some(0.0);
    let best = bench.train("best");
    assert!(best.best_step < best.steps, "the best is not the last");
    bench.config.keep = Keep::Last;
    bench.config.patience = Some(1);
    let last = bench.train("last");
    // The same updates, to the end, and other weights kept of them.
    assert_eq!(last.ending, Ending::AllEpochs);
    assert_eq!(last.curves.loss, best.curves.loss);
    assert_eq!(last.evaluations, best.evaluations);
    assert_eq!((last.best_step, last.steps), (best.steps, best.steps));
    assert_eq!(
        last.best,
        best.evaluations[best.evaluations.len() - 1].validation
    );
    assert_ne!(last.weights_digest, best.weights_digest);
    // Validation decides nothing: with fewer looks the same weights come out.
    bench.config.evaluations_per_epoch = 1;
    assert_eq!(bench.train("looks").weights_digest, last.weights_digest);
    bench.config.evaluations_per_epoch = 2;
    bench
        .train_in("stopped", &mut StopAfter(31, bench.cancel.clone()))
        .expect_err("stopped");
    bench.cancel = CancelFlag::default();
    let resumed = bench.train("stopped");
    assert_eq!(resumed.weights_digest, last.weights_digest);
    assert_eq!(resumed.evaluations, last.evaluations);
}

#[test]
fn a_row_that_does_not_fit_is_refused_by_name_or_windowed() {
    let mut bench = Bench::new(60);
    let mut rows = crate::tiny::rows(60);
    let long = "she walked and ".repeat(20);
    let index = rows
        .iter()
        .position(|row| row.broad)
        .expect("a catastrophe");
    rows[index].text = SnippetText::new(format!("{long}again"), "then she bled");
    let hash = rows[index].text.hash().to_string();
    bench.data = TrainingData::new(rows).expect("good rows");
    bench.roles = bench.data.split(1);
    let error = bench
        .train_in("refused", &mut Listener::default())
        .expect_err("refused");
    let TrainError::TooLong {
        snippet,
        tokens,
        window,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (snippet, *tokens, *window),
        (&hash, 67, crate::tiny::WINDOW)
    );
    assert!(error.to_string().contains("--long max"), "{error}");
    assert!(!bench.path("refused-out").exists());

    bench.config.long = LongRows::MaxWindow;
    let record = bench.train("windowed");
    assert_eq!(record.weights_digest, bench.train("again").weights_digest);
}

#[test]
fn an_empty_completion_is_refused_by_name() {
    let mut bench = Bench::new(60);
    let mut rows = crate::tiny::rows(60);
    rows[3].text.completion = "  ".into();
    bench.data = TrainingData::new(rows).expect("good rows");
    bench.roles = bench.data.split(1);
    let error = bench
        .train_in("run", &mut Listener::default())
        .expect_err("refused");
    assert!(
        matches!(error, TrainError::EmptyCompletion { .. }),
        "{error}"
    );
}

#[test]
fn a_diverging_run_stops_and_says_what_to_do() {
    let mut bench = Bench::new(60);
    bench.config.learning_rate = 1e30;
    bench.cadence.every_steps = Some(1);
    let error = bench
        .train_in("run", &mut Listener::default())
        .expect_err("diverges");
    let TrainError::Diverged {
        step,
        checkpoint,
        learning_rate,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(*step >= 2 && *learning_rate > 0.0);
    assert!(checkpoint.as_ref().is_some_and(|path| path.exists()));
    let message = error.to_string();
    assert!(message.contains("Lower the learning rate"), "{message}");
    assert!(!bench.path("run-out").exists());
}

#[test]
fn a_finished_run_is_not_repeated_and_nothing_is_overwritten() {
    let mut bench = Bench::new(60);
    let first = bench.train("run");
    let files = std::fs::read_dir(bench.path("run"))
        .expect("listed")
        .count();
    assert_eq!(files, 1, "the lock alone is left of the checkpoints");
    let mut listener = Listener::default();
    assert_eq!(
        bench.train_in("run", &mut listener).expect("there already"),
        first
    );
    assert!(listener.steps.is_empty());
    // As after a kill between the result and the sweeping up: the same run's checkpoints lie there.
    let mut stopping = crate::tiny::StopAfter(5, bench.cancel.clone());
    bench.train_in("again", &mut stopping).expect_err("stopped");
    bench.cancel = nines_infer::cancel::CancelFlag::default();
    let entries = |folder: &str| {
        std::fs::read_dir(bench.path(folder))
            .expect("listed")
            .map(|entry| entry.expect("an entry").path())
            .collect::<Vec<_>>()
    };
    for file in entries("again") {
        let to = bench.path("run").join(file.file_name().expect("a name"));
        std::fs::copy(file, to).expect("copied");
    }
    assert!(entries("run").len() > 1);
    assert_eq!(
        bench.train_in("run", &mut listener).expect("there already"),
        first
    );
    assert_eq!(entries("run").len(), 1, "the checkpoints are gone");
    bench.config.positive_weight = PositiveWeight::Value(2.0);
    let error = bench.train_in("run", &mut listener).expect_err("refused");
    assert!(matches!(error, TrainError::OutputExists { .. }), "{error}");
}

#[test]
fn a_saved_classifier_scores_as_the_record_says() {
    use nines_nn::batch::TokenBatch;
    use nines_nn::encoder::Mode;
    let bench = Bench::new(120);
    let record = bench.train("run");
    let folder = bench.path("run-out");
    let model = Classifier::load(&folder, &nines_nn::device::cpu()).expect("loaded");
    assert_eq!(model.label(), "an injury");
    let tokenizer = nines_text::SnippetTokenizer::from_folder(&folder).expect("loaded");
    let rows = bench.roles.rows(Role::Validation);
    let scores: Vec<f64> = rows
        .iter()
        .map(|&row| {
            let text = &bench.data.rows()[row].text;
            let tokens = tokenizer
                .encode(&text.prompt, &text.completion)
                .expect("tokens");
            let batch = TokenBatch::from_rows(&[(&tokens.ids, &tokens.type_ids)]);
            let logits = model
                .logits(&batch, Mode::Evaluate)
                .expect("a logit")
                .into_data();
            logits.iter::<f64>().next().expect("one")
        })
        .collect();
    let objective = nines_train::loss::Objective::plain(record.positive_weight);
    let metrics =
        nines_train::metrics::measure(&bench.data, &rows, &scores, &objective).expect("measured");
    let close =
        |a: Option<f64>, b: Option<f64>| (a.expect("a value") - b.expect("a value")).abs() < 1e-5;
    assert!(
        close(metrics.loss.value, record.best.loss.value),
        "{metrics:?}"
    );
    assert!(close(metrics.auroc.value, record.best.auroc.value));
}
