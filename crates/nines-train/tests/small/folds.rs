//! Cross-validation: every row is scored once, by a classifier that saw nothing of its family.

use crate::tiny::Bench;
use nines_infer::cancel::CancelFlag;
use nines_train::cross_validation::{CrossValidationJob, OutOfFoldScore, SCORES_FILE};
use nines_train::record::{Observer, Silent, StepRecord};
use nines_train::{TrainError, cross_validate};

/// Stops after a number of updates in all, and counts them.
struct Counter {
    updates: u64,
    stop_at: Option<u64>,
    cancel: CancelFlag,
}

impl Observer for Counter {
    fn step(&mut self, _: &StepRecord) {
        self.updates += 1;
        if Some(self.updates) == self.stop_at {
            self.cancel.cancel();
        }
    }
}

#[test]
fn every_row_is_held_out_once_and_a_stopped_run_goes_on() {
    let mut bench = Bench::new(90);
    bench.config.epochs = 6;
    let job = |folder: &'static str, bench: &Bench, observer: &mut dyn Observer| {
        let folder = bench.path(folder);
        let job = CrossValidationJob {
            base: &bench.base,
            data: &bench.data,
            folds: 3,
            config: &bench.config,
            cadence: bench.cadence,
            folder: &folder,
            keep_first: None,
            cancel: &bench.cancel,
        };
        cross_validate(job, observer)
    };
    let mut whole_counter = Counter {
        updates: 0,
        stop_at: None,
        cancel: CancelFlag::default(),
    };
    let whole = job("whole", &bench, &mut whole_counter).expect("trained");
    assert_eq!(whole.scores.len(), bench.data.rows().len());
    assert!(
        whole
            .scores
            .iter()
            .map(|s| s.snippet)
            .eq(bench.data.hashes().iter().copied())
    );
    assert!(
        whole.pooled.auroc.value > Some(0.95),
        "{:?}",
        whole.pooled.auroc
    );
    assert_eq!(whole.by_source.keys().collect::<Vec<_>>(), ["authored"]);
    assert_eq!(whole.records.len(), 3);

    let stop_at = Some(whole_counter.updates / 2);
    let mut first = Counter {
        updates: 0,
        stop_at,
        cancel: bench.cancel.clone(),
    };
    let error = job("stopped", &bench, &mut first).expect_err("stopped");
    assert!(matches!(error, TrainError::Cancelled { .. }), "{error}");
    bench.cancel = CancelFlag::default();
    let mut second = Counter {
        updates: 0,
        stop_at: None,
        cancel: CancelFlag::default(),
    };
    let resumed = job("stopped", &bench, &mut second).expect("trained");
    assert_eq!(resumed.scores, whole.scores);
    assert!(
        first.updates + second.updates <= whole_counter.updates + 4,
        "nothing twice"
    );

    let lines = std::fs::read_to_string(bench.path("stopped").join(SCORES_FILE)).expect("written");
    let read: Vec<OutOfFoldScore> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a score"))
        .collect();
    assert_eq!(read, whole.scores);

    // As after a kill between a fold's scores and the sweeping up: best weights lie there.
    let left = bench.path("stopped").join("fold-1/best-0000000001.weights");
    std::fs::write(&left, "").expect("written");
    let again = job("stopped", &bench, &mut Silent).expect("there already");
    assert_eq!(again.scores, whole.scores);
    assert!(!left.exists());

    bench.config.seed += 1;
    let error = job("stopped", &bench, &mut Silent).expect_err("refused");
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
}

#[test]
fn the_export_tells_the_same_folds_and_batches() {
    let bench = Bench::new(40);
    let folder = bench.path("export");
    let job = CrossValidationJob {
        base: &bench.base,
        data: &bench.data,
        folds: 3,
        config: &bench.config,
        cadence: bench.cadence,
        folder: &folder,
        keep_first: None,
        cancel: &bench.cancel,
    };
    nines_train::export::export_folds(job, &folder).expect("exported");
    let rows = std::fs::read_to_string(folder.join("rows.jsonl")).expect("written");
    let rows: Vec<serde_json::Value> = rows
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), bench.data.rows().len());
    for fold in 0..3 {
        let plan = std::fs::read(folder.join(format!("fold-{fold}.json"))).expect("written");
        let plan: serde_json::Value = serde_json::from_slice(&plan).expect("JSON");
        let roles = plan["roles"].as_str().expect("letters").as_bytes();
        for (row, letter) in rows.iter().zip(roles) {
            assert_eq!(row["fold"] == fold, *letter == b'h');
        }
        let mut first: Vec<u64> = plan["batches"][0]
            .as_array()
            .expect("batches")
            .iter()
            .flat_map(|batch| batch.as_array().expect("rows"))
            .map(|row| row.as_u64().expect("a row"))
            .collect();
        first.sort_unstable();
        let train: Vec<u64> = (0..)
            .zip(roles)
            .filter(|(_, r)| **r == b't')
            .map(|(i, _)| i)
            .collect();
        assert_eq!(first, train);
    }
    nines_nn::encoder::Classifier::load(&folder.join("initial"), &nines_nn::device::cpu())
        .expect("the model before its first update");
}
