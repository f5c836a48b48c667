//! How long an attacker needs for the first catastrophe that the filter accepts, when some sessions
//! end without one.
//!
//! A session that ends without a find is *censored*: its time to find is longer than its length,
//! by an unknown amount. Dropping such sessions, or counting their ends as finds, makes a filter
//! look worse than it is and, worse, makes good filters hard to tell from bad ones: see
//! [`naive_mean_times`].
//!
//! - [`find_rate`], [`mean_time`], [`mean_time_lower_bound`]: a constant rate of finds.
//! - [`rate_ratio`], [`rate_ratio_power`], [`finds_needed`]: two filters under attack.
//! - [`kaplan_meier`]: the share of sessions still without a find, without assuming a constant rate.
//! - [`clustered_mean_time`], [`clustered_rate_ratio`]: attackers differ, so whole attackers are
//!   resampled.
//!
//! Time may be minutes of people or queries of an automatic attack. Which filter is attacked must be
//! drawn at random and hidden from the attacker, and sessions of the filters interleaved, because
//! attackers learn.

mod clustered;
mod kaplan_meier;
mod rate_ratio;
#[cfg(test)]
mod tests;

pub use clustered::{clustered_mean_time, clustered_rate_ratio};
pub use kaplan_meier::{KaplanMeier, KaplanMeierStep, kaplan_meier};
pub use rate_ratio::{FindsNeeded, RateRatio, finds_needed, rate_ratio, rate_ratio_power};

use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::gamma::poisson_mean_ends;

/// One session of an attacker against a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttackSession {
    /// How long it took until the find or, without one, until the session ended.
    pub time: f64,
    /// Whether it ended with a find; otherwise it is censored.
    pub found: bool,
    /// Who attacked; sessions of one attacker are not independent.
    pub attacker: u64,
}

/// How many finds in how much time at risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Finds.
    pub finds: u64,
    /// The time of all sessions together, censored ones included.
    pub time: f64,
}

/// Checks that there are sessions and that their times are finite and not negative.
fn check_sessions(sessions: &[AttackSession]) -> Result<(), StatsError> {
    let what = "times of attack sessions";
    if sessions.is_empty() {
        return Err(StatsError::Empty { what });
    }
    for (index, session) in sessions.iter().enumerate() {
        let value = session.time;
        if !value.is_finite() {
            return Err(StatsError::NotFinite { what, index, value });
        }
        if value < 0.0 {
            return Err(StatsError::ItemOutOfRange {
                what,
                index,
                value,
                allowed: "at least 0",
            });
        }
    }
    Ok(())
}

impl Exposure {
    /// Returns the finds and the time of sessions, censored time included.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without sessions, [`StatsError::NotFinite`] or
    /// [`StatsError::ItemOutOfRange`] for a time that is not finite or is negative.
    ///
    /// # Example
    /// ```
    /// use nines_stats::attack_time::{AttackSession, Exposure};
    /// let session = |time, found| AttackSession { time, found, attacker: 1 };
    /// let exposure = Exposure::of_sessions(&[session(12.0, true), session(30.0, false)])?;
    /// assert_eq!((exposure.finds, exposure.time), (1, 42.0));
    /// assert!(Exposure::of_sessions(&[session(-1.0, true)]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn of_sessions(sessions: &[AttackSession]) -> Result<Self, StatsError> {
        check_sessions(sessions)?;
        // In order of time, so that the order of the sessions changes no digit.
        let mut times: Vec<f64> = sessions.iter().map(|s| s.time).collect();
        times.sort_by(f64::total_cmp);
        Ok(Self {
            finds: sessions.iter().filter(|s| s.found).count() as u64,
            time: times.iter().sum(),
        })
    }

    fn checked(self) -> Result<Self, StatsError> {
        if self.time > 0.0 && self.time.is_finite() {
            Ok(self)
        } else {
            Err(StatsError::OutOfRange {
                what: "the total time of attack",
                value: self.time,
                allowed: "positive and finite",
            })
        }
    }

    /// The ends of the rate's interval with `tail` outside on each side.
    fn rate_ends(self, tail: f64) -> Result<(f64, f64), StatsError> {
        let (fewest, most) = poisson_mean_ends(self.finds as f64, tail)?;
        Ok((fewest / self.time, most / self.time))
    }
}

/// Returns the rate of finds per unit of time with its two-sided interval; `n` counts the finds.
///
/// Assumes that finds come independently at one constant rate. For that, the interval is exact
/// (it covers at least as often as stated) when the total time was fixed beforehand; for sessions
/// that stop at the first find or at a budget it is the usual interval, which at 0.95 covered in at
/// least 0.95 of simulated experiments, with 1 to 60 sessions and budgets from a twentieth to five
/// times the mean. Not for attackers that differ in skill: use [`clustered_mean_time`]. Without
/// finds the rate's estimate is 0 and its upper end is not.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the time is positive and finite and the confidence lies in
/// (0, 1), or for 10¹⁰ finds or more.
///
/// # Example
/// ```
/// use nines_stats::attack_time::{Exposure, find_rate};
/// let rate = find_rate(Exposure { finds: 60, time: 780.0 }, 0.95)?;
/// assert!((1.0 / rate.upper - 10.0995).abs() < 1e-4);
/// assert!(find_rate(Exposure { finds: 1, time: 0.0 }, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Garwood, "Fiducial limits for the Poisson distribution" (1936): χ²_{α/2}(2d)/2T and
/// χ²_{1−α/2}(2d+2)/2T.
pub fn find_rate(exposure: Exposure, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    let exposure = exposure.checked()?;
    let tail = alpha_of(confidence)? / 2.0;
    let (lower, upper) = exposure.rate_ends(tail)?;
    Ok(IntervalEstimate {
        value: Some(exposure.finds as f64 / exposure.time),
        lower,
        upper,
        confidence,
        method: "constant rate, chi-square (exact for a fixed total time, two-sided)".to_owned(),
        n: exposure.finds,
    })
}

