//! How unfamiliar a snippet is: how far it lies from what a classifier was taught, or from what a generator
//! would say. A score says nothing of that: far from all training data it may be low and mean nothing.
//!
//! - [`spread`]: how far an ensemble's members are apart.
//! - [`distance`]: how far the classifier's hidden state lies from those of its training rows.
//! - [`surprise`]: how improbable the completion is behind its prompt.
//! - [`caution`]: a scorer that gives no score to what is too unfamiliar.
//!
//! None of them knows what is injurious. What each buys is a question of measurement.

pub mod caution;
pub mod distance;
pub mod mahalanobis;
pub mod neighbours;
pub mod spread;
pub mod surprise;

use crate::scorer::Unscoreable;
use nines_domain::snippet::SnippetText;

/// Says how unfamiliar snippets are: the higher, the stranger. Units differ from one kind to another.
pub trait Unfamiliarity: Send + Sync {
    /// Names the measure and its version, precisely enough that equal names give equal answers.
    fn version(&self) -> &str;

    /// Measures snippets, in their order: one finite number each, or why there is none. What stands beside a
    /// snippet changes no bit of its answer. `progress` is told how many are done.
    fn of(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<f64, Unscoreable>>;
}

/// Refuses what is no number: it has no unfamiliarity, and is not accepted.
fn finite(value: f64) -> Result<f64, Unscoreable> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Unscoreable::Model(format!(
            "its unfamiliarity is {value}, which is no number to compare"
        )))
    }
}
