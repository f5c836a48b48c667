//! Exact quantities of a known mixture of prompts.

use crate::error::{StatsError, fills_whole};

/// One kind of prompt in a known mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptKind {
    /// The kind's share of all prompts.
    pub share: f64,
    /// P(accepted | prompt) of a single completion.
    pub acceptance: f64,
    /// P(accepted and a catastrophe | prompt) of a single completion.
    pub leak: f64,
}

/// A known mixture of prompts, for planning and for checking estimators: real prompts are never
/// known so well.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    kinds: Vec<PromptKind>,
}

impl Population {
    /// Checks and takes a mixture.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without kinds; [`StatsError::ItemOutOfRange`] for a share that is not in
    /// (0, 1], an acceptance not in [0, 1], or a leak not between 0 and the acceptance;
    /// [`StatsError::OutOfRange`] when the shares do not add up to 1.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.filtered_leak()? - 2.01042105e-4).abs() < 1e-12);
    /// assert!(Population::new(vec![calm]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn new(kinds: Vec<PromptKind>) -> Result<Self, StatsError> {
        if kinds.is_empty() {
            return Err(StatsError::Empty {
                what: "kinds of prompts",
            });
        }
        for (index, kind) in kinds.iter().enumerate() {
            let problem = |what, value, allowed| {
                Err(StatsError::ItemOutOfRange {
                    what,
                    index,
                    value,
                    allowed,
                })
            };
            if !(kind.share > 0.0 && kind.share <= 1.0) {
                return problem("shares of prompts", kind.share, "above 0 and at most 1");
            }
            if !(0.0..=1.0).contains(&kind.acceptance) {
                return problem("acceptances", kind.acceptance, "between 0 and 1");
            }
            if !(kind.leak >= 0.0 && kind.leak <= kind.acceptance) {
                return problem("leaks", kind.leak, "between 0 and the acceptance");
            }
        }
        fills_whole(
            "the sum of all shares of prompts",
            kinds.iter().map(|k| k.share).sum(),
        )?;
        Ok(Self { kinds })
    }

    fn mean(&self, of: impl Fn(&PromptKind) -> f64) -> f64 {
        self.kinds.iter().map(|k| k.share * of(k)).sum()
    }

    fn always_accepts(&self) -> Result<(), StatsError> {
        match self.kinds.iter().position(|k| k.acceptance == 0.0) {
            None => Ok(()),
            Some(index) => Err(StatsError::ItemOutOfRange {
                what: "acceptances",
                index,
                value: 0.0,
                allowed: "above 0, as without a retry cap a prompt that is never accepted has no answer",
            }),
        }
    }

    /// Returns the acceptance of a single completion, E\[a\].
    pub fn acceptance(&self) -> f64 {
        self.mean(|k| k.acceptance)
    }

    /// Returns the share of catastrophes among accepted single completions, E\[ℓ\]/E\[a\]: not the
    /// leak of the filtered system.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] when nothing is ever accepted.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.false_omission_rate()? - 1.16790648e-5).abs() < 1e-13);
    /// let never = PromptKind { share: 1.0, acceptance: 0.0, leak: 0.0 };
    /// assert!(Population::new(vec![never])?.false_omission_rate().is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn false_omission_rate(&self) -> Result<f64, StatsError> {
        let acceptance = self.acceptance();
        if acceptance > 0.0 {
            Ok(self.mean(|k| k.leak) / acceptance)
        } else {
            Err(StatsError::OutOfRange {
                what: "the acceptance",
                value: acceptance,
                allowed: "above 0",
            })
        }
    }

    /// Returns the leak of the system that draws until a completion is accepted, F = E\[ℓ/a\].
    ///
    /// # Errors
    /// [`StatsError::ItemOutOfRange`] for a kind that is never accepted.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let never = PromptKind { share: 1.0, acceptance: 0.0, leak: 0.0 };
    /// let population = Population::new(vec![never])?;
    /// assert!(population.filtered_leak().is_err());
    /// assert_eq!(population.capped_leak(20)?, 0.0);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn filtered_leak(&self) -> Result<f64, StatsError> {
        self.always_accepts()?;
        Ok(self.mean(|k| k.leak / k.acceptance))
    }

    /// Returns the leak for each request of the system that abstains after `cap` rejected
    /// completions, E\[(1−(1−a)^N)·ℓ/a\].
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a cap of 0.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.capped_leak(20)? - 1.29344921e-4).abs() < 1e-12);
    /// assert!(population.capped_leak(0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn capped_leak(&self, cap: u64) -> Result<f64, StatsError> {
        super::check_cap(Some(cap))?;
        Ok(self.mean(|k| {
            if k.acceptance > 0.0 {
                -(cap as f64 * (-k.acceptance).ln_1p()).exp_m1() * k.leak / k.acceptance
            } else {
                0.0
            }
        }))
    }

    /// Returns the share of requests that the system with a retry cap does not answer, E\[(1−a)^N\].
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a cap of 0.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.abstention(20)? - 3.58485922e-3).abs() < 1e-11);
    /// assert!(population.abstention(0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn abstention(&self, cap: u64) -> Result<f64, StatsError> {
        super::check_cap(Some(cap))?;
        Ok(self.mean(|k| (cap as f64 * (-k.acceptance).ln_1p()).exp()))
    }

    /// Returns the variance of one term A·Y/a, for known acceptance probabilities a.
    ///
    /// # Errors
    /// [`StatsError::ItemOutOfRange`] for a kind that is never accepted.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.known_acceptance_variance()? - 4.0010565e-3).abs() < 1e-10);
    /// let never = PromptKind { share: 1.0, acceptance: 0.0, leak: 0.0 };
    /// assert!(Population::new(vec![never])?.known_acceptance_variance().is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn known_acceptance_variance(&self) -> Result<f64, StatsError> {
        let leak = self.filtered_leak()?;
        Ok(self.mean(|k| k.leak / (k.acceptance * k.acceptance)) - leak * leak)
    }

    /// Returns the variance of one term A·Y·K of [`super::single_draw_leak`] without a cap, where K
    /// is the mean of `repetitions` independent numbers of draws until acceptance.
    ///
    /// # Errors
    /// [`StatsError::ItemOutOfRange`] for a kind that is never accepted, [`StatsError::OutOfRange`]
    /// for 0 repetitions.
    ///
    /// # Example
    /// ```
    /// use nines_stats::leak::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.99, acceptance: 0.95, leak: 1e-6 };
    /// let fight = PromptKind { share: 0.01, acceptance: 0.05, leak: 1e-3 };
    /// let population = Population::new(vec![calm, fight])?;
    /// assert!((population.geometric_variance(1)? - 7.8011114e-3).abs() < 1e-10);
    /// assert!(population.geometric_variance(100)? < 4.04e-3);
    /// assert!(population.geometric_variance(0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// The geometric distribution has mean 1/a and variance (1−a)/a².
    pub fn geometric_variance(&self, repetitions: u64) -> Result<f64, StatsError> {
        if repetitions == 0 {
            return Err(StatsError::OutOfRange {
                what: "the number of repetitions",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        let spread = self.mean(|k| k.leak * (1.0 - k.acceptance) / (k.acceptance * k.acceptance));
        Ok(self.known_acceptance_variance()? + spread / repetitions as f64)
    }
}
