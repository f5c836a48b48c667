//! The leak: how often the *filtered system* answers with a catastrophe.
//!
//! The system draws completions of a prompt until one is accepted, so a prompt whose completions are
//! mostly rejected counts as much as any other: F = E\[P(catastrophe | prompt, accepted)\]. The rate
//! among accepted single draws (the false-omission rate) is another number, and can be many times
//! smaller, for hard prompts hardly appear among them.
//!
//! [`single_draw_leak`] estimates F from labelled single draws; [`direct_leak`] from the system's own
//! answers; [`Population`] gives the exact values for a known mixture of prompts.

use crate::bounded_sum::sum_end;
use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::interval::clopper_pearson;
use crate::weighted_poisson::{GammaVersion, WeightedCount};

mod direct;
mod population;

pub use direct::{DirectLeak, direct_leak};
pub use population::{Population, PromptKind};

/// What became of the labelled single draw of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawOutcome {
    /// The filter rejected it; no label is needed.
    Rejected,
    /// Accepted, and labelled as no catastrophe.
    Safe,
    /// Accepted, and labelled as a catastrophe.
    Catastrophe,
}

/// One completion of one prompt, and how many *fresh* draws the same prompt needs until one is
/// accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingleDraw<'a> {
    /// What became of it.
    pub outcome: DrawOutcome,
    /// Draws until the first acceptance, that one included, once for each repetition; several
    /// repetitions are averaged. None of them may use the labelled draw itself. Needed for
    /// catastrophes; for all others it may be empty. With a retry cap N, a repetition that gave up
    /// after N draws is any number above N.
    pub tries: &'a [u64],
}

/// The leak from labelled single draws, with the quantities that it must not be confused with.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleDrawLeak {
    /// The leak (of the capped system, when there is a cap): unbiased value, approximate interval.
    /// The value of a small sample can exceed 1.
    pub estimate: IntervalEstimate,
    /// A guaranteed upper bound, above 1 only where the value is; `None` without a retry cap, as
    /// nothing bounds the draws of a prompt that was not sampled.
    pub upper: Option<IntervalEstimate>,
    /// The share of catastrophes among accepted single draws: *not* the leak.
    pub false_omission_rate: IntervalEstimate,
    /// Σ AYK/Σ AK: slightly biased, often less spread. Without a cap it estimates the leak; with a
    /// cap, the leak among answers (the leak divided by the share of requests answered). `None` when
    /// an accepted draw has no tries, or none was accepted.
    pub hajek: Option<IntervalEstimate>,
    /// The share of requests that end without an answer at this cap; `None` without a cap, or when
    /// a draw (a rejected one included) has no tries.
    pub abstention: Option<IntervalEstimate>,
    /// The retry cap.
    pub cap: Option<u64>,
}

