//! One attempt while it runs: what a search asks of everything else.

use crate::attempt::{Find, Step, Tally};
use crate::constraint::judge::unchecked;
use crate::constraint::{Constraint, ConstraintError, Inspection};
use crate::edit::{Draft, Edit, Site};
use crate::goal::Goal;
use crate::judge::{Judge, Verdict};
use crate::transformation::{ProposeError, Proposing, Transformation};
use crate::victim::{Meter, Scores};
use crate::words::words;
use nines_domain::snippet::{ContentHash, SnippetText};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What ends a search before its own end.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The queries or the seconds are spent.
    Spent,
    /// Somebody asked to stop.
    Cancelled,
    /// A model or a judge that is needed failed: why, and what to do.
    Broken(String),
}

/// In which order candidates are tried, and whether equal ones are tried twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As they are proposed, best first; equal texts once.
    #[default]
    Proposed,
    /// By their text, equal ones as often as they are proposed: as TextAttack does.
    Text,
}

/// A changed text that the constraints let pass, not yet scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The text.
    pub draft: Draft,
    /// The edits that made it of the draft that it was proposed for.
    pub edits: Vec<Edit>,
    /// What was done.
    pub kind: &'static str,
    /// How probable its proposer holds it, natural logarithm.
    pub log_probability: Option<f64>,
}

/// A candidate with what the victim said.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The text.
    pub draft: Draft,
    /// The edits that made it of the draft that it was proposed for.
    pub edits: Vec<Edit>,
    /// What was done.
    pub kind: &'static str,
    /// How probable its proposer holds it, natural logarithm.
    pub log_probability: Option<f64>,
    /// Log odds, one for each scorer.
    pub scores: Vec<f64>,
    /// How near it is to the goal: larger is nearer.
    pub value: f64,
    /// Whether it meets the goal.
    pub met: bool,
}

/// What asking for scores came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Those that have scores, in the order in which they were asked for.
    pub scored: Vec<Scored>,
    /// Whether nothing more can be asked: what is here is the last.
    pub over: bool,
}

/// One attempt while it runs.
pub struct Trial<'a> {
    pub(crate) start: Scored,
    pub(crate) goal: Goal,
    pub(crate) meter: Meter<'a>,
    pub(crate) transformations: &'a [Box<dyn Transformation>],
    pub(crate) constraints: &'a [Box<dyn Constraint>],
    pub(crate) best: Scored,
    pub(crate) end: Option<Scored>,
    pub(crate) finds: Vec<Find>,
    pub(crate) reached_at: Option<u64>,
    pub(crate) trace: Vec<Step>,
    pub(crate) notes: BTreeSet<String>,
    pub(crate) tally: Tally,
    /// Texts that a judge was asked about.
    pub(crate) judged_texts: HashSet<ContentHash>,
}

/// Steps that a trace keeps; a search that improves more often than this is still whole in its result.
const TRACED: usize = 1_000;

impl<'a> Trial<'a> {
    /// Returns the start with its scores.
    pub fn start(&self) -> &Scored {
        &self.start
    }