/// Returns the mean time to a find with its two-sided interval; `n` counts the finds.
///
/// It is the inverse of [`find_rate`], with the same assumptions. Without finds there is no value
/// and the upper end is infinite; [`mean_time_lower_bound`] then says the most.
///
/// # Errors
/// As [`find_rate`].
///
/// # Example
/// ```
/// use nines_stats::attack_time::{Exposure, mean_time};
/// let mean = mean_time(Exposure { finds: 30, time: 780.0 }, 0.95)?;
/// assert_eq!(mean.value, Some(26.0));
/// assert!((mean.lower - 18.2129).abs() < 1e-4 && (mean.upper - 38.5359).abs() < 1e-4);
/// assert!(mean_time(Exposure { finds: 1, time: f64::NAN }, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Epstein & Sobel, "Life testing" (1953); the ends as Garwood 1936.
pub fn mean_time(exposure: Exposure, confidence: f64) -> Result<IntervalEstimate, StatsError> {
    let rate = find_rate(exposure, confidence)?;
    Ok(IntervalEstimate {
        value: (exposure.finds > 0).then(|| exposure.time / exposure.finds as f64),
        lower: 1.0 / rate.upper,
        upper: 1.0 / rate.lower,
        ..rate
    })
}

/// Returns the one-sided interval [lower, ∞) of the mean time to a find: what may be claimed of a
/// filter that withstood, finds or none.
///
/// Assumptions as [`find_rate`].
///
/// # Errors
/// As [`find_rate`].
///
/// # Example
/// ```
/// use nines_stats::attack_time::{Exposure, mean_time_lower_bound};
/// let mean = mean_time_lower_bound(Exposure { finds: 0, time: 480.0 }, 0.95)?;
/// assert_eq!(mean.value, None);
/// assert!((mean.lower - 480.0 / 20f64.ln()).abs() < 1e-10 && mean.upper.is_infinite());
/// assert!(mean_time_lower_bound(Exposure { finds: 0, time: 480.0 }, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// 2T/χ²_{1−α}(2d+2); T/ln(1/α) without finds.
pub fn mean_time_lower_bound(
    exposure: Exposure,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let exposure = exposure.checked()?;
    let tail = alpha_of(confidence)?;
    let (_, rate) = exposure.rate_ends(tail)?;
    Ok(IntervalEstimate {
        value: (exposure.finds > 0).then(|| exposure.time / exposure.finds as f64),
        lower: 1.0 / rate,
        upper: f64::INFINITY,
        confidence,
        method: "constant rate, chi-square (exact for a fixed total time, one-sided lower)"
            .to_owned(),
        n: exposure.finds,
    })
}

/// Two wrong mean times to a find, kept to show how wrong they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NaiveMeanTimes {
    /// The mean over sessions with a find: it throws away every session that the filter withstood;
    /// `None` without finds.
    pub ignoring_censored: Option<f64>,
    /// The mean over all sessions, as though each had ended with a find.
    pub censored_as_finds: f64,
}

/// Returns the two wrong mean times that censored sessions tempt one to compute; never report them.
///
/// Both are too short. [`mean_time`] is the right one.
///
/// # Errors
/// As [`Exposure::of_sessions`].
///
/// # Example
/// ```
/// use nines_stats::attack_time::{AttackSession, naive_mean_times};
/// let session = |time, found| AttackSession { time, found, attacker: 1 };
/// let naive = naive_mean_times(&[session(10.0, true), session(30.0, false)])?;
/// // The right answer is 40 minutes for one find.
/// assert_eq!((naive.ignoring_censored, naive.censored_as_finds), (Some(10.0), 20.0));
/// assert!(naive_mean_times(&[]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Klein & Moeschberger, "Survival Analysis" (2003), ch. 3, on what censoring does.
pub fn naive_mean_times(sessions: &[AttackSession]) -> Result<NaiveMeanTimes, StatsError> {
    let all = Exposure::of_sessions(sessions)?;
    let with_find: Vec<AttackSession> = sessions.iter().copied().filter(|s| s.found).collect();
    let ignoring_censored = if with_find.is_empty() {
        None
    } else {
        let found = Exposure::of_sessions(&with_find)?;
        Some(found.time / found.finds as f64)
    };
    Ok(NaiveMeanTimes {
        ignoring_censored,
        censored_as_finds: all.time / sessions.len() as f64,
    })
}
