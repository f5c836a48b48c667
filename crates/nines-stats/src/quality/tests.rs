use super::PairOutcome::{Accepted, Rated};
use super::Preference::{Filtered as Better, Tie, Unfiltered as Worse};
use super::*;
use crate::random::Stream;

mod estimates;
mod exact;
mod prompts_and_raters;
mod repairs;
mod streams;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got:.12}, not {want:.12}");
}

fn value(interval: &IntervalEstimate) -> f64 {
    interval.value.expect("a value")
}

fn ends_near(interval: &IntervalEstimate, lower: f64, upper: f64) {
    near(interval.lower, lower, 2e-12);
    near(interval.upper, upper, 2e-12);
}

/// One pair for each of `n` prompts, of which so many are won and lost.
fn counted(wins: u64, losses: u64, n: u64) -> Vec<Pair> {
    (0..n)
        .map(|prompt| Pair {
            prompt,
            outcome: if prompt < wins {
                Rated(Better)
            } else if prompt < wins + losses {
                Rated(Worse)
            } else if prompt % 2 == 0 {
                Rated(Tie)
            } else {
                Accepted
            },
        })
        .collect()
}

/// The population of the published example.
fn example() -> Population {
    let kind = |share, acceptance, preferred| PromptKind {
        share,
        acceptance,
        preferred,
    };
    Population::new(&[
        kind(0.90, 0.98, 0.45),
        kind(0.08, 0.60, 0.40),
        kind(0.02, 0.10, 0.30),
    ])
    .expect("a mixture")
}

const KINDS: [(f64, f64, f64); 3] = [(0.90, 0.98, 0.45), (0.08, 0.60, 0.40), (0.02, 0.10, 0.30)];

/// One pair of the example's filter, with its kind of prompt.
fn draw(stream: &mut Stream) -> (usize, PairOutcome) {
    let u = stream.unit();
    let kind = if u < 0.9 {
        0
    } else if u < 0.98 {
        1
    } else {
        2
    };
    (kind, rate(stream, kind, KINDS[kind].1))
}

fn rate(stream: &mut Stream, kind: usize, acceptance: f64) -> PairOutcome {
    if stream.unit() < acceptance {
        Accepted
    } else if stream.unit() < KINDS[kind].2 {
        Rated(Better)
    } else {
        Rated(Worse)
    }
}
