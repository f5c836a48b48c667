//! Exact quality of a filter on a known mixture of prompts: what estimators should find.

use crate::error::{StatsError, distribution, same_length, within};

/// Prompts that behave alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptKind {
    /// Their share among all prompts.
    pub share: f64,
    /// The probability that the filter accepts a completion.
    pub acceptance: f64,
    /// The probability that the filtered completion is preferred when the unfiltered one was
    /// rejected.
    pub preferred: f64,
}

impl PromptKind {
    fn rejected(&self) -> f64 {
        self.share * (1.0 - self.acceptance)
    }
}

/// A known mixture of prompts, with forced choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    kinds: Vec<PromptKind>,
}

/// What estimators find when rated pairs come from a proposal: prompts drawn from it, each until an
/// unfiltered completion was rejected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnderProposal {
    /// The answer without weights, as if the proposal were right: biased.
    pub unweighted: f64,
    /// What [`crate::quality::horvitz_thompson`] estimates: the quality, but for what the proposal
    /// misses.
    pub corrected: f64,
    /// The rejected mass that the proposal misses: the quality lies within half of it from
    /// `corrected`.
    pub missing_mass: f64,
    /// The variance of [`crate::quality::horvitz_thompson`] times the number of ratings.
    pub horvitz_thompson_variance: f64,
    /// The variance of [`crate::quality::hajek`] with a known rejection rate (of what is not missed)
    /// times the number of ratings, for many ratings.
    pub hajek_variance: f64,
    /// How many equally weighted ratings one rating is worth, (E w)²/E w².
    pub effective_share: f64,
    /// The largest weight p·(1 − a)/ρ.
    pub largest_weight: f64,
}

