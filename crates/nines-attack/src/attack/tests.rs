use super::*;
use crate::constraint::ConstraintError;
use crate::constraint::judge::{JudgeKeepsLabel, Settings as JudgeSettings};
use crate::constraint::repeat::Repeat;
use crate::edit::{Edit, Site};
use crate::judge::Judge;
use crate::recipe::{Models, Recipe};
use crate::search::beam::{self, Beam};
use crate::search::greedy::{self, Greedy};
use crate::search::importance::Importance;
use crate::search::random::{self, Random};
use crate::transformation::deletion::Deletion;
use crate::transformation::{Proposal, ProposeError};
use crate::trial::Order;
use crate::words::words;
use nines_domain::score::{Score, Threshold};
use nines_infer::scorer::Scorer;
use nines_text::SnippetPart;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds up a weight for each word of the completion; counts what it is asked.
#[derive(Default)]
struct Linear {
    weights: Vec<(&'static str, f64)>,
    asked: AtomicU64,
    /// Texts with this word have no score.
    dead: Option<&'static str>,
}

impl Linear {
    fn new(weights: &[(&'static str, f64)]) -> Arc<Self> {
        Arc::new(Self {
            weights: weights.to_vec(),
            ..Self::default()
        })
    }
}

impl Scorer for Linear {
    fn version(&self) -> &str {
        "linear@1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        self.asked
            .fetch_add(snippets.len() as u64, Ordering::SeqCst);
        let one = |snippet: &SnippetText| {
            let text = &snippet.completion;
            let all = words(text);
            if self.dead.is_some_and(|dead| text.contains(dead)) {
                return Err(Unscoreable::TooLong {
                    tokens: 600,
                    window: 512,
                });
            }
            let weight = |word: &str| {
                let of = self.weights.iter().find(|(known, _)| *known == word);
                of.map_or(0.0, |(_, weight)| *weight)
            };
            let sum: f64 = all.into_iter().map(|word| weight(&text[word])).sum();
            Score::new(sum).map_err(|error| Unscoreable::Model(error.to_string()))
        };
        snippets.iter().map(one).collect()
    }
}

/// Replaces words by those of a list.
struct Swaps(Vec<(&'static str, Vec<&'static str>)>);

impl Transformation for Swaps {
    fn name(&self) -> &'static str {
        "swaps"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let of = |site: &Site| {
            let word = draft.at(site).unwrap_or_default();
            let list = self.0.iter().filter(|(known, _)| *known == word);
            let edit = |text: &&'static str| Edit {
                site: site.clone(),
                text: (*text).to_owned(),
            };
            list.flat_map(|(_, list)| list)
                .map(|text| Proposal::of(edit(text), "swap"))
                .collect()
        };
        Ok(sites.iter().map(of).collect())
    }
}

fn at(logit: f64) -> Threshold {
    Threshold::new(logit).expect("finite")
}

fn victim() -> Arc<Linear> {
    Linear::new(&[
        ("bled", 3.0),
        ("knife", 2.0),
        ("sat", -1.0),
        ("spoon", -0.5),
    ])
}

fn swaps() -> Box<Swaps> {
    Box::new(Swaps(vec![
        ("bled", vec!["sat", "leaked"]),
        ("knife", vec!["spoon", "blade"]),
        ("He", vec!["She"]),
    ]))
}

fn attack(scorer: Arc<Linear>, queries: u64, search: Box<dyn Search>) -> Attack {
    let victim = Arc::new(Victim::new(vec![scorer]));
    let budget = Budget {
        queries,
        seconds: 60.0,
    };
    Attack::new(victim, Goal::Evade(at(0.0)), budget, search).with_transformation(swaps())
}

fn greedy() -> Box<dyn Search> {
    Box::new(Greedy(greedy::Settings {
        order: Order::Text,
        ..greedy::Settings::default()
    }))
}

fn start() -> Start {
    Start::new(SnippetText::new("Once.", "He bled by the knife."))
}

fn attempt(attack: &Attack) -> Attempt {
    attack.attempt(&start(), 7, &CancelFlag::default())
}

#[test]
fn greedy_asks_as_the_literature_does() {
    let found = attempt(&attack(victim(), 1_000, greedy()));
    assert_eq!(found.outcome, Outcome::Reached);
    // The start, six words masked, two substitutes of "bled", two of "knife".
    assert_eq!(found.queries, 1 + 6 + 2 + 2);
    // "blade" meets the goal first; "spoon", asked in the same breath, is farther beyond it.
    assert_eq!(found.reached_at, Some(10));
    assert_eq!(found.finds[0].text.completion, "He sat by the spoon.");
    assert_eq!(found.finds[0].scores, [-1.5]);
    assert_eq!((found.words, found.words_changed), (6, 2));
    assert!(found.notes.is_empty());
}

#[test]
fn the_budget_is_kept_to_the_query() {
    for queries in 0..14 {
        let found = attempt(&attack(victim(), queries, greedy()));
        assert!(found.queries <= queries);
        match queries {
            0 => {
                assert_eq!((found.outcome, found.queries), (Outcome::Spent, 0));
                assert_eq!(found.start_scores, None);
            }
            1..=9 => assert_eq!((found.outcome, found.queries), (Outcome::Spent, queries)),
            10 => assert_eq!((found.outcome, found.queries), (Outcome::Reached, 10)),
            _ => assert_eq!((found.outcome, found.queries), (Outcome::Reached, 11)),
        }
    }
}

#[test]
fn no_time_at_all_is_spent_and_a_cancelled_attempt_says_so() {
    let mut no_time = attack(victim(), 100, greedy());
    no_time.budget.seconds = 0.0;
    assert_eq!(attempt(&no_time).outcome, Outcome::Spent);
    let cancel = CancelFlag::default();
    cancel.cancel();
    let found = attack(victim(), 100, greedy()).attempt(&start(), 7, &cancel);
    assert_eq!((found.outcome, found.queries), (Outcome::Cancelled, 0));
}

#[test]
fn starts_that_pass_or_have_no_score_are_skipped_with_the_reason() {
    let passes = Start::new(SnippetText::new("", "He sat."));
    let found = attack(victim(), 100, greedy()).attempt(&passes, 1, &CancelFlag::default());
    assert!(matches!(&found.outcome, Outcome::Skipped { why } if why.contains("already")));
    assert_eq!((found.queries, found.start_scores), (1, Some(vec![-1.0])));
    let long = Arc::new(Linear {
        dead: Some("bled"),
        ..Linear::default()
    });
    let found = attempt(&attack(long, 100, greedy()));
    assert!(matches!(&found.outcome, Outcome::Skipped { why } if why.contains("600 tokens")));
}

#[test]
fn an_attempt_without_candidates_says_so() {
    let nothing = Start::new(SnippetText::new("", "The knife and bled"));
    let mut attack = attack(victim(), 100, greedy());
    attack.transformations = vec![Box::new(Swaps(Vec::new()))];
    let found = attack.attempt(&nothing, 1, &CancelFlag::default());
    assert_eq!(found.outcome, Outcome::Failed);
    assert!(
        found.notes[0].contains("no candidate at all"),
        "{:?}",
        found.notes
    );
    assert_eq!(found.tally.proposed, 0);
}

#[test]
fn what_has_no_score_is_never_a_success() {
    let scorer = Arc::new(Linear {
        weights: victim().weights.clone(),
        dead: Some("spoon"),
        ..Linear::default()
    });
    let found = attempt(&attack(scorer, 100, greedy()));
    assert_eq!(found.outcome, Outcome::Reached);
    assert_eq!(found.finds[0].text.completion, "He sat by the blade.");
    assert_eq!(found.tally.unscoreable, 1);
}

#[test]
fn protected_places_are_left_alone() {
    let protected = Start {
        text: start().text,
        protected: vec![Site {
            part: SnippetPart::Completion,
            range: 3..7,
        }],
    };
    let found = attack(victim(), 1_000, greedy()).attempt(&protected, 7, &CancelFlag::default());
    assert_eq!(found.outcome, Outcome::Failed);
    let best = found.best.expect("the start at least");
    assert_eq!(best.text.completion, "He bled by the spoon.");
    let bad = Start {
        text: start().text,
        protected: vec![Site {
            part: SnippetPart::Completion,
            range: 3..700,
        }],
    };
    let found = attack(victim(), 1_000, greedy()).attempt(&bad, 7, &CancelFlag::default());
    assert!(matches!(found.outcome, Outcome::Skipped { .. }));
}

#[test]
fn equal_seeds_give_equal_attempts_whatever_was_tried_before() {
    let random = |edits| Box::new(Random(random::Settings { edits, batch: 8 }));
    let attack = attack(victim(), 300, random(3));
    let plain = |seed: u64| {
        let mut found = attack.attempt(&start(), seed, &CancelFlag::default());
        found.seconds = 0.0;
        found
    };
    let first = plain(5);
    let others: Vec<Attempt> = (6..12).map(plain).collect();
    assert_eq!(plain(5), first);
    assert!(others.iter().any(|other| other.trace != first.trace));
}

#[test]
fn random_order_asks_nothing_to_order() {
    let search = Box::new(Greedy(greedy::Settings {
        importance: Importance::Random,
        ..greedy::Settings::default()
    }));
    let found = attempt(&attack(victim(), 1_000, search));
    assert_eq!(found.outcome, Outcome::Reached);
    assert!(found.queries <= 1 + 5);
}

#[test]
fn a_beam_finds_what_one_change_does_not() {
    let search = Box::new(Beam(beam::Settings {
        width: 2,
        depth: 0,
        order: Order::Text,
    }));
    let attack = attack(victim(), 1_000, search).with_constraint(Box::new(Repeat));
    let found = attempt(&attack);
    assert_eq!(found.outcome, Outcome::Reached);
    // The start; five single changes; of each of the two best, three and three more.
    assert_eq!(found.queries, 1 + 5 + 3 + 3);
}

#[test]
fn a_crossing_keeps_only_the_changes_that_it_needs() {
    let mut attack = attack(victim(), 1_000, greedy());
    attack.goal = Goal::Cross(at(2.5));
    let swaps = vec![
        ("He", vec!["She"]),
        ("bled", vec!["sat"]),
        ("knife", vec!["spoon"]),
    ];
    attack.transformations = vec![Box::new(Swaps(swaps))];
    attack.search = Box::new(Everything);
    let found = attempt(&attack);
    assert_eq!(found.outcome, Outcome::Reached);
    assert_eq!(found.words_changed, 1);
    assert_eq!(found.finds[0].text.completion, "He sat by the knife.");
}

/// Changes every place at once, needed or not.
struct Everything;

impl Search for Everything {
    fn name(&self) -> &'static str {
        "everything"
    }

    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        let draft = trial.start().draft.clone();
        let candidates = trial.candidates(&draft, None, Order::Proposed)?;
        let edits: Vec<Edit> = candidates.into_iter().flat_map(|c| c.edits).collect();
        let changed = draft.apply(&edits).expect("they do not meet");
        let candidate = crate::trial::Candidate {
            draft: changed,
            edits,
            kind: "everything",
            log_probability: None,
        };
        trial.consider(vec![candidate]).map(|_| ())
    }
}

