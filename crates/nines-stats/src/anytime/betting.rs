//! A test of one rate with a fixed bet.

use crate::error::{StatsError, alpha_of, open_unit, planned};

/// Bets against "the rate is at least p": each clean label multiplies the capital by
/// 1 + c·p/(1−p), each failure by 1 − c.
///
/// The capital cannot grow on average while the rate is at least p, so that it ever reaches 1/α with
/// probability at most α, however often one looks. A bet near 1 needs the fewest clean labels and
/// loses nearly everything at the first failure; it must be chosen before the first label.
#[derive(Debug, Clone, PartialEq)]
pub struct BettingTest {
    ln_win: f64,
    ln_loss: f64,
    ln_capital: f64,
    ln_peak: f64,
    labels: u64,
    failures: u64,
}

impl BettingTest {
    /// Starts with a capital of 1 against rates of at least `rate`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the rate and the bet lie in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::betting::BettingTest;
    /// let mut test = BettingTest::new(1e-3, 0.9)?;
    /// for _ in 0..3327 {
    ///     test.record(false);
    /// }
    /// assert!(test.rejects(0.95)?);
    /// assert!(BettingTest::new(1e-3, 1.0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting" (JRSSB 2024),
    /// §4, with a constant bet.
    pub fn new(rate: f64, bet: f64) -> Result<Self, StatsError> {
        open_unit("the rate tested", rate)?;
        open_unit("the bet", bet)?;
        Ok(Self {
            ln_win: (bet * rate / (1.0 - rate)).ln_1p(),
            ln_loss: (-bet).ln_1p(),
            ln_capital: 0.0,
            ln_peak: 0.0,
            labels: 0,
            failures: 0,
        })
    }

    /// Records the next label.
    pub fn record(&mut self, failure: bool) {
        self.labels += 1;
        self.failures += u64::from(failure);
        // From the counts rather than step by step, so that rounding does not pile up.
        self.ln_capital = (self.labels - self.failures) as f64 * self.ln_win
            + self.failures as f64 * self.ln_loss;
        self.ln_peak = self.ln_peak.max(self.ln_capital);
    }

    /// Returns the logarithm of the capital now.
    pub fn ln_capital(&self) -> f64 {
        self.ln_capital
    }

    /// Returns how many labels were recorded.
    pub fn labels(&self) -> u64 {
        self.labels
    }

    /// Returns how many of them were failures.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Returns whether the capital has at any time reached 1/α: whether the rate is shown to be below
    /// the one tested.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::betting::BettingTest;
    /// let test = BettingTest::new(1e-3, 0.5)?;
    /// assert!(!test.rejects(0.95)?);
    /// assert!(test.rejects(1.0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Ville (1939).
    pub fn rejects(&self, confidence: f64) -> Result<bool, StatsError> {
        Ok(self.ln_peak >= -alpha_of(confidence)?.ln())
    }
}

/// Returns how many clean labels in a row let a fixed bet show that the rate is below `rate`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless rate, bet and confidence lie in (0, 1), or when more than 2⁵³
/// labels would be needed.
///
/// # Example
/// ```
/// use nines_stats::anytime::betting::clean_labels_needed;
/// assert_eq!(clean_labels_needed(1e-3, 0.5, 0.95)?, 5987);
/// assert!(clean_labels_needed(1e-3, 0.0, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// ⌈ln(1/α)/ln(1 + c·p/(1−p))⌉.
pub fn clean_labels_needed(rate: f64, bet: f64, confidence: f64) -> Result<u64, StatsError> {
    let test = BettingTest::new(rate, bet)?;
    let limit = -alpha_of(confidence)?.ln();
    planned("the rate tested", rate, limit / test.ln_win)
}
