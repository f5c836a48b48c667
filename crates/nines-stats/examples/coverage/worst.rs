//! The lowest coverage over many truths, exactly, in worlds small enough to list all outcomes: where a
//! guarantee has a hole, it shows here.

use super::Section;
use super::chance::{Counts, together};
use super::plan::{Outcome, Plan};
use super::tally::{NOMINAL, Row, Rule, Sheet};
use nines_stats::attack_time::{Exposure, find_rate, mean_time_lower_bound, rate_ratio};
use nines_stats::bounded_sum::expected_sum_upper;
use nines_stats::disagreement::{DisagreementSample, compare};
use nines_stats::hypergeometric::marked_share;
use nines_stats::importance::{Draw, Proposal, hansen_hurwitz, horvitz_thompson};
use nines_stats::interval::{clopper_pearson, lower_bound, upper_bound};
use nines_stats::prevalence::{Accuracy, FlaggedItems, corrected_bounds};
use nines_stats::quality::{
    Pair, PairOutcome, Preference, Rating, RejectionRate, known_rejection, skip_pairs,
};
use nines_stats::quantile::{Support, quantile};
use nines_stats::species::capture_recapture_exact;
use nines_stats::stratified::{Stratum, bonferroni_upper, stratified_leak};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let rows = [
        proportions(plan, 20),
        proportions(plan, 100),
        finite(plan),
        rates(plan),
        ratios(plan),
        preferences(plan),
        corrections(plan),
        strata(plan),
        disagreements(plan),
        teams(plan),
        coins(plan),
        draws(plan),
        quantiles(plan),
    ];
    Section {
        title: "Small worlds",
        words: "For each interval that claims to be exact or guaranteed: the lowest coverage over a grid of truths, every \
            outcome listed (each confidence has its own lowest).",
        rows: rows.concat(),
    }
}

/// Keeps, for each interval and confidence, the lowest coverage of all worlds.
fn lowest(worlds: impl IntoIterator<Item = Vec<Row>>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    for row in worlds.into_iter().flatten() {
        let Some(worst) = kept.iter_mut().find(|k| k.interval == row.interval) else {
            kept.push(Row { truth: None, ..row });
            continue;
        };
        worst.approximate |= row.approximate;
        for i in 0..3 {
            if row.coverage()[i] < worst.coverage()[i] {
                worst.below[i] = row.below[i];
                worst.above[i] = row.above[i];
            }
        }
    }
    kept
}

/// Rates from 1/200 to 199/200.
fn grid(steps: u32) -> impl Iterator<Item = f64> {
    (1..steps).map(move |i| f64::from(i) / f64::from(steps))
}

fn proportions(plan: &Plan, n: u64) -> Vec<Row> {
    lowest(grid(200).map(|p| {
        let counts = Counts::binomial(n, p);
        plan.enumerate("199 rates", n, counts.outcomes(), |seen, sheet| {
            let k = seen[0];
            sheet.record("clopper_pearson", Rule::Word, p, |c| {
                clopper_pearson(k, n, c).ok()
            });
            sheet.record("upper_bound", Rule::Word, p, |c| upper_bound(k, n, c).ok());
            sheet.record("lower_bound", Rule::Word, p, |c| lower_bound(k, n, c).ok());
            sheet.record("expected_sum_upper", Rule::Word, p * n as f64, |c| {
                expected_sum_upper(k as f64, n, c).ok()
            });
        })
    }))
}

fn finite(plan: &Plan) -> Vec<Row> {
    let (population, drawn) = (60, 20);
    lowest((0..=population).map(|marked| {
        let counts = Counts::hypergeometric(marked, drawn, population);
        let truth = marked as f64 / population as f64;
        plan.enumerate(
            "populations of 60",
            drawn,
            counts.outcomes(),
            |seen, sheet| {
                sheet.record("marked_share", Rule::Word, truth, |c| {
                    marked_share(seen[0], drawn, population, c).ok()
                });
            },
        )
    }))
}

