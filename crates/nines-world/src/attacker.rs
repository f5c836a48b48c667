//! People who attack a filter, and find something at a known rate.

use crate::error::{WorldError, check};
use crate::key;
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};

/// A team of attackers whose skill is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attackers {
    /// Finds a minute of the average attacker.
    pub rate_per_minute: f64,
    /// How many attackers there are.
    pub attackers: u32,
    /// How much they differ: each one's rate is the average times a gamma number of mean 1 and this
    /// variance; 0 makes all alike.
    pub frailty: f64,
    /// A session ends without a find after so many minutes.
    pub limit_minutes: f64,
}

/// One timed session of one attacker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Who attacked, from 0.
    pub attacker: u32,
    /// When it began: minutes since the attacker's first session, without breaks.
    pub start: f64,
    /// How long it took.
    pub minutes: f64,
    /// Whether it ended with a find; otherwise the limit ended it.
    pub found: bool,
}

impl Attackers {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for no attackers, a rate below 0, a frailty that is neither 0 nor
    /// between 1e-6 and 1e6, a limit that is not above 0, and numbers that are not finite.
    pub fn check(&self) -> Result<(), WorldError> {
        check(
            self.attackers > 0,
            "the number of attackers",
            0.0,
            "at least 1",
        )?;
        check(
            self.rate_per_minute >= 0.0 && self.rate_per_minute.is_finite(),
            "the rate of finds",
            self.rate_per_minute,
            "finite and at least 0",
        )?;
        check(
            self.frailty == 0.0 || (1e-6..=1e6).contains(&self.frailty),
            "the attackers' frailty",
            self.frailty,
            "0, or between 1e-6 and 1e6",
        )?;
        check(
            self.limit_minutes > 0.0 && self.limit_minutes.is_finite(),
            "the limit of a session",
            self.limit_minutes,
            "finite and above 0",
        )
    }

    /// Returns an attacker's own rate of finds.
    pub fn rate_of(&self, attacker: u32, seed: u64) -> f64 {
        if self.frailty > 0.0 {
            let mut stream = key::stream(seed, "frailty", &[], attacker.into());
            self.rate_per_minute * self.frailty * gamma(1.0 / self.frailty, &mut stream)
        } else {
            self.rate_per_minute
        }
    }

    /// Returns n sessions, in turn of the attackers: times to a find are exponential with the
    /// attacker's own rate, cut at the limit.
    ///
    /// # Errors
    /// As [`Attackers::check`].
    ///
    /// # Example
    /// ```
    /// use nines_world::attacker::Attackers;
    /// let team = Attackers { rate_per_minute: 0.1, attackers: 3, frailty: 0.5, limit_minutes: 30.0 };
    /// let sessions = team.sessions(6, 1)?;
    /// assert_eq!(sessions.iter().map(|s| s.attacker).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
    /// assert!(sessions.iter().all(|s| s.found == (s.minutes < 30.0)));
    /// assert!(Attackers { attackers: 0, ..team }.sessions(6, 1).is_err());
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn sessions(&self, n: usize, seed: u64) -> Result<Vec<Session>, WorldError> {
        self.check()?;
        // Of a large team only those whose turn comes.
        let active = self.attackers.min(u32::try_from(n).unwrap_or(u32::MAX));
        let mut free_at = vec![0.0; active as usize];
        let rates: Vec<f64> = (0..active).map(|a| self.rate_of(a, seed)).collect();
        let turns = (0..self.attackers).cycle().take(n);
        Ok(turns
            .zip(0u64..)
            .map(|(attacker, number)| {
                let mut stream = key::stream(seed, "session", &[], number);
                let who = attacker as usize;
                // A rate of 0 makes it infinite, which the limit ends.
                let to_find = -(1.0 - stream.unit()).ln() / rates[who];
                let found = to_find < self.limit_minutes;
                let minutes = if found { to_find } else { self.limit_minutes };
                let start = free_at[who];
                free_at[who] += minutes;
                Session {
                    attacker,
                    start,
                    minutes,
                    found,
                }
            })
            .collect())
    }

    /// Returns the exact probability that a session of a random attacker ends with a find:
    /// 1 − (1 + vλL)^(−1/v) for frailty v, rate λ and limit L.
    ///
    /// # Reference
    /// The Laplace transform of the gamma distribution.
    pub fn find_probability(&self) -> f64 {
        let expected = self.rate_per_minute * self.limit_minutes;
        if self.frailty > 0.0 {
            -(-(self.frailty * expected).ln_1p() / self.frailty).exp_m1()
        } else {
            -(-expected).exp_m1()
        }
    }
}

/// A gamma number of a shape and scale 1.
///
/// # Reference
/// Marsaglia & Tsang, "A simple method for generating gamma variables" (2000); shapes below 1 by
/// their note on G(α) = G(α + 1)·U^(1/α).
fn gamma(shape: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let shrink = (1.0 - stream.unit()).powf(1.0 / shape);
        return gamma(shape + 1.0, stream) * shrink;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - stream.unit();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM: Attackers = Attackers {
        rate_per_minute: 0.05,
        attackers: 4000,
        frailty: 0.0,
        limit_minutes: 30.0,
    };

    #[test]
    fn frailties_have_mean_one_and_the_variance_asked_for() {
        for frailty in [0.25, 0.5, 2.0] {
            let team = Attackers {
                frailty,
                rate_per_minute: 1.0,
                ..TEAM
            };
            let n = 100_000;
            let rates: Vec<f64> = (0..n).map(|a| team.rate_of(a, 3)).collect();
            let mean = rates.iter().sum::<f64>() / f64::from(n);
            let variance = rates.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / f64::from(n);
            assert!(
                (mean - 1.0).abs() < 4.0 * (frailty / f64::from(n)).sqrt(),
                "{mean}"
            );
            assert!(
                (variance / frailty - 1.0).abs() < 0.06,
                "{frailty} {variance}"
            );
        }
    }

    #[test]
    fn sessions_find_as_often_as_the_formula_says() {
        for frailty in [0.0, 0.7, 3.0] {
            let team = Attackers { frailty, ..TEAM };
            let sessions = team.sessions(4000, 8).unwrap();
            let found = sessions.iter().filter(|s| s.found).count() as f64 / 4000.0;
            let p = team.find_probability();
            let se = (p * (1.0 - p) / 4000.0).sqrt();
            assert!((found - p).abs() < 3.5 * se, "{frailty}: {found} {p}");
            assert!(sessions.iter().all(|s| s.minutes <= 30.0 && s.start == 0.0));
        }
    }

    #[test]
    fn an_attackers_sessions_follow_each_other() {
        let team = Attackers {
            attackers: 3,
            ..TEAM
        };
        let sessions = team.sessions(30, 2).unwrap();
        for attacker in 0..3 {
            let own: Vec<&Session> = sessions.iter().filter(|s| s.attacker == attacker).collect();
            assert_eq!(own.len(), 10);
            assert!(
                own.windows(2)
                    .all(|w| w[1].start == w[0].start + w[0].minutes)
            );
        }
        assert_eq!(sessions, team.sessions(30, 2).unwrap());
        assert_ne!(sessions, team.sessions(30, 3).unwrap());
        let never = Attackers {
            rate_per_minute: 0.0,
            ..team
        };
        assert!(never.sessions(5, 1).unwrap().iter().all(|s| !s.found));
        assert!(
            Attackers {
                limit_minutes: f64::NAN,
                ..team
            }
            .check()
            .is_err()
        );
        assert!(
            Attackers {
                frailty: -1.0,
                ..team
            }
            .check()
            .is_err()
        );
    }
}
