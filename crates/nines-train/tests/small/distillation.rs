//! Learning from a teacher.

use crate::tiny::Bench;
use nines_domain::score::{Score, sigmoid};
use nines_train::data::Role;
use nines_train::distillation::{SoftTarget, Teacher};
use nines_train::{TrainError, TrainingData, TrainingRow};

/// What the teacher says of catastrophes and of safe rows: it is sure of neither.
const TOLD: [f64; 2] = [1.0, -2.0];

fn told(broad: bool) -> Score {
    Score::new(TOLD[usize::from(!broad)]).expect("finite")
}

/// The tiny task with what a teacher says of some rows; every third teaches without a label.
fn taught(bench: &mut Bench) {
    let rows = bench.data.rows().iter().enumerate().map(|(index, row)| {
        let alone = index % 3 == 0 && row.random;
        TrainingRow {
            soft: Some(match alone {
                true => SoftTarget::alone(told(row.broad)),
                false => SoftTarget::beside_label(told(row.broad)),
            }),
            training_only: alone,
            ..row.clone()
        }
    });
    bench.data = TrainingData::new(rows.collect()).expect("good rows");
    bench.roles = bench.data.split(1);
}

#[test]
fn a_student_meets_its_teachers_probabilities_and_not_the_labels() {
    let mut bench = Bench::new(60);
    taught(&mut bench);
    bench.one_batch();
    bench.config.teacher = Some(Teacher::default());
    let record = bench.train("taught");
    let rows = bench.roles.rows(Role::Train);
    let entropy = |broad: bool| {
        let p = sigmoid(told(broad).logit());
        -p * p.ln() - (1.0 - p) * (1.0 - p).ln()
    };
    let least = rows
        .iter()
        .map(|&row| entropy(bench.data.rows()[row].broad))
        .sum::<f64>();
    let least = least / rows.len() as f64;
    let last = record.curves.loss.last().copied().expect("a loss");
    assert!(
        last > least - 1e-4 && last < least + 0.01,
        "{last}, not {least}"
    );
}

#[test]
fn what_a_teacher_said_changes_nothing_unless_it_is_asked() {
    let plain = Bench::new(60);
    let expected = plain.train("plain").weights_digest;
    let mut bench = Bench::new(60);
    let rows = bench.data.rows().iter().map(|row| TrainingRow {
        soft: Some(SoftTarget::beside_label(told(row.broad))),
        ..row.clone()
    });
    bench.data = TrainingData::new(rows.collect()).expect("good rows");
    assert_ne!(bench.data.digest(), plain.data.digest());
    // Its loss is the same to the last digits that its weights keep, by another formula.
    bench.config.teacher = Some(Teacher { weight: 0.0 });
    let off = bench.train("off");
    let losses = |curve: &[f64]| curve.iter().map(|x| (x * 1e3).round()).collect::<Vec<_>>();
    let first = plain.train("again").curves.loss;
    assert_eq!(losses(&off.curves.loss[..3]), losses(&first[..3]));
    assert_eq!(plain.train("once more").weights_digest, expected);
    bench.config.teacher = Some(Teacher { weight: 1.0 });
    assert_ne!(bench.train("on").weights_digest, expected);
}

#[test]
fn a_teacher_that_says_nothing_is_refused() {
    let mut bench = Bench::new(60);
    bench.config.teacher = Some(Teacher::default());
    let refused = bench.train_in("refused", &mut nines_train::record::Silent);
    assert!(
        matches!(
            refused,
            Err(TrainError::Option {
                option: "teacher",
                ..
            })
        ),
        "{refused:?}"
    );
    taught(&mut bench);
    bench.config.teacher = Some(Teacher { weight: 1.5 });
    let refused = bench.train_in("refused too", &mut nines_train::record::Silent);
    assert!(
        matches!(
            refused,
            Err(TrainError::Option {
                option: "teacher.weight",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_stopped_student_goes_on_to_the_same_weights() {
    let mut bench = Bench::new(60);
    taught(&mut bench);
    bench.config.teacher = Some(Teacher { weight: 0.5 });
    let expected = bench.train("whole").weights_digest;
    let cancel = bench.cancel.clone();
    let mut stop = crate::tiny::StopAfter(7, cancel);
    bench.train_in("stopped", &mut stop).expect_err("stopped");
    bench.cancel = nines_infer::cancel::CancelFlag::default();
    let again = bench
        .train_in("stopped", &mut nines_train::record::Silent)
        .expect("trained");
    assert_eq!(again.weights_digest, expected);
}
