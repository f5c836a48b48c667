//! Probabilities too small to sample: splitting, tilting, extrapolation.

use super::Section;
use super::chance::Counts;
use super::plan::Plan;
use super::tally::{NOMINAL, Row, Rule, Sheet, stated};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::forecast::{TAIL_POINTS, fit_gumbel_tail};
use nines_stats::low_probability::{gaussian_logit_gap, tilted_probability};
use nines_stats::normal;
use nines_stats::random::Stream;
use nines_stats::splitting::{
    LevelCount, SplittingOptions, fixed_effort, last_particle, run_adaptive, run_last_particle,
};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (p, particles) in [(1e-3, 20), (1e-5, 100), (1e-9, 1_000)] {
        rows.extend(ideal_last_particle(plan, p, particles));
    }
    for particles in [50, 1_000] {
        rows.extend(ideal_levels(plan, particles));
    }
    rows.extend(climbing(plan));
    for far in [1_000, 100_000] {
        rows.extend(worst_of(plan, Tail::AsAssumed, far));
    }
    rows.extend(worst_of(plan, Tail::Bent, 100_000_000));
    for n in [30, 300] {
        rows.extend(tilted(plan, n));
    }
    for (gaps, n) in [
        (Gaps::Normal, 20),
        (Gaps::Normal, 1_000),
        (Gaps::Skewed, 1_000),
    ] {
        rows.extend(logit_gap(plan, gaps, n));
    }
    Section {
        title: "Tiny probabilities",
        words: "Multilevel splitting with an ideal kernel (counts drawn from their distributions) and with the \
            autoregressive kernel of a standard normal that must exceed 4; the worst of many queries forecast \
            from 300; tilted samples; and logits that never were the largest.",
        rows,
    }
}

fn ideal_last_particle(plan: &Plan, p: f64, particles: u64) -> Vec<Row> {
    let moves = Counts::poisson(-(particles as f64) * p.ln());
    let setting = format!("last particle, ideal kernel, {particles} particles");
    plan.enumerate(&setting, particles, moves.outcomes(), |seen, sheet| {
        let of = |c: f64| last_particle(particles, seen[0], c).ok();
        sheet.record("last_particle: poisson", NOMINAL, p, |c| {
            Some(of(c)?.poisson)
        });
        sheet.record("last_particle: log_normal", stated(0.93), p, |c| {
            of(c)?.log_normal
        });
    })
}

fn ideal_levels(plan: &Plan, particles: u64) -> Vec<Row> {
    let shares = [0.1, 0.1, 0.1, 0.1, 0.43];
    let truth = shares.iter().product();
    let survivors = shares.map(|r| Counts::binomial(particles, r));
    let setting = format!("five fixed levels, ideal kernel, {particles} particles each");
    plan.simulate(
        &setting,
        particles,
        plan.size(1_000, 10_000),
        |stream, sheet| {
            let levels: Vec<LevelCount> = survivors
                .iter()
                .map(|counts| LevelCount {
                    particles,
                    survivors: counts.draw(stream),
                })
                .collect();
            record_levels(&levels, truth, sheet);
        },
    )
}

fn record_levels(levels: &[LevelCount], truth: f64, sheet: &mut Sheet) {
    let of = |c: f64| fixed_effort(levels, c).ok();
    sheet.record("fixed_effort: conservative", NOMINAL, truth, |c| {
        Some(of(c)?.conservative)
    });
    sheet.record("fixed_effort: log_normal", stated(0.95), truth, |c| {
        of(c)?.log_normal
    });
}

/// A standard normal that must exceed 4.
fn climbing(plan: &Plan) -> Vec<Row> {
    let truth = normal::ln_cdf(-4.0).exp();
    let kernel = |x: &f64, s: &mut Stream| 0.8 * x + 0.6 * s.normal();
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let options = SplittingOptions {
            particles: 200,
            moves: 10,
            seed: stream.bits(),
            ..SplittingOptions::default()
        };
        let adaptive = run_adaptive(&options, 0.1, |s| s.normal(), |x| x - 4.0, kernel).ok();
        record_levels(
            adaptive.as_ref().map_or(&[], |run| &run.counts),
            truth,
            sheet,
        );
        let few = SplittingOptions {
            particles: 50,
            ..options
        };
        let last = run_last_particle(&few, |s| s.normal(), |x| x - 4.0, kernel).ok();
        let of = |c: f64| last_particle(50, last.as_ref()?.moved, c).ok();
        sheet.record("last_particle: poisson", stated(0.95), truth, |c| {
            Some(of(c)?.poisson)
        });
        sheet.record("last_particle: log_normal", stated(0.93), truth, |c| {
            of(c)?.log_normal
        });
    };
    plan.simulate(
        "a normal beyond 4, kernel with correlation 0.8, 10 moves; 200 particles (50 for the last one)",
        200,
        plan.size(150, 2_000),
        experiment,
    )
}

