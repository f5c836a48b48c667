//! The leak: stratified labels, the system's own answers, single draws.

use super::Section;
use super::chance::{Counts, happens, together, tries};
use super::plan::Plan;
use super::tally::{AtEach, NOMINAL, Row, Rule, Sheet, stated};
use nines_stats::bounded_sum::expected_sum_upper;
use nines_stats::leak::{
    DrawOutcome, Population, PromptKind, SingleDraw, direct_leak, single_draw_leak,
};
use nines_stats::random::Stream;
use nines_stats::stratified::{Stratum, bonferroni_upper, stratified_leak, stratified_leak_with};
use nines_stats::weighted_poisson::GammaVersion;
use nines_stats::{IntervalEstimate, StatsError, normal};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    // The many outcomes of few labels are left to the full size.
    let designs = plan.size(&DESIGNS[..4], &DESIGNS[..]);
    for design in designs {
        rows.extend(stratified(plan, design));
    }
    for (n, p) in [(20, 0.3), (1_000, 3e-3), (1_000, 0.1)] {
        rows.extend(bounded_sums(plan, n, p));
    }
    for (n, answered, leak) in [(1_000, 0.8, 0.02), (10_000, 0.8, 1e-4)] {
        rows.extend(direct(plan, n, answered, leak));
    }
    for mixture in [RARE, COMMON] {
        // A mixture that does not add up would show as a family without rows.
        rows.extend(single_draws(plan, &mixture).unwrap_or_default());
    }
    Section {
        title: "Leaks",
        words: "Labels from strata of known weight; sums of numbers between 0 and 1; requests of the filtered \
            system; and one labelled draw a prompt with a geometric number of draws until one is accepted.",
        rows,
    }
}

/// Strata of known weight, their labels and rates.
struct Design {
    words: &'static str,
    weights: &'static [f64],
    labelled: &'static [u64],
    rates: &'static [f64],
    no_leak: f64,
    /// Whether so few failures are expected that all outcomes can be listed.
    few: bool,
    /// What becomes of the normal interval.
    wald: Rule,
}

const DESIGNS: [Design; 5] = [
    Design {
        words: "rare, most labels where scores are high",
        weights: &[0.02, 0.10, 0.30, 0.20],
        labelled: &[4_000, 3_000, 2_000, 1_000],
        rates: &[2e-3, 2e-4, 2e-5, 1e-6],
        no_leak: 0.38,
        few: true,
        wald: Rule::Broken,
    },
    Design {
        words: "rare, labels in proportion",
        weights: &[0.02, 0.10, 0.30, 0.20],
        labelled: &[323, 1_613, 4_839, 3_225],
        rates: &[2e-3, 2e-4, 2e-5, 1e-6],
        no_leak: 0.38,
        few: true,
        wald: Rule::Broken,
    },
    Design {
        words: "all failures in the stratum with the fewest labels",
        weights: &[0.1, 0.3, 0.6],
        labelled: &[1_000, 500, 200],
        rates: &[0.0, 0.0, 0.005],
        no_leak: 0.0,
        few: true,
        wald: Rule::Broken,
    },
    Design {
        words: "common failures",
        weights: &[0.2, 0.3, 0.5],
        labelled: &[300, 300, 400],
        rates: &[0.3, 0.1, 0.03],
        no_leak: 0.0,
        few: false,
        wald: Rule::Shown,
    },
    Design {
        words: "few labels",
        weights: &[0.2, 0.3, 0.5],
        labelled: &[40, 30, 20],
        rates: &[0.2, 0.05, 0.01],
        no_leak: 0.0,
        few: true,
        wald: Rule::Broken,
    },
];

/// Counts of a stratum; a rate of 0 has only one.
fn failures(labelled: u64, rate: f64) -> Counts {
    // The least positive rate keeps a single count, 0.
    Counts::binomial(labelled, rate.max(1e-30))
}

