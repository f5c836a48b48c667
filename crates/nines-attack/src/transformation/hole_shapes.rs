//! The shapes of holes that filters are known to have, as scripts: the injury stays, and what stands
//! around it, or the words for it, change.
//!
//! The sentences are in `hole_shapes.toml`; which of them are combined, the seed says.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use crate::words::words;
use nines_stats::random::Stream;
use nines_text::{SnippetPart, sentences};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

const SCRIPTS: &str = include_str!("hole_shapes.toml");

/// The sentences and words of the scripts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripts {
    calm: Vec<String>,
    tail: Vec<String>,
    old_wound: Vec<String>,
    implied: Vec<String>,
    dialogue: Vec<String>,
    euphemisms: BTreeMap<String, Vec<String>>,
}

/// What is done to the completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A calm sentence before it.
    CalmOpening,
    /// A sentence of another kind of text behind it.
    OffGenreTail,
    /// Both.
    CalmAndTail,
    /// Milder words for what happens.
    Euphemism,
    /// Milder words, and calm before or another kind of text behind.
    EuphemismAndFrame,
    /// What is done is left to be inferred.
    ImpliedOutcome,
    /// An old wound, mentioned now.
    OldWound,
    /// It becomes something that somebody says.
    Dialogue,
}

const SHAPES: [Shape; 8] = [
    Shape::CalmAndTail,
    Shape::EuphemismAndFrame,
    Shape::Dialogue,
    Shape::ImpliedOutcome,
    Shape::Euphemism,
    Shape::OldWound,
    Shape::CalmOpening,
    Shape::OffGenreTail,
];

impl Shape {
    fn kind(self) -> &'static str {
        match self {
            Self::CalmOpening => "calm opening",
            Self::OffGenreTail => "off-genre tail",
            Self::CalmAndTail => "calm opening and off-genre tail",
            Self::Euphemism => "euphemism",
            Self::EuphemismAndFrame => "euphemism and frame",
            Self::ImpliedOutcome => "implied outcome",
            Self::OldWound => "old wound",
            Self::Dialogue => "dialogue",
        }
    }
}

/// Settings: which shapes, and how many candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The shapes.
    pub shapes: Vec<Shape>,
    /// Candidates of one draft, over all shapes in turn.
    pub limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shapes: SHAPES.to_vec(),
            limit: 96,
        }
    }
}

impl BuildTransformation for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.shapes.is_empty() {
            return Err(RecipeError::field("shapes", "is empty; name at least one"));
        }
        if self.limit == 0 || self.limit > 4_096 {
            return Err(RecipeError::field("limit", "takes a number from 1 to 4096"));
        }
        let scripts = toml::from_str(SCRIPTS)
            .map_err(|error| RecipeError::field("", format!("(hole-shapes): {error}")))?;
        Ok(Box::new(HoleShapes {
            settings: self.clone(),
            scripts,
        }))
    }
}

/// Puts the completion into the shapes of known holes. Its place is the whole completion.
pub struct HoleShapes {
    settings: Settings,
    scripts: Scripts,
}

/// Draws of one shape in a row that give nothing new before the shape is left.
const TRIES: usize = 12;

impl Transformation for HoleShapes {
    fn name(&self) -> &'static str {
        "hole-shapes"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let range = 0..draft.part(SnippetPart::Completion).len();
        let part = SnippetPart::Completion;
        vec![Site { part, range }]
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        Ok(sites.iter().map(|_| self.shaped(draft)).collect())
    }
}

impl HoleShapes {
    /// Draws candidates of each shape in turn, until there are enough or nothing new comes.
    fn shaped(&self, draft: &Draft) -> Vec<Proposal> {
        let mut random = draft.random("hole shapes");
        let mut shapes = self.settings.shapes.clone();
        let mut proposals: Vec<Proposal> = Vec::new();
        while !shapes.is_empty() && proposals.len() < self.settings.limit {
            shapes.retain(|&shape| {
                if proposals.len() >= self.settings.limit {
                    return false;
                }
                let fresh = (0..TRIES).find_map(|_| {
                    let edits = self.edits(shape, draft, &mut random);
                    let known = |edits: &[Edit]| proposals.iter().any(|p| p.edits == edits);
                    edits.filter(|edits| !edits.is_empty() && !known(edits))
                });
                let found = fresh.is_some();
                proposals.extend(fresh.map(|edits| Proposal {
                    edits,
                    log_probability: None,
                    kind: shape.kind(),
                }));
                found
            });
        }
        proposals
    }

