//! What can be wrong with a recipe.

/// What a part that follows the gradient needs, as [`RecipeError::Missing`] names it.
pub(crate) const GRADIENTS: &str = "gradients of the classifier under attack";

/// A recipe cannot be read, or no attack can be made of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// There is no recipe of that name.
    #[error("there is no recipe {name:?}; there are {known}, and any TOML file can be one")]
    UnknownRecipe {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The text is no recipe.
    #[error("this is no recipe: {0}")]
    Toml(String),
    /// A field is wrong.
    #[error("{field} {reason}")]
    Field {
        /// Which field, with the part that it belongs to.
        field: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A kind of search, transformation or constraint is not known.
    #[error("{field}: there is no kind {kind:?}; there are {known}")]
    UnknownKind {
        /// Where.
        field: String,
        /// What was asked for.
        kind: String,
        /// The kinds that there are.
        known: String,
    },
    /// Something that a part needs is not there.
    #[error("{part} needs {what}: {how}")]
    Missing {
        /// The part.
        part: String,
        /// What is not there.
        what: String,
        /// How to get it, or do without.
        how: String,
    },
}

impl RecipeError {
    /// Says that a part needs something that is not there; the part's place is added by whoever builds.
    pub fn missing(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self::Missing {
            part: String::new(),
            what: what.into(),
            how: how.into(),
        }
    }

    /// Says that a field of a part is wrong; the part's place is added by whoever builds.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// Adds where in the recipe an error lies.
    pub(crate) fn at(place: &str) -> impl Fn(Self) -> Self {
        let place = place.to_owned();
        let inside = move |field: String| match field.as_str() {
            "" => place.clone(),
            field => format!("{place}.{field}"),
        };
        move |error| match error {
            Self::Field { field, reason } => Self::Field {
                field: inside(field),
                reason,
            },
            Self::UnknownKind { field, kind, known } => Self::UnknownKind {
                field: inside(field),
                kind,
                known,
            },
            Self::Missing { part, what, how } => Self::Missing {
                part: inside(part),
                what,
                how,
            },
            other => other,
        }
    }
}