fn stratified(plan: &Plan, design: &Design) -> Vec<Row> {
    let truth: f64 = design
        .weights
        .iter()
        .zip(design.rates)
        .map(|(w, p)| w * p)
        .sum();
    let n = design.labelled.iter().sum();
    let counts: Vec<Counts> = design
        .labelled
        .iter()
        .zip(design.rates)
        .map(|(&n, &p)| failures(n, p))
        .collect();
    let record = |seen: &[u64], sheet: &mut Sheet| {
        let strata: Vec<Stratum> = (0..seen.len())
            .map(|i| Stratum {
                weight: design.weights[i],
                labelled: design.labelled[i],
                catastrophes: seen[i],
            })
            .collect();
        record_strata(&strata, design, truth, sheet);
    };
    let setting = format!("strata: {}", design.words);
    if design.few {
        plan.enumerate(&setting, n, together(&counts), |seen, sheet| {
            record(seen, sheet);
        })
    } else {
        plan.simulate(&setting, n, plan.size(1_000, 10_000), |stream, sheet| {
            let seen: Vec<u64> = counts.iter().map(|c| c.draw(stream)).collect();
            record(&seen, sheet);
        })
    }
}

fn record_strata(strata: &[Stratum], design: &Design, truth: f64, sheet: &mut Sheet) {
    let none = design.no_leak;
    let plain = AtEach::of(|c| stratified_leak(strata, none, c).ok());
    let mid = AtEach::of(|c| stratified_leak_with(strata, none, c, GammaVersion::MidP).ok());
    sheet.record("stratified_leak: estimate", NOMINAL, truth, |c| {
        Some(plain.at(c)?.estimate.clone())
    });
    sheet.record("stratified_leak: estimate_upper", NOMINAL, truth, |c| {
        Some(plain.at(c)?.estimate_upper.clone())
    });
    sheet.record(
        "stratified_leak: assumption_free_upper",
        Rule::Word,
        truth,
        |c| Some(plain.at(c)?.assumption_free_upper.clone()),
    );
    sheet.record("bonferroni_upper", Rule::Word, truth, |c| {
        bonferroni_upper(strata, none, c).ok()
    });
    sheet.record(
        "stratified_leak_with MidP: estimate",
        stated(0.96),
        truth,
        |c| Some(mid.at(c)?.estimate.clone()),
    );
    sheet.record(
        "stratified_leak_with MidP: estimate_upper",
        stated(0.96),
        truth,
        |c| Some(mid.at(c)?.estimate_upper.clone()),
    );
    sheet.record(
        "± z·standard_error of the strata",
        design.wald,
        truth,
        |c| {
            let leak = plain.at(c)?;
            let half = -normal::quantile((1.0 - c) / 2.0).ok()? * leak.standard_error?;
            let value = leak.estimate.value?;
            Some(IntervalEstimate {
                lower: value - half,
                upper: value + half,
                method: "normal from the standard error (approximate; not offered)".to_owned(),
                ..leak.estimate.clone()
            })
        },
    );
}

/// Sums of numbers that are uniform where something happens and 0 elsewhere.
fn bounded_sums(plan: &Plan, n: u64, p: f64) -> Vec<Row> {
    let truth = n as f64 * p / 2.0;
    let counts = Counts::binomial(n, p);
    let setting = format!("sum of n numbers, uniform on (0, 1) at rate {p}, else 0");
    plan.simulate(&setting, n, plan.size(1_000, 20_000), |stream, sheet| {
        let sum: f64 = (0..counts.draw(stream)).map(|_| stream.unit()).sum();
        sheet.record("expected_sum_upper", Rule::Word, truth, |c| {
            expected_sum_upper(sum, n, c).ok()
        });
    })
}

fn direct(plan: &Plan, n: u64, answered: f64, leak: f64) -> Vec<Row> {
    let answers_drawn = Counts::binomial(n, answered);
    let setting = format!("requests, {answered} answered");
    plan.simulate(&setting, n, plan.size(1_000, 20_000), |stream, sheet| {
        let answers = answers_drawn.draw(stream);
        let k = super::chance::binomial(answers, leak / answered, stream);
        let of = |c: f64| direct_leak(k, answers, n, c).ok();
        sheet.record("direct_leak: per_request", Rule::Word, leak, |c| {
            Some(of(c)?.per_request)
        });
        sheet.record("direct_leak: per_request_upper", Rule::Word, leak, |c| {
            Some(of(c)?.per_request_upper)
        });
        sheet.record(
            "direct_leak: among_answers",
            Rule::Word,
            leak / answered,
            |c| Some(of(c)?.among_answers),
        );
        sheet.record("direct_leak: abstention", Rule::Word, 1.0 - answered, |c| {
            Some(of(c)?.abstention)
        });
    })
}

