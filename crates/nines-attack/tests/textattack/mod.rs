//! The side of nines in the comparison with TextAttack: the victim, the list of substitutes and the attacks,
//! from the files in `tests/fixtures/textattack` that TextAttack reads too (`benches/peer_textattack.py`).

use nines_attack::attack::Attack;
use nines_attack::attempt::{Attempt, Outcome, Start};
use nines_attack::constraint::half::OnlyHalf;
use nines_attack::constraint::repeat::Repeat;
use nines_attack::constraint::{Constraint, stop_words, words_changed};
use nines_attack::edit::{Draft, Edit, Site};
use nines_attack::goal::Goal;
use nines_attack::recipe::{BuildConstraint, Models};
use nines_attack::search::Search;
use nines_attack::search::beam::{self, Beam};
use nines_attack::search::greedy::{self, Greedy};
use nines_attack::search::importance::{Importance, ordered};
use nines_attack::transformation::{Proposal, ProposeError, Transformation};
use nines_attack::trial::{Order, Stop, Trial};
use nines_attack::victim::{Budget, Victim};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

type Failure = Box<dyn std::error::Error>;
type Lists = BTreeMap<String, Vec<String>>;

/// The seed of every attempt; only the random order draws by it.
const SEED: u64 = 6;

/// A logistic model of the words of a text.
#[derive(Debug, Clone, Deserialize)]
pub struct Linear {
    bias: f64,
    weights: BTreeMap<String, f64>,
}

impl Scorer for Linear {
    fn version(&self) -> &str {
        "linear"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        progress(snippets.len());
        snippets
            .iter()
            .map(|snippet| {
                let logit = self.logit(&snippet.prompt) + self.logit(&snippet.completion);
                Score::new(self.bias + logit).map_err(|e| Unscoreable::Model(e.to_string()))
            })
            .collect()
    }
}

impl Linear {
    fn logit(&self, text: &str) -> f64 {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '\''));
        words.filter_map(|word| self.weights.get(word)).sum()
    }
}

/// Substitutes from a list, for words exactly as they are written there.
struct Listed(Lists);

impl Transformation for Listed {
    fn name(&self) -> &'static str {
        "listed"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let of = |site: &Site| {
            let list = draft.at(site).and_then(|word| self.0.get(word));
            let texts = list.into_iter().flatten();
            let edits = texts.map(|text| Edit {
                site: site.clone(),
                text: text.clone(),
            });
            edits.map(|edit| Proposal::of(edit, "listed")).collect()
        };
        Ok(sites.iter().map(of).collect())
    }
}

/// One attack, as both sides read it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: String,
    search: String,
    importance: Importance,
    width: usize,
    candidates: String,
    max_words: usize,
    queries: Option<u64>,
    halves: String,
}

#[derive(Deserialize)]
struct Attacks {
    stop_words: Vec<String>,
    attacks: Vec<Settings>,
}

#[derive(Deserialize)]
struct Candidates {
    single: Lists,
    several: Lists,
}

/// What came of one start, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub attack: String,
    pub start: usize,
    pub outcome: String,
    pub queries: u64,
    pub prompt: String,
    pub completion: String,
    /// For the random order: the words as they were drawn, by their number in the text.
    #[serde(default)]
    pub order: Vec<usize>,
    /// In TextAttack's rows: what had to be taken from it. No part of the comparison.
    #[serde(default, skip_serializing)]
    pub without: Option<Vec<String>>,
}

/// Everything that both sides read.
pub struct Files {
    victim: Arc<Victim>,
    candidates: Candidates,
    starts: Vec<SnippetText>,
    stop_words: Vec<String>,
    pub attacks: Vec<Settings>,
}

