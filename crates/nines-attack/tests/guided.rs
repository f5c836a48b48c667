//! Guided generation on the default generator, and on a tiny one where probabilities are added up.

use nines_attack::attack::Attack;
use nines_attack::attempt::{Attempt, Outcome, Start};
use nines_attack::guided::decode::{Looks, Wave, write};
use nines_attack::guided::guide::{Guide, Opinion};
use nines_attack::guided::injury::{ClassifierHead, InjuryHead};
use nines_attack::guided::probe::{Example, HiddenStates, InjuryProbe, ProbeSettings};
use nines_attack::guided::sweep::{Direction, Sweep};
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::{Budget, Meter, Victim};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{Generator, PromptRequest};
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_nn::precision::Precision;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const PROMPT: &str = "The knight rode into the dark forest. He heard a noise behind the trees.";

fn generator() -> Arc<LocalGenerator> {
    static GENERATOR: OnceLock<Arc<LocalGenerator>> = OnceLock::new();
    let load = || {
        let model = nines_models::resolve("smollm2-135m")
            .unwrap_or_else(|error| panic!("the default generator is needed: {error}"));
        let file = model.gguf().expect("it is a GGUF file");
        Arc::new(LocalGenerator::open(&file, Precision::Float32).expect("opens"))
    };
    Arc::clone(GENERATOR.get_or_init(load))
}

fn tiny() -> LocalGenerator {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/llama_tiny/plain");
    LocalGenerator::open(&folder, Precision::Float32).expect("opens")
}

/// Scores a text by the words in it.
struct Words {
    version: &'static str,
    bias: f64,
    words: &'static [(&'static str, f64)],
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
struct Dead;

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
fn strict() -> Arc<dyn Scorer> {
    Arc::new(Words {
        version: "strict",
        bias: -2.0,
        words: &[(" he ", 1.5), ("blood", 2.0)],
    })
}

/// Calls injurious what speaks of the forest's things.
fn trees() -> Arc<dyn Scorer> {
    Arc::new(Words {
        version: "trees",
        bias: -3.0,
        words: &[("tree", 1.5), ("the ", 0.4), ("wood", 2.0), ("branch", 2.0)],
    })
}

fn at(logit: f64) -> Threshold {
    Threshold::new(logit).expect("finite")
}

fn models(victims: Vec<Arc<dyn Scorer>>) -> Models {
    let head = ClassifierHead::new(trees(), 0.0, &victims).ok();
    let thresholds = victims.iter().map(|_| at(0.0)).collect();
    let mut models = Models::of(Arc::new(Victim::new(victims)), thresholds);
    models.local_generator = Some(generator());
    models.injury = head.map(|head| Arc::new(head) as Arc<dyn InjuryHead>);
    models
}

fn prompt_alone(prompt: &str) -> Start {
    Start::new(SnippetText::new(prompt, ""))
}

/// The guide of a closure over texts; it is never short of anything.
struct By<F>(F);

impl<F: Fn(&str) -> f64> Guide for By<F> {
    fn is_neutral(&self) -> bool {
        false
    }

    fn look(&mut self, texts: &[SnippetText]) -> Option<Vec<Opinion>> {
        let opinion = |text: &SnippetText| Opinion {
            reward: (self.0)(&text.completion),
            ..Opinion::none()
        };
        Some(texts.iter().map(opinion).collect())
    }

    fn complete(&mut self, _: &[SnippetText], _: &mut [Opinion]) -> Option<()> {
        Some(())
    }
}

struct Neutral;

impl Guide for Neutral {
    fn is_neutral(&self) -> bool {
        true
    }

    fn look(&mut self, _: &[SnippetText]) -> Option<Vec<Opinion>> {
        panic!("nobody is asked");
    }

    fn complete(&mut self, _: &[SnippetText], _: &mut [Opinion]) -> Option<()> {
        Some(())
    }
}

fn plain(generator: &LocalGenerator, prompt: &str, draws: u32, sampling: &Sampling) -> Vec<Draw> {
    let request = PromptRequest {
        prompt: prompt.to_owned(),
        draws: 0..draws,
    };
    let mut drawn = Vec::new();
    generator
        .generate(
            &[request],
            sampling,
            &mut |_, draw| drawn.push(draw.expect("drawn")),
            &CancelFlag::default(),
        )
        .expect("it runs");
    drawn.sort_by_key(|draw| draw.draw);
    drawn
}

