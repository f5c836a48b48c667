//! Bounds that hold whenever one looks, at a fixed number of labels and at the worst look.

use super::Section;
use super::chance::{Counts, happens, tries};
use super::plan::Plan;
use super::tally::{AtEach, Row, Rule, Sheet};
use nines_stats::IntervalEstimate;
use nines_stats::anytime::betting::BettingTest;
use nines_stats::anytime::bounded_mean::HedgedCapital;
use nines_stats::anytime::mixture::{Prior, ln_evidence, upper_bound};
use nines_stats::interval;
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (p, n) in [
        (0.1, 100),
        (0.01, 1_000),
        (1e-3, 1_000),
        (1e-3, 10_000),
        (1e-4, 100_000),
    ] {
        rows.extend(once(plan, p, n));
    }
    for (p, labels) in [
        (0.1, 1_000),
        (0.01, 10_000),
        (1e-3, 100_000),
        (1e-4, 1_000_000),
    ] {
        rows.extend(always(plan, p, labels));
    }
    for mean in Numbers::ALL {
        for n in [20, 200] {
            rows.extend(bounded(plan, mean, n));
        }
    }
    Section {
        title: "Anytime-valid bounds",
        words: "The mixture bound after a fixed number of labels, and at the worst of all looks: whoever looks \
            after every label up to n, and stops where the bound looks best, must still be right. The test with \
            a fixed bet is counted as a bound that is right unless it ever rejects the true rate.",
        rows,
    }
}

fn once(plan: &Plan, p: f64, n: u64) -> Vec<Row> {
    let counts = Counts::binomial(n, p);
    plan.enumerate("one look", n, counts.outcomes(), |seen, sheet| {
        for (name, prior) in PRIORS {
            sheet.record(name, Rule::Word, p, |c| {
                upper_bound(seen[0], n, prior, c).ok()
            });
        }
    })
}

const PRIORS: [(&str, Prior); 2] = [
    ("mixture::upper_bound, Even", Prior::Even),
    ("mixture::upper_bound, Jeffreys", Prior::Jeffreys),
];

/// The looks after which a bound from below is lowest: just before each failure, and the last.
fn lowest_looks(p: f64, labels: u64, stream: &mut Stream) -> Vec<(u64, u64)> {
    let (mut looks, mut at, mut k) = (Vec::new(), 0, 0);
    loop {
        let next = at + tries(p, stream);
        if next > labels {
            looks.push((k, labels));
            return looks;
        }
        if next > 1 {
            looks.push((k, next - 1));
        }
        at = next;
        k += 1;
    }
}

fn always(plan: &Plan, p: f64, labels: u64) -> Vec<Row> {
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let looks = lowest_looks(p, labels, stream);
        for (name, prior) in PRIORS {
            // The evidence that the rate is smaller decides which look is worst, at any confidence.
            let worst = looks
                .iter()
                .filter(|&&(k, n)| (k as f64) < p * n as f64)
                .max_by(|a, b| {
                    let of = |&(k, n): &(u64, u64)| {
                        ln_evidence(k, n, p, prior).unwrap_or(f64::NEG_INFINITY)
                    };
                    of(a).total_cmp(&of(b))
                });
            let &(k, n) = worst.unwrap_or(&looks[looks.len() - 1]);
            sheet.record(name, Rule::Word, p, |c| upper_bound(k, n, prior, c).ok());
        }
        sheet.record(
            "interval::upper_bound after every label",
            Rule::Broken,
            p,
            |c| {
                let bounds = looks
                    .iter()
                    .filter_map(|&(k, n)| interval::upper_bound(k, n, c).ok());
                bounds.min_by(|a, b| a.upper.total_cmp(&b.upper))
            },
        );
        if labels <= 10_000 {
            bet(p, &looks, sheet);
        }
    };
    plan.simulate("the worst look", labels, plan.size(300, 4_000), experiment)
}

/// Counts a rejection of the true rate as a bound that lies below it.
fn bet(p: f64, looks: &[(u64, u64)], sheet: &mut Sheet) {
    let Ok(mut test) = BettingTest::new(p, 0.9) else {
        return;
    };
    let (mut failures, mut labels) = (0, 0);
    for &(k, n) in looks {
        for _ in failures..k {
            test.record(true);
        }
        for _ in labels + (k - failures)..n {
            test.record(false);
        }
        (failures, labels) = (k, n);
    }
    sheet.record("BettingTest, bet 0.9", Rule::Word, p, |c| {
        let rejected = test.rejects(c).ok()?;
        Some(IntervalEstimate {
            value: None,
            lower: 0.0,
            upper: if rejected { 0.0 } else { 1.0 },
            confidence: c,
            method: "fixed bet (anytime-valid)".to_owned(),
            n: test.labels(),
        })
    });
}

/// Numbers between 0 and 1 whose mean is bounded.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    Uniform,
    /// 1 at rate 0.1, else 0.
    Seldom,
    /// Near 0.2, within 0.05.
    Close,
}

impl Numbers {
    const ALL: [Self; 3] = [Self::Uniform, Self::Seldom, Self::Close];

    fn words(self) -> &'static str {
        match self {
            Self::Uniform => "numbers uniform on (0, 1)",
            Self::Seldom => "numbers 1 at rate 0.1, else 0",
            Self::Close => "numbers uniform on (0.15, 0.25)",
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Uniform => 0.5,
            Self::Seldom => 0.1,
            Self::Close => 0.2,
        }
    }

    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Uniform => stream.unit(),
            Self::Seldom => f64::from(u8::from(happens(0.1, stream))),
            Self::Close => 0.15 + 0.1 * stream.unit(),
        }
    }
}

fn bounded(plan: &Plan, numbers: Numbers, n: usize) -> Vec<Row> {
    let truth = numbers.mean();
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let drawn: Vec<f64> = (0..n).map(|_| numbers.draw(stream)).collect();
        let runs = AtEach::of(|c| sequence(&drawn, truth, c));
        sheet.record("HedgedCapital, one look", Rule::Word, truth, |c| {
            Some(runs.at(c)?.0.clone())
        });
        sheet.record("HedgedCapital, the worst look", Rule::Word, truth, |c| {
            Some(runs.at(c)?.1.clone())
        });
    };
    plan.simulate(numbers.words(), n as u64, plan.size(200, 2_000), experiment)
}

/// The last interval, and the one where the evidence against the truth is largest.
fn sequence(
    drawn: &[f64],
    truth: f64,
    confidence: f64,
) -> Option<(IntervalEstimate, IntervalEstimate)> {
    let mut capital = HedgedCapital::new(confidence).ok()?;
    let (mut worst, mut most) = (capital.clone(), f64::NEG_INFINITY);
    for &x in drawn {
        capital.record(x).ok()?;
        let evidence = capital.ln_capital(truth).ok()?.evidence();
        if evidence > most {
            most = evidence;
            worst = capital.clone();
        }
    }
    Some((capital.interval(), worst.interval()))
}
