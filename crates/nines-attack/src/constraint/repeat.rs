//! Nothing is changed twice.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, Site};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use serde::{Deserialize, Serialize};

/// Settings: there are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        Ok(Box::new(Repeat))
    }
}

/// Leaves alone what an earlier edit put in.
pub struct Repeat;

impl Constraint for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }

    fn allows(&self, draft: &Draft, site: &Site) -> bool {
        !draft.is_changed(site)
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        Ok(vec![true; changed.len()])
    }
}
