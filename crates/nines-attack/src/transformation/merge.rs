//! Joining neighbouring words.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, PARTS, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use crate::words::words;
use serde::{Deserialize, Serialize};

/// Settings: there are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {}

impl BuildTransformation for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        Ok(Box::new(Merge))
    }
}

/// Takes out the white space between two words, or puts a hyphen there. Its places are that white space.
pub struct Merge;

impl Transformation for Merge {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let of = |part| {
            let text = draft.part(part);
            let words = words(text);
            let between = |pair: &[std::ops::Range<usize>]| pair[0].end..pair[1].start;
            let spaces: Vec<_> = words.windows(2).map(between).collect();
            let blank = move |range: &std::ops::Range<usize>| {
                !range.is_empty() && text[range.clone()].chars().all(char::is_whitespace)
            };
            spaces
                .into_iter()
                .filter(blank)
                .map(move |range| Site { part, range })
        };
        PARTS.into_iter().flat_map(of).collect()
    }

    fn propose(&self, _: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let of = |site: &Site| {
            let joined = |text: &str| {
                let (site, text) = (site.clone(), text.to_owned());
                Proposal::of(Edit { site, text }, "merge")
            };
            vec![joined("-"), joined("")]
        };
        Ok(sites.iter().map(of).collect())
    }
}
