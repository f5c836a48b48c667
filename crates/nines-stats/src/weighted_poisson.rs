//! Rates from weighted counts of rare events: Fay and Feuer's gamma intervals.

use crate::bisection::{bracket, past};
use crate::error::{StatsError, alpha_of, same_length};
use crate::estimate::IntervalEstimate;
use crate::gamma;

/// Which gamma interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GammaVersion {
    /// Fay and Feuer's: at least its nominal coverage in published simulations, though nobody has
    /// proved it.
    #[default]
    Conservative,
    /// The mid-P version: shorter, near its nominal coverage on average, below it at times.
    MidP,
}

impl GammaVersion {
    fn method(self, side: &str) -> String {
        match self {
            Self::Conservative => {
                format!("Fay-Feuer gamma, {side} (approximate; 0.97 to 1 of 0.95 in simulations)")
            }
            Self::MidP => {
                format!("mid-P gamma, {side} (approximate; 0.96 to 1 of 0.95 in simulations)")
            }
        }
    }
}

/// A weighted sum of independent Poisson counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightedCount {
    /// The largest weight that one event could have had, seen or not.
    largest_weight: f64,
    /// Σ w·k in units of the largest weight.
    total: f64,
    /// Σ w²·k in units of the largest weight's square.
    variance: f64,
    events: u64,
}

impl WeightedCount {
    /// Adds up counts with a weight each; weights of counts that are zero matter, for an event there
    /// was possible.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] when the columns differ, [`StatsError::Empty`] when they are empty,
    /// [`StatsError::ItemOutOfRange`] for a weight that is not positive and finite.
    ///
    /// # Example
    /// ```
    /// use nines_stats::weighted_poisson::WeightedCount;
    /// let count = WeightedCount::new(&[5e-6, 2e-4], &[7, 0])?;
    /// assert!((count.total() - 3.5e-5).abs() < 1e-18);
    /// assert!(WeightedCount::new(&[0.0, 2e-4], &[7, 0]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn new(weights: &[f64], counts: &[u64]) -> Result<Self, StatsError> {
        same_length("weights and counts", weights.len(), counts.len())?;
        let largest = largest_weight(weights)?;
        Ok(Self::scaled(
            largest,
            weights.iter().zip(counts).map(|(&w, &k)| (w, k)),
        ))
    }

    /// Adds up single events, each with its own weight, where no event could have weighed more than
    /// `largest_weight`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the largest weight is positive and finite,
    /// [`StatsError::ItemOutOfRange`] for an event's weight that is not positive or above it.
    ///
    /// # Example
    /// ```
    /// use nines_stats::weighted_poisson::WeightedCount;
    /// let count = WeightedCount::of_events(&[0.5, 0.25], 1.0)?;
    /// assert_eq!(count.total(), 0.75);
    /// assert!(WeightedCount::of_events(&[2.0], 1.0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn of_events(weights: &[f64], largest_weight: f64) -> Result<Self, StatsError> {
        if !(largest_weight > 0.0 && largest_weight.is_finite()) {
            return Err(StatsError::OutOfRange {
                what: "the largest weight",
                value: largest_weight,
                allowed: "positive and finite",
            });
        }
        for (index, &value) in weights.iter().enumerate() {
            if !(value > 0.0 && value <= largest_weight) {
                return Err(StatsError::ItemOutOfRange {
                    what: "weights of events",
                    index,
                    value,
                    allowed: "positive and at most the largest weight",
                });
            }
        }
        Ok(Self::scaled(
            largest_weight,
            weights.iter().map(|&w| (w, 1)),
        ))
    }

    fn scaled(largest_weight: f64, counts: impl Iterator<Item = (f64, u64)>) -> Self {
        let (mut total, mut variance, mut events) = (0.0, 0.0, 0);
        for (weight, count) in counts {
            let relative = weight / largest_weight;
            total += relative * count as f64;
            variance += relative * relative * count as f64;
            events = count.saturating_add(events);
        }
        Self {
            largest_weight,
            total,
            variance,
            events,
        }
    }

    /// Returns the weighted sum: the rate's estimate.
    pub fn total(&self) -> f64 {
        self.total * self.largest_weight
    }

    /// Returns the two-sided interval of the rate; its `n` counts the events.
    ///
    /// Assumes independent Poisson counts, to which binomial counts at rare rates come close (and are
    /// less spread), and weights known beforehand.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::weighted_poisson::{GammaVersion, WeightedCount};
    /// let weights = [0.02 / 4000.0, 0.10 / 3000.0, 0.30 / 2000.0, 0.20 / 1000.0];
    /// let count = WeightedCount::new(&weights, &[7, 1, 0, 0])?;
    /// let e = count.interval(0.95, GammaVersion::Conservative)?;
    /// assert!((e.lower - 1.70763e-5).abs() < 1e-10 && (e.upper - 7.87814e-4).abs() < 1e-9);
    /// assert!(count.interval(0.0, GammaVersion::Conservative).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Fay & Feuer, "Confidence intervals for directly standardized rates" (Stat. Med. 1997);
    /// Tiwari, Clegg & Zou 2006 and Fay & Kim, "Confidence intervals for directly standardized rates
    /// using mid-p gamma intervals" (Biom. J. 2017), for the mid-P version.
    pub fn interval(
        &self,
        confidence: f64,
        version: GammaVersion,
    ) -> Result<IntervalEstimate, StatsError> {
        let tail = alpha_of(confidence)? / 2.0;
        Ok(IntervalEstimate {
            value: Some(self.total()),
            lower: self.lower(tail, version)?,
            upper: self.upper(tail, version)?,
            confidence,
            method: version.method("two-sided"),
            n: self.events,
        })
    }

    /// Returns the one-sided interval [0, upper] of the rate; its `n` counts the events. Without
    /// events the conservative version is w_max·ln(1/α).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1), or above ½ for the mid-P
    /// version, which below that has zero width without events.
    ///
    /// # Example
    /// ```
    /// use nines_stats::weighted_poisson::{GammaVersion, WeightedCount};
    /// let none = WeightedCount::new(&[1e-5, 2e-4], &[0, 0])?;
    /// let e = none.upper_bound(0.95, GammaVersion::Conservative)?;
    /// assert!((e.upper - 5.991465e-4).abs() < 1e-10);
    /// assert!(none.upper_bound(1.0, GammaVersion::Conservative).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// As [`WeightedCount::interval`].
    pub fn upper_bound(
        &self,
        confidence: f64,
        version: GammaVersion,
    ) -> Result<IntervalEstimate, StatsError> {
        let tail = alpha_of(confidence)?;
        if version == GammaVersion::MidP && tail >= 0.5 {
            return Err(StatsError::OutOfRange {
                what: "the confidence of a one-sided mid-P bound",
                value: confidence,
                allowed: "above 0.5 and below 1",
            });
        }
        Ok(IntervalEstimate {
            value: Some(self.total()),
            lower: 0.0,
            upper: self.upper(tail, version)?,
            confidence,
            method: version.method("one-sided upper"),
            n: self.events,
        })
    }

    /// The gamma distribution whose quantiles are the conservative lower ends; `None` without events,
    /// (or with none whose weight is a number beside the largest), where it is the point 0.
    fn lower_gamma(&self) -> Option<MatchedGamma> {
        let weighs = self.total > 0.0 && self.total * self.total > 0.0 && self.variance > 0.0;
        weighs.then(|| MatchedGamma::new(self.total, self.variance))
    }

    /// The gamma distribution whose quantiles are the conservative upper ends: one more event, of
    /// the largest weight.
    fn upper_gamma(&self) -> MatchedGamma {
        MatchedGamma::new(self.total + 1.0, self.variance + 1.0)
    }

    fn lower(&self, tail: f64, version: GammaVersion) -> Result<f64, StatsError> {
        let Some(low) = self.lower_gamma() else {
            return Ok(0.0);
        };
        let relative = match version {
            GammaVersion::Conservative => low.below(tail)?,
            GammaVersion::MidP => {
                let high = self.upper_gamma();
                // The mixture of both reaches the tail between the points where each does.
                let (a, b) = (low.below(tail)?, high.below(tail)?);
                bracket(a.min(b), a.max(b), |x| {
                    0.5 * (low.cdf(x) + high.cdf(x)) < tail
                })
                .0
            }
        };
        Ok(relative * self.largest_weight)
    }

    fn upper(&self, tail: f64, version: GammaVersion) -> Result<f64, StatsError> {
        let high = self.upper_gamma();
        let relative = match version {
            GammaVersion::Conservative => high.above(tail)?,
            GammaVersion::MidP => {
                let low = self.lower_gamma();
                let beyond =
                    |x: f64| 0.5 * (low.map_or(0.0, |low| low.survival(x)) + high.survival(x));
                let possible = |x: f64| beyond(x) > tail;
                bracket(0.0, past(self.total + 1.0, possible), possible).1
            }
        };
        Ok(relative * self.largest_weight)
    }
}

