//! Few labels and many predictions, and two classifiers compared.

use super::Section;
use super::chance::{Counts, happens, together};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet, or_zero};
use nines_stats::disagreement::{DisagreementComparison, DisagreementSample, compare};
use nines_stats::prediction_powered::{
    PredictionPowered, PredictionStratum, active_inference, classical, power_tuned,
    prediction_powered, stratified,
};
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (rate, n) in [
        (0.3, 50),
        (0.3, 300),
        (0.05, 300),
        (0.01, 100),
        (0.01, 300),
        (0.01, 1_000),
        (1e-3, 3_000),
    ] {
        rows.extend(powered(plan, rate, n));
    }
    for comparison in COMPARISONS {
        rows.extend(in_frame(plan, &comparison));
        rows.extend(in_population(plan, &comparison));
    }
    Section {
        title: "Predictions and disagreements",
        words: "Means of yes-or-no labels with predictions for 2,000 more items: a fifth of the items are four \
            times as likely to be a yes as the others, the prediction is an item's own rate with noise, and the \
            label is drawn from that rate. Then the \
            difference of two classifiers' leaks from labels on what they disagree about: within one frame, and \
            among all completions.",
        rows,
    }
}

/// Unlabelled items.
const UNLABELLED: usize = 2_000;

/// Expected labels of the rarer kind below which prediction-powered intervals are shown to break; below
/// two they are mostly refused.
const ENOUGH: f64 = 5.0;

/// An item: its rate, and a noisy prediction of it.
fn item(rate: f64, stream: &mut Stream) -> (f64, f64) {
    // Half of the mass lies on a fifth of the items.
    let own = if happens(0.2, stream) {
        2.5 * rate
    } else {
        0.625 * rate
    };
    let noise = 0.5 + stream.unit();
    (own, (own * noise).min(1.0))
}

fn labelled(rate: f64, n: u64, stream: &mut Stream) -> (Vec<f64>, Vec<f64>) {
    (0..n)
        .map(|_| {
            let (own, prediction) = item(rate, stream);
            (f64::from(u8::from(happens(own, stream))), prediction)
        })
        .unzip()
}

fn powered(plan: &Plan, rate: f64, n: u64) -> Vec<Row> {
    let expected = rate * n as f64;
    let rule = if (2.0..ENOUGH).contains(&expected) {
        Rule::Broken
    } else {
        Rule::Word
    };
    // To show that something breaks takes more repetitions than to see that nothing does.
    let repetitions = if rule == Rule::Broken { 1_500 } else { 500 };
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let (labels, predictions) = labelled(rate, n, stream);
        let others: Vec<f64> = (0..UNLABELLED).map(|_| item(rate, stream).1).collect();
        let ppi = |c: f64| prediction_powered(&labels, &predictions, &others, c).ok();
        let tuned = |c: f64| power_tuned(&labels, &predictions, &others, c).ok();
        let trusted = |e: PredictionPowered| e.trusted.then_some(e.estimate);
        sheet.record("classical", rule, rate, |c| {
            Some(classical(&labels, c).ok()?.estimate)
        });
        sheet.record("prediction_powered", Rule::Word, rate, |c| {
            Some(ppi(c)?.estimate)
        });
        sheet.record("power_tuned", rule, rate, |c| Some(tuned(c)?.estimate));
        if expected < ENOUGH {
            sheet.record(
                "power_tuned, or 0 without a failure",
                Rule::Broken,
                rate,
                |c| Some(or_zero(tuned(c).map(|e| e.estimate), c)),
            );
        }
        sheet.record("power_tuned, when trusted", Rule::Word, rate, |c| {
            trusted(tuned(c)?)
        });
        let half = labels.len() / 2;
        let strata = [0..half, half..labels.len()].map(|part| PredictionStratum {
            weight: 0.5,
            labels: &labels[part.clone()],
            predictions: &predictions[part],
            unlabelled: &others,
        });
        // Both halves are the same population here; their unlabelled items must not be shared.
        let strata = [
            PredictionStratum {
                unlabelled: &others[..UNLABELLED / 2],
                ..strata[0]
            },
            PredictionStratum {
                unlabelled: &others[UNLABELLED / 2..],
                ..strata[1]
            },
        ];
        sheet.record("stratified predictions", Rule::Word, rate, |c| {
            Some(stratified(&strata, c).ok()?.powered.estimate)
        });
        let (all, chances, seen) = actively(rate, n, stream);
        sheet.record("active_inference", Rule::Word, rate, |c| {
            Some(active_inference(&all, &chances, &seen, c).ok()?.estimate)
        });
    };
    plan.simulate(
        "yes-or-no labels",
        n,
        plan.size(repetitions, 5_000),
        experiment,
    )
}

