//! Every technique learns, stops and goes on, and gives the same result whatever the threads.

use crate::tiny::{Bench, StopAfter};
use nines_domain::label::Severity;
use nines_infer::cancel::CancelFlag;
use nines_nn::encoder::Classifier;
use nines_train::config::{
    Averaging, Ema, Focal, FreeLb, LabelNoise, LastShare, Latent, LatentRows, LogitAdjusted, Loss,
    Sift,
};
use nines_train::data::Role;
use nines_train::record::{Observer, Silent};
use nines_train::{TrainConfig, TrainError, TrainingData, TrainingRow};

/// A technique, by its name and by what it changes in a recipe.
type Technique = (&'static str, fn(&mut TrainConfig));

const TECHNIQUES: [Technique; 13] = [
    ("focal", |c| c.loss = Loss::Focal(Focal::default())),
    ("logit adjusted", |c| {
        c.loss = Loss::LogitAdjusted(LogitAdjusted::default());
    }),
    ("label smoothing", |c| c.label_smoothing = 0.02),
    ("severity weights", |c| c.severity_weights = [0.5, 1.0, 2.0]),
    ("sift", |c| c.sift = Some(Sift::default())),
    ("freelb", |c| {
        c.freelb = Some(FreeLb {
            rate: 0.05,
            init: 0.05,
            radius: 0.15,
            ..FreeLb::default()
        });
    }),
    ("latent", |c| {
        c.latent = Some(Latent {
            layer: 1,
            ..Latent::default()
        });
    }),
    ("latent, all rows", |c| {
        c.latent = Some(Latent {
            layer: 2,
            radius: 0.1,
            rows: LatentRows::All,
            ..Latent::default()
        });
    }),
    ("r-drop and masks", |c| {
        c.r_drop = 1.0;
        c.multi_sample_dropout = 4;
    }),
    ("layer decay", |c| c.layer_decay = 0.8),
    ("running mean", |c| {
        c.averaging = Averaging::Ema(Ema { decay: 0.9 });
    }),
    ("last part's mean", |c| {
        c.averaging = Averaging::Last(LastShare { share: 0.9 });
    }),
    ("several at once", |c| {
        c.sift = Some(Sift::default());
        c.latent = Some(Latent {
            layer: 0,
            ..Latent::default()
        });
        c.r_drop = 0.5;
        c.multi_sample_dropout = 2;
        c.averaging = Averaging::Ema(Ema::default());
        c.adversarial_share = Some(0.25);
        c.loss = Loss::Focal(Focal { gamma: 1.0 });
    }),
];

/// The tiny task, in which every fourth row is adversarial and teaches only, and catastrophes are of all severities.
fn bench(prompts: usize) -> Bench {
    const SEVERITIES: [Severity; 3] = [Severity::Arguable, Severity::Clear, Severity::Egregious];
    let mut bench = Bench::new(prompts);
    let rows = bench.data.rows().iter().enumerate().map(|(i, row)| {
        let adversarial = i % 4 == 0 && !row.random;
        TrainingRow {
            adversarial,
            training_only: adversarial,
            severity: row.broad.then_some(SEVERITIES[i % 3]),
            ..row.clone()
        }
    });
    bench.data = TrainingData::new(rows.collect()).expect("good rows");
    bench.roles = bench.data.split(1);
    bench
}

#[test]
fn every_technique_learns_a_batch_by_heart() {
    for (name, change) in TECHNIQUES {
        let mut bench = bench(60);
        bench.one_batch();
        change(&mut bench.config);
        let record = bench.train(name);
        let fit = record.adversarial_fit.expect("some rows are adversarial");
        let last = record.curves.loss.last().copied().expect("a loss");
        // Smoothed targets 0.99 and 0.01 leave their entropy.
        let floor = if bench.config.label_smoothing > 0.0 {
            0.07
        } else {
            0.0
        };
        assert!(last < floor + 0.03, "{name}: the loss is {last}");
        let losses = record.curves.adversarial_loss.last().copied().flatten();
        assert!(
            losses.is_some_and(|loss| loss < floor + 0.06),
            "{name}: {losses:?}"
        );
        assert!(fit.adversarial.rows > 0 && fit.others.rows > 0);
    }
}

#[test]
fn every_technique_goes_on_to_the_same_result() {
    let plain = bench(40).train("plain").weights_digest;
    for (name, change) in TECHNIQUES {
        let mut bench = bench(40);
        change(&mut bench.config);
        let whole = bench.train("whole");
        assert_ne!(whole.weights_digest, plain, "{name} changes something");
        for stop in [3, whole.steps - 1] {
            let run = format!("stopped-{stop}");
            let mut observer = StopAfter(stop, bench.cancel.clone());
            let error = bench.train_in(&run, &mut observer).expect_err("stopped");
            assert!(
                matches!(error, TrainError::Cancelled { .. }),
                "{name}: {error}"
            );
            bench.cancel = CancelFlag::default();
            let resumed = bench.train(&run);
            assert_eq!(
                resumed.weights_digest, whole.weights_digest,
                "{name}, stopped after {stop}"
            );
            assert_eq!(resumed.evaluations, whole.evaluations, "{name}");
            assert_eq!(resumed.adversarial_fit, whole.adversarial_fit, "{name}");
            let curves = |record: &nines_train::TrainingRecord| {
                let curves = &record.curves;
                (
                    curves.loss.clone(),
                    curves.penalty.clone(),
                    curves.adversarial_loss.clone(),
                )
            };
            assert_eq!(curves(&resumed), curves(&whole), "{name}");
        }
    }
}

#[test]
fn severities_are_of_a_runs_identity_where_they_count() {
    let mut bench = bench(30);
    bench.config.epochs = 1;
    let graver: Vec<TrainingRow> = bench
        .data
        .rows()
        .iter()
        .map(|row| TrainingRow {
            severity: row.severity.map(|_| Severity::Egregious),
            ..row.clone()
        })
        .collect();
    let graver = TrainingData::new(graver).expect("good rows");
    let severities = bench.data.clone();
    let mut digests = |name: &str| {
        [&severities, &graver].map(|data| {
            bench.data = data.clone();
            bench.config.severity_weights = match name {
                "even" => [1.0; 3],
                _ => [0.5, 1.0, 2.0],
            };
            let run = format!("{name}-{}", std::ptr::eq(data, &graver));
            let record = bench.train(&run);
            (record.identity.data_digest, record.weights_digest)
        })
    };
    let [one, other] = digests("even");
    assert_eq!(one, other);
    let [one, other] = digests("weighed");
    assert!(one.0 != other.0 && one.1 != other.1, "{one:?}");
}

#[test]
fn no_result_depends_on_the_number_of_threads() {
    for (name, change) in TECHNIQUES {
        let mut bench = bench(30);
        bench.config.epochs = 1;
        change(&mut bench.config);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let run = format!("on-{threads}");
            pool.expect("a pool")
                .install(|| bench.train(&run).weights_digest)
        };
        assert_eq!(on(1), on(3), "{name}");
    }
}

