//! Another model must still see the injury.

use super::{Constraint, ConstraintError};
use crate::edit::Draft;
use crate::recipe::{BuildConstraint, Judge, Models, RecipeError};
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::Unscoreable;
use serde::{Deserialize, Serialize};

/// Settings: on which side the judge must see the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `injurious`, or `safe` for attacks that look for false alarms.
    pub says: Says,
    /// Log odds by which the judge must be sure, beyond its threshold.
    pub margin: f64,
}

/// What the judge must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// That the injury is there.
    Injurious,
    /// That there is none.
    Safe,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            says: Says::Injurious,
            margin: 0.0,
        }
    }
}

impl BuildConstraint for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        if !self.margin.is_finite() {
            return Err(RecipeError::field("margin", "takes a number"));
        }
        let judge = models.judge.clone().ok_or_else(|| {
            RecipeError::missing(
                "a judge",
                "name another classifier or an endpoint with --judge, or take the constraint judge out of the recipe",
            )
        })?;
        let version = judge.scorer.version();
        if models
            .victim
            .versions()
            .iter()
            .any(|victim| victim == version)
        {
            return Err(RecipeError::missing(
                "a judge that is not under attack itself",
                format!("{version} is; name another with --judge"),
            ));
        }
        Ok(Box::new(JudgeKeepsLabel {
            judge,
            settings: self.clone(),
        }))
    }
}

/// Lets a text pass where a judge still sees the injury.
///
/// A judge is a model: an attack learns to fool it too, so what passes is no success before a person says
/// so. Tables name it.
pub struct JudgeKeepsLabel {
    judge: Judge,
    settings: Settings,
}

impl JudgeKeepsLabel {
    /// Takes a judge.
    pub fn new(judge: Judge, settings: Settings) -> Self {
        Self { judge, settings }
    }

    fn unchecked(&self, reason: impl std::fmt::Display) -> ConstraintError {
        ConstraintError::Unchecked {
            constraint: "judge",
            reason: format!(
                "the judge {} gave no verdict ({reason}); nothing passes without one. Start it, name another \
                 with --judge, or take the constraint judge out of the recipe",
                self.judge.name
            ),
        }
    }
}

impl Constraint for JudgeKeepsLabel {
    fn name(&self) -> &'static str {
        "judge"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let texts: Vec<SnippetText> = changed.iter().map(|draft| draft.text().clone()).collect();
        let verdicts = self.judge.scorer.score(&texts, &mut |_| ());
        if verdicts.len() != texts.len() {
            return Err(self.unchecked("it left texts unanswered"));
        }
        let threshold = self.judge.threshold.logit();
        let passes = |verdict: Result<nines_domain::score::Score, Unscoreable>| match verdict {
            Ok(score) => Ok(match self.settings.says {
                Says::Injurious => score.logit() >= threshold + self.settings.margin,
                Says::Safe => score.logit() < threshold - self.settings.margin,
            }),
            // It failed, or refused to answer: that is not a verdict on the text.
            Err(Unscoreable::Model(reason)) => Err(self.unchecked(reason)),
            // The text is none that it can read, and does not pass.
            Err(_) => Ok(false),
        };
        verdicts.into_iter().map(passes).collect()
    }

    fn is_fallible(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        vec![format!(
            "judge {} ({})",
            self.judge.name,
            self.judge.scorer.version()
        )]
    }
}
