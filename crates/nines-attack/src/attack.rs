//! An attack put together, ready to try starts.

use crate::attempt::{Attempt, Find, Outcome, Start, Tally};
use crate::constraint::Constraint;
use crate::edit::{Draft, word_count, words_changed};
use crate::goal::Goal;
use crate::search::{Search, prune};
use crate::transformation::Transformation;
use crate::trial::{Scored, Stop, Trial};
use crate::victim::{Budget, Meter, Victim};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::Unscoreable;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A goal, a search, transformations and constraints against a victim.
///
/// A recipe makes one; tests and peers may put one together by hand.
pub struct Attack {
    victim: Arc<Victim>,
    goal: Goal,
    budget: Budget,
    search: Box<dyn Search>,
    transformations: Vec<Box<dyn Transformation>>,
    constraints: Vec<Box<dyn Constraint>>,
    prunes: bool,
    recipe: String,
}

/// What a log says of the attack itself, so that it can be read and repeated without anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The recipe with every setting, as TOML; empty where an attack was put together by hand.
    pub recipe: String,
    /// What it is after.
    pub goal: Goal,
    /// What an attempt may cost.
    pub budget: Budget,
    /// The scorers under attack, with their versions.
    pub victim: Vec<String>,
    /// All other models that are read, with their versions.
    pub models: Vec<String>,
    /// Constraints, and heads of a search, that are a model's opinion, which an attack can fool.
    pub fallible: Vec<String>,
    /// The version of this program.
    pub version: String,
}

impl Attack {
    /// Begins with what is attacked, why, at what cost and how.
    pub fn new(victim: Arc<Victim>, goal: Goal, budget: Budget, search: Box<dyn Search>) -> Self {
        Self {
            victim,
            goal,
            budget,
            search,
            transformations: Vec::new(),
            constraints: Vec::new(),
            prunes: false,
            recipe: String::new(),
        }
    }

    /// Adds what proposes edits.
    pub fn with_transformation(mut self, transformation: Box<dyn Transformation>) -> Self {
        self.transformations.push(transformation);
        self
    }

    /// Adds what changed texts must keep to.
    pub fn with_constraint(mut self, constraint: Box<dyn Constraint>) -> Self {
        self.constraints.push(constraint);
        self
    }

    /// Lets each find be freed of the changes that it does not need.
    pub fn with_pruning(mut self, prunes: bool) -> Self {
        self.prunes = prunes;
        self
    }

    /// Says which recipe this was made of, as TOML.
    pub fn of_recipe(mut self, toml: String) -> Self {
        self.recipe = toml;
        self
    }

