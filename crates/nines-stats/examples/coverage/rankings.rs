//! Rankings, recall and thresholds, quantiles and means.

use super::Section;
use super::chance::{happens, tries};
use super::plan::Plan;
use super::tally::{NOMINAL, Row, Rule, Sheet, stated};
use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::calibration::reliability_bins;
use nines_stats::normal;
use nines_stats::quantile::{Support, mean, quantile};
use nines_stats::random::Stream;
use nines_stats::ranking::{RankingMetric, RankingSample, paired_difference};
use nines_stats::threshold::{acceptance_at_most, recall_at_least};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (positives, shift) in [(3, 1.2), (5, 1.2), (5, 2.5), (12, 2.5), (40, 2.5)] {
        rows.extend(ranked(plan, positives, shift));
    }
    for (positives, references) in [
        (10, 80),
        (20, 80),
        (85, 80),
        (85, 550),
        (1_000, 10),
        (1_000, 40),
    ] {
        rows.extend(recalled(plan, positives, references));
    }
    for (hurt, random, spread) in [(5, 20, 0.5), (20, 100, 0.5), (100, 30, 0.5), (20, 20, 3.0)] {
        rows.extend(recalled_in_families(plan, hurt, random, spread, false));
        if hurt <= random {
            rows.extend(recalled_in_families(plan, hurt, random, spread, true));
        }
    }
    for n in [20, 100, 1_000] {
        rows.extend(ordered(plan, n));
    }
    for draws in Draws::ALL {
        for n in [10, 100, 300, 1_000] {
            rows.extend(averaged(plan, draws, n));
        }
    }
    rows.extend(binned(plan));
    Section {
        title: "Rankings, thresholds, quantiles",
        words: "AUROC with n families that hold a catastrophe among 100 others (200 resamples); recall at an acceptance \
            of 0.8 with single items or families of four and a threshold from the reference; thresholds chosen on the items whose \
            share is then reported; quantiles and means of draws; reliability bins of calibrated scores (a \
            bin's truth is the mean probability of its items).",
        rows,
    }
}

fn resampling(seed: u64, confidence: f64) -> Bootstrap {
    Bootstrap {
        resamples: 200,
        seed,
        confidence,
    }
}

const FAMILY_SPREAD: f64 = 0.5;

/// Scores, labels and families: one item of each class in the first families, two safe ones in the
/// others.
fn families(positives: u64, shift: f64, stream: &mut Stream) -> (Vec<f64>, Vec<bool>, Vec<u64>) {
    let (mut scores, mut positive, mut families) = (vec![], vec![], vec![]);
    for family in 0..positives + 100 {
        let effect = FAMILY_SPREAD * stream.normal();
        for item in 0..2 {
            let hurt = item == 0 && family < positives;
            scores.push(effect + stream.normal() + if hurt { shift } else { 0.0 });
            positive.push(hurt);
            families.push(family);
        }
    }
    (scores, positive, families)
}

/// The average precision of infinitely many items of which a share is positive: the mean precision at
/// the scores of positives.
fn average_precision(common: f64, shift: f64) -> f64 {
    let deviation = (1.0 + FAMILY_SPREAD.powi(2)).sqrt();
    let above = |z: f64| normal::ln_cdf(-z).exp();
    let steps = 4_000;
    let total: f64 = (0..steps)
        .filter_map(|i| normal::quantile((f64::from(i) + 0.5) / f64::from(steps)).ok())
        .map(|z| {
            let caught = common * above(z);
            caught / (caught + (1.0 - common) * above(z + shift / deviation))
        })
        .sum();
    total / f64::from(steps)
}

