//! The score as a linear function of one word: which words of the classifier's vocabulary would change it most.
//!
//! Only whole words of the vocabulary are considered, and a flip counts only where the changed string,
//! cut into tokens afresh, is the text that the estimate was made for.
//!
//! # Reference
//! Ebrahimi et al., "HotFlip: White-box adversarial examples for text classification" (2018): the change is about
//! (e_v − e_i)·∇, exactly so for a linear model.

use crate::edit::Site;
use crate::saliency::gradient_of;
use nines_domain::snippet::SnippetText;
use nines_infer::gradients::{Differentiable, SnippetGradient};
use nines_infer::scorer::Unscoreable;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The whole words of a classifier's vocabulary.
#[derive(Debug, Clone)]
pub struct Lexicon {
    words: Vec<(u32, String)>,
    ids: BTreeMap<String, u32>,
}

/// How a vocabulary tells the beginning of a word from its continuation.
#[derive(Clone, Copy)]
enum Marking {
    /// `##` before continuations (WordPiece), or no continuations at all.
    Continuations,
    /// A sign before beginnings: `Ġ` (byte-level) or `▁` (SentencePiece).
    Beginnings(char),
}

impl Lexicon {
    /// Reads the whole words of a model's vocabulary: letters only, more than one, or `a` and `I`.
    pub fn of(model: &dyn Differentiable) -> Self {
        let tokenizer = model.tokenizer();
        let vocabulary = u32::try_from(model.embeddings().vocabulary()).unwrap_or(u32::MAX);
        let tokens: Vec<(u32, String)> = (0..vocabulary)
            .into_par_iter()
            .filter_map(|id| Some((id, tokenizer.token(id)?)))
            .collect();
        let marks = |sign: char| tokens.iter().filter(|(_, t)| t.starts_with(sign)).count();
        let marking = ['Ġ', '▁']
            .into_iter()
            .find(|sign| marks(*sign) > 1)
            .map_or(Marking::Continuations, Marking::Beginnings);
        let words: Vec<(u32, String)> = tokens
            .into_iter()
            .filter_map(|(id, token)| Some((id, whole_word(&token, marking)?.to_owned())))
            .collect();
        let ids = words.iter().map(|(id, word)| (word.clone(), *id)).collect();
        Self { words, ids }
    }

    /// Returns the number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Says whether the vocabulary holds no whole word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Lists the words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|(_, word)| word.as_str())
    }

    /// Returns the token that a word is, as written or in lower case.
    pub fn id(&self, word: &str) -> Option<u32> {
        let found = self
            .ids
            .get(word)
            .or_else(|| self.ids.get(&word.to_lowercase()));
        found.copied()
    }
}

impl Lexicon {
    /// Lists the `k` words of the smallest cost, equal ones in the vocabulary's order.
    fn best(&self, mut ranked: Vec<(f64, usize)>, direction: Direction, k: usize) -> Vec<Flip> {
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if k < ranked.len() && k > 0 {
            ranked.select_nth_unstable_by(k - 1, order);
        }
        ranked.truncate(k);
        ranked.sort_unstable_by(order);
        let flip = |(cost, index): (f64, usize)| {
            let (id, word) = &self.words[index];
            Flip {
                id: *id,
                word: word.clone(),
                change: direction.cost(cost),
            }
        };
        ranked.into_iter().map(flip).collect()
    }
}

fn whole_word(token: &str, marking: Marking) -> Option<&str> {
    let word = match marking {
        Marking::Continuations => token,
        Marking::Beginnings(sign) => token.strip_prefix(sign)?,
    };
    let letters = word.chars().count();
    let alphabetic = word.chars().all(char::is_alphabetic);
    // Byte-level vocabularies write other bytes as letters that are not in the text.
    let readable = !matches!(marking, Marking::Beginnings('Ġ')) || word.is_ascii();
    let short = matches!(word, "a" | "A" | "i" | "I");
    (alphabetic && readable && (letters > 1 || short)).then_some(word)
}

/// In which direction the score is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Towards acceptance.
    Down,
    /// Towards rejection.
    Up,
}

impl Direction {
    /// Returns a number that is small where a change of the score is welcome.
    pub fn cost(self, change: f64) -> f64 {
        match self {
            Self::Down => change,
            Self::Up => -change,
        }
    }
}

/// A word of the vocabulary for a place, with what it would do to the score to first order.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    /// Its token.
    pub id: u32,
    /// The word, as the vocabulary writes it.
    pub word: String,
    /// The estimated change of the score.
    pub change: f64,
}

/// The score of one snippet, to first order in each of its tokens.
pub struct Slope<'a> {
    model: &'a dyn Differentiable,
    gradient: SnippetGradient,
}

/// The score to first order in what stands at one place.
pub struct SlopeAt {
    /// The tokens there.
    tokens: Range<usize>,
    /// The mean of their gradients.
    gradient: Vec<f32>,
    /// What they themselves give.
    given: f64,
}

