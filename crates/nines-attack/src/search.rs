//! How an attack looks for its goal.

pub mod beam;
pub mod gcg;
pub mod greedy;
pub mod importance;
pub mod mcmc;
pub(crate) mod prune;
pub mod random;

use crate::trial::{Stop, Trial};

/// Looks for a text that meets the goal.
///
/// Equal trials with equal seeds are searched in the same way, whatever the number of threads.
pub trait Search: Send + Sync {
    /// Names it, as recipes do.
    fn name(&self) -> &'static str;

    /// Searches until the goal is met or nothing is left to try. The trial keeps the best text by itself.
    ///
    /// # Errors
    /// [`Stop`] where the search ends before its own end.
    fn search(&self, trial: &mut Trial<'_>) -> Result<(), Stop>;

    /// Says whether it needs transformations: one that makes whole texts by itself does not.
    fn needs_transformations(&self) -> bool {
        true
    }

    /// Says whether it writes the completion itself: it reads the start's prompt alone, and the start's
    /// completion, which may be empty, is not scored.
    fn takes_prompts(&self) -> bool {
        false
    }

    /// Says what a budget of so many queries is too small for, where that is known before anything is asked.
    fn caution(&self, _queries: u64) -> Option<String> {
        None
    }

    /// Says whether it reads gradients, so that the scorer must have them.
    fn needs_gradients(&self) -> bool {
        false
    }

    /// Names the models that it reads, beside the victim, with their versions.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }

    /// Names the models whose opinion decides what a find is: they are fallible, and tables name them.
    fn fallible(&self) -> Vec<String> {
        Vec::new()
    }
}
