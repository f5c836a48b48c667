//! People with known errors: labellers of snippets and raters of pairs.
//!
//! What they say is fixed by their seed and name, the texts and the *occasion*: asked again on the
//! same occasion they say the same, on another occasion they decide anew.

use crate::error::{WorldError, check, probability};
use crate::key;
use crate::preference::{Preference, level};
use crate::truth::{Truth, verdict};
use nines_domain::label::{Severity, Verdict};
use serde::{Deserialize, Serialize};

/// Somebody who labels snippets, and errs at known rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labeller {
    /// The name; two of one seed and different names err independently.
    pub name: String,
    /// P(yes | a catastrophe, not unsure).
    pub sensitivity: f64,
    /// P(no | none, not unsure).
    pub specificity: f64,
    /// How likely a severity is one off: up or down with equal chances, or the only way there is.
    pub severity_noise: f64,
    /// How likely the labeller is unsure, whatever the truth.
    pub unsure_rate: f64,
    /// Fixes all that is said.
    pub seed: u64,
}

impl Labeller {
    /// Makes a labeller who never errs.
    pub fn perfect(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sensitivity: 1.0,
            specificity: 1.0,
            severity_noise: 0.0,
            unsure_rate: 0.0,
            seed: 0,
        }
    }

    /// Checks the rates.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for a rate outside [0, 1].
    pub fn check(&self) -> Result<(), WorldError> {
        for (what, value) in [
            ("a labeller's sensitivity", self.sensitivity),
            ("a labeller's specificity", self.specificity),
            ("a labeller's noise of severities", self.severity_noise),
            ("how often a labeller is unsure", self.unsure_rate),
        ] {
            probability(what, value)?;
        }
        Ok(())
    }

    /// Returns the label of a snippet; a severity comes with a yes and only with one. A wrong yes
    /// has severity 1 or 2, with equal chances, before noise.
    ///
    /// # Example
    /// ```
    /// use nines_domain::label::{Severity, Verdict};
    /// use nines_world::labeller::Labeller;
    /// let ada = Labeller::perfect("ada");
    /// let label = ada.label("", "The knight stabbed the baker.", 0);
    /// assert_eq!(label, (Verdict::Yes, Some(Severity::Egregious)));
    /// let lazy = Labeller { sensitivity: 0.0, ..ada };
    /// assert_eq!(lazy.label("", "The knight stabbed the baker.", 0), (Verdict::No, None));
    /// ```
    pub fn label(
        &self,
        prompt: &str,
        completion: &str,
        occasion: u64,
    ) -> (Verdict, Option<Severity>) {
        self.label_truth(verdict(prompt, completion), prompt, completion, occasion)
    }

    /// Returns the label of a snippet whose truth is at hand already, as [`Labeller::label`].
    pub fn label_truth(
        &self,
        truth: Truth,
        prompt: &str,
        completion: &str,
        occasion: u64,
    ) -> (Verdict, Option<Severity>) {
        let texts = [&*self.name, prompt, completion];
        let mut stream = key::stream(self.seed, "label", &texts, occasion);
        // All numbers are drawn every time, so that a changed rate changes no other decision.
        let [unsure, errs, grade, noise, way] = std::array::from_fn(|_| stream.unit());
        if unsure < self.unsure_rate {
            return (Verdict::Unsure, None);
        }
        let severity = match truth {
            Truth::Yes(_) if errs >= self.sensitivity => return (Verdict::No, None),
            Truth::No if errs < self.specificity => return (Verdict::No, None),
            Truth::Yes(severity) => severity,
            Truth::No if grade < 0.5 => Severity::Arguable,
            Truth::No => Severity::Clear,
        };
        let said = if noise >= self.severity_noise {
            severity
        } else {
            match severity {
                Severity::Clear if way < 0.5 => Severity::Arguable,
                Severity::Clear => Severity::Egregious,
                Severity::Arguable | Severity::Egregious => Severity::Clear,
            }
        };
        (Verdict::Yes, Some(said))
    }
}

/// Which of two completions a rater prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The left.
    Left,
    /// Neither.
    Tie,
    /// The right.
    Right,
}

/// Somebody who compares completions, with known tastes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rater {
    /// The name; two of one seed and different names choose independently.
    pub name: String,
    /// What is liked.
    pub preference: Preference,
    /// Adds this to the utility of the left; 0 for a fair rater.
    pub position_bias: f64,
    /// Fixes all that is said.
    pub seed: u64,
}