fn rates(plan: &Plan) -> Vec<Row> {
    lowest((1..200).map(|i| {
        let rate = f64::from(i) / 20.0;
        let finds = Counts::poisson(rate);
        plan.enumerate(
            "up to 10 finds expected",
            10,
            finds.outcomes(),
            |seen, sheet| {
                let exposure = Exposure {
                    finds: seen[0],
                    time: 1.0,
                };
                sheet.record("find_rate", Rule::Word, rate, |c| {
                    find_rate(exposure, c).ok()
                });
                sheet.record("mean_time_lower_bound", Rule::Word, 1.0 / rate, |c| {
                    mean_time_lower_bound(exposure, c).ok()
                });
            },
        )
    }))
}

fn ratios(plan: &Plan) -> Vec<Row> {
    let means = [0.3, 1.0, 3.0, 10.0, 30.0];
    let worlds = means
        .iter()
        .flat_map(|&a| means.iter().map(move |&b| (a, b)));
    lowest(worlds.map(|(a, b)| {
        let finds = [a, b].map(Counts::poisson);
        plan.enumerate(
            "0.3 to 30 finds expected of each",
            60,
            together(&finds),
            |seen, sheet| {
                let [first, second] = [0, 1].map(|i| Exposure {
                    finds: seen[i],
                    time: 1.0,
                });
                sheet.record("rate_ratio", Rule::Word, a / b, |c| {
                    Some(rate_ratio(first, second, c).ok()?.ratio)
                });
            },
        )
    }))
}

/// Outcomes of `n` trials with three results, as the counts of the first two.
fn trinomial(n: u64, first: f64, second: f64) -> Vec<(f64, Outcome)> {
    let mut outcomes = Vec::new();
    for (mass, k) in Counts::binomial(n, first).masses() {
        if k == n {
            outcomes.push((mass, vec![k, 0]));
            continue;
        }
        let rest = Counts::binomial(n - k, second / (1.0 - first));
        outcomes.extend(rest.masses().map(|(m, j)| (mass * m, vec![k, j])));
    }
    outcomes
}

fn preferred(wins: u64, losses: u64, prompts: u64) -> Vec<Pair> {
    (0..prompts)
        .map(|prompt| Pair {
            prompt,
            outcome: if prompt < wins {
                PairOutcome::Rated(Preference::Filtered)
            } else if prompt < wins + losses {
                PairOutcome::Rated(Preference::Unfiltered)
            } else {
                PairOutcome::Accepted
            },
        })
        .collect()
}

fn preferences(plan: &Plan) -> Vec<Row> {
    let n = 15;
    let won = [0.02, 0.1, 0.3, 0.5, 0.8, 0.95];
    let worlds = won.iter().flat_map(|&w| won.iter().map(move |&l| (w, l)));
    let rows = lowest(worlds.filter(|(w, l)| w + l < 1.0).map(|(w, l)| {
        let truth = 0.5 + (w - l) / 2.0;
        plan.enumerate(
            "wins and losses at all rates",
            n,
            trinomial(n, w, l),
            |seen, sheet| {
                let pairs = preferred(seen[0], seen[1], n);
                sheet.record("skip_pairs: guaranteed", Rule::Word, truth, |c| {
                    Some(skip_pairs(&pairs, c).ok()?.guaranteed)
                });
            },
        )
    }));
    let known = lowest(grid(50).map(|w| {
        let truth = 0.5 + 0.2 * (w - 0.5);
        let wins = Counts::binomial(n, w);
        plan.enumerate("wins at all rates", n, wins.outcomes(), |seen, sheet| {
            let ratings: Vec<Rating> = (0..n)
                .map(|prompt| Rating {
                    prompt,
                    preference: if prompt < seen[0] {
                        Preference::Filtered
                    } else {
                        Preference::Unfiltered
                    },
                })
                .collect();
            sheet.record("known_rejection: guaranteed", Rule::Word, truth, |c| {
                Some(
                    known_rejection(&ratings, RejectionRate::Known(0.2), c)
                        .ok()?
                        .guaranteed,
                )
            });
        })
    }));
    [rows, known].concat()
}