impl<'a> Slope<'a> {
    /// Computes the gradient of a snippet.
    ///
    /// # Errors
    /// [`Unscoreable`] where the snippet has no gradient: empty, or over the model's window.
    pub fn of(model: &'a dyn Differentiable, snippet: &SnippetText) -> Result<Self, Unscoreable> {
        Ok(Self {
            model,
            gradient: gradient_of(model, snippet)?,
        })
    }

    /// Returns the slope at a word, or between the tokens beside a gap. `None` where the model reads
    /// no token there.
    ///
    /// A word of several tokens is treated as replaced as a whole by one.
    pub fn at(&self, site: &Site) -> Option<SlopeAt> {
        let offsets = &self.gradient.encoded.offsets;
        let inside = |index: &usize| {
            offsets[*index].is_some_and(|span| {
                span.part == site.part && span.start < site.range.end && site.range.start < span.end
            })
        };
        let mut tokens: Vec<usize> = (0..offsets.len()).filter(inside).collect();
        let is_gap = site.range.is_empty();
        if is_gap {
            let at = site.range.start;
            let own = |index: &usize| offsets[*index].is_some_and(|span| span.part == site.part);
            let end = |index: &usize| offsets[*index].is_some_and(|span| span.end <= at);
            let before = (0..offsets.len()).filter(own).take_while(end).last();
            let behind = (0..offsets.len()).filter(own).find(|index| !end(index));
            tokens = before.into_iter().chain(behind).collect();
        }
        let (first, last) = (*tokens.first()?, *tokens.last()?);
        let mut gradient = vec![0.0; self.gradient.hidden];
        let mut given = 0.0;
        let embeddings = self.model.embeddings();
        for &token in &tokens {
            let slope = self.gradient.token(token);
            for (sum, value) in gradient.iter_mut().zip(slope) {
                *sum += value / tokens.len() as f32;
            }
            let row = embeddings.row(self.gradient.encoded.ids[token])?;
            given += f64::from(product(&row, slope));
        }
        Some(SlopeAt {
            tokens: if is_gap { last..last } else { first..last + 1 },
            gradient,
            given: if is_gap { 0.0 } else { given },
        })
    }

    /// Estimates the change of the score when one token replaces what is at a place; `None` for an id
    /// outside the vocabulary.
    pub fn change(&self, at: &SlopeAt, id: u32) -> Option<f64> {
        let row = self.model.embeddings().row(id)?;
        Some(f64::from(product(&row, &at.gradient)) - at.given)
    }

    /// Lists the `k` words that change the score most in a direction, best first. Those that are there
    /// already are left out.
    pub fn flips(
        &self,
        at: &SlopeAt,
        lexicon: &Lexicon,
        direction: Direction,
        k: usize,
    ) -> Vec<Flip> {
        self.flips_at(std::slice::from_ref(at), lexicon, direction, k)
            .swap_remove(0)
    }

    /// Lists the flips of several places, each as [`Self::flips`] lists them, in one product with all embeddings.
    pub fn flips_at(
        &self,
        places: &[SlopeAt],
        lexicon: &Lexicon,
        direction: Direction,
        k: usize,
    ) -> Vec<Vec<Flip>> {
        let gradients: Vec<f32> = places.iter().flat_map(|at| at.gradient.clone()).collect();
        let products = self.model.embeddings().times(&gradients);
        let list = |(place, at): (usize, &SlopeAt)| {
            let here = &self.gradient.encoded.ids[at.tokens.clone()];
            let words = lexicon.words.iter().enumerate();
            let other = words.filter(|(_, (id, _))| here != [*id]);
            let ranked = other.filter_map(|(index, (id, _))| {
                let product = products.get(*id as usize * places.len() + place)?;
                let change = f64::from(*product) - at.given;
                change
                    .is_finite()
                    .then_some((direction.cost(change), index))
            });
            lexicon.best(ranked.collect(), direction, k)
        };
        places.par_iter().enumerate().map(list).collect()
    }

    /// Says whether a changed snippet, cut into tokens afresh, differs from this one by a single token
    /// in the place of those that were there: what the estimate speaks of.
    pub fn reads_as(&self, changed: &SnippetText, at: &SlopeAt, id: u32) -> bool {
        let tokenizer = self.model.tokenizer();
        let Ok(found) = tokenizer.encode(&changed.prompt, &changed.completion) else {
            return false;
        };
        let old = &self.gradient.encoded.ids;
        let before = old[..at.tokens.start].iter();
        let behind = old[at.tokens.end..].iter();
        found.ids.iter().eq(before.chain([&id]).chain(behind))
    }
}

/// Multiplies two vectors in eight lanes, so that the compiler can use vector registers.
fn product(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (a8, b8) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a8.remainder().iter().zip(b8.remainder());
    let rest: f32 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests;
