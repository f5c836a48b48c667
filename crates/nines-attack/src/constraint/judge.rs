//! Another model must still see the injury.

use super::{Constraint, ConstraintError, Inspection};
use crate::edit::Draft;
use crate::judge::{Judge, JudgeError, Says};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};

/// Settings: on which side the judge must see the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `injurious`, or `safe` for attacks that look for false alarms.
    pub says: Says,
    /// Log odds by which a classifier must be sure, beyond its threshold; an endpoint has none.
    pub margin: f64,
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
                "name another classifier with --judge or an endpoint with --judge-url, or take the constraint \
                 judge out of the recipe",
            )
        })?;
        judge.check_is_no_victim(&models.victim)?;
        if self.margin != 0.0 && !judge.has_odds() {
            return Err(RecipeError::field(
                "margin",
                format!(
                    "takes 0 with the judge {}, which says yes or no and not how sure it is",
                    judge.name()
                ),
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
}

/// Says what a judge's failure means to whoever needs it.
pub(crate) fn unchecked(judge: &Judge, error: JudgeError) -> ConstraintError {
    match error {
        JudgeError::Stopped => ConstraintError::Stopped,
        JudgeError::Failed(reason) => ConstraintError::Unchecked {
            constraint: "judge",
            reason: format!(
                "the judge {} gave no verdict ({reason}); nothing passes without one. Start it, or name another \
                 with --judge or --judge-url",
                judge.name()
            ),
        },
    }
}

impl Constraint for JudgeKeepsLabel {
    fn name(&self) -> &'static str {
        "judge"
    }

    fn check(&self, current: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        self.inspect(current, changed, &mut Inspection::default())
    }

    fn inspect(
        &self,
        _: &Draft,
        changed: &[Draft],
        inspection: &mut Inspection,
    ) -> Result<Vec<bool>, ConstraintError> {
        let texts: Vec<SnippetText> = changed.iter().map(|draft| draft.text().clone()).collect();
        let verdicts = inspection
            .ask(&self.judge, &texts)
            .map_err(|error| unchecked(&self.judge, error))?;
        let Settings { says, margin } = self.settings;
        Ok(verdicts
            .iter()
            .map(|verdict| verdict.is(says, margin))
            .collect())
    }

    fn is_fallible(&self) -> bool {
        true
    }

    fn models(&self) -> Vec<String> {
        vec![format!(
            "judge {} ({})",
            self.judge.name(),
            self.judge.version()
        )]
    }
}
