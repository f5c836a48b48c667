//! Wald's sequential test between two rates.

use crate::error::{StatsError, open_unit};

/// What a sequential test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on labelling.
    Undecided,
    /// The low rate fits: the filter passes.
    Low,
    /// The high rate fits: the filter fails.
    High,
}

/// Wald's sequential probability ratio test of a low rate against a high one.
///
/// It decides with the fewest labels on average when one of the two rates is true. Its boundaries are
/// Wald's: to pass at rate `high` has probability at most `pass_wrongly`/(1 − `fail_wrongly`), and to
/// fail at rate `low` at most `fail_wrongly`/(1 − `pass_wrongly`); slightly above what was asked for,
/// see [`RateSprt::wrong_pass_bound`]. Rates above `high` pass more seldom; rates between the two may
/// go either way. The labels must be independent.
#[derive(Debug, Clone, PartialEq)]
pub struct RateSprt {
    ln_clean: f64,
    ln_failure: f64,
    pass_at: f64,
    fail_at: f64,
    pass_wrongly: f64,
    fail_wrongly: f64,
    clean: u64,
    failures: u64,
    verdict: Verdict,
}

impl RateSprt {
    /// Starts a test between the rates `low` and `high`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless 0 < low < high < 1, both error probabilities lie in (0, 1) and
    /// their sum is below 1.
    ///
    /// # Example
    /// ```
    /// use nines_stats::anytime::sprt::{RateSprt, Verdict};
    /// let mut test = RateSprt::new(1e-4, 1e-3, 0.05, 0.05)?;
    /// for _ in 0..3269 {
    ///     assert_eq!(test.record(false), Verdict::Undecided);
    /// }
    /// assert_eq!(test.record(false), Verdict::Low);
    /// assert!(RateSprt::new(1e-3, 1e-4, 0.05, 0.05).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Wald, "Sequential tests of statistical hypotheses" (1945).
    pub fn new(
        low: f64,
        high: f64,
        pass_wrongly: f64,
        fail_wrongly: f64,
    ) -> Result<Self, StatsError> {
        open_unit("the low rate", low)?;
        open_unit("the high rate", high)?;
        if low >= high {
            return Err(StatsError::OutOfRange {
                what: "the high rate",
                value: high,
                allowed: "above the low rate",
            });
        }
        open_unit("the probability to pass wrongly", pass_wrongly)?;
        open_unit("the probability to fail wrongly", fail_wrongly)?;
        if pass_wrongly + fail_wrongly >= 1.0 {
            return Err(StatsError::OutOfRange {
                what: "the sum of both error probabilities",
                value: pass_wrongly + fail_wrongly,
                allowed: "below 1",
            });
        }
        Ok(Self {
            ln_clean: (-low).ln_1p() - (-high).ln_1p(),
            ln_failure: (low / high).ln(),
            pass_at: ((1.0 - fail_wrongly) / pass_wrongly).ln(),
            fail_at: (fail_wrongly / (1.0 - pass_wrongly)).ln(),
            pass_wrongly,
            fail_wrongly,
            clean: 0,
            failures: 0,
            verdict: Verdict::Undecided,
        })
    }

    /// Records the next label and returns the verdict; the first decision stands, whatever comes
    /// after it.
    pub fn record(&mut self, failure: bool) -> Verdict {
        if self.verdict == Verdict::Undecided {
            if failure {
                self.failures += 1;
            } else {
                self.clean += 1;
            }
            let ratio = self.ln_ratio();
            if ratio >= self.pass_at {
                self.verdict = Verdict::Low;
            } else if ratio <= self.fail_at {
                self.verdict = Verdict::High;
            }
        }
        self.verdict
    }

    /// Returns the logarithm of the likelihood ratio of the low rate to the high one, at the decision
    /// or now.
    pub fn ln_ratio(&self) -> f64 {
        self.clean as f64 * self.ln_clean + self.failures as f64 * self.ln_failure
    }

    /// Returns the verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns how many labels the verdict rests on.
    pub fn labels(&self) -> u64 {
        self.clean + self.failures
    }

    /// Returns how many clean labels in a row pass the filter; `u64::MAX` for that many and more.
    pub fn clean_labels_to_pass(&self) -> u64 {
        (self.pass_at / self.ln_clean).ceil() as u64
    }

    /// Returns how many more clean labels each failure costs.
    pub fn clean_labels_per_failure(&self) -> f64 {
        -self.ln_failure / self.ln_clean
    }

    /// Returns what is guaranteed: the most that the probability to pass at the high rate (or above)
    /// can be.
    pub fn wrong_pass_bound(&self) -> f64 {
        self.pass_wrongly / (1.0 - self.fail_wrongly)
    }

    /// Returns the most that the probability to fail at the low rate (or below) can be.
    pub fn wrong_fail_bound(&self) -> f64 {
        self.fail_wrongly / (1.0 - self.pass_wrongly)
    }
}
