//! A part of a recipe: its kind, and settings that only that kind understands.

use super::error::RecipeError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A search, a transformation or a constraint, as a recipe writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which one.
    pub kind: String,
    /// Its settings.
    #[serde(flatten)]
    pub settings: toml::Table,
}

impl Part {
    /// Reads the settings as those of a kind, and returns the part with every default filled in.
    ///
    /// # Errors
    /// [`RecipeError::Field`] naming the field that is wrong.
    pub fn read<S: Serialize + DeserializeOwned>(&self) -> Result<(Self, S), RecipeError> {
        let wrong = |reason: String| RecipeError::Field {
            field: String::new(),
            reason: format!("({}): {}", self.kind, reason.trim()),
        };
        let settings: S = self
            .settings
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| wrong(plainly(&error.to_string())))?;
        let filled = Self {
            kind: self.kind.clone(),
            settings: toml::Table::try_from(&settings).map_err(|error| wrong(error.to_string()))?,
        };
        Ok((filled, settings))
    }
}

/// Says of a number what people know of it: types of the program tell nobody anything.
fn plainly(reason: &str) -> String {
    ["usize", "u64", "u32"]
        .iter()
        .fold(reason.to_owned(), |text, word| {
            text.replace(
                &format!("expected {word}"),
                "expected a whole number from 0",
            )
        })
        .replace("expected f64", "expected a number")
}
