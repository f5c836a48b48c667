//! The chain: accepts moves so that its texts follow the stated law.

use super::moves::Moves;
use crate::edit::Draft;
use crate::transformation::ProposeError;
use crate::wording::behind_prompt;
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::Continuation;
use nines_stats::random::Stream;

/// What a text costs beside the language model's probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Energy {
    /// β·max(d, 0) + γ·max(k, 0), at least 0: the sample's log weight.
    pub cost: f64,
    /// The scores of the victim's scorers, kept with the sample.
    pub scores: Vec<f64>,
    /// Whether the goal is met.
    pub reached: bool,
}

/// A text of the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The text.
    pub draft: Draft,
    /// Its cost and scores.
    pub energy: Energy,
    /// ln p of the language model.
    pub log_probability: f64,
}

/// The chain cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A model failed.
    #[error(transparent)]
    Model(#[from] ProposeError),
    /// The start has no probability, no score, or may not stand.
    #[error("the chain cannot begin here: {0}")]
    Start(String),
}

/// A Metropolis–Hastings chain.
pub struct Chain<'a> {
    moves: &'a Moves,
    random: Stream,
    now: Sample,
    accepted: u64,
    steps: u64,
}

impl<'a> Chain<'a> {
    /// Begins at a text, whose energy is known.
    ///
    /// # Errors
    /// [`ChainError::Start`] where the language model gives the text no probability.
    pub fn begin(
        moves: &'a Moves,
        draft: Draft,
        energy: Energy,
        seed: u64,
    ) -> Result<Self, ChainError> {
        let log_probability = log_probability(moves, draft.text())?;
        if !log_probability.is_finite() {
            return Err(ChainError::Start(
                "the language model holds the text impossible".to_owned(),
            ));
        }
        Ok(Self {
            moves,
            random: Stream::new(seed, 0),
            now: Sample {
                draft,
                energy,
                log_probability,
            },
            accepted: 0,
            steps: 0,
        })
    }

    /// Takes one step. `energy` prices a text, or says that it may not stand (no score, a constraint):
    /// `None`.
    ///
    /// Constraints keep the law exact where they look at the text and the start alone.
    ///
    /// # Errors
    /// [`ChainError::Model`] where a model fails.
    pub fn step<E: From<ChainError>>(
        &mut self,
        energy: &mut dyn FnMut(&Draft) -> Result<Option<Energy>, E>,
    ) -> Result<&Sample, E> {
        self.steps += 1;
        let drawn = self.moves.draw(&self.now.draft, &mut self.random);
        let drawn = drawn.map_err(ChainError::from)?;
        // Drawn whatever happens, so that a step always takes its numbers from the same place.
        let chance = self.random.unit();
        let Some(next) = drawn else {
            return Ok(&self.now);
        };
        if next.draft.text() == self.now.draft.text() {
            return Ok(&self.now);
        }
        let Some(energy) = energy(&next.draft)? else {
            return Ok(&self.now);
        };
        let log_probability = log_probability(self.moves, next.draft.text()).map_err(E::from)?;
        let better = (log_probability - energy.cost)
            - (self.now.log_probability - self.now.energy.cost)
            - next.log_ratio;
        if better.is_nan() || chance >= better.exp() {
            return Ok(&self.now);
        }
        self.accepted += 1;
        self.now = Sample {
            draft: next.draft,
            energy,
            log_probability,
        };
        Ok(&self.now)
    }

    /// Returns the share of steps that moved.
    pub fn acceptance(&self) -> f64 {
        self.accepted as f64 / self.steps.max(1) as f64
    }
}

/// Asks how probable the edited part of a text is: of the completion after its prompt, or of both.
fn log_probability(moves: &Moves, text: &SnippetText) -> Result<f64, ChainError> {
    let completion = behind_prompt(text);
    let (context, after) = if moves.edits_prompt() {
        (String::new(), format!("{}{completion}", text.prompt))
    } else {
        (text.prompt.clone(), completion)
    };
    let asked = Continuation {
        context: &context,
        text: &after,
    };
    let mut found = moves.words().model().log_probabilities(&[asked]);
    match found.pop() {
        Some(Ok(found)) => Ok(found.log_probability),
        Some(Err(error)) => Err(ProposeError::Model(error.to_string()).into()),
        None => Err(ProposeError::Model("the language model gave no answer".to_owned()).into()),
    }
}