fn corrections(plan: &Plan) -> Vec<Row> {
    let (rated, gold) = (20, 10);
    let mut worlds = Vec::new();
    for truth in [0.0, 0.02, 0.1, 0.3, 0.5, 0.9] {
        for (sensitivity, specificity) in [(0.9, 0.9), (0.7, 0.95), (0.99, 0.8), (0.6, 0.6)] {
            let seen = truth * sensitivity + (1.0 - truth) * (1.0 - specificity);
            let counts = [
                Counts::binomial(rated, seen),
                Counts::binomial(gold, sensitivity),
                Counts::binomial(gold, specificity),
            ];
            let record = |seen: &Outcome, sheet: &mut Sheet| {
                let [sensitivity, specificity] = [1, 2].map(|i| Accuracy::Measured {
                    right: seen[i],
                    trials: gold,
                });
                let items = FlaggedItems {
                    flagged: seen[0],
                    rated,
                    sensitivity,
                    specificity,
                };
                sheet.record("corrected_bounds", Rule::Word, truth, |c| {
                    Some(corrected_bounds(&items, c).ok()?.estimate)
                });
            };
            let setting = "10 gold items of each kind";
            worlds.push(plan.enumerate(setting, rated, together(&counts), record));
        }
    }
    lowest(worlds)
}

fn strata(plan: &Plan) -> Vec<Row> {
    let (weights, labelled) = ([0.3, 0.7], [12, 6]);
    let worlds = grid(20).flat_map(|a| grid(20).map(move |b| [a, b]));
    lowest(worlds.map(|p| {
        let counts = [0, 1].map(|i| Counts::binomial(labelled[i], p[i]));
        let truth = weights[0] * p[0] + weights[1] * p[1];
        plan.enumerate(
            "two strata at all rates",
            18,
            together(&counts),
            |seen, sheet| {
                let strata = [0, 1].map(|i| Stratum {
                    weight: weights[i],
                    labelled: labelled[i],
                    catastrophes: seen[i],
                });
                let of = |c: f64| stratified_leak(&strata, 0.0, c).ok();
                sheet.record("stratified_leak: estimate", NOMINAL, truth, |c| {
                    Some(of(c)?.estimate)
                });
                let free = "stratified_leak: assumption_free_upper";
                sheet.record(free, Rule::Word, truth, |c| {
                    Some(of(c)?.assumption_free_upper)
                });
                sheet.record("bonferroni_upper", Rule::Word, truth, |c| {
                    bonferroni_upper(&strata, 0.0, c).ok()
                });
            },
        )
    }))
}

fn disagreements(plan: &Plan) -> Vec<Row> {
    let (sizes, labelled) = ([12_u64, 8], [6_u64, 5]);
    let worlds = (0..=12).flat_map(|a| (0..=8).map(move |b| [a, b]));
    lowest(worlds.map(|failing: [u64; 2]| {
        let truth = (failing[0] as f64 - failing[1] as f64) / 40.0;
        let counts = [0, 1].map(|i| Counts::hypergeometric(failing[i], labelled[i], sizes[i]));
        plan.enumerate("frames of 40", 11, together(&counts), |seen, sheet| {
            let [old, new] = [0, 1].map(|i| DisagreementSample {
                size: sizes[i],
                labelled: labelled[i],
                failures: seen[i],
            });
            sheet.record("compare: frame exact", Rule::Word, truth, |c| {
                Some(compare(40, old, new, c).ok()?.frame.exact)
            });
        })
    }))
}

fn teams(plan: &Plan) -> Vec<Row> {
    let total = 20;
    let worlds = (1..=total).flat_map(|a| (1..=a).map(move |b| (a, b)));
    lowest(worlds.map(|(first, second)| {
        let both = Counts::hypergeometric(first, second, total);
        plan.enumerate(
            "teams that find 1 to 20",
            total,
            both.outcomes(),
            |seen, sheet| {
                sheet.record("capture_recapture_exact", Rule::Word, total as f64, |c| {
                    capture_recapture_exact(first, second, seen[0], c).ok()
                });
            },
        )
    }))
}