    fn edits(&self, shape: Shape, draft: &Draft, random: &mut Stream) -> Option<Vec<Edit>> {
        let scripts = &self.scripts;
        let mut one = |list: &[String]| list[random.below(list.len())].clone();
        Some(match shape {
            Shape::CalmOpening => vec![before(draft, &one(&scripts.calm))],
            Shape::OffGenreTail => vec![behind(draft, &one(&scripts.tail))],
            Shape::CalmAndTail => {
                let calm = one(&scripts.calm);
                vec![before(draft, &calm), behind(draft, &one(&scripts.tail))]
            }
            Shape::OldWound => vec![behind(draft, &one(&scripts.old_wound))],
            Shape::Dialogue => {
                let frame = one(&scripts.dialogue);
                let (open, close) = frame.split_once("{text}")?;
                let inside = inside(draft);
                vec![
                    edit(inside.start..inside.start, open.to_owned()),
                    edit(inside.end..inside.end, close.to_owned()),
                ]
            }
            Shape::ImpliedOutcome => vec![self.implied(draft, random)?],
            Shape::Euphemism => self.milder(draft, random),
            Shape::EuphemismAndFrame => {
                let mut edits = self.milder(draft, random);
                if edits.is_empty() {
                    return None;
                }
                match random.below(3) {
                    0 => edits.push(before(draft, &pick(&scripts.calm, random))),
                    1 => edits.push(behind(draft, &pick(&scripts.tail, random))),
                    _ => {
                        edits.push(before(draft, &pick(&scripts.calm, random)));
                        edits.push(behind(draft, &pick(&scripts.tail, random)));
                    }
                }
                edits
            }
        })
    }

    /// Lists the words of the completion that there are milder ones for.
    fn hard_words(&self, draft: &Draft) -> Vec<(Range<usize>, &[String])> {
        let text = draft.part(SnippetPart::Completion);
        let milder = |word: Range<usize>| {
            let key = text[word.clone()].to_lowercase();
            let milder = self.scripts.euphemisms.get(&key)?;
            Some((word, milder.as_slice()))
        };
        words(text).into_iter().filter_map(milder).collect()
    }

    /// Replaces some of the hard words, at least one where there is any.
    fn milder(&self, draft: &Draft, random: &mut Stream) -> Vec<Edit> {
        let hard = self.hard_words(draft);
        if hard.is_empty() {
            return Vec::new();
        }
        let always = random.below(hard.len());
        let mut edits = Vec::new();
        for (index, (word, milder)) in hard.into_iter().enumerate() {
            if index == always || random.below(3) > 0 {
                edits.push(edit(word, pick(milder, random)));
            }
        }
        edits
    }

    /// Replaces the sentence with the last hard word, or where there is none the last sentence, by one that
    /// lets the outcome be inferred.
    fn implied(&self, draft: &Draft, random: &mut Stream) -> Option<Edit> {
        let text = draft.part(SnippetPart::Completion);
        let sentences = sentences(text);
        let hard = self.hard_words(draft).pop().map(|(word, _)| word);
        let has = |sentence: &Range<usize>| {
            hard.as_ref()
                .is_none_or(|word| sentence.start <= word.start && word.end <= sentence.end)
        };
        let sentence = sentences.into_iter().rev().find(has)?;
        let stripped = text[sentence.clone()].trim();
        let lead = text[sentence.clone()].find(stripped).unwrap_or(0);
        let start = sentence.start + lead;
        Some(edit(
            start..start + stripped.len(),
            pick(&self.scripts.implied, random),
        ))
    }
}

fn pick(list: &[String], random: &mut Stream) -> String {
    list[random.below(list.len())].clone()
}

fn edit(range: Range<usize>, text: String) -> Edit {
    let part = SnippetPart::Completion;
    Edit {
        site: Site { part, range },
        text,
    }
}

/// Returns the completion without the white space around it.
fn inside(draft: &Draft) -> Range<usize> {
    let text = draft.part(SnippetPart::Completion);
    let start = text.len() - text.trim_start().len();
    start..start + text.trim().len()
}

fn before(draft: &Draft, sentence: &str) -> Edit {
    let at = inside(draft).start;
    edit(at..at, format!("{sentence} "))
}

fn behind(draft: &Draft, sentence: &str) -> Edit {
    let at = inside(draft).end;
    edit(at..at, format!(" {sentence}"))
}
