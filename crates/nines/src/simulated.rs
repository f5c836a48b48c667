//! The synthetic world as a generator and a scorer of the program.

use anyhow::{Context, Result};
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_domain::score::Score;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_world::generator::{World, WorldSettings};
use nines_world::scorer::{KnownScorer, ScorerSettings};
use std::path::Path;
use std::time::Instant;

/// The file in a classifier's folder that makes it a simulated one.
pub const SCORER_FILE: &str = "simulated.json";

/// Draws completions of the synthetic world. Temperature and the like change nothing; the seed does.
pub struct WorldGenerator {
    world: World,
    id: String,
}

impl WorldGenerator {
    /// Builds the world.
    pub fn new(settings: WorldSettings) -> Result<Self> {
        let described = serde_json::to_string(&settings)?;
        let digest = ContentHash::of_fields("world", &[&described]).to_string();
        Ok(Self {
            world: World::new(settings)?,
            id: format!("simulated:{}", &digest[..16]),
        })
    }
}

impl Generator for WorldGenerator {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn context_window(&self) -> Option<usize> {
        None
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        let start = Instant::now();
        let mut tokens = 0;
        for (index, request) in requests.iter().enumerate() {
            let source = self.world.source(&request.prompt);
            for draw in request.draws.clone() {
                if cancel.is_cancelled() {
                    break;
                }
                let completion = source.draw(sampling.seed, draw);
                let words = completion.split_whitespace().count();
                tokens += words as u64;
                let drawn = Draw {
                    draw,
                    completion,
                    finish: Finish::Sentence,
                    tokens: words,
                };
                on_draw(index, Ok(drawn));
            }
        }
        Ok(GenerateStats {
            tokens,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

/// A classifier whose errors are known.
pub struct WorldScorer {
    scorer: KnownScorer,
    version: String,
}

impl WorldScorer {
    /// Reads a scorer from a classifier's folder; none where the folder holds a real classifier.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let file = folder.join(SCORER_FILE);
        if !file.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let settings: ScorerSettings = serde_json::from_str(&text)
            .with_context(|| format!("{} is no simulated classifier", file.display()))?;
        let digest = ContentHash::of_fields("simulated scorer", &[&text]).to_string();
        Ok(Some(Self {
            scorer: KnownScorer::new(settings)?,
            version: format!("simulated:{}", &digest[..16]),
        }))
    }

    /// Returns the score of a snippet.
    pub fn score_of(&self, prompt: &str, completion: &str) -> Result<Score, Unscoreable> {
        if completion.trim().is_empty() {
            return Err(Unscoreable::EmptyCompletion);
        }
        Score::new(self.scorer.score(prompt, completion))
            .map_err(|error| Unscoreable::Model(error.to_string()))
    }
}

impl Scorer for WorldScorer {
    fn version(&self) -> &str {
        &self.version
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let scores = snippets
            .iter()
            .map(|s| self.score_of(&s.prompt, &s.completion))
            .collect();
        progress(snippets.len());
        scores
    }
}