impl Rater {
    /// Makes a rater without a position bias.
    pub fn fair(name: &str, preference: Preference) -> Self {
        Self {
            name: name.to_owned(),
            preference,
            position_bias: 0.0,
            seed: 0,
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for a bias that is not finite or settings that
    /// [`Preference::check`] refuses.
    pub fn check(&self) -> Result<(), WorldError> {
        check(
            self.position_bias.is_finite(),
            "a rater's position bias",
            self.position_bias,
            "finite",
        )?;
        self.preference.check()
    }

    /// Compares two completions of a prompt; `None` is the fallback of a system that accepted
    /// nothing.
    ///
    /// # Example
    /// ```
    /// use nines_world::labeller::{Rater, Side};
    /// use nines_world::preference::Preference;
    /// let sharp = Preference { temperature: 0.01, ties: 0.0, ..Preference::default() };
    /// let rater = Rater::fair("bea", sharp);
    /// let (dull, lively) = (Some("The cat slept."), Some("The cat almost bit the robot."));
    /// assert_eq!(rater.compare("", dull, lively, 0), Side::Right);
    /// assert_eq!(rater.compare("", dull, None, 0), Side::Left);
    /// ```
    pub fn compare(
        &self,
        prompt: &str,
        left: Option<&str>,
        right: Option<&str>,
        occasion: u64,
    ) -> Side {
        let utility = |text: Option<&str>| {
            text.map_or(self.preference.fallback_utility, |text| level(text) as f64)
        };
        let mut texts = vec![self.name.as_str(), prompt];
        for side in [left, right] {
            // The fallback and an empty completion are two things.
            texts.push(if side.is_some() { "said" } else { "fallback" });
            texts.push(side.unwrap_or_default());
        }
        let mut stream = key::stream(self.seed, "compare", &texts, occasion);
        let (tie, choice) = (stream.unit(), stream.unit());
        let left_utility = utility(left) + self.position_bias;
        if tie < self.preference.ties {
            Side::Tie
        } else if choice < self.preference.prefers_first(left_utility, utility(right)) {
            Side::Left
        } else {
            Side::Right
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HURT: &str = "The dog bit the king.";
    const SAFE: &str = "The dog licked the king.";

    fn labeller() -> Labeller {
        Labeller {
            name: "cy".to_owned(),
            sensitivity: 0.9,
            specificity: 0.97,
            severity_noise: 0.2,
            unsure_rate: 0.05,
            seed: 4,
        }
    }

    /// How often something happens on 40,000 occasions, in standard errors from what is expected.
    fn error(expected: f64, happens: impl Fn(u64) -> Option<bool>) -> f64 {
        let seen: Vec<bool> = (0..40_000).filter_map(happens).collect();
        let n = seen.len() as f64;
        let share = seen.iter().filter(|&&s| s).count() as f64 / n;
        (share - expected) / (expected * (1.0 - expected) / n).sqrt()
    }

    #[test]
    fn labels_err_at_the_rates_asked_for() {
        let cy = labeller();
        let sure = |text, occasion| {
            let (verdict, _) = cy.label("", text, occasion);
            (verdict != Verdict::Unsure).then_some(verdict == Verdict::Yes)
        };
        assert!(error(0.9, |o| sure(HURT, o)).abs() < 3.5);
        assert!(error(0.03, |o| sure(SAFE, o)).abs() < 3.5);
        for text in [HURT, SAFE] {
            let unsure = |o| Some(cy.label("", text, o).0 == Verdict::Unsure);
            assert!(error(0.05, unsure).abs() < 3.5);
        }
        let severity = |wanted| {
            move |o, cy: &Labeller| cy.label("", HURT, o).1.map(|severity| severity == wanted)
        };
        for (wanted, share) in [
            (Severity::Arguable, 0.1),
            (Severity::Clear, 0.8),
            (Severity::Egregious, 0.1),
        ] {
            assert!(error(share, |o| severity(wanted)(o, &cy)).abs() < 3.5);
        }
    }

    #[test]
    fn labels_are_fixed_by_occasion_and_differ_between_people() {
        let (cy, di) = (
            labeller(),
            Labeller {
                name: "di".to_owned(),
                ..labeller()
            },
        );
        let row = |l: &Labeller| -> Vec<_> { (0..500).map(|o| l.label("p", HURT, o)).collect() };
        assert_eq!(row(&cy), row(&cy));
        assert_ne!(row(&cy), row(&di));
        for (verdict, severity) in row(&cy) {
            assert_eq!(severity.is_some(), verdict == Verdict::Yes);
        }
        assert!(
            Labeller {
                sensitivity: 1.5,
                ..cy
            }
            .check()
            .is_err()
        );
        assert!(di.check().is_ok());
    }

    #[test]
    fn raters_choose_by_taste_and_by_side() {
        let preference = Preference {
            temperature: 1.5,
            ties: 0.2,
            ..Preference::default()
        };
        let fair = Rater::fair("eve", preference);
        let (dull, lively) = (
            Some("The cat slept."),
            Some("The cat almost bit the robot."),
        );
        let score = |rater: &Rater, left, right, side| {
            let rater = rater.clone();
            move |o| Some(rater.compare("p", left, right, o) == side)
        };
        let wins = 0.8 * preference.prefers_first(3.0, 0.0);
        assert!(error(wins, score(&fair, lively, dull, Side::Left)).abs() < 3.5);
        assert!(error(wins, score(&fair, dull, lively, Side::Right)).abs() < 3.5);
        assert!(error(0.2, score(&fair, dull, lively, Side::Tie)).abs() < 3.5);
        assert!(error(0.4, score(&fair, dull, dull, Side::Left)).abs() < 3.5);
        let biased = Rater {
            position_bias: 1.0,
            ..fair
        };
        let wins = 0.8 * preference.prefers_first(1.0, 0.0);
        assert!(error(wins, score(&biased, dull, dull, Side::Left)).abs() < 3.5);
        assert!(biased.check().is_ok());
        assert!(
            Rater {
                position_bias: f64::NAN,
                ..biased
            }
            .check()
            .is_err()
        );
    }
}
