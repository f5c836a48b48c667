//! Thresholds and verdicts that promise something: how often the promise is kept. Quality read at many
//! thresholds off the same streams.

use super::Section;
use super::chance::{Counts, happens, tries};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet};
use nines_stats::anytime::sprt::{RateSprt, Verdict};
use nines_stats::learn_then_test::{CalibrationCount, certify};
use nines_stats::quality::{
    CompletionStream, LabelledPair, Preference, pairs_to_label, quality_curve,
};
use nines_stats::random::Stream;
use nines_stats::survival_of_uses::survival_at_least;
use nines_stats::threshold::neyman_pearson;
use nines_stats::{IntervalEstimate, conformal_risk};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (n, max_miss) in [(60, 0.1), (300, 0.02), (1_000, 0.02)] {
        rows.extend(guaranteed(plan, n, max_miss));
    }
    for (n, max_risk) in [(500, 0.01), (3_000, 0.01)] {
        rows.extend(certified(plan, n, max_risk));
    }
    for n in [120, 1_000] {
        rows.extend(expected(plan, n));
    }
    for (low, high) in [(0.01, 0.05), (1e-3, 3e-3)] {
        rows.extend(sequential(plan, low, high));
    }
    for (p, trials) in [(1e-3, 1_000), (1e-3, 10_000), (1e-5, 100_000)] {
        rows.extend(survived(plan, p, trials));
    }
    for prompts in [30, 200] {
        rows.extend(curve(plan, prompts));
    }
    Section {
        title: "Choices",
        words: "Thresholds and verdicts are counted as bounds that are right where the promise was kept: the miss \
            rate of a guaranteed threshold; the risk of a certified one (ten thresholds, risks from 0.2 to 2 times \
            the one allowed); the loss of one new item, with an expected risk of 1 − confidence allowed; verdicts \
            of a sequential test at the rate where they are wrong, with its own bound on that error set to 1 − \
            confidence. The chance to survive 1,000 uses. Quality at two thresholds read off streams of at most \
            five completions.",
        rows,
    }
}

/// Records an interval that holds the number 1 where a promise was kept.
fn promise(name: &'static str, n: u64, kept: impl Fn(f64) -> Option<bool>, sheet: &mut Sheet) {
    sheet.record(name, Rule::Word, 1.0, |confidence| {
        Some(IntervalEstimate {
            value: None,
            lower: 0.0,
            upper: f64::from(u8::from(kept(confidence)?)),
            confidence,
            method: "a promise (guaranteed)".to_owned(),
            n,
        })
    });
}

/// Uniform scores of catastrophes: the miss rate of a threshold is the threshold itself.
fn guaranteed(plan: &Plan, n: u64, max_miss: f64) -> Vec<Row> {
    let setting = format!("at most {max_miss} missed");
    plan.simulate(&setting, n, plan.size(1_000, 20_000), |stream, sheet| {
        let scores: Vec<f64> = (0..n).map(|_| stream.unit()).collect();
        let kept = |c: f64| Some(neyman_pearson(&scores, max_miss, c).ok()?.threshold <= max_miss);
        promise("neyman_pearson", n, kept, sheet);
    })
}

/// Items that fail at every threshold from some on: failures grow with the threshold, as do risks.
fn certified(plan: &Plan, n: u64, max_risk: f64) -> Vec<Row> {
    let risks: Vec<f64> = (1..=10).map(|i| 0.2 * f64::from(i) * max_risk).collect();
    let setting = format!("a risk of {max_risk} allowed");
    plan.simulate(&setting, n, plan.size(1_000, 20_000), |stream, sheet| {
        let mut counts: Vec<CalibrationCount> = risks
            .iter()
            .map(|&threshold| CalibrationCount {
                threshold,
                failures: 0,
            })
            .collect();
        for _ in 0..n {
            let fails_from = stream.unit();
            for count in counts.iter_mut().filter(|c| fails_from < c.threshold) {
                count.failures += 1;
            }
        }
        // Each threshold is the number that is its risk.
        let kept = |c: f64| {
            let chosen = certify(&counts, n, max_risk, c).ok()?.threshold;
            Some(chosen.is_none_or(|risk| risk <= max_risk))
        };
        promise("learn_then_test::certify", n, kept, sheet);
    })
}