fn guided(
    generator: &LocalGenerator,
    prompt: &str,
    draws: u32,
    sampling: &Sampling,
    looks: Looks,
    guide: &mut dyn Guide,
) -> Wave {
    write(generator, prompt, 0..draws, sampling, looks, guide, &|| {
        false
    })
    .expect("it runs")
}

#[test]
fn without_preference_the_texts_are_those_of_plain_sampling() {
    let generator = generator();
    let settings = [
        Sampling {
            seed: 7,
            max_tokens: 40,
            ..Sampling::default()
        },
        Sampling {
            repetition_penalty: 1.3,
            top_p: 1.0,
            top_k: 50,
            max_tokens: 12,
            ..Sampling::default()
        },
    ];
    for sampling in &settings {
        let wave = guided(
            &generator,
            PROMPT,
            5,
            sampling,
            Looks::default(),
            &mut Neutral,
        );
        let draws: Vec<Draw> = wave.written.iter().map(|one| one.draw.clone()).collect();
        assert_eq!(draws, plain(&generator, PROMPT, 5, sampling));
        assert!(wave.is_whole && wave.written.iter().all(|one| one.log_weight == Some(0.0)));
    }
}

#[test]
fn a_guide_that_prefers_nothing_changes_no_weight_and_token_by_token_no_text() {
    // Equal rewards leave every token with its probability; only the random numbers differ.
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 5,
        ..Sampling::default()
    };
    for every in [1, 3] {
        let looks = Looks {
            candidates: 4,
            every,
        };
        let wave = guided(
            &generator,
            "ab",
            20,
            &sampling,
            looks,
            &mut By(|_: &str| 2.5),
        );
        for one in &wave.written {
            assert!(one.log_weight.expect("a weight").abs() < 1e-12);
        }
    }
}

#[test]
fn weights_give_back_the_probabilities_of_plain_sampling() {
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 4,
        temperature: 1.0,
        top_p: 0.9,
        ..Sampling::default()
    };
    const DRAWS: u32 = 4000;
    let plain = plain(&generator, "the ", DRAWS, &sampling);
    // The commonest letter of plain texts, so that the event is neither sure nor rare.
    let share = |letter: char| {
        let with = plain.iter().filter(|draw| draw.completion.contains(letter));
        with.count() as f64 / f64::from(DRAWS)
    };
    let letter = ('a'..='z')
        .min_by(|a, b| (share(*a) - 0.3).abs().total_cmp(&(share(*b) - 0.3).abs()))
        .expect("letters");
    let truth = share(letter);
    assert!(truth > 0.02 && truth < 0.9, "{letter}: {truth}");
    for (every, candidates) in [(1, 6), (2, 3)] {
        let looks = Looks { candidates, every };
        let mut guide = By(|text: &str| 1.5 * f64::from(u8::from(text.contains(letter))));
        let wave = guided(&generator, "the ", DRAWS, &sampling, looks, &mut guide);
        let n = f64::from(DRAWS);
        let weights: Vec<(f64, bool)> = wave
            .written
            .iter()
            .map(|one| {
                let weight = one.log_weight.expect("a weight").exp();
                (weight, one.draw.completion.contains(letter))
            })
            .collect();
        let raw = weights.iter().filter(|(_, with)| *with).count() as f64 / n;
        assert!(raw > truth + 0.05, "{every}: steered to {raw} from {truth}");
        let close = |values: &[f64], expected: f64, slack: f64| {
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let error = (variance / n).sqrt() + slack;
            assert!(
                (mean - expected).abs() < 4.0 * error,
                "{every}: {mean} for {expected}"
            );
        };
        let all: Vec<f64> = weights.iter().map(|(weight, _)| *weight).collect();
        close(&all, 1.0, 0.0);
        let with: Vec<f64> = weights
            .iter()
            .map(|(weight, with)| if *with { *weight } else { 0.0 })
            .collect();
        close(&with, truth, (truth * (1.0 - truth) / n).sqrt());
    }
}

