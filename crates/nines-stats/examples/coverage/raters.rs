//! Raters who err: corrected rates, agreement, Dawid and Skene.

use super::Section;
use super::chance::{Counts, happens};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet};
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::dawid_skene::{DawidSkeneOptions, dawid_skene_prevalence};
use nines_stats::prevalence::{
    Accuracy, FlaggedItems, corrected_bounds, rogan_gladen, uncorrected_rate,
};
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for gold in GOLDS {
        rows.extend(corrected(plan, &gold));
    }
    for (units, common) in [(30, 0.3), (100, 0.3), (300, 0.3), (100, 0.02)] {
        rows.extend(agreement(plan, units, common));
    }
    for (items, common) in [(60, 0.3), (200, 0.3), (200, 0.02)] {
        rows.extend(latent(plan, items, common));
    }
    Section {
        title: "Raters",
        words: "Items flagged by raters whose sensitivity and specificity were measured on gold items, or are known; \
            three raters of sensitivity 0.85 and specificity 0.9 who rate every item and err independently (200 \
            resamples for alpha, 100 for Dawid and Skene; the truth of alpha is that of infinitely many items).",
        rows,
    }
}

/// Items, raters and gold items.
struct Gold {
    words: &'static str,
    prevalence: f64,
    rated: u64,
    sensitivity: f64,
    specificity: f64,
    /// Gold catastrophes and gold safe items; 0 where the accuracy is known.
    gold: (u64, u64),
    uncorrected: Rule,
}

const GOLDS: [Gold; 5] = [
    Gold {
        words: "common, both measured",
        prevalence: 0.2,
        rated: 1_000,
        sensitivity: 0.9,
        specificity: 0.95,
        gold: (100, 200),
        uncorrected: Rule::Shown,
    },
    Gold {
        words: "common, few gold items",
        prevalence: 0.2,
        rated: 1_000,
        sensitivity: 0.9,
        specificity: 0.95,
        gold: (20, 20),
        uncorrected: Rule::Shown,
    },
    Gold {
        words: "1 in 100, specificity known to be 1",
        prevalence: 0.01,
        rated: 1_000,
        sensitivity: 0.8,
        specificity: 1.0,
        gold: (50, 0),
        uncorrected: Rule::Shown,
    },
    Gold {
        words: "1 in 1,000, both measured",
        prevalence: 1e-3,
        rated: 10_000,
        sensitivity: 0.9,
        specificity: 0.999,
        gold: (100, 10_000),
        uncorrected: Rule::Broken,
    },
    Gold {
        words: "1 in 100, both known",
        prevalence: 0.01,
        rated: 300,
        sensitivity: 0.9,
        specificity: 0.99,
        gold: (0, 0),
        uncorrected: Rule::Shown,
    },
];

/// An accuracy, measured anew in each repetition unless it is known.
fn measured(truth: f64, counts: Option<&Counts>, trials: u64, stream: &mut Stream) -> Accuracy {
    match counts {
        None => Accuracy::Known(truth),
        Some(counts) => Accuracy::Measured {
            right: counts.draw(stream),
            trials,
        },
    }
}

fn corrected(plan: &Plan, gold: &Gold) -> Vec<Row> {
    let seen =
        gold.prevalence * gold.sensitivity + (1.0 - gold.prevalence) * (1.0 - gold.specificity);
    let flags = Counts::binomial(gold.rated, seen);
    let of = |trials: u64, p: f64| (trials > 0).then(|| Counts::binomial(trials, p));
    let sensitivities = of(gold.gold.0, gold.sensitivity);
    let specificities = of(gold.gold.1, gold.specificity);
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let items = FlaggedItems {
            flagged: flags.draw(stream),
            rated: gold.rated,
            sensitivity: measured(
                gold.sensitivity,
                sensitivities.as_ref(),
                gold.gold.0,
                stream,
            ),
            specificity: measured(
                gold.specificity,
                specificities.as_ref(),
                gold.gold.1,
                stream,
            ),
        };
        let truth = gold.prevalence;
        sheet.record("rogan_gladen", Rule::Word, truth, |c| {
            Some(rogan_gladen(&items, c).ok()?.estimate)
        });
        sheet.record("corrected_bounds", Rule::Word, truth, |c| {
            Some(corrected_bounds(&items, c).ok()?.estimate)
        });
        sheet.record(
            "uncorrected_rate, of the rate flagged",
            Rule::Word,
            seen,
            |c| {
                Some(
                    uncorrected_rate(items.flagged, items.rated, c)
                        .ok()?
                        .estimate,
                )
            },
        );
        sheet.record(
            "uncorrected_rate, as if of catastrophes",
            gold.uncorrected,
            truth,
            |c| {
                Some(
                    uncorrected_rate(items.flagged, items.rated, c)
                        .ok()?
                        .estimate,
                )
            },
        );
    };
    plan.simulate(gold.words, gold.rated, plan.size(1_000, 20_000), experiment)
}

const SENSITIVITY: f64 = 0.85;
const SPECIFICITY: f64 = 0.9;

/// Ratings of three raters.
fn flags(items: u64, common: f64, stream: &mut Stream) -> Vec<Vec<Option<bool>>> {
    (0..items)
        .map(|_| {
            let flagged = if happens(common, stream) {
                SENSITIVITY
            } else {
                1.0 - SPECIFICITY
            };
            (0..3).map(|_| Some(happens(flagged, stream))).collect()
        })
        .collect()
}

fn agreement(plan: &Plan, units: u64, common: f64) -> Vec<Row> {
    let differ = |p: f64| 2.0 * p * (1.0 - p);
    let seen = common * differ(SENSITIVITY) + (1.0 - common) * differ(SPECIFICITY);
    let flagged = common * SENSITIVITY + (1.0 - common) * (1.0 - SPECIFICITY);
    let truth = 1.0 - seen / differ(flagged);
    let setting = format!("three raters, {common} are catastrophes");
    plan.simulate(&setting, units, plan.size(150, 3_000), |stream, sheet| {
        let ratings: Vec<Vec<Option<f64>>> = flags(units, common, stream)
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|r| r.map(|f| f64::from(u8::from(f))))
                    .collect()
            })
            .collect();
        let seed = stream.bits();
        sheet.record("krippendorff_alpha", Rule::Word, truth, |confidence| {
            let bootstrap = Bootstrap {
                resamples: 200,
                seed,
                confidence,
            };
            krippendorff_alpha(&ratings, Metric::Nominal, &bootstrap).ok()
        });
    })
}

fn latent(plan: &Plan, items: u64, common: f64) -> Vec<Row> {
    let setting = format!("three raters, {common} are catastrophes");
    let options = DawidSkeneOptions {
        tolerance: 1e-5,
        ..DawidSkeneOptions::default()
    };
    // Where catastrophes are rare, safe items flagged by mistake pass for them.
    let rule = if common < 0.1 {
        Rule::Broken
    } else {
        Rule::Word
    };
    plan.simulate(&setting, items, plan.size(16, 300), |stream, sheet| {
        let ratings = flags(items, common, stream);
        let seed = stream.bits();
        sheet.record("dawid_skene_prevalence", rule, common, |confidence| {
            let bootstrap = Bootstrap {
                resamples: 100,
                seed,
                confidence,
            };
            dawid_skene_prevalence(&ratings, &options, &bootstrap).ok()
        });
    })
}
