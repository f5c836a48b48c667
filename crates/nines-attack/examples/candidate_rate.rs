//! How fast attacks score candidates, against scoring the same texts in one call.
//!
//! `cargo run --release -p nines-attack --example candidate_rate -- MODEL_FOLDER [RECIPE…]`

use nines_attack::attempt::Start;
use nines_attack::recipe::{Models, Recipe};
use nines_attack::thesaurus::Thesaurus;
use nines_attack::victim::Victim;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::scorer::{Scorer, Unscoreable};
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Remembers what was scored.
struct Recorder {
    inner: ClassifierScorer,
    asked: Mutex<Vec<SnippetText>>,
}

impl Scorer for Recorder {
    fn version(&self) -> &str {
        self.inner.version()
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        if let Ok(mut asked) = self.asked.lock() {
            asked.extend_from_slice(snippets);
        }
        self.inner.score(snippets, progress)
    }
}

const PROMPT: &str = "The harvest was nearly in, and the whole village had come out to help. Marta drove the \
    second cart while her brother walked beside the horses. Nobody had slept much, and the last field was the steepest.";

const COMPLETION: &str = " The wheel slipped on the wet stones and the cart rolled back over his leg before anyone could shout.";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a classifier's folder")?;
    let mut recipes: Vec<String> = arguments.collect();
    if recipes.is_empty() {
        recipes = ["typos", "random", "hole-shapes", "pwws-like"]
            .map(str::to_owned)
            .to_vec();
    }
    let load = || ClassifierScorer::load(Path::new(&folder), LongPolicy::Refuse);
    let raw = load()?;
    for name in recipes {
        let scorer = Arc::new(Recorder {
            inner: load()?,
            asked: Mutex::default(),
        });
        let victim = Arc::new(Victim::new(vec![scorer.clone()]));
        // Out of reach, so that every attempt uses all that it may.
        let mut models = Models::of(victim, vec![Threshold::new(-50.0)?]);
        models.thesaurus = Thesaurus::find().ok().map(Arc::new);
        let mut recipe = Recipe::named(&name)?;
        recipe.budget.queries = 600;
        let attack = recipe.build(&models, 0)?;
        let start = Start::new(SnippetText::new(PROMPT, COMPLETION));
        let attempt = attack.attempt(&start, 1, &CancelFlag::default());
        let asked = scorer.asked.lock().map_err(|_| "poisoned")?.clone();
        let begun = Instant::now();
        let scores = raw.score(&asked, &mut |_| ());
        let seconds = begun.elapsed().as_secs_f64();
        let (attack_rate, raw_rate) = (
            attempt.scored as f64 / attempt.seconds,
            scores.len() as f64 / seconds,
        );
        println!(
            "{name}: {} queries, {} scored in {:.2} s = {attack_rate:.1} a second; raw {raw_rate:.1} a second; ratio {:.3}; {}",
            attempt.queries,
            attempt.scored,
            attempt.seconds,
            attack_rate / raw_rate,
            attempt.outcome.as_str(),
        );
    }
    Ok(())
}