/// Prompts of two kinds, with the numbers of labelled draws that they are looked at with.
struct Mixture {
    words: &'static str,
    kinds: [PromptKind; 2],
    sizes: &'static [u64],
    /// From this size on the false-omission rate is shown not to be the leak.
    breaks_from: u64,
}

const RARE: Mixture = Mixture {
    words: "99 % calm prompts, 1 % that are mostly rejected; cap 20",
    kinds: [
        PromptKind {
            share: 0.99,
            acceptance: 0.95,
            leak: 1e-6,
        },
        PromptKind {
            share: 0.01,
            acceptance: 0.05,
            leak: 1e-3,
        },
    ],
    sizes: &[1_000, 10_000, 100_000],
    breaks_from: 100_000,
};

const COMMON: Mixture = Mixture {
    words: "80 % calm prompts, 20 % that are mostly rejected; cap 20",
    kinds: [
        PromptKind {
            share: 0.8,
            acceptance: 0.9,
            leak: 0.01,
        },
        PromptKind {
            share: 0.2,
            acceptance: 0.3,
            leak: 0.06,
        },
    ],
    sizes: &[200, 1_000],
    breaks_from: 1_000,
};

const CAP: u64 = 20;

fn single_draws(plan: &Plan, mixture: &Mixture) -> Result<Vec<Row>, StatsError> {
    let population = Population::new(mixture.kinds.to_vec())?;
    let leak = population.capped_leak(CAP)?;
    let uncapped = population.filtered_leak()?;
    let abstention = population.abstention(CAP)?;
    let mut rows = Vec::new();
    for &n in mixture.sizes {
        let naive = if n >= mixture.breaks_from {
            Rule::Broken
        } else {
            Rule::Shown
        };
        let repetitions = match n {
            100_000 => plan.size(50, 1_000),
            10_000 => plan.size(200, 2_000),
            _ => plan.size(500, 10_000),
        };
        // The bound of repeated abstentions takes time in proportion to the answers.
        let repeated = if n < 100_000 { 2 } else { 1 };
        let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
            let (outcomes, fresh) = draw(&mixture.kinds, n, stream);
            let draws: Vec<SingleDraw<'_>> = outcomes
                .iter()
                .zip(&fresh)
                .map(|(&outcome, tries)| SingleDraw {
                    outcome,
                    tries: &tries[..repeated],
                })
                .collect();
            let found = AtEach::of(|c| single_draw_leak(&draws, Some(CAP), c).ok());
            sheet.record("single_draw_leak: estimate", NOMINAL, leak, |c| {
                Some(found.at(c)?.estimate.clone())
            });
            sheet.record(
                "single_draw_leak without a cap: estimate",
                Rule::Word,
                uncapped,
                |c| Some(single_draw_leak(&draws, None, c).ok()?.estimate),
            );
            sheet.record("single_draw_leak: upper", Rule::Word, leak, |c| {
                found.at(c)?.upper.clone()
            });
            sheet.record(
                "single_draw_leak: hajek",
                NOMINAL,
                leak / (1.0 - abstention),
                |c| found.at(c)?.hajek.clone(),
            );
            sheet.record(
                "single_draw_leak: abstention",
                Rule::Word,
                abstention,
                |c| found.at(c)?.abstention.clone(),
            );
            sheet.record(
                "false_omission_rate, taken for the leak",
                naive,
                leak,
                |c| Some(found.at(c)?.false_omission_rate.clone()),
            );
        };
        rows.extend(plan.simulate(mixture.words, n, repetitions, experiment));
    }
    Ok(rows)
}

/// Draws a completion for each prompt, and two fresh numbers of draws until one is accepted.
fn draw(kinds: &[PromptKind; 2], n: u64, stream: &mut Stream) -> (Vec<DrawOutcome>, Vec<[u64; 2]>) {
    (0..n)
        .map(|_| {
            let kind = &kinds[usize::from(!happens(kinds[0].share, stream))];
            let u = stream.unit();
            let outcome = if u < kind.leak {
                DrawOutcome::Catastrophe
            } else if u < kind.acceptance {
                DrawOutcome::Safe
            } else {
                DrawOutcome::Rejected
            };
            let fresh = [0; 2].map(|_| tries(kind.acceptance, stream));
            (outcome, fresh)
        })
        .unzip()
}
