//! A confidence sequence for the mean of numbers between 0 and 1.

use crate::bisection::bracket;
use crate::error::{StatsError, alpha_of, open_unit};
use crate::estimate::IntervalEstimate;

/// The hedged capital process: two bettors, one that the mean is larger than m and one that it is
/// smaller, for every m at once.
///
/// The numbers must lie in [0, 1] and have the same mean given those before; nothing else is assumed.
/// For yes-or-no labels at rare rates [`crate::anytime::mixture`] is much sharper. Memory grows with
/// the numbers, as the bets depend on m.
#[derive(Debug, Clone, PartialEq)]
pub struct HedgedCapital {
    confidence: f64,
    /// The largest share of the capital that may be lost at once.
    most: f64,
    /// Each number with the bet that was made before it was seen.
    rounds: Vec<Round>,
    sum: f64,
    squares: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Round {
    value: f64,
    bet: f64,
}

/// Both bettors' capitals against one mean, as logarithms, each from the half it started with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LnCapital {
    /// Of the one that the mean is larger.
    pub larger: f64,
    /// Of the one that the mean is smaller.
    pub smaller: f64,
}

impl LnCapital {
    /// Returns the larger of both: the evidence against the mean.
    pub fn evidence(&self) -> f64 {
        self.larger.max(self.smaller)
    }
}

impl HedgedCapital {
    /// Starts with bets of at most half the capital, the authors' default.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::bounded_mean::HedgedCapital;
    /// let mut sequence = HedgedCapital::new(0.95)?;
    /// for _ in 0..50 {
    ///     sequence.record(0.0)?;
    /// }
    /// let e = sequence.interval();
    /// assert!(e.lower == 0.0 && (e.upper - 0.1327986).abs() < 1e-7);
    /// assert!(sequence.record(1.5).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting" (JRSSB 2024),
    /// Theorem 3 (hedged capital) with predictable plug-in bets.
    pub fn new(confidence: f64) -> Result<Self, StatsError> {
        Self::with_largest_bet(confidence, 0.5)
    }

    /// Starts with bets of at most `most` of the capital, chosen before the first number.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the confidence and the largest bet lie in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::bounded_mean::HedgedCapital;
    /// assert!(HedgedCapital::with_largest_bet(0.95, 0.75).is_ok());
    /// assert!(HedgedCapital::with_largest_bet(0.95, 1.0).is_err());
    /// ```
    pub fn with_largest_bet(confidence: f64, most: f64) -> Result<Self, StatsError> {
        alpha_of(confidence)?;
        Ok(Self {
            confidence,
            most: open_unit("the largest bet", most)?,
            rounds: Vec::new(),
            sum: 0.0,
            squares: 0.0,
        })
    }

    /// Records the next number.
    ///
    /// # Errors
    /// [`StatsError::ItemOutOfRange`] unless it lies in [0, 1]; nothing is recorded then.
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::bounded_mean::HedgedCapital;
    /// let mut sequence = HedgedCapital::new(0.95)?;
    /// sequence.record(0.25)?;
    /// assert!(sequence.record(f64::NAN).is_err());
    /// assert_eq!(sequence.n(), 1);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn record(&mut self, value: f64) -> Result<(), StatsError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(StatsError::ItemOutOfRange {
                what: "numbers with a bounded mean",
                index: self.rounds.len(),
                value,
                allowed: "between 0 and 1",
            });
        }
        let t = self.rounds.len() as f64 + 1.0;
        // The bet knows only what came before: the mean and the variance start from ½ and ¼.
        let variance = (0.25 + self.squares) / t;
        let alpha = 1.0 - self.confidence;
        let bet = (2.0 * (2.0 / alpha).ln() / (variance * t * (t + 1.0).ln())).sqrt();
        self.rounds.push(Round { value, bet });
        self.sum += value;
        let mean = (0.5 + self.sum) / (t + 1.0);
        self.squares += (value - mean).powi(2);
        Ok(())
    }

    /// Returns how many numbers were recorded.
    pub fn n(&self) -> u64 {
        self.rounds.len() as u64
    }

    /// Returns both capitals against the mean `m`. If m is the mean, their evidence ever reaches
    /// ln(1/α) with probability at most α.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless m lies in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::bounded_mean::HedgedCapital;
    /// let mut sequence = HedgedCapital::new(0.95)?;
    /// for _ in 0..50 {
    ///     sequence.record(0.0)?;
    /// }
    /// assert!((sequence.ln_capital(0.1)?.evidence().exp() - 7.464914).abs() < 5e-7);
    /// assert!(sequence.ln_capital(0.0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// K± = ½∏(1 ± λ±·(x − m)), λ+ = min(λ, c/m), λ− = min(λ, c/(1−m)).
    pub fn ln_capital(&self, m: f64) -> Result<LnCapital, StatsError> {
        open_unit("the mean tested", m)?;
        Ok(self.capitals(m))
    }

    fn capitals(&self, m: f64) -> LnCapital {
        let half = -std::f64::consts::LN_2;
        let (mut larger, mut smaller) = (half, half);
        for round in &self.rounds {
            let up = round.bet.min(self.most / m);
            let down = round.bet.min(self.most / (1.0 - m));
            larger += (up * (round.value - m)).ln_1p();
            smaller += (-down * (round.value - m)).ln_1p();
        }
        LnCapital { larger, smaller }
    }

    /// Returns the interval now. With the stated confidence all intervals along the way hold the
    /// mean, so the narrowest ends seen so far may be kept.
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::bounded_mean::HedgedCapital;
    /// let e = HedgedCapital::new(0.95)?.interval();
    /// assert_eq!((e.value, e.lower, e.upper), (None, 0.0, 1.0));
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn interval(&self) -> IntervalEstimate {
        let limit = -(1.0 - self.confidence).ln();
        let n = self.rounds.len() as f64;
        // Each factor of the one capital falls with m, and of the other rises: both ends are roots.
        let too_small = |m: f64| m <= 0.0 || self.capitals(m).larger >= limit;
        let possible = |m: f64| m <= 0.0 || (m < 1.0 && self.capitals(m).smaller < limit);
        let least = f64::MIN_POSITIVE;
        let lower = if too_small(least) {
            bracket(least, 1.0, |m| m < 1.0 && too_small(m)).0
        } else {
            0.0
        };
        let next_to_one = 1.0 - f64::EPSILON / 2.0;
        let upper = if possible(next_to_one) {
            1.0
        } else {
            bracket(0.0, next_to_one, possible).1
        };
        IntervalEstimate {
            value: (n > 0.0).then(|| self.sum / n),
            lower,
            upper,
            confidence: self.confidence,
            method: "hedged capital (anytime-valid, two-sided)".to_owned(),
            n: self.rounds.len() as u64,
        }
    }
}
