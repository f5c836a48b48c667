//! Random words: edits that mean nothing, for the control that every attack must beat.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use serde::{Deserialize, Serialize};

/// Common words of stories.
const WORDS: &str = include_str!("random_words.txt");

/// Settings: how many words are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Words drawn for each place, as substitutes and as insertions.
    pub each: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { each: 3 }
    }
}

impl BuildTransformation for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.each == 0 || self.each > 64 {
            return Err(RecipeError::field("each", "takes a number from 1 to 64"));
        }
        Ok(Box::new(RandomWords(self.clone())))
    }
}

/// Puts common words, drawn by the seed, in place of words and behind them.
pub struct RandomWords(pub Settings);

impl Transformation for RandomWords {
    fn name(&self) -> &'static str {
        "random-words"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let of = |site: &Site| {
            let mut random = draft.random(&format!("words {:?} {}", site.part, site.range.start));
            let mut proposals = Vec::with_capacity(2 * self.0.each);
            for _ in 0..self.0.each {
                let word = words[random.below(words.len())];
                let edit = Edit {
                    site: site.clone(),
                    text: word.to_owned(),
                };
                proposals.push(Proposal::of(edit, "random word"));
                let gap = Site {
                    part: site.part,
                    range: site.range.end..site.range.end,
                };
                let word = words[random.below(words.len())];
                proposals.push(Proposal::of(draft.insertion(&gap, word), "random word"));
            }
            proposals
        };
        Ok(sites.iter().map(of).collect())
    }
}
