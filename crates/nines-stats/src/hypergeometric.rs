//! Drawing without replacement: the hypergeometric distribution's tails and the exact interval of a
//! finite population's share.

use crate::bisection::first_count;
use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use std::convert::Infallible;

/// A population of which some items are marked and some are drawn.
#[derive(Debug, Clone, Copy)]
struct Urn {
    population: u64,
    marked: u64,
    drawn: u64,
}

impl Urn {
    fn checked(population: u64, marked: u64, drawn: u64) -> Result<Self, StatsError> {
        for (what, value) in [
            ("the number of marked items", marked),
            ("the number of drawn items", drawn),
        ] {
            if value > population {
                return Err(StatsError::OutOfRange {
                    what,
                    value: value as f64,
                    allowed: "at most the population",
                });
            }
        }
        Ok(Self {
            population,
            marked,
            drawn,
        })
    }

    fn least(self) -> u64 {
        self.drawn.saturating_sub(self.population - self.marked)
    }

    fn most(self) -> u64 {
        self.marked.min(self.drawn)
    }

    /// P(X = x + 1) / P(X = x).
    fn step_up(self, x: u64) -> f64 {
        let ways = (self.marked - x) as f64 * (self.drawn - x) as f64;
        let empty = (self.population - self.marked + x + 1 - self.drawn) as f64;
        ways / ((x + 1) as f64 * empty)
    }

    /// P(X ≤ k) and P(X > k), each a sum of its own terms.
    ///
    /// Probabilities relative to the mode's follow from their ratios, and what they sum to is 1: no
    /// factorial, and no cancellation.
    fn tails(self, k: u64) -> (f64, f64) {
        let wide = (u128::from(self.marked) + 1) * (u128::from(self.drawn) + 1)
            / (u128::from(self.population) + 2);
        let mode = (wide as u64).clamp(self.least(), self.most());
        let (mut lower, mut upper) = (0.0, 0.0);
        let mut add = |x: u64, weight: f64| {
            if x <= k {
                lower += weight;
            } else {
                upper += weight;
            }
        };
        add(mode, 1.0);
        let mut weight = 1.0;
        for x in mode..self.most() {
            weight *= self.step_up(x);
            if weight == 0.0 {
                break;
            }
            add(x + 1, weight);
        }
        weight = 1.0;
        for x in (self.least()..mode).rev() {
            weight /= self.step_up(x);
            if weight == 0.0 {
                break;
            }
            add(x, weight);
        }
        let total = lower + upper;
        (lower / total, upper / total)
    }
}

/// Returns P(X ≤ k), where X counts the marked items among `drawn` items drawn without replacement
/// from a population of which `marked` are marked.
///
/// # Errors
/// [`StatsError::OutOfRange`] when more items are marked or drawn than there are.
///
/// # Example
/// ```
/// use nines_stats::hypergeometric::cdf;
/// assert!((cdf(0, 50, 5, 10)? - 0.310562782).abs() < 1e-9);
/// assert!(cdf(0, 50, 51, 10).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Johnson, Kemp & Kotz, *Univariate Discrete Distributions* (2005), chapter 6.
pub fn cdf(k: u64, population: u64, marked: u64, drawn: u64) -> Result<f64, StatsError> {
    Ok(Urn::checked(population, marked, drawn)?.tails(k).0)
}

/// Returns P(X ≥ k) of the same count as [`cdf`].
///
/// # Errors
/// As [`cdf`].
///
/// # Example
/// ```
/// use nines_stats::hypergeometric::at_least;
/// assert!((at_least(1, 50, 5, 10)? - 0.689437218).abs() < 1e-9);
/// assert!(at_least(1, 50, 5, 51).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`cdf`].
pub fn at_least(k: u64, population: u64, marked: u64, drawn: u64) -> Result<f64, StatsError> {
    let urn = Urn::checked(population, marked, drawn)?;
    Ok(if k == 0 { 1.0 } else { urn.tails(k - 1).1 })
}

