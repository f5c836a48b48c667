//! The completion in other words, by a language model that is shown how.

mod cleaning;

use super::{Proposal, ProposeError, Proposing, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use nines_domain::draw::Sampling;
use nines_infer::generator::{Generator, PromptRequest};
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub use cleaning::{Dropped, cleaned};

/// Examples that the model goes on from: a sentence of a story, and the same in other words. Two of them
/// are injuries, because those are what is to survive.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "The rope snapped and the boy dropped onto the rocks, breaking his arm.",
        "When the line gave way he came down hard among the stones, and his arm was broken.",
    ),
    (
        "\"We should leave before the snow starts,\" said Miriam, closing the shutters.",
        "Miriam pulled the shutters to and said that it was better to go ahead of the snow.",
    ),
    (
        "She cut her thumb on the lid and wrapped it in a tea towel.",
        "The edge of the lid went into her thumb, which she bound up with a dishcloth.",
    ),
    (
        "The old man laughed so loudly that the pigeons flew off the roof.",
        "At the old man's roar of laughter every pigeon left the roof.",
    ),
];

/// Longest completion that is paraphrased, in characters.
const LONGEST: usize = 2_000;

/// Settings of [`Paraphrase`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Draws of each completion.
    #[serde(default = "draws")]
    pub draws: u32,
    /// As of the generator's sampling.
    #[serde(default = "temperature")]
    pub temperature: f64,
    /// As of the generator's sampling.
    #[serde(default = "top_p")]
    pub top_p: f64,
}

fn draws() -> u32 {
    16
}

fn temperature() -> f64 {
    Sampling::default().temperature
}

fn top_p() -> f64 {
    Sampling::default().top_p
}

impl BuildTransformation for Settings {
    fn build(&self, models: &Models, _seed: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.draws == 0 || self.draws > 1_000 {
            let reason = format!("takes 1 to 1000, not {}", self.draws);
            return Err(RecipeError::field("draws", reason));
        }
        let sampling = Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            ..Sampling::default()
        };
        nines_infer::sampling::check(&sampling)
            .map_err(|error| RecipeError::field("temperature or top_p", error.to_string()))?;
        let Some(generator) = models.paraphraser.clone() else {
            return Err(RecipeError::missing(
                "a language model that paraphrases",
                "name a generator with --paraphraser, or an endpoint with --paraphraser-url",
            ));
        };
        let paraphrase = Paraphrase::new(generator, self.draws).with_sampling(sampling);
        Ok(Box::new(paraphrase))
    }
}

/// Replaces the completion by paraphrases of a local model or an endpoint.
///
/// The model sees four worked examples, then the completion. What it says is cleaned: one line, without
/// labels and without quotation marks that were put around it. Empty, unfinished and unchanged answers are
/// dropped, and a note in the log tells how many. No paraphrase keeps an injury for certain: a
/// label decides.
pub struct Paraphrase {
    generator: Arc<dyn Generator>,
    draws: u32,
    sampling: Sampling,
}

impl Paraphrase {
    /// Asks a generator for so many draws of each completion.
    pub fn new(generator: Arc<dyn Generator>, draws: u32) -> Self {
        Self {
            generator,
            draws,
            sampling: Sampling::default(),
        }
    }

    /// Sets how the draws are sampled; length, stop and seed are set for each completion.
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Draws paraphrases of a text, cleaned, in the order of the draws and distinct.
    fn paraphrases(
        &self,
        text: &str,
        seed: u64,
        proposing: &mut Proposing,
    ) -> Result<Vec<String>, ProposeError> {
        let sentences = nines_text::sentences(text).len();
        let words = text.split_whitespace().count();
        let sampling = Sampling {
            max_tokens: (words * 3 + 24).min(400),
            one_sentence: sentences <= 1,
            seed,
            ..self.sampling.clone()
        };
        let request = PromptRequest {
            prompt: instruction(text),
            draws: 0..self.draws,
        };
        let mut draws = Vec::new();
        let mut failure = None;
        let told = self.generator.generate(
            &[request],
            &sampling,
            &mut |_, draw| match draw {
                Ok(draw) => draws.push(draw),
                Err(error) => failure = Some(error),
            },
            &proposing.stop,
        );
        // Of a set that was cut short, the short ones are too many.
        proposing.check()?;
        if let Err(error) = told {
            return Err(ProposeError::Model(format!("paraphrasing: {error}")));
        }
        if let (true, Some(error)) = (draws.is_empty(), failure) {
            return Err(ProposeError::Model(format!("paraphrasing: {error}")));
        }
        // Draws arrive in any order.
        draws.sort_by_key(|draw| draw.draw);
        let mut found: Vec<String> = Vec::new();
        let mut dropped: Vec<Dropped> = Vec::new();
        for draw in &draws {
            match cleaned(draw, text, sentences > 1) {
                Ok(text) if found.contains(&text) => dropped.push(Dropped::Repeated),
                Ok(text) => found.push(text),
                Err(why) => dropped.push(why),
            }
        }
        proposing.notes.extend(note(&dropped, draws.len()));
        Ok(found)
    }
}

/// Says how many draws were dropped, and why.
fn note(dropped: &[Dropped], draws: usize) -> Option<String> {
    let counts = Dropped::ALL.iter().filter_map(|why| {
        let count = dropped.iter().filter(|other| *other == why).count();
        (count > 0).then(|| format!("{count} {why}"))
    });
    let counts: Vec<String> = counts.collect();
    (!counts.is_empty()).then(|| format!("of {draws} paraphrases: {}", counts.join(", ")))
}

/// Writes what the model goes on from.
fn instruction(text: &str) -> String {
    let mut prompt = String::from(
        "Each sentence is told again in other words. What happens stays the same.\n\n",
    );
    for (sentence, again) in EXAMPLES {
        prompt.push_str(&format!(
            "Sentence: {sentence}\nIn other words: {again}\n\n"
        ));
    }
    let line: Vec<&str> = text.split_whitespace().collect();
    prompt.push_str(&format!("Sentence: {}\nIn other words:", line.join(" ")));
    prompt
}

impl Transformation for Paraphrase {
    fn name(&self) -> &'static str {
        "paraphrase"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let text = draft.part(SnippetPart::Completion);
        let start = text.len() - text.trim_start().len();
        let end = start + text.trim().len();
        let fits = start < end && text.chars().count() <= LONGEST;
        let site = fits.then_some(Site {
            part: SnippetPart::Completion,
            range: start..end,
        });
        site.into_iter().collect()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        self.propose_for(draft, sites, &mut Proposing::default())
    }

    fn models(&self) -> Vec<String> {
        vec![self.generator.id()]
    }

    fn propose_for(
        &self,
        draft: &Draft,
        sites: &[Site],
        proposing: &mut Proposing,
    ) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let mut lists = Vec::with_capacity(sites.len());
        for site in sites {
            let text = draft.at(site).unwrap_or_default();
            let seed = draft.random("paraphrase").bits();
            let proposal = |text| Proposal {
                edits: vec![Edit {
                    site: site.clone(),
                    text,
                }],
                log_probability: None,
                kind: "paraphrase",
            };
            let found = self.paraphrases(text, seed, proposing)?;
            lists.push(found.into_iter().map(proposal).collect());
        }
        Ok(lists)
    }
}

#[cfg(test)]
mod tests;