/// The head's weights of a saved classifier.
fn head(bench: &Bench, run: &str) -> Vec<f32> {
    let folder = bench.path(&format!("{run}-out"));
    let model = Classifier::load(&folder, &nines_nn::device::cpu()).expect("saved");
    model.values("classifier.weight").expect("values")
}

#[test]
fn what_is_saved_is_the_average() {
    let mut bench = Bench::new(40);
    bench.config.epochs = 1;
    bench.config.evaluations_per_epoch = 1;
    let plain = bench.train("plain");
    // The mean over the last update alone is that update.
    bench.config.averaging = Averaging::Last(LastShare { share: 1e-9 });
    assert_eq!(bench.train("one").weights_digest, plain.weights_digest);
    // Over all updates it lags behind: it is nearer to where training began.
    bench.config.averaging = Averaging::Last(LastShare { share: 1.0 });
    bench.train("all");
    bench.config.averaging = Averaging::None;
    bench.config.learning_rate = 1e-12;
    bench.train("first");
    let first = head(&bench, "first");
    let moved = |run: &str| -> f32 {
        let pairs = first.iter().zip(head(&bench, run));
        pairs.map(|(a, b)| (a - b).powi(2)).sum()
    };
    assert!(moved("all") > 0.0 && moved("all") < moved("plain"));
}

