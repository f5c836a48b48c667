//! Recipes: which goal, search, transformations and constraints make an attack.
//!
//! A recipe is a TOML text. Those with names are files of this crate (`recipes/`); anybody's own is read
//! in the same way. Reading fills in every default, so that a recipe that is written again says all that
//! the attack does.

mod alone;
mod error;
mod models;
mod named;
mod part;
mod register;

pub(crate) use error::GRADIENTS;
pub use error::RecipeError;
pub use models::Models;
pub use part::Part;
pub use register::{BuildConstraint, BuildSearch, BuildTransformation};

use crate::attack::Attack;
use crate::goal::Goal;
use crate::victim::Budget;
use serde::{Deserialize, Serialize};

/// What an attack is after, as recipes name it; thresholds come with the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoalKind {
    /// Injurious and accepted.
    Evade,
    /// Safe and rejected.
    FalseAlarm,
    /// Two classifiers decide differently.
    Disagree,
    /// Two classifiers decide differently, as far apart as can be.
    Gap,
    /// The nearest text on the other side of the threshold.
    Cross,
}

/// A recipe: everything about an attack but the models and the starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// Raised whenever the same name comes to mean something else.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What it does, in a sentence.
    #[serde(default)]
    pub about: String,
    /// What it is after.
    #[serde(default = "evade")]
    pub goal: GoalKind,
    /// Whether finds are freed of the changes that they do not need.
    #[serde(default)]
    pub prune: bool,
    /// What an attempt may cost, unless the caller says otherwise.
    #[serde(default)]
    pub budget: Budget,
    /// How it looks.
    pub search: Part,
    /// What proposes edits.
    #[serde(default)]
    pub transformations: Vec<Part>,
    /// What changed texts must keep to.
    #[serde(default)]
    pub constraints: Vec<Part>,
}

fn first_version() -> u32 {
    1
}

fn evade() -> GoalKind {
    GoalKind::Evade
}

/// Bytes that a recipe may have.
const MAX_BYTES: usize = 64 * 1024;

/// Transformations, and constraints, that a recipe may have.
const MAX_PARTS: usize = 32;

/// Characters of a name.
const MAX_NAME: usize = 60;