#[test]
fn threads_change_nothing() {
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 6,
        ..Sampling::default()
    };
    let run = |threads, every| {
        let looks = Looks {
            candidates: 3,
            every,
        };
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| {
                let mut guide = By(|text: &str| text.len() as f64 / 3.0);
                guided(&generator, "a b", 9, &sampling, looks, &mut guide)
            })
    };
    for every in [1, 2] {
        assert_eq!(run(1, every), run(3, every));
    }
}

fn attack(name: &str, changes: &[(&str, toml::Value)], models: &Models, budget: Budget) -> Attack {
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

fn many() -> Budget {
    Budget {
        queries: 400,
        seconds: 120.0,
    }
}

fn try_it(attack: &Attack, start: &Start) -> Attempt {
    attack.attempt(start, 5, &CancelFlag::default())
}

#[test]
fn guidance_finds_more_than_plain_sampling_and_says_what_each_find_weighs() {
    let models = models(vec![strict()]);
    let settings = |lambda: f64, mu: f64| {
        vec![
            ("lambda", toml::Value::Float(lambda)),
            ("mu", toml::Value::Float(mu)),
            ("completions", toml::Value::Integer(16)),
            ("finds", toml::Value::Integer(0)),
        ]
    };
    let plain = attack("guided", &settings(0.0, 0.0), &models, many());
    let steered = attack("guided", &settings(3.0, 3.0), &models, many());
    assert!(plain.takes_prompts());
    let plain = try_it(&plain, &prompt_alone(PROMPT));
    let first = try_it(&steered, &prompt_alone(PROMPT));
    assert_eq!(first.outcome, Outcome::Reached);
    assert!(
        first.finds.len() > plain.finds.len(),
        "{} {}",
        first.finds.len(),
        plain.finds.len()
    );
    for find in &plain.finds {
        assert_eq!(find.log_weight, Some(0.0));
    }
    let victim = strict();
    for find in &first.finds {
        assert_eq!(find.text.prompt, PROMPT);
        let score = victim.score(std::slice::from_ref(&find.text), &mut |_| ());
        assert_eq!(score[0].as_ref().expect("scored").logit(), find.scores[0]);
        assert!(find.scores[0] < 0.0);
    }
    assert!(first.finds.iter().any(|find| find.log_weight.is_some()));
    assert!(first.queries <= 400 && first.queries > 0);
    assert_eq!(first.start_scores, None);
    let again = try_it(&steered, &prompt_alone(PROMPT));
    assert_eq!((again.finds, again.queries), (first.finds, first.queries));
}

#[test]
fn what_cannot_go_on_says_so_and_comes_back() {
    let spent = Budget {
        queries: 0,
        seconds: 60.0,
    };
    let with = models(vec![strict()]);
    let none = try_it(&attack("guided", &[], &with, spent), &prompt_alone(PROMPT));
    assert_eq!((none.outcome, none.queries), (Outcome::Spent, 0));

    let few = Budget {
        queries: 5,
        seconds: 60.0,
    };
    let cut = try_it(&attack("guided", &[], &with, few), &prompt_alone(PROMPT));
    assert!(cut.queries <= 5);
    assert!(cut.finds.iter().all(|find| find.log_weight.is_none()));

    let long = "word ".repeat(9000);
    let broken = try_it(&attack("guided", &[], &with, many()), &prompt_alone(&long));
    let why = broken.outcome.why().expect("a reason");
    assert!(
        matches!(broken.outcome, Outcome::Broken { .. }) && why.contains("shorten"),
        "{why}"
    );

    let dead = models(vec![Arc::new(Dead)]);
    let broken = try_it(&attack("guided", &[], &dead, many()), &prompt_alone(PROMPT));
    let why = broken.outcome.why().expect("a reason");
    assert!(why.contains("no memory"), "{why}");

    let cancel = CancelFlag::default();
    cancel.cancel();
    let attack = attack("guided", &[], &with, many());
    let attempt = attack.attempt(&prompt_alone(PROMPT), 0, &cancel);
    assert_eq!(attempt.outcome, Outcome::Cancelled);
}

#[test]
fn what_is_missing_is_named() {
    let build = |name: &str, models: &Models| {
        let recipe = Recipe::named(name).expect("known");
        recipe.build(models, 0).err().expect("refused").to_string()
    };
    let mut without = models(vec![strict()]);
    without.injury = None;
    for name in ["guided", "prompts", "steered"] {
        let error = build(name, &without);
        assert!(error.contains("not the classifier under attack"), "{error}");
    }
    let head = Arc::new(ClassifierHead::new(strict(), 0.0, &[]).expect("alone"));
    without.injury = Some(head);
    let error = build("guided", &without);
    assert!(error.contains("strict"), "{error}");
    assert!(ClassifierHead::new(strict(), 0.0, &[strict()]).is_err());
    let mut without = models(vec![strict()]);
    let error = build("steered", &without);
    assert!(error.contains("probe"), "{error}");
    let error = build("disagree-guided", &without);
    assert!(error.contains("--against"), "{error}");
    without.local_generator = None;
    let error = build("guided", &without);
    assert!(error.contains("generator"), "{error}");
}

#[test]
fn two_classifiers_are_driven_apart() {
    let models = models(vec![strict(), trees()]);
    let settings = [
        ("completions", toml::Value::Integer(16)),
        ("finds", toml::Value::Integer(0)),
        ("weight", toml::Value::Float(2.0)),
    ];
    let attack = attack("disagree-guided", &settings, &models, many());
    let attempt = try_it(&attack, &prompt_alone(PROMPT));
    assert_eq!(attempt.outcome, Outcome::Reached, "{attempt:?}");
    for find in &attempt.finds {
        assert_ne!(find.scores[0] < 0.0, find.scores[1] < 0.0);
    }
    assert!(
        attempt.notes.iter().any(|note| note.contains("alone")),
        "{:?}",
        attempt.notes
    );
}

#[test]
fn edits_drive_two_classifiers_further_apart() {
    let models = models(vec![strict(), trees()]);
    let attack = attack("disagree", &[], &models, many());
    let completion = "The branch of the tree hit the wood where he stood, and he fell.";
    let start = Start::new(SnippetText::new(PROMPT, completion));
    let attempt = try_it(&attack, &start);
    let gap = |scores: &[f64]| (scores[0] - scores[1]).abs();
    let (from, best) = (
        attempt.start_scores.expect("scored"),
        attempt.best.expect("a best"),
    );
    assert!(gap(&best.scores) > gap(&from) + 1.0, "{from:?} {best:?}");
    assert_eq!(attempt.outcome, Outcome::Reached);
}

#[test]
fn a_prompt_is_found_under_which_a_completion_passes() {
    let victim: Arc<dyn Scorer> = Arc::new(Words {
        version: "by prompt",
        bias: 3.0,
        words: &[("sun", -1.0), ("calm", -1.5), ("storm", 1.0)],
    });
    let mut models = models(vec![victim]);
    models.prompts = Arc::new(vec![
        "The sun shone. It was calm.".to_owned(),
        "A storm came. Nobody slept.".to_owned(),
    ]);
    let attack = attack("prompt-for-completion", &[], &models, many());
    assert!(!attack.takes_prompts());
    let completion = "The blade took his arm off at the shoulder.";
    let start = Start::new(SnippetText::new(
        "A storm raged. The men fought.",
        completion,
    ));
    let attempt = try_it(&attack, &start);
    assert_eq!(attempt.outcome, Outcome::Reached, "{attempt:?}");
    let find = &attempt.finds[0];
    assert_eq!(find.text.completion, completion);
    assert!(
        find.scores[0] < 0.0 && find.text.prompt.contains("calm"),
        "{find:?}"
    );
    assert_eq!(try_it(&attack, &start).finds, attempt.finds);

    models.prompts = Arc::default();
    let attack = self::attack("prompt-for-completion", &[], &models, many());
    let attempt = try_it(&attack, &start);
    assert!(
        matches!(attempt.outcome, Outcome::Failed | Outcome::Spent),
        "{attempt:?}"
    );
    assert!(
        attempt
            .notes
            .iter()
            .any(|note| note.contains("no other prompts"))
    );
}

#[test]
fn the_best_prompt_is_measured_with_fresh_draws() {
    let mut models = models(vec![strict()]);
    models.prompts = Arc::new(vec![
        "She opened the tin of beans.".to_owned(),
        "The woodcutter swung his axe at the old tree. The branches shook.".to_owned(),
    ]);
    let settings = [
        ("draws", toml::Value::Integer(3)),
        ("mutations", toml::Value::Integer(3)),
        ("measured", toml::Value::Integer(6)),
    ];
    let attack = attack("prompts", &settings, &models, many());
    let attempt = try_it(&attack, &prompt_alone("She poured some tea."));
    let note = attempt.notes.iter().find(|note| note.contains("fresh"));
    let note = note.unwrap_or_else(|| panic!("{attempt:?}"));
    assert!(
        note.contains("Clopper-Pearson") && note.contains("fallible"),
        "{note}"
    );
    assert!(
        note.contains("woodcutter") || note.contains("branches"),
        "{note}"
    );
}

fn examples() -> Vec<Example> {
    let pairs = [
        (
            "cut his arm with the knife and he bled badly",
            "put his arm around his friend and smiled",
        ),
        (
            "broke her leg when she fell from the roof",
            "mended her coat when she came from school",
        ),
        (
            "was stabbed in the chest by the soldier",
            "was greeted at the gate by the soldier",
        ),
        (
            "burned his hands in the fire and screamed",
            "warmed his hands at the fire and sang",
        ),
        (
            "was shot in the shoulder and cried out in pain",
            "was paid in the morning and went out for bread",
        ),
        (
            "hit him on the head with a stone until he bled",
            "met him on the hill with a basket of apples",
        ),
    ];
    let names = ["Ann", "Bob", "The knight", "Her brother"];
    let mut examples = Vec::new();
    for (n, name) in names.iter().enumerate() {
        for (p, (bad, good)) in pairs.iter().enumerate() {
            for (injurious, what) in [(true, bad), (false, good)] {
                examples.push(Example {
                    text: SnippetText::new(
                        format!("It was evening in the village {n}."),
                        format!("{name} {what}."),
                    ),
                    injurious,
                    family: (n * pairs.len() + p) as u64,
                });
            }
        }
    }
    examples
}

#[test]
fn a_probe_of_the_default_generator_learns_injuries_and_steers_toward_them() {
    let generator = generator();
    let settings = ProbeSettings {
        beginnings: 1,
        held_out: 0.25,
        ..ProbeSettings::default()
    };
    let probe = InjuryProbe::train(&*generator, &examples(), &settings).expect("trained");
    let whole = probe.record.whole.as_ref().expect("held out");
    assert!(whole.value > 0.85, "{whole:?}");
    let states: Arc<dyn HiddenStates> = generator.clone();
    let head = probe.clone().head(states).expect("its generator");
    let odds = head.log_odds(&[
        SnippetText::new("It rained.", "The guard broke his jaw with a hammer."),
        SnippetText::new("It rained.", "The guard gave his aunt a flower."),
    ]);
    assert!(odds[0].as_ref().expect("read") > odds[1].as_ref().expect("read"));

    let sampling = Sampling {
        max_tokens: 30,
        ..Sampling::default()
    };
    let victim = Victim::new(vec![strict()]);
    let mut meter = Meter::new(&victim, many(), CancelFlag::default());
    let rows = Sweep {
        generator: &generator,
        probe: &probe,
        head: &head,
        direction: Direction::Difference,
        sampling: &sampling,
        threshold: at(0.0),
    }
    .run(&[0.0, 2.0], &[PROMPT.to_owned()], 16, &mut meter)
    .expect("it runs");
    let share = |row: usize| rows[row].injurious.value.expect("finished ones");
    assert!(share(1) > share(0), "{rows:?}");
    assert!(rows[0].variety.distinct > 8, "{rows:?}");

    let mut models = models(vec![strict()]);
    models.injury = Some(Arc::new(head));
    let settings = [("completions", toml::Value::Integer(64))];
    let attack = attack("steered", &settings, &models, many());
    let attempt = try_it(&attack, &prompt_alone(PROMPT));
    assert!(
        attempt
            .notes
            .iter()
            .any(|note| note.starts_with("steered by")),
        "{attempt:?}"
    );
    assert!(
        attempt
            .finds
            .iter()
            .all(|find| find.scores[0] < 0.0 && find.log_weight.is_none())
    );
}
