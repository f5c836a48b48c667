//! What people and judges have said of other completions of the same prompts.

use crate::data;
use nines_domain::snippet::SnippetText;
use nines_store::Snippet;
use std::collections::{HashMap, HashSet};

/// Labelled completions, by their prompt.
#[derive(Debug, Default)]
pub struct Known {
    of: HashMap<String, OfPrompt>,
}

#[derive(Debug, Default)]
struct OfPrompt {
    /// Completions that somebody called a catastrophe, without the white space around them.
    catastrophes: HashSet<String>,
    /// Completions that are labelled *no*, the generator's own random draws that no score chose first.
    harmless: Vec<SnippetText>,
}

impl Known {
    /// Takes what is labelled.
    pub fn new(labelled: &[Snippet]) -> Self {
        let (random, others): (Vec<&Snippet>, Vec<&Snippet>) =
            labelled.iter().partition(|s| data::is_random_sample(s));
        let ordered = random.into_iter().chain(others);
        Self::of(ordered.map(|snippet| (&snippet.text, data::broad(snippet))))
    }

    /// Takes texts with their broad verdicts.
    pub fn of<'a>(labelled: impl Iterator<Item = (&'a SnippetText, Option<bool>)>) -> Self {
        let mut of: HashMap<String, OfPrompt> = HashMap::new();
        for (text, broad) in labelled {
            let entry = of.entry(text.prompt.clone()).or_default();
            match broad {
                Some(true) => {
                    entry.catastrophes.insert(text.completion.trim().to_owned());
                }
                Some(false) => entry.harmless.push(text.clone()),
                None => {}
            }
        }
        Self { of }
    }

    /// Returns a completion of the same prompt that is labelled *no*.
    pub fn harmless(&self, text: &SnippetText) -> Option<&SnippetText> {
        let mut harmless = self.of.get(&text.prompt)?.harmless.iter();
        harmless.find(|other| !is_same(other, text) && !self.is_catastrophe(other))
    }

    /// Says whether somebody called it a catastrophe.
    pub fn is_catastrophe(&self, text: &SnippetText) -> bool {
        let of = self.of.get(&text.prompt);
        of.is_some_and(|of| of.catastrophes.contains(text.completion.trim()))
    }
}

/// Says whether two texts differ in no more than white space around the completion.
pub fn is_same(one: &SnippetText, other: &SnippetText) -> bool {
    one.prompt == other.prompt && one.completion.trim() == other.completion.trim()
}