/// Returns the fewest and the most marked items of the population that seeing `k` among `drawn` does
/// not exclude, each end wrong with probability at most `tail`, and never the same number unless all
/// were drawn. Exact counts are the caller's care.
pub(crate) fn marked_ends(k: u64, drawn: u64, population: u64, tail: f64) -> (u64, u64) {
    let urn = |marked| Urn {
        population,
        marked,
        drawn,
    };
    let (fewest, most) = (k, population - (drawn - k));
    // Infallible searches: at `fewest` nothing was too few, and at `most` nothing too many.
    let Ok(beyond) = first_count(fewest, most + 1, |marked| {
        Ok::<bool, Infallible>(urn(marked).tails(k).0 <= tail)
    });
    let upper = beyond - 1;
    let lower = if k == 0 || urn(fewest).tails(k - 1).1 > tail {
        fewest
    } else {
        let Ok(lower) = first_count(fewest, most, |marked| {
            Ok::<bool, Infallible>(urn(marked).tails(k - 1).1 > tail)
        });
        lower
    };
    // What was not drawn is not known, even where a test would rule it out.
    if lower < upper || drawn == population {
        (lower, upper)
    } else if upper < most {
        (lower, upper + 1)
    } else {
        (lower - 1, upper)
    }
}

/// Returns the share of a finite population that is marked, with its exact interval, from `k` marked
/// items among `drawn` items drawn without replacement.
///
/// Assumes a simple random sample of that very population. The share is the population's own: when
/// all of it is drawn, the share is known and the interval has no width; while an item is left, it has
/// at least the width of one. Use
/// [`crate::interval::clopper_pearson`] when the population is itself a sample of what matters.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > drawn, drawn > population, or the confidence is not in (0, 1);
/// [`StatsError::Empty`] when the population is empty.
///
/// # Example
/// ```
/// use nines_stats::hypergeometric::marked_share;
/// let share = marked_share(9, 600, 3000, 0.95)?;
/// assert!(share.lower < 0.015 && 0.015 < share.upper);
/// assert!(marked_share(9, 8, 3000, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Katz (1953); Cochran, *Sampling Techniques* (1977), chapter 3: both one-sided tests inverted.
pub fn marked_share(
    k: u64,
    drawn: u64,
    population: u64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    if population == 0 {
        return Err(StatsError::Empty {
            what: "the population",
        });
    }
    Urn::checked(population, k, drawn)?;
    if k > drawn {
        return Err(StatsError::OutOfRange {
            what: "a count of marked items",
            value: k as f64,
            allowed: "at most the number of drawn items",
        });
    }
    let (lower, upper) = marked_ends(k, drawn, population, tail);
    let size = population as f64;
    Ok(IntervalEstimate {
        value: (drawn > 0).then(|| k as f64 / drawn as f64),
        lower: lower as f64 / size,
        upper: upper as f64 / size,
        confidence,
        method: "hypergeometric (exact, two-sided)".to_owned(),
        n: drawn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(n: u64, k: u64) -> f64 {
        (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
    }

    #[test]
    fn tails_are_sums_of_products_of_binomial_coefficients() {
        for population in 1..14 {
            for marked in 0..=population {
                for drawn in 0..=population {
                    let p = |x: u64| {
                        if x > marked || drawn - x > population - marked {
                            return 0.0;
                        }
                        choose(marked, x) * choose(population - marked, drawn - x)
                            / choose(population, drawn)
                    };
                    for k in 0..=drawn {
                        let lower: f64 = (0..=k).map(p).sum();
                        let upper: f64 = (k..=drawn).map(p).sum();
                        let got = cdf(k, population, marked, drawn).unwrap();
                        assert!(
                            (got - lower).abs() < 1e-13,
                            "{population} {marked} {drawn} {k}"
                        );
                        let got = at_least(k, population, marked, drawn).unwrap();
                        assert!(
                            (got - upper).abs() < 1e-13,
                            "{population} {marked} {drawn} {k}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn ends_agree_with_scipy() {
        assert_eq!(marked_ends(9, 600, 3000, 0.0125), (21, 86));
        assert_eq!(marked_ends(2, 500, 2500, 0.0125), (2, 37));
        assert_eq!(marked_ends(0, 600, 3000, 0.0125), (0, 19));
        assert_eq!(marked_ends(3, 50, 50, 0.0125), (3, 3));
        assert_eq!(marked_ends(3, 10, 50, 0.025), (5, 31));
        assert_eq!(marked_ends(0, 0, 50, 0.025), (0, 50));
    }

    #[test]
    fn the_interval_covers_whatever_the_truth() {
        let (population, drawn, confidence) = (40, 12, 0.9);
        for marked in 0..=population {
            let covered: f64 = (0..=drawn)
                .filter(|&k| {
                    let share = marked_share(k, drawn, population, confidence).unwrap();
                    let truth = marked as f64 / population as f64;
                    share.lower <= truth && truth <= share.upper
                })
                .map(|k| {
                    let above = at_least(k + 1, population, marked, drawn).unwrap();
                    at_least(k, population, marked, drawn).unwrap() - above
                })
                .sum();
            assert!(covered >= confidence - 1e-12, "{marked}: {covered}");
        }
    }
}
