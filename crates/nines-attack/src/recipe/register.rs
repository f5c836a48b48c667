//! The kinds of searches, transformations and constraints that recipes may name.
//!
//! A kind is a settings type, read from the recipe, which builds the thing itself. To add one: write the
//! settings with their `Build…` here, and one arm of a `match` below.

use super::error::RecipeError;
use super::models::Models;
use super::part::Part;
use crate::constraint::{self, Constraint};
use crate::guided;
use crate::search::{self, Search};
use crate::transformation::{self, Transformation};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Settings of a search.
pub trait BuildSearch {
    /// Makes the search.
    ///
    /// # Errors
    /// [`RecipeError::missing`] for a model that is not there, [`RecipeError::field`] for a setting that
    /// makes no sense.
    fn build(&self, models: &Models, seed: u64) -> Result<Box<dyn Search>, RecipeError>;
}

/// Settings of a transformation.
pub trait BuildTransformation {
    /// Makes the transformation.
    ///
    /// # Errors
    /// As [`BuildSearch::build`].
    fn build(&self, models: &Models, seed: u64) -> Result<Box<dyn Transformation>, RecipeError>;
}

/// Settings of a constraint.
pub trait BuildConstraint {
    /// Makes the constraint.
    ///
    /// # Errors
    /// As [`BuildSearch::build`].
    fn build(&self, models: &Models, seed: u64) -> Result<Box<dyn Constraint>, RecipeError>;
}

/// A part with its defaults filled in, and what builds it.
type Read<B> = Result<(Part, Box<B>), RecipeError>;

macro_rules! kinds {
    ($(#[$doc:meta])* $function:ident: $build:ident, { $($kind:literal => $settings:ty,)* }) => {
        $(#[$doc])*
        pub(super) fn $function(part: &Part) -> Read<dyn $build> {
            fn read<S: $build + Serialize + DeserializeOwned + 'static>(part: &Part) -> Read<dyn $build> {
                let (filled, settings) = part.read::<S>()?;
                Ok((filled, Box::new(settings)))
            }
            match part.kind.as_str() {
                $($kind => read::<$settings>(part),)*
                unknown => Err(RecipeError::UnknownKind {
                    field: String::new(),
                    kind: unknown.chars().take(60).collect(),
                    known: [$($kind),*].join(", "),
                }),
            }
        }
    };
}

kinds! {
    /// Reads a search.
    search: BuildSearch, {
        "greedy" => search::greedy::Settings,
        "beam" => search::beam::Settings,
        "random" => search::random::Settings,
        "guided" => guided::generation::Settings,
        "guided-disagree" => guided::disagreement::Settings,
        "steered" => guided::steered::Settings,
        "prompts" => guided::prompts::Settings,
        "prompt-for-completion" => guided::fixed_completion::Settings,
        "gcg" => search::gcg::Settings,
        "mcmc" => search::mcmc::Settings,
    }
}

kinds! {
    /// Reads a transformation.
    transformation: BuildTransformation, {
        "typos" => transformation::typos::Settings,
        "delete" => transformation::deletion::Settings,
        "merge" => transformation::merge::Settings,
        "synonyms" => transformation::synonyms::Settings,
        "random-words" => transformation::random_words::Settings,
        "hole-shapes" => transformation::hole_shapes::Settings,
        "flip" => transformation::flip::Settings,
        "fill-in" => transformation::fill_in::Settings,
        "paraphrase" => transformation::paraphrase::Settings,
    }
}

kinds! {
    /// Reads a constraint.
    constraint: BuildConstraint, {
        "half" => constraint::half::Settings,
        "protect-words" => constraint::protect_words::Settings,
        "stop-words" => constraint::stop_words::Settings,
        "repeat" => constraint::repeat::Settings,
        "words-changed" => constraint::words_changed::Settings,
        "edit-distance" => constraint::edit_distance::Settings,
        "perplexity" => constraint::perplexity::Settings,
        "similarity" => constraint::similarity::Settings,
        "judge" => constraint::judge::Settings,
    }
}
