//! Taking words out.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use serde::{Deserialize, Serialize};

/// Settings of deletions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {}

impl BuildTransformation for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        Ok(Box::new(Deletion))
    }
}

/// Takes out a word, with one space beside it.
pub struct Deletion;

impl Transformation for Deletion {
    fn name(&self) -> &'static str {
        "delete"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let out = |site: &Site| vec![Proposal::of(draft.deletion(site), "delete")];
        Ok(sites.iter().map(out).collect())
    }
}