/// A fifth of the items are catastrophes, which score higher; a new item is accepted or not.
fn expected(plan: &Plan, n: u64) -> Vec<Row> {
    let item = |stream: &mut Stream| {
        let hurt = happens(0.2, stream);
        (
            stream.normal() + if hurt { 1.5 } else { 0.0 },
            f64::from(u8::from(hurt)),
        )
    };
    plan.simulate(
        "a fifth would be a loss",
        n,
        plan.size(1_000, 20_000),
        |stream, sheet| {
            let (scores, losses): (Vec<f64>, Vec<f64>) = (0..n).map(|_| item(stream)).unzip();
            let (score, loss) = item(stream);
            let kept = |c: f64| {
                let chosen = conformal_risk::threshold(&scores, &losses, 1.0 - c, 1.0).ok()?;
                Some(score >= chosen.threshold || loss == 0.0)
            };
            promise("conformal_risk::threshold", n, kept, sheet);
        },
    )
}

/// The probability of one error while the other is bounded.
const OTHER_ERROR: f64 = 0.1;

/// The verdict on labels that fail at given gaps.
fn verdict(mut test: RateSprt, p: f64, stream: &mut Stream) -> Verdict {
    loop {
        for _ in 1..tries(p, stream) {
            if test.record(false) != Verdict::Undecided {
                return test.verdict();
            }
        }
        if test.record(true) != Verdict::Undecided {
            return test.verdict();
        }
    }
}

fn sequential(plan: &Plan, low: f64, high: f64) -> Vec<Row> {
    let setting = format!("{low} told from {high}");
    plan.simulate(&setting, 0, plan.size(400, 8_000), |stream, sheet| {
        let seed = stream.bits();
        // One error's own bound is its nominal probability over 1 less the other's.
        let nominal = |c: f64| (1.0 - c) * (1.0 - OTHER_ERROR);
        let passes = |c: f64| {
            let test = RateSprt::new(low, high, nominal(c), OTHER_ERROR).ok()?;
            Some(verdict(test, high, &mut Stream::new(seed, 0)) != Verdict::Low)
        };
        promise("RateSprt: no wrong pass", 0, passes, sheet);
        let fails = |c: f64| {
            let test = RateSprt::new(low, high, OTHER_ERROR, nominal(c)).ok()?;
            Some(verdict(test, low, &mut Stream::new(seed, 1)) != Verdict::High)
        };
        promise("RateSprt: no wrong fail", 0, fails, sheet);
    })
}

fn survived(plan: &Plan, p: f64, trials: u64) -> Vec<Row> {
    let uses = 1_000;
    let truth = (uses as f64 * (-p).ln_1p()).exp();
    let failures = Counts::binomial(trials, p);
    let setting = format!("{uses} uses");
    plan.enumerate(&setting, trials, failures.outcomes(), |seen, sheet| {
        sheet.record("survival_at_least", Rule::Word, truth, |c| {
            survival_at_least(seen[0], trials, uses, c).ok()
        });
    })
}

/// Uniform scores; whatever replaces a rejected completion is preferred at the same rate.
fn curve(plan: &Plan, prompts: u64) -> Vec<Row> {
    let (thresholds, tries, won) = ([0.4, 0.8], 5, 0.3);
    let names = [
        [
            "quality_curve at 0.4: guaranteed",
            "quality_curve at 0.4: rejected",
            "quality_curve at 0.4: fallback",
        ],
        [
            "quality_curve at 0.8: guaranteed",
            "quality_curve at 0.8: rejected",
            "quality_curve at 0.8: fallback",
        ],
    ];
    plan.simulate(
        "streams of five",
        prompts,
        plan.size(400, 8_000),
        |stream, sheet| {
            let scores: Vec<Vec<f64>> = (0..prompts)
                .map(|_| (0..tries).map(|_| stream.unit()).collect())
                .collect();
            let streams: Vec<CompletionStream<'_>> = (0..)
                .zip(&scores)
                .map(|(prompt, scores)| CompletionStream { prompt, scores })
                .collect();
            let Ok(needed) = pairs_to_label(&streams, &thresholds) else {
                return;
            };
            let labels: Vec<LabelledPair> = needed
                .iter()
                .map(|needed| LabelledPair {
                    pair: needed.pair,
                    preference: if happens(won, stream) {
                        Preference::Filtered
                    } else {
                        Preference::Unfiltered
                    },
                })
                .collect();
            let at = |c: f64| quality_curve(&streams, &thresholds, &labels, c).ok();
            for (place, ([quality, rejected, fallback], threshold)) in
                names.into_iter().zip(thresholds).enumerate()
            {
                let reject: f64 = 1.0 - threshold;
                sheet.record(quality, Rule::Word, 0.5 + reject * (won - 0.5), |c| {
                    Some(at(c)?.swap_remove(place).quality.guaranteed)
                });
                sheet.record(rejected, Rule::Word, reject, |c| {
                    Some(at(c)?.swap_remove(place).rejected)
                });
                sheet.record(fallback, Rule::Word, reject.powi(tries), |c| {
                    Some(at(c)?.swap_remove(place).fallback)
                });
            }
        },
    )
}