#[test]
fn adversarial_rows_are_told_apart() {
    let mut bench = bench(60);
    let record = bench.train("run");
    let others = &record.evaluations[0].training_loss_apart;
    let apart = others.expect("some rows are adversarial");
    assert!(apart.adversarial.is_some() && apart.others.is_some());
    let fit = record.adversarial_fit.expect("some rows are adversarial");
    let train = bench.roles.rows(Role::Train);
    let adversarial = |row: &&usize| bench.data.rows()[**row].adversarial;
    assert_eq!(
        fit.adversarial.rows,
        train.iter().filter(adversarial).count()
    );
    assert_eq!(fit.adversarial.rows + fit.others.rows, train.len());
    assert!(fit.adversarial.fitted <= fit.adversarial.rows);
    let left_out = record
        .counts
        .iter()
        .find(|counts| counts.role == Role::LeftOut);
    assert!(left_out.is_some_and(|counts| counts.rows > 0));
    // A share of each batch: as many adversarial rows as asked for, again and again.
    bench.config.adversarial_share = Some(0.5);
    let mixed = bench.train("mixed");
    assert!(mixed.curves.adversarial_loss.iter().all(Option::is_some));
    bench.config.adversarial_share = Some(0.0);
    let without = bench.train("without");
    assert!(without.curves.adversarial_loss.is_empty() && without.adversarial_fit.is_none());
    let rows = |record: &nines_train::TrainingRecord, role: Role| {
        let counts = record.counts.iter().find(|counts| counts.role == role);
        counts.map_or(0, |counts| counts.rows)
    };
    assert_eq!(
        rows(&without, Role::Train),
        fit.others.rows,
        "what is not learnt is not counted as if it were"
    );
    assert_eq!(
        rows(&without, Role::LeftOut),
        rows(&record, Role::LeftOut) + fit.adversarial.rows
    );
    // Without such rows nothing is said of them, and a mixture is refused.
    let mut plain = Bench::new(60);
    let record = plain.train("run");
    assert!(record.adversarial_fit.is_none() && record.curves.adversarial_loss.is_empty());
    plain.config.adversarial_share = Some(0.5);
    let error = plain.train_in("mixed", &mut Silent).expect_err("refused");
    assert!(error.to_string().contains("0 of the"), "{error}");
}

#[test]
fn fewer_and_worse_labels_change_training_alone() {
    let mut bench = Bench::new(120);
    let whole = bench.train("whole");
    bench.config.label_budget = Some(100);
    let budgeted = bench.train("budgeted");
    let rows = |record: &nines_train::TrainingRecord, role: Role| {
        let counts = record.counts.iter().find(|counts| counts.role == role);
        counts.map_or(0, |counts| counts.rows)
    };
    let learning = |record| rows(record, Role::Train) + rows(record, Role::Validation);
    assert_eq!(learning(&budgeted), 100);
    assert_eq!(rows(&budgeted, Role::LeftOut), learning(&whole) - 100);
    assert_eq!(rows(&budgeted, Role::HeldOut), rows(&whole, Role::HeldOut));
    bench.config.label_budget = Some(10_000);
    let unlimited = bench.train("unlimited");
    assert_eq!(unlimited.weights_digest, whole.weights_digest);

    struct Notices(Vec<String>);
    impl Observer for Notices {
        fn notice(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }
    }
    bench.config.label_budget = None;
    bench.config.label_noise = LabelNoise {
        miss: 0.5,
        false_alarm: 0.0,
    };
    let mut notices = Notices(Vec::new());
    let noisy = bench.train_in("noisy", &mut notices).expect("trained");
    assert!(notices.0[0].contains("flipped"), "{:?}", notices.0);
    let catastrophes = |record: &nines_train::TrainingRecord, place: usize| {
        record.counts[place].catastrophes as f64
    };
    let kept = catastrophes(&noisy, 0) / catastrophes(&whole, 0);
    assert!(
        (0.3..0.7).contains(&kept),
        "{kept} of the catastrophes are left"
    );
    assert_eq!(catastrophes(&noisy, 2), catastrophes(&whole, 2), "held out");
}