/// Returns the leak of the filtered system from one labelled completion for each of n independent
/// prompts: (1/n)·Σ A·Y·K, where K is the number of fresh draws until one is accepted. Since E\[K |
/// prompt\] is 1/P(accept | prompt), this is unbiased without knowing any acceptance probability.
///
/// With a retry cap N the weight is min(K, N), and the value estimates the leak of the system that
/// abstains after N rejected draws (an abstention counts as no leak). Without a cap the weights of
/// prompts that are hardly ever accepted are unbounded, and so is what a sample can have missed: use
/// a cap wherever the system has one, and do not trust an interval without: in simulations with one
/// prompt in a hundred mostly rejected, intervals at 0.95 held the truth in 0.90 of experiments without
/// a cap, and in 0.99 with one of 20.
///
/// The interval of `estimate` is Fay and Feuer's gamma interval for the weighted catastrophes, with
/// N/n (or, without a cap, the largest weight seen) as the largest weight: approximate; a normal or
/// bootstrap interval would have zero width without catastrophes and cover far too seldom with few.
/// `upper` is guaranteed: the terms A·Y·min(K, N)/N are independent and lie in [0, 1], which is all
/// that [`crate::bounded_sum`] needs. It costs a factor N/(mean draws) in labels; [`direct_leak`] does not.
///
/// Dropping prompts that were never accepted, or drawing K only for some catastrophes, changes what
/// is estimated.
///
/// # Errors
/// [`StatsError::Empty`] without draws, [`StatsError::ItemOutOfRange`] for a catastrophe without
/// tries or tries of 0, [`StatsError::OutOfRange`] for a cap of 0 or a confidence outside (0, 1).
///
/// # Example
/// ```
/// use nines_stats::leak::{DrawOutcome::*, SingleDraw, single_draw_leak};
/// let draws = [
///     SingleDraw { outcome: Safe, tries: &[1] },
///     SingleDraw { outcome: Rejected, tries: &[] },
///     SingleDraw { outcome: Catastrophe, tries: &[3, 1] },
///     SingleDraw { outcome: Safe, tries: &[2] },
/// ];
/// let leak = single_draw_leak(&draws, Some(20), 0.95)?;
/// assert_eq!(leak.estimate.value, Some(0.5));
/// assert!((leak.false_omission_rate.value.unwrap() - 1.0 / 3.0).abs() < 1e-15);
/// let missing = [SingleDraw { outcome: Catastrophe, tries: &[] }];
/// assert!(single_draw_leak(&missing, Some(20), 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Horvitz & Thompson (1952) with the geometric's mean for the inverse probability; Fay & Feuer
/// (Stat. Med. 1997); Bentkus (Ann. Probab. 2004).
pub fn single_draw_leak(
    draws: &[SingleDraw<'_>],
    cap: Option<u64>,
    confidence: f64,
) -> Result<SingleDrawLeak, StatsError> {
    alpha_of(confidence)?;
    check_cap(cap)?;
    check_draws(draws)?;
    let n = draws.len() as f64;
    let weight =
        |draw: &SingleDraw<'_>| mean(draw.tries, |k| k.min(cap.unwrap_or(u64::MAX)) as f64);
    let of = |outcome| draws.iter().filter(move |d| d.outcome == outcome);
    let flagged: Vec<f64> = of(DrawOutcome::Catastrophe).map(weight).collect();
    let accepted = flagged.len() + of(DrawOutcome::Safe).count();
    let estimate = weighted_rate(
        &flagged,
        n,
        cap.map(|cap| cap as f64),
        confidence,
        draws.len() as u64,
    )?;
    let upper = cap
        .map(|cap| guaranteed_upper(&flagged, cap, draws.len() as u64, confidence))
        .transpose()?;
    let complete = draws
        .iter()
        .all(|d| d.outcome == DrawOutcome::Rejected || !d.tries.is_empty());
    let hajek = if complete && accepted > 0 {
        let sum = flagged.iter().sum::<f64>() + of(DrawOutcome::Safe).map(weight).sum::<f64>();
        let ratio = weighted_rate(
            &flagged,
            sum,
            cap.map(|cap| cap as f64),
            confidence,
            accepted as u64,
        )?;
        Some(IntervalEstimate {
            method: format!("Hajek ratio, {}", ratio.method),
            ..ratio
        })
    } else {
        None
    };
    Ok(SingleDrawLeak {
        estimate,
        upper,
        false_omission_rate: clopper_pearson(flagged.len() as u64, accepted as u64, confidence)?,
        hajek,
        abstention: cap
            .and_then(|cap| abstention(draws, cap, confidence).transpose())
            .transpose()?,
        cap,
    })
}

fn check_cap(cap: Option<u64>) -> Result<(), StatsError> {
    match cap {
        Some(0) => Err(StatsError::OutOfRange {
            what: "the retry cap",
            value: 0.0,
            allowed: "at least 1",
        }),
        _ => Ok(()),
    }
}

fn check_draws(draws: &[SingleDraw<'_>]) -> Result<(), StatsError> {
    if draws.is_empty() {
        return Err(StatsError::Empty {
            what: "labelled draws",
        });
    }
    for (index, draw) in draws.iter().enumerate() {
        if draw.outcome == DrawOutcome::Catastrophe && draw.tries.is_empty() {
            return Err(StatsError::ItemOutOfRange {
                what: "repetitions of a catastrophe's prompt",
                index,
                value: 0.0,
                allowed: "at least 1: draw the prompt again until a completion is accepted",
            });
        }
        if draw.tries.contains(&0) {
            return Err(StatsError::ItemOutOfRange {
                what: "draws until acceptance",
                index,
                value: 0.0,
                allowed: "at least 1: the accepted draw counts",
            });
        }
    }
    Ok(())
}

fn mean(tries: &[u64], of: impl Fn(u64) -> f64) -> f64 {
    tries.iter().map(|&k| of(k)).sum::<f64>() / tries.len() as f64
}

/// Returns Σ weights/scale with its gamma interval, within [0, 1]. Without a largest weight the
/// largest seen stands in, and without any seen nothing is known.
fn weighted_rate(
    weights: &[f64],
    scale: f64,
    largest: Option<f64>,
    confidence: f64,
    n: u64,
) -> Result<IntervalEstimate, StatsError> {
    let (largest, warning) = match largest {
        Some(largest) => (largest, "0.99 of 0.95 in simulations"),
        None => (
            weights.iter().copied().fold(0.0, f64::max),
            "without a retry cap, harder prompts than those seen are not in it: 0.90 of 0.95",
        ),
    };
    if largest == 0.0 {
        return Ok(IntervalEstimate {
            value: Some(0.0),
            lower: 0.0,
            upper: 1.0,
            confidence,
            method: "none (without a retry cap, no catastrophe shows nothing)".to_owned(),
            n,
        });
    }
    let scaled: Vec<f64> = weights.iter().map(|w| w / scale).collect();
    let count = WeightedCount::of_events(&scaled, largest / scale)?;
    let interval = count.interval(confidence, GammaVersion::Conservative)?;
    let value = scaled.iter().sum::<f64>();
    Ok(IntervalEstimate {
        value: Some(value),
        lower: interval.lower.min(1.0),
        // Only a small sample's value exceeds 1, and its interval should still hold it.
        upper: interval.upper.min(1.0).max(value),
        confidence,
        method: format!("geometric weights with gamma interval (approximate; {warning})"),
        n,
    })
}

/// Bounds the capped leak by what the sum of A·Y·min(K, N)/N allows.
fn guaranteed_upper(
    flagged: &[f64],
    cap: u64,
    n: u64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let cap = cap as f64;
    let sum: f64 = flagged.iter().map(|w| w / cap).sum();
    let bound = sum_end(sum.min(n as f64), n, alpha_of(confidence)?);
    let value = sum * cap / n as f64;
    Ok(IntervalEstimate {
        value: Some(value),
        lower: 0.0,
        upper: (bound * cap / n as f64).min(1.0).max(value),
        confidence,
        method: "Bentkus on capped draws (guaranteed, one-sided upper)".to_owned(),
        n,
    })
}

/// Returns the share of requests without an answer, when every draw has tries.
fn abstention(
    draws: &[SingleDraw<'_>],
    cap: u64,
    confidence: f64,
) -> Result<Option<IntervalEstimate>, StatsError> {
    if draws.iter().any(|d| d.tries.is_empty()) {
        return Ok(None);
    }
    let n = draws.len() as u64;
    let gave_up: f64 = draws
        .iter()
        .map(|d| mean(d.tries, |k| f64::from(u8::from(k > cap))))
        .sum();
    if draws.iter().all(|d| d.tries.len() == 1) {
        return clopper_pearson(gave_up as u64, n, confidence).map(Some);
    }
    // The mean over repetitions is a number between 0 and 1 for each prompt, no longer a yes or no.
    let tail = alpha_of(confidence)? / 2.0;
    let answered = n as f64 - gave_up;
    let size = n as f64;
    Ok(Some(IntervalEstimate {
        value: Some(gave_up / size),
        lower: (1.0 - sum_end(answered.max(0.0), n, tail) / size).max(0.0),
        upper: sum_end(gave_up.min(size), n, tail) / size,
        confidence,
        method: "Bentkus on shares of repetitions (guaranteed, two-sided)".to_owned(),
        n,
    }))
}

#[cfg(test)]
mod tests;
