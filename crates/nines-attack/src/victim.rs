//! What is attacked: one or more scorers, and what they said before.

mod memory;
mod meter;

pub use meter::Meter;

use memory::Memory;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::scorer::{Scorer, Unscoreable};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The scores of one snippet, one for each scorer of the victim, as log odds. Where a scorer that nobody needed has
/// none, NaN stands for it: no threshold accepts that.
pub type Scores = Result<Vec<f64>, Unscoreable>;

/// What every scorer of a victim says of one snippet.
type Told = Vec<Result<f64, Unscoreable>>;

/// How much an attempt may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Snippets that may be scored, repeated ones included.
    pub queries: u64,
    /// Seconds.
    pub seconds: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            queries: 2_000,
            seconds: 120.0,
        }
    }
}

/// What asking the victim came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Snippets asked for, as the literature counts them: those remembered from before included.
    pub queries: u64,
    /// Different snippets among them: what a model has to score where nothing is remembered from
    /// earlier attempts.
    pub scored: u64,
}

/// Snippets whose scores a victim remembers, of all attempts together.
const REMEMBERED: usize = 1 << 17;

/// Says whether a classifier is part of both, alone or as a member of an ensemble: what fools it fools both.
pub fn share_a_classifier(one: &dyn Scorer, other: &dyn Scorer) -> bool {
    let own = parts(one);
    parts(other).iter().any(|part| own.contains(part))
}

/// The versions of what scores: of a classifier, or of an ensemble's members.
fn parts(scorer: &dyn Scorer) -> Vec<&str> {
    match scorer.ensemble() {
        None => vec![scorer.version()],
        Some(ensemble) => ensemble
            .members()
            .iter()
            .map(|member| member.version())
            .collect(),
    }
}

/// One or more scorers under attack.
///
/// What was scored once is not scored again, in this attempt or a later one; a snippet's score depends
/// on nothing else, so this changes no result. Failures of a model are not remembered.
pub struct Victim {
    /// The scorers; most goals look at the first alone.
    pub scorers: Vec<Arc<dyn Scorer>>,
    memory: Mutex<Memory>,
}

impl Victim {
    /// Makes a victim of scorers.
    pub fn new(scorers: Vec<Arc<dyn Scorer>>) -> Self {
        Self {
            scorers,
            memory: Mutex::new(Memory::new(REMEMBERED)),
        }
    }

    /// Scores snippets by every scorer, in their order, in one call each. What one of the first `needed` cannot
    /// score has no scores at all; what only a later one cannot has a hole for it.
    pub fn score(&self, snippets: &[SnippetText], needed: usize) -> Vec<Scores> {
        let told = self.told(snippets).into_iter();
        let scores = told.map(|told| {
            let each = told.into_iter().enumerate();
            let one = |(index, score): (usize, Result<f64, Unscoreable>)| match score {
                Err(_) if index >= needed => Ok(f64::NAN),
                score => score,
            };
            each.map(one).collect()
        });
        scores.collect()
    }

    fn told(&self, snippets: &[SnippetText]) -> Vec<Told> {
        let keys: Vec<ContentHash> = snippets.iter().map(SnippetText::hash).collect();
        let mut rows: Vec<Option<Told>> = self.with_memory(|memory| {
            let known = keys.iter().map(|key| memory.get(key));
            known.collect()
        });
        // Equal snippets of one call are scored once.
        let mut first: HashMap<ContentHash, usize> = HashMap::new();
        let mut fresh: Vec<usize> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if row.is_none() && !first.contains_key(&keys[index]) {
                first.insert(keys[index], index);
                fresh.push(index);
            }
        }
        let texts: Vec<SnippetText> = fresh.iter().map(|&i| snippets[i].clone()).collect();
        let scores = self.score_fresh(&texts);
        let failed = |told: &Told| {
            let mut each = told.iter();
            each.any(|score| matches!(score, Err(Unscoreable::Model(_))))
        };
        self.with_memory(|memory| {
            for (&index, told) in fresh.iter().zip(&scores) {
                if !failed(told) {
                    memory.put(keys[index], told.clone());
                }
            }
        });
        for (index, scores) in fresh.into_iter().zip(scores) {
            rows[index] = Some(scores);
        }
        (0..rows.len())
            .map(|index| {
                let from = if rows[index].is_some() {
                    index
                } else {
                    first[&keys[index]]
                };
                rows[from].clone().unwrap_or_else(|| vec![no_answer()])
            })
            .collect()
    }

    fn with_memory<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        // Whoever panicked left whole entries.
        use_it(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn score_fresh(&self, snippets: &[SnippetText]) -> Vec<Told> {
        let mut rows: Vec<Told> = snippets.iter().map(|_| Vec::new()).collect();
        if snippets.is_empty() {
            return rows;
        }
        for scorer in &self.scorers {
            let mut scores = scorer.score(snippets, &mut |_| ()).into_iter();
            for row in &mut rows {
                row.push(match scores.next() {
                    Some(score) => score.map(|score| score.logit()),
                    None => no_answer(),
                });
            }
        }
        rows
    }

    /// Names the scorers and their versions, in their order.
    pub fn versions(&self) -> Vec<String> {
        let versions = self.scorers.iter().map(|scorer| scorer.version());
        versions.map(str::to_owned).collect()
    }
}

fn no_answer() -> Result<f64, Unscoreable> {
    Err(Unscoreable::Model("the scorer gave no answer".to_owned()))
}

/// Scores in JSON, where a hole is `null`.
pub(crate) mod holes {
    use serde::{Deserialize, Deserializer};

    fn filled(scores: Vec<Option<f64>>) -> Vec<f64> {
        let each = scores.into_iter();
        each.map(|score| score.unwrap_or(f64::NAN)).collect()
    }

    pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        Vec::deserialize(from).map(filled)
    }

    pub fn read_option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<f64>>, D::Error> {
        Ok(Option::deserialize(from)?.map(filled))
    }
}