/// Predictions of ten items for each label, label probabilities and the labels drawn.
fn actively(rate: f64, n: u64, stream: &mut Stream) -> (Vec<f64>, Vec<f64>, Vec<Option<f64>>) {
    let (mut predictions, mut chances, mut seen) = (vec![], vec![], vec![]);
    for _ in 0..10 * n {
        let (own, prediction) = item(rate, stream);
        // Proportional to the standard deviation that the prediction suggests, on average a tenth.
        let spread = (prediction * (1.0 - prediction) / (rate * (1.0 - rate))).sqrt();
        let chance = (0.02 + 0.08 * spread).min(1.0 - 1e-9);
        let label = f64::from(u8::from(happens(own, stream)));
        seen.push(happens(chance, stream).then_some(label));
        predictions.push(prediction);
        chances.push(chance);
    }
    (predictions, chances, seen)
}

/// A frame with what two classifiers disagree about.
struct Comparison {
    words: &'static str,
    frame: u64,
    /// Disagreements, those of them that are catastrophes, and labels: old only, new only.
    old: (u64, u64, u64),
    new: (u64, u64, u64),
    normal: Rule,
}

const COMPARISONS: [Comparison; 3] = [
    Comparison {
        words: "many failures",
        frame: 10_000,
        old: (600, 120, 200),
        new: (500, 60, 200),
        normal: Rule::Word,
    },
    Comparison {
        words: "few failures",
        frame: 20_000,
        old: (300, 9, 100),
        new: (250, 3, 100),
        normal: Rule::Word,
    },
    Comparison {
        words: "hardly any failures",
        frame: 200_000,
        old: (3_000, 12, 300),
        new: (2_500, 2, 300),
        normal: Rule::Broken,
    },
];

fn difference(old: (u64, u64, u64), new: (u64, u64, u64), frame: u64) -> f64 {
    (old.1 as f64 - new.1 as f64) / frame as f64
}

fn in_frame(plan: &Plan, comparison: &Comparison) -> Vec<Row> {
    let Comparison { old, new, .. } = *comparison;
    let truth = difference(old, new, comparison.frame);
    let drawn =
        [old, new].map(|(size, failing, labels)| Counts::hypergeometric(failing, labels, size));
    let setting = format!("disagreements in a frame, {}", comparison.words);
    plan.enumerate(&setting, old.2 + new.2, together(&drawn), |seen, sheet| {
        let of = |c: f64| {
            compare(
                comparison.frame,
                sample(old.0, old.2, seen[0]),
                sample(new.0, new.2, seen[1]),
                c,
            )
            .ok()
        };
        sheet.record("compare: frame exact", Rule::Word, truth, |c| {
            Some(of(c)?.frame.exact)
        });
        sheet.record("compare: frame normal", comparison.normal, truth, |c| {
            of(c)?.frame.normal
        });
    })
}

fn sample(size: u64, labelled: u64, failures: u64) -> DisagreementSample {
    DisagreementSample {
        size,
        labelled,
        failures,
    }
}

/// The frame is itself a sample: its disagreements vary too.
fn in_population(plan: &Plan, comparison: &Comparison) -> Vec<Row> {
    let Comparison { old, new, .. } = *comparison;
    let frame = comparison.frame;
    let truth = difference(old, new, frame);
    let sizes = [old, new].map(|(size, ..)| Counts::binomial(frame, size as f64 / frame as f64));
    let setting = format!("disagreements of all completions, {}", comparison.words);
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let [first, second] = [(old, 0), (new, 1)].map(|((size, failing, labels), which)| {
            // Two rare shares of a large frame are nearly independent.
            let found = sizes[which].draw(stream);
            let labels = labels.min(found);
            let rate = failing as f64 / size as f64;
            sample(found, labels, super::chance::binomial(labels, rate, stream))
        });
        let of =
            |c: f64| -> Option<DisagreementComparison> { compare(frame, first, second, c).ok() };
        sheet.record("compare: population exact", Rule::Word, truth, |c| {
            Some(of(c)?.population.exact)
        });
        sheet.record("compare: population normal", Rule::Word, truth, |c| {
            of(c)?.population.normal
        });
    };
    plan.simulate(
        &setting,
        old.2 + new.2,
        plan.size(1_000, 10_000),
        experiment,
    )
}
