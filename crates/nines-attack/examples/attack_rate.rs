//! Times attacks against the classifier alone on exactly the texts that they asked about.
//!
//!     cargo run --release -p nines-attack --example attack_rate -- CLASSIFIER SNIPPETS.jsonl [RECIPE ...]
//!
//! CLASSIFIER is a trained classifier's folder; SNIPPETS.jsonl holds `prompt` and `completion`. Recipes are
//! those that need no other model: typos and random unless named. Each attacks the same starts; then all texts
//! that it had scored are scored again in one call, which is the fastest there is.

use nines_attack::attempt::Start;
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::Victim;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_nn::precision::Precision;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Starts that each recipe attacks.
const STARTS: usize = 8;

/// Queries of one attempt.
const QUERIES: u64 = 400;

/// Remembers what was scored.
struct Recording {
    scorer: Arc<ClassifierScorer>,
    texts: Mutex<Vec<SnippetText>>,
}

impl Scorer for Recording {
    fn version(&self) -> &str {
        self.scorer.version()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.scorer.differentiable()
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.extend_from_slice(snippets);
        self.scorer.score(snippets, progress)
    }
}

#[derive(serde::Deserialize)]
struct Row {
    prompt: String,
    completion: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, snippets, recipes @ ..] = arguments.as_slice() else {
        return Err("usage: attack_rate CLASSIFIER SNIPPETS.jsonl [RECIPE ...]".into());
    };
    let scorer = ClassifierScorer::load(Path::new(folder), LongPolicy::Refuse)?;
    let scorer = Arc::new(scorer.with_precision(Precision::fastest()));
    let mut starts = Vec::new();
    for line in std::fs::read_to_string(snippets)?.lines().take(STARTS) {
        let row: Row = serde_json::from_str(line)?;
        starts.push(SnippetText::new(row.prompt, row.completion));
    }
    scorer.score(&starts, &mut |_| ());
    let named: Vec<&str> = match recipes {
        [] => vec!["typos", "random"],
        named => named.iter().map(String::as_str).collect(),
    };
    for name in named {
        let texts = Mutex::new(Vec::new());
        let recording = Arc::new(Recording { scorer: Arc::clone(&scorer), texts });
        let attacked: Arc<dyn Scorer> = recording.clone();
        let mut recipe = Recipe::named(name)?;
        recipe.budget.queries = QUERIES;
        // A threshold that nothing reaches: every attempt goes to its end.
        let victim = Arc::new(Victim::new(vec![attacked]));
        let attack = recipe.build(&Models::of(victim, vec![Threshold::new(-60.0)?]), 0)?;
        let begun = Instant::now();
        for start in &starts {
            attack.attempt(&Start::new(start.clone()), 0, &CancelFlag::default());
        }
        let attacking = begun.elapsed().as_secs_f64();
        let texts = std::mem::take(&mut *recording.texts.lock().unwrap_or_else(PoisonError::into_inner));
        let begun = Instant::now();
        scorer.score(&texts, &mut |_| ());
        let alone = begun.elapsed().as_secs_f64();
        println!(
            "{name}: {} scores, {:.0} a second in the attack, {:.0} alone, {:.3} of it",
            texts.len(),
            texts.len() as f64 / attacking,
            texts.len() as f64 / alone,
            alone / attacking
        );
    }
    Ok(())
}