    /// Describes the attack for its log.
    pub fn description(&self) -> Description {
        let mut models: BTreeSet<String> = self.search.models().into_iter().collect();
        models.extend(self.transformations.iter().flat_map(|t| t.models()));
        models.extend(self.constraints.iter().flat_map(|c| c.models()));
        let judges = self.constraints.iter().filter(|c| c.is_fallible());
        let mut fallible: Vec<String> = judges.map(|c| c.name().to_owned()).collect();
        fallible.extend(self.search.fallible());
        Description {
            recipe: self.recipe.clone(),
            goal: self.goal,
            budget: self.budget,
            victim: self.victim.versions(),
            models: models.into_iter().collect(),
            fallible,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Says what the budget is too small for, where that is known before anything is asked.
    pub fn caution(&self) -> Option<String> {
        self.search.caution(self.budget.queries)
    }

    /// Tries one start. It always comes back: the budget, the seconds and `cancel` end it.
    ///
    /// Equal starts and seeds give equal attempts, whatever was tried before, as long as the seconds do not
    /// end them.
    pub fn attempt(&self, start: &Start, seed: u64, cancel: &CancelFlag) -> Attempt {
        let meter = Meter::new(&self.victim, self.budget, cancel.clone());
        // What the others cannot score decides nothing: they steer nothing.
        let mut meter = meter.needing(self.goal.scorers());
        let draft = match self.begin(start, seed) {
            Ok(draft) => draft,
            Err(why) => return untried(start, seed, &meter, Outcome::Skipped { why }),
        };
        if cancel.is_cancelled() {
            return untried(start, seed, &meter, Outcome::Cancelled);
        }
        let scores = match self.start_scores(&draft, &mut meter) {
            Ok(scores) => scores,
            Err(outcome) => return untried(start, seed, &meter, outcome),
        };
        let scorers = self.victim.scorers.len();
        if scorers < self.goal.scorers() {
            let why = format!(
                "the goal looks at {} classifiers and the victim has {}; name another with --against",
                self.goal.scorers(),
                scorers
            );
            return untried(start, seed, &meter, Outcome::Broken { why });
        }
        let goal = self.goal.from_start(&scores);
        if !self.takes_prompts() && goal.skips(&scores) {
            let why = "the start meets the goal already".to_owned();
            let mut attempt = untried(start, seed, &meter, Outcome::Skipped { why });
            attempt.start_scores = Some(scores);
            return attempt;
        }
        let start_scored = Scored {
            value: goal.value(&scores),
            // What the start is, no attack has found.
            met: false,
            draft,
            edits: Vec::new(),
            kind: "start",
            log_probability: None,
            scores,
        };
        let mut trial = Trial {
            best: start_scored.clone(),
            start: start_scored,
            goal,
            meter,
            transformations: &self.transformations,
            constraints: &self.constraints,
            end: None,
            finds: Vec::new(),
            reached_at: None,
            trace: Vec::new(),
            notes: BTreeSet::new(),
            tally: Tally::new(),
            judged_texts: HashSet::new(),
        };
        let stopped = self.run(&mut trial);
        self.finish(start, seed, trial, stopped)
    }

    /// Says whether the search writes completions itself: a start is then a prompt, its completion is not
    /// read and may be empty, and the attempt has no scores of the start.
    pub fn takes_prompts(&self) -> bool {
        self.search.takes_prompts()
    }

    /// Asks about the start, or says what the attempt comes to without its scores.
    fn start_scores(&self, draft: &Draft, meter: &mut Meter<'_>) -> Result<Vec<f64>, Outcome> {
        if self.takes_prompts() {
            return Ok(Vec::new());
        }
        match meter.ask(std::slice::from_ref(draft.text())).pop() {
            None => Err(Outcome::Spent),
            Some(Ok(scores)) => Ok(scores),
            Some(Err(Unscoreable::Model(reason))) => Err(Outcome::Broken {
                why: format!("the classifier under attack failed: {reason}"),
            }),
            Some(Err(reason)) => Err(Outcome::Skipped {
                why: format!("the start has no score: {reason}"),
            }),
        }
    }

    /// Makes the first draft, or says why there is none.
    fn begin(&self, start: &Start, seed: u64) -> Result<Draft, String> {
        for site in &start.protected {
            let text = crate::edit::half_of(&start.text, site.part);
            if text.get(site.range.clone()).is_none() {
                return Err(format!(
                    "the protected bytes {}..{} are no place of a text of {} bytes",
                    site.range.start,
                    site.range.end,
                    text.len()
                ));
            }
        }
        Ok(Draft::new(start.text.clone(), start.protected.clone()).with_seed(seed))
    }

    /// Searches, and frees what was found of needless changes.
    fn run(&self, trial: &mut Trial<'_>) -> Result<(), Stop> {
        trial.check()?;
        let searched = self.search.search(trial);
        // What was stopped, or broke, says nothing of what could have been proposed.
        let came_to_its_end = searched.is_ok() && !trial.meter.is_over();
        if trial.tally.proposed == 0 && self.search.needs_transformations() && came_to_its_end {
            trial.note(self.without_candidates(trial));
        }
        let prunes = self.prunes || matches!(self.goal, Goal::Cross(_));
        if prunes && trial.finds.is_empty() && trial.best.met && searched.is_ok() {
            prune::prune(trial)?;
        }
        searched
    }

    /// Says why there was not one candidate: an attempt that could not try anything must not look like one
    /// that tried in vain.
    fn without_candidates(&self, trial: &Trial<'_>) -> String {
        let names: Vec<&str> = self.transformations.iter().map(|t| t.name()).collect();
        let names = names.join(", ");
        if self.transformations.is_empty() {
            "no candidate at all: the recipe has no transformation".to_owned()
        } else if trial.sites(&trial.start.draft).is_empty() {
            format!("no candidate at all: no place of the text may be changed by {names}")
        } else {
            format!("no candidate at all: {names} proposed nothing")
        }
    }

    fn finish(
        &self,
        start: &Start,
        seed: u64,
        mut trial: Trial<'_>,
        stopped: Result<(), Stop>,
    ) -> Attempt {
        let best_met = trial.best.met;
        if trial.finds.is_empty() && best_met {
            let best = trial.best.clone();
            trial.find(&best, None);
        }
        let outcome = match stopped {
            Err(Stop::Broken(why)) => Outcome::Broken { why },
            Err(Stop::Cancelled) => Outcome::Cancelled,
            _ if !trial.finds.is_empty() => Outcome::Reached,
            Err(Stop::Spent) => Outcome::Spent,
            // A search that used up its queries on its last step may have had more to try.
            Ok(()) if trial.meter.is_over() => Outcome::Spent,
            Ok(()) => Outcome::Failed,
        };
        let shown: &SnippetText = trial
            .finds
            .first()
            .map_or(trial.best.draft.text(), |find| &find.text);
        let spent = trial.meter.spent();
        Attempt {
            outcome,
            start_scores: scored(&trial.start).then(|| trial.start.scores.clone()),
            words: word_count(&start.text),
            words_changed: words_changed(&start.text, shown),
            best: scored(&trial.best).then(|| as_find(&trial.best)),
            end: trial.end.as_ref().map(as_find),
            finds: trial.finds,
            queries: spent.queries,
            reached_at: trial.reached_at,
            scored: spent.scored,
            seconds: trial.meter.seconds(),
            trace: trial.trace,
            tally: trial.tally,
            notes: trial.notes.into_iter().collect(),
            seed,
        }
    }
}

/// Says whether the victim was asked about a text: the prompts of searches that generate are not.
fn scored(one: &Scored) -> bool {
    !one.scores.is_empty()
}

fn as_find(one: &Scored) -> Find {
    Find {
        text: one.draft.text().clone(),
        scores: one.scores.clone(),
        kind: one.kind.to_owned(),
        log_weight: None,
    }
}

/// The attempt in which nothing was tried.
fn untried(start: &Start, seed: u64, meter: &Meter<'_>, outcome: Outcome) -> Attempt {
    let spent = meter.spent();
    Attempt {
        outcome,
        start_scores: None,
        finds: Vec::new(),
        best: None,
        end: None,
        queries: spent.queries,
        reached_at: None,
        scored: spent.scored,
        seconds: meter.seconds(),
        words: word_count(&start.text),
        words_changed: 0,
        trace: Vec::new(),
        tally: Tally::new(),
        notes: Vec::new(),
        seed,
    }
}

#[cfg(test)]
mod tests;
