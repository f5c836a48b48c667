//! What guided generation is steered by: opinions of texts that are still being written.

use super::injury::InjuryHead;
use crate::victim::{Meter, Scores};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::Unscoreable;
use std::collections::BTreeMap;

/// The reward of a text that cannot be scored, or is hopeless, for each unit of weight: small, and finite
/// so that every text keeps some chance and every weight is a number.
const FLOOR: f64 = -30.0;

/// What is known of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The natural logarithm of what its probability is multiplied by.
    pub reward: f64,
    /// What the victim says, where it was asked.
    pub scores: Option<Scores>,
    /// How injurious it is in log odds, where the head was asked.
    pub injury: Option<Result<f64, Unscoreable>>,
}

/// Steers: has opinions of unfinished texts, and the last word on finished ones.
pub trait Guide {
    /// Says whether it prefers nothing: texts are then written plainly, and nobody is asked.
    fn is_neutral(&self) -> bool;

    /// Gives opinions of texts, finished or not, one each; `None` where the budget does not suffice.
    fn look(&mut self, texts: &[SnippetText]) -> Option<Vec<Opinion>>;

    /// Completes what must be known of finished texts; `None` where the budget does not suffice.
    fn complete(&mut self, texts: &[SnippetText], known: &mut [Opinion]) -> Option<()>;
}

/// Returns ln σ(x), not below the floor.
pub(super) fn log_sigmoid(x: f64) -> f64 {
    (x.min(0.0) - (-x.abs()).exp().ln_1p()).max(FLOOR)
}

/// Steers toward texts that a head calls injurious and the victim accepts: the probability of a
/// continuation is multiplied by P(injurious)^λ · P(accepted)^μ, where P(injurious) is the head's and
/// P(accepted) the logistic function of how far the score lies below the threshold.
///
/// Of finished texts the victim is asked about those that the head calls injurious.
pub struct InjuriousAndAccepted<'a, 'v> {
    /// Says what is injurious.
    pub head: &'a dyn InjuryHead,
    /// Who is attacked, with the budget.
    pub meter: &'a mut Meter<'v>,
    /// Where the victim stops accepting.
    pub threshold: Threshold,
    /// λ, how much the head counts.
    pub lambda: f64,
    /// μ, how much the victim counts.
    pub mu: f64,
    /// Texts that the head was asked for.
    pub head_queries: u64,
}

impl Guide for InjuriousAndAccepted<'_, '_> {
    fn is_neutral(&self) -> bool {
        self.lambda == 0.0 && self.mu == 0.0
    }

    fn look(&mut self, texts: &[SnippetText]) -> Option<Vec<Opinion>> {
        let mut opinions: Vec<Opinion> = texts.iter().map(|_| Opinion::none()).collect();
        if self.mu != 0.0 {
            let scores = ask_once(self.meter, texts)?;
            for (opinion, scores) in opinions.iter_mut().zip(scores) {
                let below = scores.as_ref().ok().and_then(|scores| scores.first());
                let below = below.map(|score| log_sigmoid(self.threshold.logit() - score));
                opinion.reward += self.mu * below.unwrap_or(FLOOR);
                opinion.scores = Some(scores);
            }
        }
        if self.lambda != 0.0 {
            self.ask_head(texts, &mut opinions);
            for opinion in &mut opinions {
                let over = match &opinion.injury {
                    Some(Ok(odds)) => log_sigmoid(odds - self.head.threshold()),
                    _ => FLOOR,
                };
                opinion.reward += self.lambda * over;
            }
        }
        Some(opinions)
    }

    fn complete(&mut self, texts: &[SnippetText], known: &mut [Opinion]) -> Option<()> {
        self.ask_head(texts, known);
        // What the head calls safe is no find, whatever the victim says: it costs no query.
        let injurious: Vec<usize> = (0..texts.len())
            .filter(|&i| self.calls_injurious(&known[i]))
            .collect();
        let asked: Vec<SnippetText> = injurious.iter().map(|&i| texts[i].clone()).collect();
        let mut opinions: Vec<Opinion> = injurious.iter().map(|&i| known[i].clone()).collect();
        complete_scores(self.meter, &asked, &mut opinions)?;
        for (i, opinion) in injurious.into_iter().zip(opinions) {
            known[i] = opinion;
        }
        Some(())
    }
}

