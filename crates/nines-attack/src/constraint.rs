//! What a changed text must keep to.

pub mod edit_distance;
pub mod half;
pub mod judge;
pub mod perplexity;
pub mod protect_words;
pub mod repeat;
pub mod similarity;
pub mod stop_words;
pub mod words_changed;

use crate::edit::{Draft, Site};
use crate::judge::{Judge, JudgeError, Verdict};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;

/// Why a constraint cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum ConstraintError {
    /// A model or a judge that it needs is not there, refused, or failed: nothing passes.
    #[error("{constraint}: {reason}")]
    Unchecked {
        /// Which constraint.
        constraint: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// The attempt was to stop before the check was done: nothing passes.
    #[error("stopped before the check was done")]
    Stopped,
}

/// What a check that may take long goes by, and what it leaves behind.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Set when the attempt must stop: somebody asked for it, or its seconds are spent.
    pub stop: CancelFlag,
    /// The texts that a judge was asked about, repeated ones too.
    pub judged: Vec<ContentHash>,
    /// What the reader of the log should know.
    pub notes: Vec<String>,
}

impl Inspection {
    /// Asks a judge, and counts.
    ///
    /// # Errors
    /// As [`Judge::judge`].
    pub fn ask(
        &mut self,
        judge: &Judge,
        texts: &[SnippetText],
    ) -> Result<Vec<Verdict>, JudgeError> {
        self.judged.extend(texts.iter().map(SnippetText::hash));
        let verdicts = judge.judge(texts, &self.stop);
        match &verdicts {
            Err(JudgeError::Stopped) => self.notes.push(format!(
                "the attempt ended while the judge {} was being asked",
                judge.name()
            )),
            Ok(verdicts) if verdicts.iter().any(|v| matches!(v, Verdict::Open(_))) => {
                self.notes.push(format!(
                    "the judge {} gave some texts no verdict; they did not pass",
                    judge.name()
                ));
            }
            _ => (),
        }
        verdicts
    }
}

/// Restricts what a search may do.
pub trait Constraint: Send + Sync {
    /// Names it, as recipes do.
    fn name(&self) -> &'static str;

    /// Says whether a place may be changed at all; asked before anything is proposed.
    fn allows(&self, _draft: &Draft, _site: &Site) -> bool {
        true
    }

    /// Says of each changed draft whether it may stand. `current` is what they were made from.
    ///
    /// # Errors
    /// [`ConstraintError`] where it cannot be said: the attempt then ends with that error.
    fn check(&self, current: &Draft, changed: &[Draft]) -> Result<Vec<bool>, ConstraintError>;

    /// Checks as [`Self::check`], looks whether it must stop, and counts what it asks.
    ///
    /// # Errors
    /// As [`Self::check`].
    fn inspect(
        &self,
        current: &Draft,
        changed: &[Draft],
        _inspection: &mut Inspection,
    ) -> Result<Vec<bool>, ConstraintError> {
        self.check(current, changed)
    }

    /// Says whether the constraint is a model's opinion, which attacks can fool: tables then name it.
    fn is_fallible(&self) -> bool {
        false
    }

    /// Names the models that it reads, with their versions.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}
