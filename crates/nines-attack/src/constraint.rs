//! What a changed text must keep to.

use crate::edit::{Draft, Site};

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

    /// Says whether the constraint is a model's opinion, which attacks can fool: tables then name it.
    fn is_fallible(&self) -> bool {
        false
    }

    /// Names the models that it reads, with their versions.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}