impl Population {
    /// Takes a mixture.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without kinds, [`StatsError::NotFinite`] and
    /// [`StatsError::ItemOutOfRange`] for a probability outside [0, 1], [`StatsError::OutOfRange`]
    /// when the shares do not sum to 1 or nothing is ever rejected.
    ///
    /// # Example
    /// ```
    /// use nines_stats::quality::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.9, acceptance: 0.98, preferred: 0.45 };
    /// let hard = PromptKind { share: 0.1, acceptance: 0.2, preferred: 0.3 };
    /// let population = Population::new(&[calm, hard])?;
    /// assert!((population.quality() - 0.4831).abs() < 1e-15);
    /// assert!(Population::new(&[calm]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn new(kinds: &[PromptKind]) -> Result<Self, StatsError> {
        let column = |of: fn(&PromptKind) -> f64| kinds.iter().map(of).collect::<Vec<f64>>();
        distribution(
            "shares of prompts",
            "the sum of the shares of prompts",
            &column(|k| k.share),
        )?;
        within(
            "acceptance",
            &column(|k| k.acceptance),
            1.0,
            "between 0 and 1",
        )?;
        within(
            "how often the filtered completion is preferred",
            &column(|k| k.preferred),
            1.0,
            "between 0 and 1",
        )?;
        let population = Self {
            kinds: kinds.to_vec(),
        };
        let rate = population.rejection_rate();
        if rate > 0.0 {
            Ok(population)
        } else {
            Err(StatsError::OutOfRange {
                what: "the rejection rate",
                value: rate,
                allowed: "above 0: a filter that rejects nothing has quality 0.5",
            })
        }
    }

    /// Returns r, how often a completion of a random prompt is rejected.
    pub fn rejection_rate(&self) -> f64 {
        self.kinds.iter().map(PromptKind::rejected).sum()
    }

    /// Returns how often the filtered completion is preferred when the unfiltered one was rejected.
    pub fn preferred_when_rejected(&self) -> f64 {
        let sum: f64 = self.kinds.iter().map(|k| k.rejected() * k.preferred).sum();
        sum / self.rejection_rate()
    }

    /// Returns the quality Q.
    pub fn quality(&self) -> f64 {
        let sum: f64 = self
            .kinds
            .iter()
            .map(|k| k.rejected() * (k.preferred - 0.5))
            .sum();
        0.5 + sum
    }

    /// Returns the variance that one pair adds to [`crate::quality::skip_pairs`]: r/4 − (Q − ½)².
    pub fn pair_variance(&self) -> f64 {
        self.rejection_rate() / 4.0 - (self.quality() - 0.5).powi(2)
    }

    /// Returns the variance that one pair adds to the naive mean of W: Q(1 − Q).
    pub fn naive_variance(&self) -> f64 {
        let quality = self.quality();
        quality * (1.0 - quality)
    }

    /// Returns the proposal that needs the fewest ratings, the prompts of rejected completions:
    /// p·(1 − a)/r.
    pub fn best_proposal(&self) -> Vec<f64> {
        let rate = self.rejection_rate();
        self.kinds.iter().map(|k| k.rejected() / rate).collect()
    }

    /// Returns what estimators find when prompts are drawn from `proposal`, one probability for each
    /// kind.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] unless there is one probability for each kind,
    /// [`StatsError::NotFinite`], [`StatsError::ItemOutOfRange`] and [`StatsError::OutOfRange`] for
    /// probabilities outside [0, 1], that are not 0 for a kind of which nothing is ever rejected, that
    /// do not sum to 1, or that miss everything rejected.
    ///
    /// # Example
    /// ```
    /// use nines_stats::quality::{Population, PromptKind};
    /// let calm = PromptKind { share: 0.9, acceptance: 0.98, preferred: 0.45 };
    /// let hard = PromptKind { share: 0.1, acceptance: 0.2, preferred: 0.3 };
    /// let population = Population::new(&[calm, hard])?;
    /// let even = population.under(&[0.5, 0.5])?;
    /// assert!((even.corrected - population.quality()).abs() < 1e-15);
    /// assert!((even.unweighted - population.quality()).abs() > 0.004);
    /// assert!((population.under(&[1.0, 0.0])?.missing_mass - 0.08).abs() < 1e-15);
    /// assert!(population.under(&[1.0]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Var HT = E\[w²\]/4 − (E\[w(W − ½)\])²; Var Hájek = r²·E\[v²(W − q)²\]/(E v)².
    pub fn under(&self, proposal: &[f64]) -> Result<UnderProposal, StatsError> {
        same_length(
            "kinds of prompts and the proposal's probabilities",
            self.kinds.len(),
            proposal.len(),
        )?;
        distribution(
            "the proposal's probabilities",
            "the sum of the proposal's probabilities",
            proposal,
        )?;
        let endless = self
            .kinds
            .iter()
            .zip(proposal)
            .position(|(k, &rho)| rho > 0.0 && k.acceptance >= 1.0);
        if let Some(index) = endless {
            return Err(StatsError::ItemOutOfRange {
                what: "the proposal's probabilities",
                index,
                value: proposal[index],
                allowed: "0 where no completion is ever rejected",
            });
        }
        let reached = || {
            self.kinds
                .iter()
                .zip(proposal)
                .filter(|&(k, &rho)| rho > 0.0 && k.rejected() > 0.0)
                .map(|(k, &rho)| (k, rho, k.rejected() / rho))
        };
        let mass: f64 = reached().map(|(k, ..)| k.rejected()).sum();
        if mass <= 0.0 {
            return Err(StatsError::OutOfRange {
                what: "the rejected mass that the proposal reaches",
                value: mass,
                allowed: "above 0",
            });
        }
        let gain: f64 = reached()
            .map(|(k, ..)| k.rejected() * (k.preferred - 0.5))
            .sum();
        let q = 0.5 + gain / mass;
        let squares: f64 = reached().map(|(_, rho, w)| rho * w * w).sum();
        let spread = |k: &PromptKind| k.preferred * (1.0 - 2.0 * q) + q * q;
        let hajek: f64 = reached().map(|(k, rho, w)| rho * w * w * spread(k)).sum();
        let unweighted: f64 = self
            .kinds
            .iter()
            .zip(proposal)
            .map(|(k, rho)| rho * (k.preferred - 0.5))
            .sum();
        Ok(UnderProposal {
            unweighted: 0.5 + self.rejection_rate() * unweighted,
            corrected: 0.5 + gain,
            missing_mass: (self.rejection_rate() - mass).max(0.0),
            horvitz_thompson_variance: squares / 4.0 - gain * gain,
            hajek_variance: hajek,
            effective_share: mass * mass / squares,
            largest_weight: reached().map(|(.., w)| w).fold(0.0, f64::max),
        })
    }
}
