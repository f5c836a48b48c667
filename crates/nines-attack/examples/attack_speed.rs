//! Times what people and recipes wait for: a menu of substitutes, HotFlip on one snippet, and how many candidates
//! are scored a second against the classifier alone.
//!
//! `cargo run --release -p nines-attack --example attack_speed -- CLASSIFIER_FOLDER [THRESHOLD]`
//!
//! Besides the seconds it tells the processor's, of all threads, which other work on the machine disturbs less.

use nines_attack::attempt::Start;
use nines_attack::edit::Site;
use nines_attack::fill::{RIGHT_WORDS, expected_words, log_probabilities_around};
use nines_attack::flips::{Direction, Lexicon, Slope};
use nines_attack::menu::{DEFAULT_LIMIT, MenuModels, MenuRequest, rank};
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::Victim;
use nines_attack::wording::Surroundings;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::language_model::LanguageModel;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Scorer;
use nines_nn::precision::Precision;
use nines_text::SnippetPart;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const PROMPT: &str = "Rain had turned the rope bridge slick, and Tomasz went first because he was the lightest. Below \
                      him the river ran brown and fast between the rocks. Ifeoma held the guide line and counted his \
                      steps out loud.";
const COMPLETION: &str = "The ninth plank gave way and he fell onto the rocks, breaking his leg with a crack she heard \
                          over the water.";

/// A clock of wall and processor time.
struct Clock {
    wall: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            processor: processor_seconds(),
        }
    }

    fn told(&self, what: &str) {
        let wall = self.wall.elapsed().as_secs_f64() * 1e3;
        let processor = (processor_seconds() - self.processor) * 1e3;
        println!("{what:<58} {wall:8.0} ms {processor:8.0} ms of processor");
    }
}

/// Returns the processor time of this process, of all threads.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name the folder of a classifier")?;
    let threshold: f64 = arguments.next().map_or(Ok(-4.8), |text| text.parse())?;
    let precision = Precision::fastest();
    let scorer: Arc<dyn Scorer> = Arc::new(
        ClassifierScorer::load(Path::new(&folder), LongPolicy::Refuse)?.with_precision(precision),
    );
    let file = nines_models::resolve("smollm2-135m")?;
    let file = file.gguf().ok_or("the default generator is no GGUF file")?;
    let language = Arc::new(LocalGenerator::open(&file, precision)?);
    println!("{} and {}, {precision:?}", scorer.version(), language.id());
    let snippet = SnippetText::new(PROMPT, COMPLETION);
    let raw = raw_rate(&*scorer, &snippet);
    menu_parts(&*scorer, &language, &snippet)?;
    menu(&*scorer, &language, &snippet)?;
    hotflip(&scorer, threshold, &snippet, raw)
}

fn raw_rate(scorer: &dyn Scorer, snippet: &SnippetText) -> f64 {
    let texts: Vec<SnippetText> = (0..512)
        .map(|i| {
            SnippetText::new(
                snippet.prompt.clone(),
                format!("{} {i}", snippet.completion),
            )
        })
        .collect();
    scorer.score(&texts[..32], &mut |_| ());
    let (clock, begun) = (Clock::start(), Instant::now());
    scorer.score(&texts, &mut |_| ());
    let rate = texts.len() as f64 / begun.elapsed().as_secs_f64();
    clock.told("512 snippets scored by the classifier alone");
    println!("  {rate:.0} snippets a second");
    rate
}

/// Times what a menu is made of, part by part.
fn menu_parts(
    scorer: &dyn Scorer,
    language: &LocalGenerator,
    snippet: &SnippetText,
) -> Result<(), Box<dyn Error>> {
    let site = site(snippet);
    let around = Surroundings::of(snippet, &site)?;
    let model = scorer.differentiable().ok_or("no gradients")?;
    for _ in 0..2 {
        let clock = Clock::start();
        let expected = expected_words(language, &around, DEFAULT_LIMIT * 4)?;
        clock.told(&format!("{} words from the left context", expected.len()));
        let clock = Clock::start();
        let slope = Slope::of(model, snippet)?;
        clock.told("the gradient of one snippet");
        let clock = Clock::start();
        let lexicon = Lexicon::of(model);
        clock.told(&format!(
            "the {} whole words of the vocabulary",
            lexicon.len()
        ));
        let clock = Clock::start();
        let at = slope.at(&site).ok_or("no token there")?;
        let flips = slope.flips(&at, &lexicon, Direction::Down, 96);
        clock.told(&format!("{} flips of one word", flips.len()));
        let clock = Clock::start();
        let texts: Vec<(&Surroundings, &str)> = expected
            .iter()
            .take(16)
            .map(|fill| (&around, fill.word.as_str()))
            .collect();
        log_probabilities_around(language, &texts, RIGHT_WORDS);
        clock.told("16 words with their right context");
        let clock = Clock::start();
        let texts: Vec<SnippetText> = vec![snippet.clone(); 17];
        scorer.score(&texts, &mut |_| ());
        clock.told("17 snippets scored");
    }
    Ok(())
}

fn site(snippet: &SnippetText) -> Site {
    let start = snippet.completion.find("fell").unwrap_or_default();
    Site {
        part: SnippetPart::Completion,
        range: start..start + 4,
    }
}

fn menu(
    scorer: &dyn Scorer,
    language: &LocalGenerator,
    snippet: &SnippetText,
) -> Result<(), Box<dyn Error>> {
    let score = |texts: &[SnippetText]| scorer.score(texts, &mut |_| ());
    let models = MenuModels {
        score: &score,
        scorer,
        language_model: Some(language),
        masked: None,
        thesaurus: None,
    };
    let request = MenuRequest {
        snippet: snippet.clone(),
        site: site(snippet),
        limit: DEFAULT_LIMIT,
    };
    for round in 0..3 {
        let clock = Clock::start();
        let mut best = Vec::new();
        rank(&request, &models, &mut |rows, last| {
            let refined = rows.iter().filter(|row| row.log_probability.is_some());
            let refined = refined.count();
            clock.told(&format!(
                "menu: {} rows, {refined} refined, last: {last}",
                rows.len()
            ));
            best = rows.to_vec();
            true
        })?;
        if round == 0 {
            for row in best.iter().take(12) {
                let probability = row.log_probability.unwrap_or(f64::NAN);
                println!(
                    "  {:>8.3} {:>+8.3} {probability:>8.2} {:<22} {:?}",
                    row.score, row.delta, row.kind, row.text
                );
            }
        }
    }
    Ok(())
}

fn hotflip(
    scorer: &Arc<dyn Scorer>,
    threshold: f64,
    snippet: &SnippetText,
    raw: f64,
) -> Result<(), Box<dyn Error>> {
    for name in ["hotflip", "gcg"] {
        let victim = Arc::new(Victim::new(vec![Arc::clone(scorer)]));
        let models = Models::of(victim, vec![Threshold::new(threshold)?]);
        let attack = Recipe::named(name)?.build(&models, 0)?;
        let clock = Clock::start();
        let attempt = attack.attempt(&Start::new(snippet.clone()), 0, &CancelFlag::default());
        clock.told(&format!(
            "{name}: {} after {} queries",
            attempt.outcome.as_str(),
            attempt.queries
        ));
        let rate = attempt.scored as f64 / attempt.seconds;
        println!(
            "  {rate:.0} candidates a second, {:.2} of the classifier alone",
            rate / raw
        );
        if let Some(best) = &attempt.best {
            println!("  {:?} {:?}", best.scores, best.text.completion);
        }
    }
    Ok(())
}