/// How the probabilities of queries are distributed.
#[derive(Debug, Clone, Copy)]
enum Tail {
    /// ψ exceeds x with probability exp(−3x − 6).
    AsAssumed,
    /// ψ is normal: its tail is thinner than an exponential one.
    Bent,
}

impl Tail {
    fn words(self) -> &'static str {
        match self {
            Self::AsAssumed => "tail as assumed",
            Self::Bent => "normal tail",
        }
    }

    /// Draws ψ = −ln(−ln p).
    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Self::AsAssumed => (-(1.0 - stream.unit()).ln() - 6.0) / 3.0,
            Self::Bent => -2.0 + 0.3 * stream.normal(),
        }
    }

    /// The ψ that one of `queries` exceeds on average.
    fn worst(self, queries: u64) -> Option<f64> {
        match self {
            Self::AsAssumed => Some(((queries as f64).ln() - 6.0) / 3.0),
            Self::Bent => Some(-2.0 - 0.3 * normal::quantile(1.0 / queries as f64).ok()?),
        }
    }
}

fn worst_of(plan: &Plan, tail: Tail, queries: u64) -> Vec<Row> {
    let Some(worst) = tail.worst(queries) else {
        return Vec::new();
    };
    let truth = (-(-worst).exp()).exp();
    let rule = match tail {
        Tail::AsAssumed => stated(0.95),
        Tail::Bent => Rule::Broken,
    };
    let setting = format!("the worst of {queries} queries, {}", tail.words());
    plan.simulate(&setting, 300, plan.size(300, 2_000), |stream, sheet| {
        let seen: Vec<f64> = (0..300)
            .map(|_| (-(-tail.draw(stream)).exp()).exp())
            .collect();
        let seed = stream.bits();
        sheet.record("worst_query", rule, truth, |confidence| {
            let bootstrap = Bootstrap {
                resamples: 500,
                seed,
                confidence,
            };
            let fit = fit_gumbel_tail(&seen, TAIL_POINTS).ok()?;
            fit.worst_query(queries, &bootstrap).ok()
        });
    })
}

/// A standard normal that must exceed 3, sampled from a normal around 3.
fn tilted(plan: &Plan, n: u64) -> Vec<Row> {
    let truth = normal::ln_cdf(-3.0).exp();
    plan.simulate(
        "a normal beyond 3, samples tilted to mean 2",
        n,
        plan.size(500, 10_000),
        |stream, sheet| {
            let scores: Vec<f64> = (0..n).map(|_| 2.0 + stream.normal()).collect();
            let hit: Vec<bool> = scores.iter().map(|&x| x > 3.0).collect();
            let of = |c: f64| tilted_probability(&hit, &scores, 0.5, c).ok();
            sheet.record("tilted_probability", Rule::Word, truth, |c| {
                Some(of(c)?.estimate)
            });
            sheet.record("tilted_probability, when trusted", Rule::Word, truth, |c| {
                let e = of(c)?;
                e.trusted.then_some(e.estimate)
            });
        },
    )
}

/// How gaps between logits are distributed.
#[derive(Debug, Clone, Copy)]
enum Gaps {
    Normal,
    /// A standardised sum of four exponential times, to the right.
    Skewed,
}

fn logit_gap(plan: &Plan, gaps: Gaps, n: u64) -> Vec<Row> {
    // The fourth standard deviation, which a sum of positive times cannot reach below 2.
    let (words, truth, rule) = match gaps {
        Gaps::Normal => ("normal gaps", normal::ln_cdf(-4.0).exp(), stated(0.95)),
        Gaps::Skewed => ("gaps that cannot be negative", 0.0, Rule::Broken),
    };
    plan.simulate(words, n, plan.size(1_000, 10_000), |stream, sheet| {
        let drawn: Vec<f64> = (0..n)
            .map(|_| match gaps {
                Gaps::Normal => 4.0 + stream.normal(),
                Gaps::Skewed => super::chance::gamma(4, stream),
            })
            .collect();
        sheet.record("gaussian_logit_gap", rule, truth, |c| {
            gaussian_logit_gap(&drawn, c).ok()
        });
    })
}
