//! How many characters may differ from the start.

use super::{Constraint, ConstraintError};
use crate::diff::characters_changed;
use crate::edit::{Draft, PARTS, half_of};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use serde::{Deserialize, Serialize};

/// Settings: the limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Characters put in, taken out or replaced, as few as possible, in both halves together.
    pub characters: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { characters: 30 }
    }
}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        Ok(Box::new(EditDistance(self.characters)))
    }
}

/// Limits the Levenshtein distance from the start.
pub struct EditDistance(pub usize);

impl Constraint for EditDistance {
    fn name(&self) -> &'static str {
        "edit-distance"
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let distance = |draft: &Draft| -> usize {
            let of = |part| characters_changed(half_of(draft.start(), part), draft.part(part));
            PARTS.into_iter().map(of).sum()
        };
        Ok(changed
            .iter()
            .map(|draft| distance(draft) <= self.0)
            .collect())
    }
}