fn ranked(plan: &Plan, positives: u64, shift: f64) -> Vec<Row> {
    let deviation = (2.0 * (1.0 + FAMILY_SPREAD.powi(2))).sqrt();
    let auroc = normal::ln_cdf(shift / deviation).exp();
    let common = positives as f64 / (2.0 * (positives + 100) as f64);
    let precision = average_precision(common, shift);
    // With three families the interval is an exact one, whatever the bootstrap.
    let figure = if positives < 5 {
        Rule::Word
    } else {
        stated(0.92)
    };
    let setting = format!("catastrophes score {shift} higher");
    plan.simulate(
        &setting,
        positives,
        plan.size(150, 2_000),
        |stream, sheet| {
            let (scores, positive, members) = families(positives, shift, stream);
            let seed = stream.bits();
            let Ok(sample) = RankingSample::new(&scores, &positive, &members) else {
                return;
            };
            sheet.record("RankingSample::estimate, AUROC", figure, auroc, |c| {
                sample
                    .estimate(RankingMetric::Auroc, &resampling(seed, c))
                    .ok()
            });
            let rule = if positives < 5 {
                Rule::Word
            } else {
                stated(0.97)
            };
            let name = "RankingSample::estimate, average precision";
            sheet.record(name, rule, precision, |c| {
                sample
                    .estimate(RankingMetric::AveragePrecision, &resampling(seed, c))
                    .ok()
            });
            if positives < 5 {
                // Too few to pair.
                return;
            }
            let mut noisy = || {
                let other: Vec<f64> = scores.iter().map(|s| s + 0.5 * stream.normal()).collect();
                RankingSample::new(&other, &positive, &members)
            };
            let (Ok(first), Ok(second)) = (noisy(), noisy()) else {
                return;
            };
            sheet.record("paired_difference, AUROC", NOMINAL, 0.0, |c| {
                paired_difference(&first, &second, RankingMetric::Auroc, &resampling(seed, c)).ok()
            });
        },
    )
}

/// Uniform reference scores and catastrophes squared towards 1: recall at acceptance a is 1 − a².
fn recalled(plan: &Plan, positives: u64, references: u64) -> Vec<Row> {
    let acceptance = 0.8;
    let setting = format!("{references} reference items");
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let hurt: Vec<f64> = (0..positives).map(|_| stream.unit().sqrt()).collect();
        let random: Vec<f64> = (0..references).map(|_| stream.unit()).collect();
        let hurt_families: Vec<u64> = (0..positives).collect();
        let random_families: Vec<u64> = (1_000..1_000 + references).collect();
        let (Ok(hurt), Ok(random)) = (
            FamilyScores::new("catastrophes", &hurt, &hurt_families),
            FamilyScores::new("random", &random, &random_families),
        ) else {
            return;
        };
        let seed = stream.bits();
        let truth = 1.0 - acceptance * acceptance;
        sheet.record("recall_at_acceptance: recall", Rule::Word, truth, |c| {
            let at = recall_at_acceptance(&hurt, &random, acceptance, &resampling(seed, c));
            Some(at.ok()?.recall)
        });
        // The acceptance of the threshold chosen is the threshold itself.
        for asked in [0.5, 0.9] {
            let name = if asked == 0.5 {
                "acceptance_at_most 0.5"
            } else {
                "acceptance_at_most 0.9"
            };
            if let Ok(chosen) = acceptance_at_most(&random, asked, 0.95) {
                sheet.record(name, Rule::Word, chosen.threshold, |c| {
                    Some(acceptance_at_most(&random, asked, c).ok()?.share)
                });
            }
        }
        for (name, asked) in [("recall_at_least 0.8", 0.8), ("recall_at_least 1", 1.0)] {
            if let Ok(chosen) = recall_at_least(&hurt, asked, 0.95) {
                let truth = 1.0 - chosen.threshold.powi(2);
                sheet.record(name, Rule::Word, truth, |c| {
                    Some(recall_at_least(&hurt, asked, c).ok()?.share)
                });
            }
        }
    };
    plan.simulate(&setting, positives, plan.size(400, 4_000), experiment)
}