impl Opinion {
    /// Knows nothing and prefers nothing.
    pub fn none() -> Self {
        Self {
            reward: 0.0,
            scores: None,
            injury: None,
        }
    }

    /// Returns the victim's scores, where it was asked and gave them.
    pub fn scores(&self) -> Option<&[f64]> {
        self.scores.as_ref()?.as_ref().ok().map(Vec::as_slice)
    }

    /// Returns the head's log odds, where it was asked and gave them.
    pub fn injury(&self) -> Option<f64> {
        self.injury.as_ref()?.as_ref().ok().copied()
    }
}

impl InjuriousAndAccepted<'_, '_> {
    /// Says whether a finished text is what is looked for. What has no score, or of which the head says
    /// nothing, never is.
    pub fn is_find(&self, opinion: &Opinion) -> bool {
        let accepted = opinion
            .scores()
            .and_then(|scores| scores.first())
            .is_some_and(|score| *score < self.threshold.logit());
        accepted && self.calls_injurious(opinion)
    }

    fn calls_injurious(&self, opinion: &Opinion) -> bool {
        let odds = opinion.injury();
        odds.is_some_and(|odds| odds >= self.head.threshold())
    }

    fn ask_head(&mut self, texts: &[SnippetText], opinions: &mut [Opinion]) {
        let missing: Vec<usize> = (0..texts.len())
            .filter(|&i| opinions[i].injury.is_none())
            .collect();
        let distinct = Distinct::of(missing.iter().map(|&i| &texts[i]));
        self.head_queries += distinct.texts.len() as u64;
        let odds = self.head.log_odds(&distinct.texts);
        for (&i, from) in missing.iter().zip(&distinct.from) {
            let answer = odds.get(*from).cloned();
            opinions[i].injury = Some(answer.unwrap_or_else(|| {
                Err(Unscoreable::Model("the head gave no answer".to_owned()))
            }));
        }
    }
}

/// Each text once, in the order in which they first come.
struct Distinct {
    texts: Vec<SnippetText>,
    /// Where each of the given texts is.
    from: Vec<usize>,
}

impl Distinct {
    fn of<'t>(given: impl Iterator<Item = &'t SnippetText>) -> Self {
        let (mut texts, mut from) = (Vec::new(), Vec::new());
        let mut known = BTreeMap::new();
        for text in given {
            let index = *known.entry(text.hash()).or_insert_with(|| {
                texts.push(text.clone());
                texts.len() - 1
            });
            from.push(index);
        }
        Self { texts, from }
    }
}

/// Asks the victim about each different text once; `None` where the budget does not suffice.
pub(super) fn ask_once(meter: &mut Meter<'_>, texts: &[SnippetText]) -> Option<Vec<Scores>> {
    let distinct = Distinct::of(texts.iter());
    if (distinct.texts.len() as u64) > meter.queries_left() {
        return None;
    }
    let scores = meter.ask(&distinct.texts);
    let complete = scores.len() == distinct.texts.len();
    complete.then(|| distinct.from.iter().map(|&i| scores[i].clone()).collect())
}

/// Asks the victim about the finished texts that it has not seen.
pub(super) fn complete_scores(
    meter: &mut Meter<'_>,
    texts: &[SnippetText],
    known: &mut [Opinion],
) -> Option<()> {
    let missing: Vec<usize> = (0..texts.len())
        .filter(|&i| known[i].scores.is_none())
        .collect();
    let asked: Vec<SnippetText> = missing.iter().map(|&i| texts[i].clone()).collect();
    for (i, scores) in missing.into_iter().zip(ask_once(meter, &asked)?) {
        known[i].scores = Some(scores);
    }
    Some(())
}