/// The gamma distribution with a given mean and variance.
#[derive(Debug, Clone, Copy)]
struct MatchedGamma {
    shape: f64,
    scale: f64,
}

impl MatchedGamma {
    fn new(mean: f64, variance: f64) -> Self {
        Self {
            shape: mean * mean / variance,
            scale: variance / mean,
        }
    }

    /// The point below which it has probability `p`.
    fn below(&self, p: f64) -> Result<f64, StatsError> {
        Ok(self.scale * gamma::quantile(p, self.shape)?)
    }

    /// The point above which it has probability `q`.
    fn above(&self, q: f64) -> Result<f64, StatsError> {
        Ok(self.scale * gamma::upper_quantile(q, self.shape)?)
    }

    /// Both tails at `x`.
    fn tails(&self, x: f64) -> (f64, f64) {
        gamma::ln_tails(self.shape, x / self.scale)
            .map_or((f64::NAN, f64::NAN), |t| (t.lower.exp(), t.upper.exp()))
    }

    fn cdf(&self, x: f64) -> f64 {
        self.tails(x).0
    }

    fn survival(&self, x: f64) -> f64 {
        self.tails(x).1
    }
}

/// Returns the largest weight, of weights that must all be positive.
pub(crate) fn largest_weight(weights: &[f64]) -> Result<f64, StatsError> {
    if weights.is_empty() {
        return Err(StatsError::Empty { what: "weights" });
    }
    for (index, &value) in weights.iter().enumerate() {
        if !(value > 0.0 && value.is_finite()) {
            return Err(StatsError::ItemOutOfRange {
                what: "weights",
                index,
                value,
                allowed: "positive and finite",
            });
        }
    }
    Ok(weights.iter().copied().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests;