/// Every subset of a few items.
fn subsets(items: usize) -> impl Iterator<Item = Vec<bool>> {
    (0..1_u32 << items).map(move |bits| (0..items).map(|i| bits >> i & 1 == 1).collect())
}

fn coins(plan: &Plan) -> Vec<Row> {
    let inclusion = [0.2, 0.2, 0.4, 0.5, 0.5, 0.9, 0.9];
    let outcomes: Vec<(f64, Outcome)> = subsets(inclusion.len())
        .map(|drawn| {
            let chance = |(p, &d): (&f64, &bool)| if d { *p } else { 1.0 - p };
            let mass = inclusion.iter().zip(&drawn).map(chance).product();
            (mass, drawn.into_iter().map(u64::from).collect())
        })
        .collect();
    lowest(subsets(inclusion.len()).map(|fails| {
        let failing = fails.iter().filter(|f| **f).count();
        let truth = failing as f64 / inclusion.len() as f64;
        plan.enumerate(
            "seven items, any may fail",
            7,
            outcomes.clone(),
            |drawn, sheet| {
                let labels: Vec<Option<bool>> = drawn
                    .iter()
                    .zip(&fails)
                    .map(|(&d, &f)| (d == 1).then_some(f))
                    .collect();
                let of = |c: f64| horvitz_thompson(&inclusion, &labels, c).ok();
                sheet.record("horvitz_thompson: guaranteed", Rule::Word, truth, |c| {
                    Some(of(c)?.guaranteed)
                });
                sheet.record("horvitz_thompson: upper_bound", Rule::Word, truth, |c| {
                    Some(of(c)?.upper_bound)
                });
            },
        )
    }))
}

fn draws(plan: &Plan) -> Vec<Row> {
    let probabilities = [0.6, 0.3, 0.1];
    let n = 10;
    // Positive probabilities that sum to 1 are a proposal.
    let Ok(proposal) = Proposal::covering(&probabilities) else {
        return Vec::new();
    };
    let outcomes = trinomial(n, probabilities[0], probabilities[1]);
    lowest(subsets(3).map(|fails| {
        let truth = fails.iter().filter(|f| **f).count() as f64 / 3.0;
        plan.enumerate(
            "three items, any may fail",
            n,
            outcomes.clone(),
            |drawn, sheet| {
                let counts = [drawn[0], drawn[1], n - drawn[0] - drawn[1]];
                let draws: Vec<Draw> = (0..3)
                    .flat_map(|item| (0..counts[item]).map(move |_| item))
                    .map(|item| Draw {
                        item,
                        failed: fails[item],
                    })
                    .collect();
                let of = |c: f64| hansen_hurwitz(&proposal, &draws, c).ok();
                sheet.record("hansen_hurwitz: guaranteed", Rule::Word, truth, |c| {
                    Some(of(c)?.guaranteed)
                });
                sheet.record("hansen_hurwitz: upper_bound", Rule::Word, truth, |c| {
                    Some(of(c)?.upper_bound)
                });
            },
        )
    }))
}

fn quantiles(plan: &Plan) -> Vec<Row> {
    let n = 25;
    let support = Support {
        low: 0.0,
        high: 1.0,
    };
    lowest(grid(100).map(|q| {
        // Only how many values lie below the quantile decides whether it is held.
        let below = Counts::binomial(n, q);
        plan.enumerate("99 quantiles", n, below.outcomes(), |seen, sheet| {
            let values: Vec<f64> = (0..n)
                .map(|i| {
                    if i < seen[0] {
                        q / 2.0
                    } else {
                        (1.0 + q) / 2.0
                    }
                })
                .collect();
            sheet.record("quantile", Rule::Word, q, |c| {
                quantile(&values, q, support, c).ok()
            });
        })
    }))
}
