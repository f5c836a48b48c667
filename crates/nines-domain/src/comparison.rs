//! Comparisons of two completions of one prompt, shown side by side.

use crate::label::LabellerKind;
use serde::{Deserialize, Serialize};

/// What somebody said of two completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The left one is better.
    Left,
    /// The right one is better.
    Right,
    /// Neither is better.
    Same,
    /// Neither can be judged.
    Unusable,
}

impl Choice {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Same => "same",
            Self::Unusable => "unusable",
        }
    }
}

/// One rater's choice between two completions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Who compared.
    pub labeller: String,
    /// A person or a judge.
    pub kind: LabellerKind,
    /// The choice.
    pub choice: Choice,
    /// Seconds it took, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, StrDeserializer};
    use serde::de::{DeserializeOwned, IntoDeserializer};
    use std::fmt::{self, Debug, Display};

    /// Shows a value as serde writes it.
    struct Written<'a, T>(&'a T);

    impl<T: Serialize> Display for Written<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.serialize(f)
        }
    }

    fn assert_word<T>(value: T, word: &str)
    where
        T: Serialize + DeserializeOwned + PartialEq + Debug,
    {
        assert_eq!(Written(&value).to_string(), word);
        let written: StrDeserializer<'_, Error> = word.into_deserializer();
        assert_eq!(T::deserialize(written).expect("a word"), value);
    }

    #[test]
    fn words_are_the_same_everywhere() {
        for choice in [Choice::Left, Choice::Right, Choice::Same, Choice::Unusable] {
            assert_word(choice, choice.as_str());
        }
        for kind in [LabellerKind::Person, LabellerKind::Judge] {
            assert_word(kind, kind.as_str());
        }
    }
}