impl Recipe {
    /// Lists the names of the recipes that come with this program, in their order.
    pub fn names() -> Vec<&'static str> {
        named::NAMED.iter().map(|&(name, _)| name).collect()
    }

    /// Returns a recipe that comes with this program.
    ///
    /// # Errors
    /// [`RecipeError::UnknownRecipe`], with the names that there are.
    pub fn named(name: &str) -> Result<Self, RecipeError> {
        let found = named::NAMED.iter().find(|&&(known, _)| known == name);
        match found {
            Some((_, toml)) => Self::parse(toml),
            None => Err(RecipeError::UnknownRecipe {
                name: name.chars().take(MAX_NAME).collect(),
                known: Self::names().join(", "),
            }),
        }
    }

    /// Reads a recipe and fills in what it leaves to defaults.
    ///
    /// # Errors
    /// [`RecipeError`] naming the part and the field that is wrong, and what would be right.
    pub fn parse(toml: &str) -> Result<Self, RecipeError> {
        if toml.len() > MAX_BYTES {
            return Err(RecipeError::Toml(format!(
                "it has {} bytes, and {MAX_BYTES} are allowed",
                toml.len()
            )));
        }
        let recipe: Self =
            toml::from_str(toml).map_err(|error| RecipeError::Toml(error.to_string()))?;
        recipe.checked()
    }

    fn checked(mut self) -> Result<Self, RecipeError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(plain) {
            return Err(RecipeError::Field {
                field: "name".to_owned(),
                reason: format!(
                    "takes 1 to {MAX_NAME} small letters, digits and hyphens, not {:?}",
                    self.name.chars().take(MAX_NAME).collect::<String>()
                ),
            });
        }
        if !(self.budget.seconds.is_finite() && self.budget.seconds >= 0.0) {
            return Err(RecipeError::Field {
                field: "budget.seconds".to_owned(),
                reason: format!("takes a number from 0, not {}", self.budget.seconds),
            });
        }
        for (field, parts) in [
            ("transformations", &self.transformations),
            ("constraints", &self.constraints),
        ] {
            if parts.len() > MAX_PARTS {
                return Err(RecipeError::Field {
                    field: field.to_owned(),
                    reason: format!("are {}, and {MAX_PARTS} are allowed", parts.len()),
                });
            }
        }
        let (search, _) = register::search(&self.search).map_err(RecipeError::at("search"))?;
        self.search = search;
        for (index, part) in self.transformations.iter_mut().enumerate() {
            let (filled, _) = register::transformation(part)
                .map_err(RecipeError::at(&format!("transformations[{index}]")))?;
            *part = filled;
        }
        for (index, part) in self.constraints.iter_mut().enumerate() {
            let (filled, _) = register::constraint(part)
                .map_err(RecipeError::at(&format!("constraints[{index}]")))?;
            *part = filled;
        }
        Ok(self)
    }

    /// Adds the constraint `judge`, so that what loses its label by a judge is no find, unless the recipe asks
    /// a judge already.
    ///
    /// # Errors
    /// [`RecipeError`] where the recipe has as many constraints as it may have, or its goal does not say what
    /// the judge must keep.
    pub fn with_judge(mut self) -> Result<Self, RecipeError> {
        if self.constraints.iter().any(|part| part.kind == "judge") {
            return Ok(self);
        }
        let says = match self.goal {
            GoalKind::FalseAlarm => "safe",
            // Which of the two must hold depends on the side where an attempt ends.
            GoalKind::Cross => {
                let reason = "a judge keeps one label, and the goal cross has one for each side: add a constraint of the \
                              kind judge with says = \"injurious\" or \"safe\" to the recipe";
                return Err(RecipeError::field("goal", reason));
            }
            _ => "injurious",
        };
        let mut settings = toml::Table::new();
        settings.insert("says".to_owned(), says.into());
        self.constraints.push(Part {
            kind: "judge".to_owned(),
            settings,
        });
        self.checked()
    }

    /// Writes the recipe with every setting, as [`Self::parse`] reads it.
    pub fn to_toml(&self) -> String {
        // Names, numbers, strings and tables of them: there is nothing that TOML cannot write.
        toml::to_string(self).unwrap_or_default()
    }

    /// Puts the attack together. `seed` keys what is random in building it, not in its attempts.
    ///
    /// # Errors
    /// [`RecipeError::Missing`] names a model that is needed and how to get it; other errors name the part
    /// and the field.
    pub fn build(&self, models: &Models, seed: u64) -> Result<Attack, RecipeError> {
        let goal = self.goal(models)?;
        let (_, search) = register::search(&self.search).map_err(RecipeError::at("search"))?;
        let search = search
            .build(models, seed)
            .map_err(RecipeError::at("search"))?;
        if search.needs_transformations() && self.transformations.is_empty() {
            return Err(RecipeError::Field {
                field: "transformations".to_owned(),
                reason: format!("is empty, and the search {} needs one", search.name()),
            });
        }
        if search.needs_gradients() && models.victim.scorers[0].differentiable().is_none() {
            return Err(RecipeError::Missing {
                part: "search".to_owned(),
                what: GRADIENTS.to_owned(),
                how: format!(
                    "{} has none; take another search, such as greedy with importance = \"unk\"",
                    models.victim.scorers[0].version()
                ),
            });
        }
        let mut attack = Attack::new(models.victim.clone(), goal, self.budget, search)
            .with_pruning(self.prune)
            .of_recipe(self.to_toml());
        for (index, part) in self.transformations.iter().enumerate() {
            let place = format!("transformations[{index}]");
            self.check_direction(part)
                .map_err(RecipeError::at(&place))?;
            let (_, settings) = register::transformation(part).map_err(RecipeError::at(&place))?;
            let built = settings
                .build(models, seed)
                .map_err(RecipeError::at(&place))?;
            attack = attack.with_transformation(built);
        }
        for (index, part) in self.constraints.iter().enumerate() {
            let place = format!("constraints[{index}]");
            let (_, settings) = register::constraint(part).map_err(RecipeError::at(&place))?;
            let built = settings
                .build(models, seed)
                .map_err(RecipeError::at(&place))?;
            attack = attack.with_constraint(built);
        }
        Ok(attack)
    }

    /// Refuses flips that move the score away from the goal: they would search in vain without a word.
    fn check_direction(&self, part: &Part) -> Result<(), RecipeError> {
        let wanted = match self.goal {
            GoalKind::Evade => "down",
            GoalKind::FalseAlarm => "up",
            GoalKind::Disagree | GoalKind::Gap | GoalKind::Cross => return Ok(()),
        };
        match part.settings.get("direction").and_then(toml::Value::as_str) {
            Some(direction) if part.kind == "flip" && direction != wanted => {
                Err(RecipeError::field(
                    "direction",
                    format!("is {direction}, away from the goal; take {wanted}"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Joins the kind of goal with the thresholds of the victim's scorers.
    fn goal(&self, models: &Models) -> Result<Goal, RecipeError> {
        let wanted = match self.goal {
            GoalKind::Disagree | GoalKind::Gap => 2,
            _ => 1,
        };
        let have = models.thresholds.len().min(models.victim.scorers.len());
        if have < wanted {
            return Err(RecipeError::Missing {
                part: "goal".to_owned(),
                what: format!("{wanted} classifiers with thresholds, and there are {have}"),
                how: "name a second classifier with --against, and calibrate both".to_owned(),
            });
        }
        let at = |index: usize| models.thresholds[index];
        Ok(match self.goal {
            GoalKind::Evade => Goal::Evade(at(0)),
            GoalKind::FalseAlarm => Goal::FalseAlarm(at(0)),
            GoalKind::Cross => Goal::Cross(at(0)),
            GoalKind::Disagree => Goal::Disagree(at(0), at(1)),
            GoalKind::Gap => Goal::Gap(at(0), at(1)),
        })
    }
}

#[cfg(test)]
mod tests;