    /// Returns what the attempt is after; for [`Goal::Cross`] the side is settled.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Returns the counter, which also holds the victim, the budget and the flag to stop.
    pub fn meter(&self) -> &Meter<'a> {
        &self.meter
    }

    /// Returns the counter to charge what was asked past it.
    pub fn meter_mut(&mut self) -> &mut Meter<'a> {
        &mut self.meter
    }

    /// Returns the nearest text so far, the start included.
    pub fn best(&self) -> &Scored {
        &self.best
    }

    /// Says why nothing more can be asked, if that is so.
    ///
    /// # Errors
    /// [`Stop::Cancelled`], [`Stop::Spent`].
    pub fn check(&self) -> Result<(), Stop> {
        if self.meter.cancel().is_cancelled() {
            Err(Stop::Cancelled)
        } else if self.meter.is_over() {
            Err(Stop::Spent)
        } else {
            Ok(())
        }
    }

    /// Lists the places of a draft that a transformation could change and no constraint forbids, in the
    /// order of the text, each once.
    pub fn sites(&self, draft: &Draft) -> Vec<Site> {
        let mut sites: Vec<Site> = self
            .transformations
            .iter()
            .flat_map(|transformation| transformation.sites(draft))
            .filter(|site| self.may_change(draft, site))
            .collect();
        sites.sort_by_key(Site::order);
        sites.dedup();
        sites
    }

    /// Says whether a place may be changed at all.
    fn may_change(&self, draft: &Draft, site: &Site) -> bool {
        // Of several words, those that are not protected may still change.
        let single = draft.at(site).is_some_and(|text| words(text).len() <= 1);
        !(single && draft.is_protected(site))
            && self.constraints.iter().all(|c| c.allows(draft, site))
    }

    /// Lists what the transformations make of a draft at some of its places (at all of them where none are
    /// given) and the constraints let pass.
    ///
    /// # Errors
    /// [`Stop::Broken`] where a transformation or a constraint needs a model that fails; [`Stop::Spent`] where a
    /// transformation asks the victim and no query is left for it.
    pub fn candidates(
        &mut self,
        draft: &Draft,
        sites: Option<&[Site]>,
        order: Order,
    ) -> Result<Vec<Candidate>, Stop> {
        let made = self.unchecked(draft, sites, order)?;
        self.keep(draft, made)
    }

    /// Lists the changes of a draft before any constraint has seen them: for searches that take a few of many.
    /// What is taken goes through [`Self::keep`].
    ///
    /// # Errors
    /// As [`Self::candidates`].
    pub fn unchecked(
        &mut self,
        draft: &Draft,
        sites: Option<&[Site]>,
        order: Order,
    ) -> Result<Vec<Candidate>, Stop> {
        let mut made = Vec::new();
        for transformation in self.transformations {
            let own: Vec<Site> = transformation
                .sites(draft)
                .into_iter()
                .filter(|site| sites.is_none_or(|sites| sites.contains(site)))
                .filter(|site| self.may_change(draft, site))
                .collect();
            if own.is_empty() {
                continue;
            }
            let price = transformation.queries();
            if price > 0 {
                self.check()?;
                // What is asked past the meter must fit the budget too.
                if price > self.meter.queries_left() {
                    return Err(Stop::Spent);
                }
            }
            self.tally.sites += own.len() as u64;
            let name = transformation.name();
            let mut proposing = Proposing {
                stop: self.meter.stop_flag(),
                ..Proposing::default()
            };
            let lists = transformation.propose_for(draft, &own, &mut proposing);
            self.meter.charge(price);
            self.notes.extend(proposing.notes);
            let lists = lists.map_err(|error| match error {
                ProposeError::Stopped => self.check().err().unwrap_or(Stop::Spent),
                error @ ProposeError::Model(_) => Stop::Broken(format!("{name}: {error}")),
            })?;
            for proposal in lists.into_iter().flatten() {
                self.tally.proposed += 1;
                match draft.apply(&proposal.edits) {
                    Ok(changed) if changed.text() != draft.text() => made.push(Candidate {
                        draft: changed,
                        edits: proposal.edits,
                        kind: proposal.kind,
                        log_probability: proposal.log_probability,
                    }),
                    Ok(_) | Err(_) => self.tally.unfit += 1,
                }
            }
        }
        match order {
            Order::Text => made.sort_by(|a, b| a.draft.text().cmp(b.draft.text())),
            Order::Proposed => {
                let mut known = BTreeSet::new();
                made.retain(|candidate| known.insert(candidate.draft.text().clone()));
            }
        }
        Ok(made)
    }

    /// Leaves out what a constraint does not let pass: first by those that read no model, since every text that
    /// they refuse saves a model the reading.
    ///
    /// # Errors
    /// As [`Self::keep_by_models`].
    pub fn keep(
        &mut self,
        current: &Draft,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Stop> {
        let candidates = self.keep_plainly(current, candidates)?;
        self.keep_by_models(current, candidates)
    }

    /// Leaves out what a constraint that reads no model does not let pass.
    ///
    /// # Errors
    /// [`Stop::Broken`] where a constraint cannot be checked.
    pub fn keep_plainly(
        &mut self,
        current: &Draft,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Stop> {
        self.keep_where(current, candidates, |constraint| {
            constraint.models().is_empty()
        })
    }

    /// Leaves out what a constraint that reads a model does not let pass.
    ///
    /// # Errors
    /// [`Stop::Broken`] where a constraint cannot be checked: nothing passes unchecked. [`Stop::Cancelled`] and
    /// [`Stop::Spent`] where the attempt had to stop meanwhile.
    pub fn keep_by_models(
        &mut self,
        current: &Draft,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Stop> {
        self.keep_where(current, candidates, |constraint| {
            !constraint.models().is_empty()
        })
    }

    fn keep_where(
        &mut self,
        current: &Draft,
        mut candidates: Vec<Candidate>,
        is_asked: impl Fn(&dyn Constraint) -> bool,
    ) -> Result<Vec<Candidate>, Stop> {
        let constraints = self.constraints;
        for constraint in constraints
            .iter()
            .filter(|constraint| is_asked(&***constraint))
        {
            if candidates.is_empty() {
                break;
            }
            let drafts: Vec<Draft> = candidates.iter().map(|c| c.draft.clone()).collect();
            let mut inspection = self.inspection();
            let kept = constraint.inspect(current, &drafts, &mut inspection);
            self.close(inspection);
            let kept = kept.map_err(|error| self.stop_for(error))?;
            let before = candidates.len();
            // A verdict that is missing lets nothing pass.
            let mut kept = kept.into_iter();
            candidates.retain(|_| kept.next().unwrap_or(false));
            let refused = (before - candidates.len()) as u64;
            if refused > 0 {
                let count = self.tally.refused.entry(constraint.name().to_owned());
                *count.or_default() += refused;
            }
        }
        Ok(candidates)
    }

    /// Asks a judge about texts, for searches that go by its verdicts themselves.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub fn judged(&mut self, judge: &Judge, texts: &[SnippetText]) -> Result<Vec<Verdict>, Stop> {
        let mut inspection = self.inspection();
        let verdicts = inspection.ask(judge, texts);
        self.close(inspection);
        verdicts.map_err(|error| self.stop_for(unchecked(judge, error)))
    }

    fn inspection(&self) -> Inspection {
        Inspection {
            stop: self.meter.stop_flag(),
            ..Inspection::default()
        }
    }

    fn close(&mut self, inspection: Inspection) {
        self.tally.judged += inspection.judged.len() as u64;
        self.judged_texts.extend(inspection.judged);
        self.tally.judged_different = self.judged_texts.len() as u64;
        self.notes.extend(inspection.notes);
    }

    fn stop_for(&self, error: ConstraintError) -> Stop {
        match error {
            ConstraintError::Stopped => self.check().err().unwrap_or(Stop::Spent),
            error @ ConstraintError::Unchecked { .. } => Stop::Broken(error.to_string()),
        }
    }

    /// Scores candidates; the first of them alone where the budget ends. What has no score is left out:
    /// it is never a success.
    ///
    /// # Errors
    /// [`Stop::Cancelled`]; [`Stop::Broken`] where the model fails on every one of them.
    pub fn consider(&mut self, candidates: Vec<Candidate>) -> Result<Round, Stop> {
        let texts: Vec<SnippetText> = candidates
            .iter()
            .map(|candidate| candidate.draft.text().clone())
            .collect();
        let before = self.meter.spent().queries;
        let scores = self.meter.ask(&texts);
        self.refuse_dead_model(&scores)?;
        let mut scored: Vec<Scored> = Vec::with_capacity(scores.len());
        for (index, (candidate, scores)) in candidates.into_iter().zip(scores).enumerate() {
            let Ok(scores) = scores else {
                self.tally.unscoreable += 1;
                continue;
            };
            let one = self.scored(candidate, scores);
            if one.met && self.reached_at.is_none() {
                self.reached_at = Some(before + index as u64 + 1);
            }
            scored.push(one);
        }
        if let Some(best) = first_best(&scored) {
            self.improve(&scored[best]);
        }
        if self.meter.cancel().is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let over = self.meter.is_over();
        Ok(Round { scored, over })
    }

    /// Gives a candidate its scores.
    fn scored(&self, candidate: Candidate, scores: Vec<f64>) -> Scored {
        Scored {
            value: self.goal.value(&scores),
            met: self.goal.is_met(&scores),
            draft: candidate.draft,
            edits: candidate.edits,
            kind: candidate.kind,
            log_probability: candidate.log_probability,
            scores,
        }
    }

    /// Keeps the nearest text so far, and writes a step when there is a nearer one.
    fn improve(&mut self, one: &Scored) {
        let nearer = match (one.met, self.best.met) {
            (true, false) => true,
            (false, true) => false,
            _ => one.value > self.best.value,
        };
        if nearer {
            self.best = one.clone();
            self.step(one);
        }
    }

    /// Writes a step of the search into the trace.
    pub fn step(&mut self, one: &Scored) {
        if self.trace.len() < TRACED {
            self.trace.push(Step {
                queries: self.meter.spent().queries,
                scores: one.scores.clone(),
                kind: one.kind.to_owned(),
                text: one.draft.text().clone(),
            });
        }
    }

    /// Scores texts that only tell the search where to go, such as those with a word masked: they count
    /// as queries and are never finds. The answer is shorter than the question where the budget ends.
    ///
    /// # Errors
    /// [`Stop::Cancelled`]; [`Stop::Broken`] where the model fails on every one of them.
    pub fn probe(&mut self, texts: &[SnippetText]) -> Result<(Vec<Scores>, bool), Stop> {
        let scores = self.meter.ask(texts);
        self.refuse_dead_model(&scores)?;
        if self.meter.cancel().is_cancelled() {
            return Err(Stop::Cancelled);
        }
        Ok((scores, self.meter.is_over()))
    }

    fn refuse_dead_model(&self, scores: &[Scores]) -> Result<(), Stop> {
        use nines_infer::scorer::Unscoreable;
        let failed = |scores: &Scores| match scores {
            Err(Unscoreable::Model(reason)) => Some(reason.clone()),
            _ => None,
        };
        let reasons: Option<Vec<String>> = scores.iter().map(failed).collect();
        match reasons.and_then(|reasons| reasons.into_iter().next()) {
            Some(reason) => Err(Stop::Broken(format!(
                "the classifier under attack failed: {reason}"
            ))),
            None => Ok(()),
        }
    }

    /// Keeps a find, with the weight that a sampler gives it. A search that keeps none has the best text
    /// for its find, where that meets the goal.
    pub fn find(&mut self, one: &Scored, log_weight: Option<f64>) {
        self.finds.push(Find {
            text: one.draft.text().clone(),
            scores: one.scores.clone(),
            kind: one.kind.to_owned(),
            log_weight,
        });
    }

    /// Keeps a find whose scores were asked past [`Self::consider`], with the weight that a sampler gives it.
    /// It counts as reached with the last query asked so far.
    pub fn discover(&mut self, candidate: Candidate, scores: Vec<f64>, log_weight: Option<f64>) {
        let one = self.scored(candidate, scores);
        self.reached_at.get_or_insert(self.meter.spent().queries);
        self.improve(&one);
        self.find(&one, log_weight);
    }

    /// Says where the search stands at its end, which may be farther from the goal than the best text.
    pub fn end_at(&mut self, one: &Scored) {
        self.end = Some(one.clone());
    }

    /// Tells the reader of the log something, once.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.insert(note.into());
    }

    /// Counts what was proposed and what became of it.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// Returns the index of the first candidate nearest to the goal.
pub fn first_best(scored: &[Scored]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (index, one) in scored.iter().enumerate() {
        if best.is_none_or(|best| one.value > scored[best].value) {
            best = Some(index);
        }
    }
    best
}

impl Tally {
    /// Starts with nothing.
    pub(crate) fn new() -> Self {
        Self {
            sites: 0,
            proposed: 0,
            unfit: 0,
            refused: BTreeMap::new(),
            unscoreable: 0,
            judged: 0,
            judged_different: 0,
        }
    }
}