/// A judge whose endpoint does not answer.
struct Silent;

impl Scorer for Silent {
    fn version(&self) -> &str {
        "silent@1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let offline = || Err(Unscoreable::Model("connection refused".to_owned()));
        snippets.iter().map(|_| offline()).collect()
    }
}

#[test]
fn a_judge_that_does_not_answer_ends_the_attempt_with_its_reason() {
    let judge = Judge::classifier("the endpoint", Arc::new(Silent), at(0.0));
    let judge = JudgeKeepsLabel::new(judge, JudgeSettings::default());
    let attack = attack(victim(), 1_000, greedy()).with_constraint(Box::new(judge));
    assert_eq!(attack.description().fallible, ["judge"]);
    let found = attempt(&attack);
    match &found.outcome {
        Outcome::Broken { why } => {
            assert!(
                why.contains("the endpoint") && why.contains("connection refused"),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(found.finds.is_empty());
}

/// Gives too few verdicts.
struct Short;

impl Constraint for Short {
    fn name(&self) -> &'static str {
        "short"
    }

    fn check(&self, _: &Draft, _: &[Draft]) -> Result<Vec<bool>, ConstraintError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_verdict_that_is_missing_lets_nothing_pass() {
    let attack = attack(victim(), 1_000, greedy()).with_constraint(Box::new(Short));
    let found = attempt(&attack);
    assert_eq!(found.outcome, Outcome::Failed);
    assert_eq!(found.tally.refused.get("short"), Some(&5));
}

#[test]
fn what_was_scored_once_is_asked_of_the_model_once() {
    let scorer = victim();
    let victim = Arc::new(Victim::new(vec![scorer.clone()]));
    let text = |n: usize| SnippetText::new("", format!("He bled {}", n % 3));
    let texts: Vec<SnippetText> = (0..9).map(text).collect();
    let mut meter = Meter::new(&victim, Budget::default(), CancelFlag::default());
    assert_eq!(meter.ask(&texts).len(), 9);
    assert_eq!((meter.spent().queries, meter.spent().scored), (9, 3));
    assert_eq!(scorer.asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_second_scorer_that_nobody_needs_leaves_holes_and_steers_nothing() {
    let blind = |dead: &'static str| {
        Arc::new(Linear {
            weights: victim().weights.clone(),
            dead: Some(dead),
            ..Linear::default()
        })
    };
    let budget = Budget {
        queries: 1_000,
        seconds: 60.0,
    };
    let with = |scorers: Vec<Arc<dyn Scorer>>, goal: Goal| {
        let attack = Attack::new(Arc::new(Victim::new(scorers)), goal, budget, greedy());
        attempt(&attack.with_transformation(swaps()))
    };
    let alone = with(vec![victim()], Goal::Evade(at(0.0)));
    // It cannot score the start, nor what is found, nor anything between.
    for dead in ["bled", "spoon", "He"] {
        let found = with(vec![victim(), blind(dead)], Goal::Evade(at(0.0)));
        assert_eq!(found.outcome, Outcome::Reached);
        assert_eq!(found.finds[0].text, alone.finds[0].text, "{dead}");
        assert_eq!(found.queries, alone.queries, "{dead}");
        assert_eq!(found.tally, alone.tally, "{dead}");
        let start = found.start_scores.as_ref().expect("scores of the start");
        assert_eq!(start[1].is_nan(), "He bled".contains(dead));
    }
    let found = with(vec![victim(), blind("spoon")], Goal::Evade(at(0.0)));
    assert!(found.finds[0].scores[1].is_nan());
    let json = serde_json::to_value(&found).expect("JSON");
    assert!(json["finds"][0]["scores"][1].is_null());
    let again: Attempt = serde_json::from_value(json).expect("read");
    assert!(again.finds[0].scores[1].is_nan());
    assert_eq!(again.finds[0].scores[0], found.finds[0].scores[0]);
    // What the goal looks at must be there.
    let skipped = with(
        vec![victim(), blind("bled")],
        Goal::Disagree(at(0.0), at(0.0)),
    );
    assert!(matches!(skipped.outcome, Outcome::Skipped { .. }));
}

#[test]
fn deletions_and_a_recipe_work_together() {
    let victim = Arc::new(Victim::new(vec![victim() as Arc<dyn Scorer>]));
    let models = Models::of(victim, vec![at(0.0)]);
    let recipe = Recipe::parse(
        "name = \"own\"\nprune = true\n[search]\nkind = \"greedy\"\nimportance = \"delete\"\n[[transformations]]\nkind = \"delete\"\n",
    )
    .expect("a recipe");
    let attack = recipe.build(&models, 0).expect("all is there");
    let start = Start::new(SnippetText::new("", "He bled and sat by the knife."));
    let found = attack.attempt(&start, 0, &CancelFlag::default());
    assert_eq!(found.outcome, Outcome::Reached);
    assert_eq!(found.finds[0].text.completion, "He and sat by the.");
    assert!(
        attack
            .description()
            .recipe
            .contains("importance = \"delete\"")
    );
    let needs = Recipe::named("textfooler-like").expect("a recipe");
    let missing = needs
        .build(&models, 0)
        .err()
        .expect("no thesaurus")
        .to_string();
    assert!(missing.contains("wordnet-base"), "{missing}");
    assert_eq!(Deletion.name(), "delete");
}

#[test]
fn hole_shapes_and_typos_propose_what_fits() {
    let victim = Arc::new(Victim::new(vec![victim() as Arc<dyn Scorer>]));
    let models = Models::of(victim, vec![at(-100.0)]);
    for (name, least) in [("hole-shapes", 90), ("typos", 10), ("random", 500)] {
        let mut recipe = Recipe::named(name).expect("a recipe");
        recipe.budget.queries = 500;
        let attack = recipe.build(&models, 0).expect("all is there");
        let start = Start::new(SnippetText::new("Once.", " He bled and died by the knife."));
        let tried = attack.attempt(&start, 3, &CancelFlag::default());
        assert!(tried.queries >= least, "{name}: {}", tried.queries);
        assert!(tried.tally.proposed > 0 && tried.finds.is_empty());
        assert_eq!(tried.tally.unscoreable, 0);
        let again = attack.attempt(&start, 3, &CancelFlag::default());
        assert_eq!(again.trace, tried.trace, "{name}");
    }
}

#[test]
fn cross_finds_the_nearest_text_on_the_other_side_from_either() {
    let victim = Arc::new(Victim::new(vec![victim() as Arc<dyn Scorer>]));
    let models = Models::of(victim, vec![at(1.0)]);
    let attack = Recipe::named("cross")
        .expect("known")
        .build(&models, 0)
        .expect("built");
    let cross = |completion: &str| {
        let start = Start::new(SnippetText::new("", completion));
        attack.attempt(&start, 0, &CancelFlag::default())
    };
    // Rejected at 5; without "bled" it would be 2, without "knife" 3: both must go.
    let down = cross("He bled by the knife.");
    assert_eq!(down.outcome, Outcome::Reached, "{down:?}");
    assert!(down.start_scores == Some(vec![5.0]) && down.finds[0].scores[0] < 1.0);
    assert_eq!(down.words_changed, 2);
    // Accepted at 0.5: without "sat" or "spoon" it is rejected.
    let up = cross("He bled and sat and sat by the spoon and he was well.");
    assert_eq!(up.outcome, Outcome::Reached, "{up:?}");
    assert!(up.start_scores == Some(vec![0.5]) && up.finds[0].scores[0] >= 1.0);
    assert_eq!(up.words_changed, 1);
}

/// A transformation of which every call is a query, and whose proposals nothing lets pass.
struct Costly;

impl Transformation for Costly {
    fn name(&self) -> &'static str {
        "costly"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let out = |site: &Site| vec![Proposal::of(draft.deletion(site), "costly")];
        Ok(sites.iter().map(out).collect())
    }

    fn queries(&self) -> u64 {
        1
    }
}

#[test]
fn gradients_are_queries_and_never_one_too_many() {
    let gcg = |queries| {
        let search = crate::search::gcg::Settings {
            width: 4,
            steps: 50,
        };
        let models = Models::of(Arc::new(Victim::new(vec![victim()])), vec![at(-9.0)]);
        let search = crate::recipe::BuildSearch::build(&search, &models, 0).expect("built");
        attack(victim(), queries, search)
    };
    let beam = |queries| {
        let search = Box::new(Beam(beam::Settings {
            width: 3,
            depth: 0,
            order: Order::Proposed,
        }));
        attack(victim(), queries, search)
    };
    for queries in 1..24 {
        for mut attack in [
            attack(victim(), queries, greedy()),
            beam(queries),
            gcg(queries),
        ] {
            attack.goal = Goal::Evade(at(-9.0));
            attack.transformations = vec![Box::new(Costly)];
            let tried = attempt(&attack);
            assert!(tried.queries <= queries, "{} of {queries}", tried.queries);
            // With nothing to score, each look alone costs.
            attack.constraints = vec![Box::new(Short)];
            let tried = attempt(&attack);
            assert!(tried.queries <= queries, "{} of {queries}", tried.queries);
            assert!(matches!(tried.outcome, Outcome::Spent | Outcome::Failed));
        }
    }
}
