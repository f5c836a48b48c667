//! Models and attempts that all these tests share.

use nines_attack::attack::Attack;
use nines_attack::attempt::{Attempt, Start};
use nines_attack::guided::injury::{ClassifierHead, InjuryHead};
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::{Budget, Victim};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_nn::precision::Precision;
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub const PROMPT: &str = "The knight rode into the dark forest. He heard a noise behind the trees.";

pub fn generator() -> Arc<LocalGenerator> {
    static GENERATOR: OnceLock<Arc<LocalGenerator>> = OnceLock::new();
    let load = || {
        let model = nines_models::resolve("smollm2-135m")
            .unwrap_or_else(|error| panic!("the default generator is needed: {error}"));
        let file = model.gguf().expect("it is a GGUF file");
        Arc::new(LocalGenerator::open(&file, Precision::Float32).expect("opens"))
    };
    Arc::clone(GENERATOR.get_or_init(load))
}

pub fn tiny() -> LocalGenerator {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/llama_tiny/plain");
    LocalGenerator::open(&folder, Precision::Float32).expect("opens")
}

/// Scores a text by the words in it.
pub struct Words {
    pub version: &'static str,
    pub bias: f64,
    pub words: &'static [(&'static str, f64)],
}

impl Scorer for Words {
    fn version(&self) -> &str {
        self.version
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let score = |text: &SnippetText| {
            if text.completion.trim().is_empty() {
                return Err(Unscoreable::EmptyCompletion);
            }
            let whole = format!("{} {}", text.prompt, text.completion).to_lowercase();
            let counts = self
                .words
                .iter()
                .map(|(word, w)| w * whole.matches(word).count() as f64);
            Ok(Score::new(self.bias + counts.sum::<f64>()).expect("finite"))
        };
        snippets.iter().map(score).collect()
    }
}

/// A scorer that always fails.
pub struct Dead;

impl Scorer for Dead {
    fn version(&self) -> &str {
        "dead"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let failed = || Err(Unscoreable::Model("no memory".to_owned()));
        snippets.iter().map(|_| failed()).collect()
    }
}

/// Rejects what speaks of "he".
pub fn strict() -> Arc<dyn Scorer> {
    Arc::new(Words {
        version: "strict",
        bias: -2.0,
        words: &[(" he ", 1.5), ("blood", 2.0)],
    })
}

/// Calls injurious what speaks of the forest's things.
pub fn trees() -> Arc<dyn Scorer> {
    Arc::new(Words {
        version: "trees",
        bias: -3.0,
        words: &[("tree", 1.5), ("the ", 0.4), ("wood", 2.0), ("branch", 2.0)],
    })
}

pub fn at(logit: f64) -> Threshold {
    Threshold::new(logit).expect("finite")
}

pub fn models(victims: Vec<Arc<dyn Scorer>>) -> Models {
    let head = ClassifierHead::new(trees(), 0.0, &victims).ok();
    let thresholds = victims.iter().map(|_| at(0.0)).collect();
    let mut models = Models::of(Arc::new(Victim::new(victims)), thresholds);
    models.local_generator = Some(generator());
    models.injury = head.map(|head| Arc::new(head) as Arc<dyn InjuryHead>);
    models
}

pub fn prompt_alone(prompt: &str) -> Start {
    Start::new(SnippetText::new(prompt, ""))
}

pub fn attack(
    name: &str,
    changes: &[(&str, toml::Value)],
    models: &Models,
    budget: Budget,
) -> Attack {
    let mut recipe = Recipe::named(name).expect("known");
    for (key, value) in changes {
        recipe
            .search
            .settings
            .insert((*key).to_owned(), value.clone());
    }
    recipe.budget = budget;
    recipe
        .build(models, 0)
        .unwrap_or_else(|error| panic!("{error}"))
}

pub fn many() -> Budget {
    Budget {
        queries: 400,
        seconds: 120.0,
    }
}

pub fn try_it(attack: &Attack, start: &Start) -> Attempt {
    attack.attempt(start, 5, &CancelFlag::default())
}