/// Reads JSON lines.
pub fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let rows = text.lines().map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Files {
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let text = |name: &str| std::fs::read_to_string(folder.join(name));
        let victim: Linear = serde_json::from_str(&text("victim.json")?)?;
        let attacks: Attacks = serde_json::from_str(&text("attacks.json")?)?;
        Ok(Self {
            victim: Arc::new(Victim::new(vec![Arc::new(victim)])),
            candidates: serde_json::from_str(&text("candidates.json")?)?,
            starts: read_lines(&folder.join("starts.jsonl"))?,
            stop_words: attacks.stop_words,
            attacks: attacks.attacks,
        })
    }

    /// Attacks every start.
    pub fn run(&self, settings: &Settings) -> Result<Vec<Row>, Failure> {
        let attack = self.attack(settings, search(settings))?;
        let rows = self.starts.iter().enumerate().map(|(index, start)| {
            let start = Start::new(match settings.halves.as_str() {
                "completion" => SnippetText::new("", &start.completion),
                _ => start.clone(),
            });
            let attempt = attack.attempt(&start, SEED, &CancelFlag::default());
            let order = match settings.importance {
                Importance::Random => self.order(settings, &start)?,
                _ => Vec::new(),
            };
            Ok(row(&settings.name, index, &start, attempt, order))
        });
        rows.collect()
    }

    fn attack(&self, settings: &Settings, search: Box<dyn Search>) -> Result<Attack, Failure> {
        let mut lists = self.candidates.single.clone();
        if settings.candidates == "several" {
            lists.extend(self.candidates.several.clone());
        }
        let budget = Budget {
            queries: settings.queries.unwrap_or(u64::MAX),
            seconds: 600.0,
        };
        let goal = Goal::Evade(Threshold::new(0.0)?);
        let attack = Attack::new(self.victim.clone(), goal, budget, search)
            .with_transformation(Box::new(Listed(lists)));
        let constraints = self.constraints(settings)?;
        Ok(constraints.into_iter().fold(attack, |attack, constraint| {
            attack.with_constraint(constraint)
        }))
    }

    fn constraints(&self, settings: &Settings) -> Result<Vec<Box<dyn Constraint>>, Failure> {
        let models = Models::of(self.victim.clone(), vec![Threshold::new(0.0)?]);
        let stop_words = stop_words::Settings {
            words: self.stop_words.clone(),
            exact_case: true,
        };
        let words_changed = words_changed::Settings {
            count: Some(settings.max_words),
            share: None,
        };
        let mut all: Vec<Box<dyn Constraint>> = vec![
            Box::new(Repeat),
            stop_words.build(&models, SEED)?,
            words_changed.build(&models, SEED)?,
        ];
        if settings.halves == "completion of both" {
            all.push(Box::new(OnlyHalf(SnippetPart::Completion)));
        }
        Ok(all)
    }

    /// Returns the random order of a start's words, as numbers of words.
    fn order(&self, settings: &Settings, start: &Start) -> Result<Vec<usize>, Failure> {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let attack = self.attack(settings, Box::new(Shuffle(drawn.clone())))?;
        attack.attempt(start, SEED, &CancelFlag::default());
        let words = Draft::new(start.text.clone(), Vec::new()).words();
        let drawn = drawn.lock().map_err(|_| "the order was not drawn")?;
        let number = |site| words.iter().position(|word| word == site);
        Ok(drawn.iter().filter_map(number).collect())
    }
}

fn search(settings: &Settings) -> Box<dyn Search> {
    match settings.search.as_str() {
        "beam" => Box::new(Beam(beam::Settings {
            width: settings.width,
            depth: 0,
            order: Order::Text,
        })),
        _ => Box::new(Greedy(greedy::Settings {
            importance: settings.importance,
            order: Order::Text,
            ..greedy::Settings::default()
        })),
    }
}

/// Only draws the random order, and keeps it.
struct Shuffle(Arc<Mutex<Vec<Site>>>);

impl Search for Shuffle {
    fn name(&self) -> &'static str {
        "shuffle"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let sites = trial.sites(&trial.start().draft.clone());
        let (sites, _) = ordered(trial, sites, Importance::Random, "", Order::Text)?;
        if let Ok(mut drawn) = self.0.lock() {
            *drawn = sites;
        }
        Ok(())
    }
}

fn row(attack: &str, index: usize, start: &Start, attempt: Attempt, order: Vec<usize>) -> Row {
    let outcome = match attempt.outcome {
        Outcome::Reached => "reached",
        // TextAttack does not tell them apart.
        Outcome::Failed | Outcome::Spent => "failed",
        other => other.as_str(),
    };
    // Where TextAttack stands at its end; the best text may be another one.
    let text = attempt.end.map_or(start.text.clone(), |end| end.text);
    Row {
        attack: attack.to_owned(),
        start: index,
        outcome: outcome.to_owned(),
        queries: attempt.queries,
        prompt: text.prompt,
        completion: text.completion,
        order,
        without: None,
    }
}
