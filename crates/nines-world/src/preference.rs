//! What readers like, known exactly.
//!
//! The utility of a completion is a small whole number: how much happens in it (at most three words
//! of harm, weapons, injuries, robots, near misses and figures of speech) and how richly it is told
//! (at most two breaks between clauses). A rater prefers the better of two with a probability that
//! grows with the difference, so that the quality of a filter is a finite sum. Readers like it
//! lively: a filter against injuries costs quality.

use crate::error::{WorldError, check, probability};
use crate::language::{Role, read};
use nines_domain::score::sigmoid;
use serde::{Deserialize, Serialize};

/// How many utilities there are: 0 to `LEVELS` − 1.
pub const LEVELS: usize = 6;

/// How raters choose between two utilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preference {
    /// The difference in utility that makes a preference of odds e to 1; small means sharp raters.
    pub temperature: f64,
    /// The probability of a tie, whatever the utilities.
    pub ties: f64,
    /// The utility of what is said when nothing was accepted.
    pub fallback_utility: f64,
}

impl Default for Preference {
    fn default() -> Self {
        Self {
            temperature: 2.0,
            ties: 0.1,
            fallback_utility: -2.0,
        }
    }
}

impl Preference {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] unless the temperature is positive and finite, ties are a
    /// probability and the fallback's utility is finite.
    pub fn check(&self) -> Result<(), WorldError> {
        check(
            self.temperature > 0.0 && self.temperature.is_finite(),
            "the raters' temperature",
            self.temperature,
            "positive and finite",
        )?;
        probability("the probability of a tie", self.ties)?;
        check(
            self.fallback_utility.is_finite(),
            "the utility of the fallback",
            self.fallback_utility,
            "finite",
        )
    }

    /// Returns the probability that the first of two is preferred, given that it is no tie.
    ///
    /// # Reference
    /// Bradley & Terry (1952).
    pub fn prefers_first(&self, first: f64, second: f64) -> f64 {
        sigmoid((first - second) / self.temperature)
    }

    /// Returns the expected score of the first of two: 1 when it is preferred, ½ for a tie, else 0.
    ///
    /// # Example
    /// ```
    /// use nines_world::preference::Preference;
    /// let raters = Preference { temperature: 1.0, ties: 0.2, ..Preference::default() };
    /// assert_eq!(raters.expected_score(2.0, 2.0), 0.5);
    /// let both_ways = raters.expected_score(3.0, 1.0) + raters.expected_score(1.0, 3.0);
    /// assert!((both_ways - 1.0).abs() < 1e-15);
    /// ```
    pub fn expected_score(&self, first: f64, second: f64) -> f64 {
        self.ties / 2.0 + (1.0 - self.ties) * self.prefers_first(first, second)
    }
}

/// Returns the utility of any completion, as a level below [`LEVELS`].
///
/// # Example
/// ```
/// use nines_world::preference::level;
/// assert_eq!(level("The knight slept."), 0);
/// assert_eq!(level("The knight almost stabbed the robot, and the kettle sang."), 4);
/// assert_eq!(level(""), 0);
/// ```
pub fn level(completion: &str) -> usize {
    let (mut lively, mut breaks) = (0, 0);
    for sentence in read(completion) {
        let mut after_break = false;
        for token in sentence.tokens {
            let is_break = token.role == Role::Break;
            breaks += usize::from(is_break && !after_break);
            after_break = is_break;
            lively += usize::from(matches!(
                token.role,
                Role::Harm(..)
                    | Role::Weapon
                    | Role::Injury(_)
                    | Role::Hollow
                    | Role::Unreal
                    | Role::Figure
            ));
        }
    }
    lively.min(3) + breaks.min(2)
}
