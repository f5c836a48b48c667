//! Proportions: independent items, finite populations, items that come in families.

use super::Section;
use super::chance::{Counts, beta, binomial, happens};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet, stated};
use nines_stats::hypergeometric::marked_share;
use nines_stats::interval::{
    FamilyCount, clopper_pearson, clustered_proportion, lower_bound, upper_bound, wilson,
};
use nines_stats::random::Stream;
use nines_stats::survival_of_uses::survival_at_least;
use nines_stats::{IntervalEstimate, normal};

/// The rates that the page looks at.
const RATES: [f64; 6] = [0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-5];

/// Below this many expected failures Wald's interval is shown to break.
const ENOUGH_FOR_WALD: f64 = 10.0;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let sizes: &[u64] = plan.size(
        &[100, 1_000, 10_000],
        &[100, 1_000, 10_000, 100_000, 1_000_000],
    );
    let mut rows = Vec::new();
    for p in RATES {
        for &n in sizes.iter().filter(|&&n| n <= 100_000 || p <= 1e-3) {
            rows.extend(independent(plan, p, n));
        }
    }
    rows.extend(documented_wilson(plan));
    for (p, n, uses) in [(1e-3, 3_000, 1_000), (1e-4, 30_000, 10_000)] {
        rows.extend(uses_to_come(plan, p, n, uses));
    }
    for (marked, drawn, population) in [(900, 300, 3_000), (45, 600, 3_000), (2, 1_000, 20_000)] {
        rows.extend(finite(plan, marked, drawn, population));
    }
    for crowd in Crowd::ALL {
        for families in [10, 30, 100, 300] {
            rows.extend(clustered(plan, crowd, families));
        }
    }
    Section {
        title: "Proportions",
        words: "One count of failures among n independent items; one among items drawn without replacement \
            from a finite population; and items that come in families of one prompt.",
        rows,
    }
}

/// The normal interval of a proportion, which the crate does not offer.
fn wald(k: u64, n: u64, confidence: f64) -> Option<IntervalEstimate> {
    let z = -normal::quantile((1.0 - confidence) / 2.0).ok()?;
    let p = k as f64 / n as f64;
    let half = z * (p * (1.0 - p) / n as f64).sqrt();
    Some(IntervalEstimate {
        value: Some(p),
        lower: p - half,
        upper: p + half,
        confidence,
        method: "Wald (approximate; not offered)".to_owned(),
        n,
    })
}

fn independent(plan: &Plan, p: f64, n: u64) -> Vec<Row> {
    let of_wald = if p * (n as f64) < ENOUGH_FOR_WALD {
        Rule::Broken
    } else {
        Rule::Shown
    };
    let counts = Counts::binomial(n, p);
    plan.enumerate("independent items", n, counts.outcomes(), |seen, sheet| {
        let k = seen[0];
        sheet.record("clopper_pearson", Rule::Word, p, |c| {
            clopper_pearson(k, n, c).ok()
        });
        sheet.record("upper_bound", Rule::Word, p, |c| upper_bound(k, n, c).ok());
        sheet.record("lower_bound", Rule::Word, p, |c| lower_bound(k, n, c).ok());
        sheet.record("wilson", Rule::Word, p, |c| wilson(k, n, c).ok());
        sheet.record("Wald", of_wald, p, |c| wald(k, n, c));
    })
}

/// The setting for which Wilson's documentation gives a figure.
fn documented_wilson(plan: &Plan) -> Vec<Row> {
    let (p, n) = (1.76e-4, 1_000);
    let figure = stated(0.839);
    let counts = Counts::binomial(n, p);
    plan.enumerate("independent items", n, counts.outcomes(), |seen, sheet| {
        sheet.record("wilson", figure, p, |c| wilson(seen[0], n, c).ok());
    })
}

fn uses_to_come(plan: &Plan, p: f64, n: u64, uses: u64) -> Vec<Row> {
    let truth = (uses as f64 * (-p).ln_1p()).exp();
    let setting = format!("{uses} uses to come, rate {p}");
    let counts = Counts::binomial(n, p);
    plan.enumerate(&setting, n, counts.outcomes(), |seen, sheet| {
        sheet.record("survival_at_least", Rule::Word, truth, |c| {
            survival_at_least(seen[0], n, uses, c).ok()
        });
    })
}

fn finite(plan: &Plan, marked: u64, drawn: u64, population: u64) -> Vec<Row> {
    let truth = marked as f64 / population as f64;
    let setting = format!("{marked} marked of a population of {population}");
    let counts = Counts::hypergeometric(marked, drawn, population);
    plan.enumerate(&setting, drawn, counts.outcomes(), |seen, sheet| {
        sheet.record("marked_share", Rule::Word, truth, |c| {
            marked_share(seen[0], drawn, population, c).ok()
        });
    })
}

/// How prompts differ.
#[derive(Debug, Clone, Copy)]
enum Crowd {
    /// Each prompt has its own rate, uniform on (0, 1).
    Uniform,
    /// Each prompt has its own rate, Beta(3, 7).
    Near,
    /// One prompt of fifty fails every other time, the others never.
    Rare,
}

impl Crowd {
    const ALL: [Self; 3] = [Self::Uniform, Self::Near, Self::Rare];

    fn words(self) -> &'static str {
        match self {
            Self::Uniform => "families of 10, rates uniform on (0, 1)",
            Self::Near => "families of 10, rates Beta(3, 7)",
            Self::Rare => "families of 10, one prompt in 50 fails half of the time",
        }
    }

    fn truth(self) -> f64 {
        match self {
            Self::Uniform => 0.5,
            Self::Near => 0.3,
            Self::Rare => 0.01,
        }
    }

    fn rate(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Uniform => stream.unit(),
            Self::Near => beta(3, 7, stream),
            Self::Rare => f64::from(u8::from(happens(0.02, stream))) * 0.5,
        }
    }
}

fn clustered(plan: &Plan, crowd: Crowd, families: u64) -> Vec<Row> {
    let naive = match crowd {
        Crowd::Uniform => Rule::Broken,
        Crowd::Near | Crowd::Rare => Rule::Shown,
    };
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let counts: Vec<FamilyCount> = (0..families)
            .map(|_| {
                let rate = crowd.rate(stream);
                FamilyCount {
                    successes: binomial(10, rate, stream),
                    trials: 10,
                }
            })
            .collect();
        let k = counts.iter().map(|f| f.successes).sum();
        let truth = crowd.truth();
        sheet.record("clustered_proportion", stated(0.95), truth, |c| {
            clustered_proportion(&counts, c).ok()
        });
        sheet.record(
            "clopper_pearson, as if items were independent",
            naive,
            truth,
            |c| clopper_pearson(k, 10 * families, c).ok(),
        );
    };
    plan.simulate(
        crowd.words(),
        families,
        plan.size(1_000, 10_000),
        experiment,
    )
}
