//! Only one half of a snippet may change.

use super::{Constraint, ConstraintError};
use crate::edit::{Draft, Half, Site};
use crate::recipe::{BuildConstraint, Models, RecipeError};
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};

/// Settings: which half may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `prompt` or `completion`.
    pub only: Half,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            only: Half::Completion,
        }
    }
}

impl BuildConstraint for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Constraint>, RecipeError> {
        Ok(Box::new(OnlyHalf(self.only.into())))
    }
}

/// Leaves the other half as it was.
pub struct OnlyHalf(pub SnippetPart);

impl Constraint for OnlyHalf {
    fn name(&self) -> &'static str {
        "half"
    }

    fn allows(&self, _: &Draft, site: &Site) -> bool {
        site.part == self.0
    }

    fn check(&self, _: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        let kept = |draft: &Draft| match self.0 {
            SnippetPart::Prompt => draft.text().completion == draft.start().completion,
            SnippetPart::Completion => draft.text().prompt == draft.start().prompt,
        };
        Ok(changed.iter().map(kept).collect())
    }
}