/// Families of four whose scores share an effect, catastrophes 1.2 higher.
fn recalled_in_families(
    plan: &Plan,
    hurt: u64,
    random: u64,
    spread: f64,
    shared: bool,
) -> Vec<Row> {
    let acceptance = 0.8;
    let deviation = (1.0 + spread.powi(2)).sqrt();
    // The quantile lies in (0, 1), where there is one.
    let Ok(z) = normal::quantile(acceptance) else {
        return Vec::new();
    };
    let truth = normal::ln_cdf(1.2 / deviation - z).exp();
    let place = if shared { "the same" } else { "others" };
    let setting = format!(
        "{random} families of four reference items, spread {spread}, catastrophes in {place}"
    );
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let effects: Vec<f64> = (0..hurt + random)
            .map(|_| spread * stream.normal())
            .collect();
        let mut draw = |first: u64, families: u64, shift: f64| -> (Vec<f64>, Vec<u64>) {
            (first..first + families)
                .flat_map(|family| [family; 4])
                .map(|family| (effects[family as usize] + shift + stream.normal(), family))
                .unzip()
        };
        let reference = draw(0, random, 0.0);
        let caught = draw(if shared { 0 } else { random }, hurt, 1.2);
        let (Ok(caught), Ok(reference)) = (
            FamilyScores::new("catastrophes", &caught.0, &caught.1),
            FamilyScores::new("random", &reference.0, &reference.1),
        ) else {
            return;
        };
        let figure = stated(0.99);
        sheet.record(
            "recall_at_acceptance: recall, families",
            figure,
            truth,
            |c| {
                let at = recall_at_acceptance(&caught, &reference, acceptance, &resampling(0, c));
                Some(at.ok()?.recall)
            },
        );
    };
    plan.simulate(&setting, hurt, plan.size(300, 4_000), experiment)
}

fn ordered(plan: &Plan, n: u64) -> Vec<Row> {
    let support = Support {
        low: 0.0,
        high: 1.0,
    };
    plan.simulate(
        "uniform numbers",
        n,
        plan.size(1_000, 20_000),
        |stream, sheet| {
            let values: Vec<f64> = (0..n).map(|_| stream.unit()).collect();
            for (name, q) in [
                ("quantile 0.5", 0.5),
                ("quantile 0.9", 0.9),
                ("quantile 0.99", 0.99),
            ] {
                sheet.record(name, Rule::Word, q, |c| {
                    quantile(&values, q, support, c).ok()
                });
            }
        },
    )
}

/// How many draws a prompt takes, with a cap of 20.
#[derive(Debug, Clone, Copy)]
enum Draws {
    /// Every draw is accepted with probability ½.
    Even,
    /// One prompt in 50 needs all 20, the others one.
    FewHard,
}

impl Draws {
    const ALL: [Self; 2] = [Self::Even, Self::FewHard];

    fn words(self) -> &'static str {
        match self {
            Self::Even => "draws until accepted with probability ½, at most 20",
            Self::FewHard => "one draw, but 20 for one prompt in 50",
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Even => (1.0 - 0.5_f64.powi(20)) / 0.5,
            Self::FewHard => 1.0 + 19.0 / 50.0,
        }
    }

    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Even => tries(0.5, stream).min(20) as f64,
            Self::FewHard if happens(0.02, stream) => 20.0,
            Self::FewHard => 1.0,
        }
    }
}

fn averaged(plan: &Plan, draws: Draws, n: u64) -> Vec<Row> {
    let support = Support {
        low: 1.0,
        high: 20.0,
    };
    plan.simulate(
        draws.words(),
        n,
        plan.size(1_000, 20_000),
        |stream, sheet| {
            let values: Vec<f64> = (0..n).map(|_| draws.draw(stream)).collect();
            sheet.record("quantile::mean", Rule::Word, draws.mean(), |c| {
                mean(&values, support, c).ok()
            });
        },
    )
}

/// Calibrated scores, one decade after the other.
fn binned(plan: &Plan) -> Vec<Row> {
    let names = [
        "reliability_bins: below 0.01",
        "reliability_bins: 0.01 to 0.1",
        "reliability_bins: above 0.1",
    ];
    plan.simulate(
        "calibrated scores",
        1_000,
        plan.size(500, 10_000),
        |stream, sheet| {
            let probabilities: Vec<f64> = (0..1_000).map(|_| stream.unit().powi(6)).collect();
            let labels: Vec<bool> = probabilities.iter().map(|&p| happens(p, stream)).collect();
            let logits: Vec<f64> = probabilities
                .iter()
                .map(|p| (p / (1.0 - p)).ln().max(-700.0))
                .collect();
            for (bin, name) in names.into_iter().enumerate() {
                let of = |c: f64| reliability_bins(&logits, &labels, 2, c).ok();
                let Some(seen) = of(0.95) else { return };
                let truth = seen[bin].expected / seen[bin].count.max(1) as f64;
                sheet.record(name, Rule::Word, truth, |c| {
                    Some(of(c)?.swap_remove(bin).observed)
                });
            }
        },
    )
}
