//! Snippets: one prompt with one completion, found again by the hash of their content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Identifies content: the SHA-256 of a text, or of a prompt with its completion.
///
/// Equal texts have equal hashes, so the same snippet is never stored twice, on any machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

/// A string is not a content hash: it is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a content hash (64 hexadecimal digits): {0:?}")]
pub struct NotAContentHash(pub String);

impl ContentHash {
    /// Hashes a prompt.
    pub fn of_prompt(prompt: &str) -> Self {
        Self::of_fields("prompt", &[prompt])
    }

    /// Hashes a prompt together with its completion. Field lengths are part of what is hashed,
    /// so moving a word from the prompt to the completion changes the hash.
    ///
    /// # Example
    /// ```
    /// use nines_domain::snippet::ContentHash;
    /// assert_ne!(ContentHash::of_snippet("a b", "c"), ContentHash::of_snippet("a", " bc"));
    /// ```
    pub fn of_snippet(prompt: &str, completion: &str) -> Self {
        Self::of_fields("snippet", &[prompt, completion])
    }

    /// Hashes any list of fields under a domain word, so that equal fields of two kinds of thing
    /// never collide.
    pub fn of_fields(domain: &str, fields: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for field in std::iter::once(&domain).chain(fields) {
            hasher.update((field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// Returns the 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first eight bytes as a number: enough to key a random stream or a split.
    pub fn prefix_u64(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl FromStr for ContentHash {
    type Err = NotAContentHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAContentHash(text.chars().take(80).collect());
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or_else(wrong);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The text of a snippet: one prompt with one completion. Immutable once stored; an edit makes a
/// child snippet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SnippetText {
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
}

impl SnippetText {
    /// Builds a snippet's text from its two halves.
    pub fn new(prompt: impl Into<String>, completion: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            completion: completion.into(),
        }
    }

    /// Returns the snippet's content hash.
    pub fn hash(&self) -> ContentHash {
        ContentHash::of_snippet(&self.prompt, &self.completion)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
pub(crate) use id;

id!(
    /// The key of a stored prompt.
    PromptId
);
id!(
    /// The key of a stored snippet.
    SnippetId
);
id!(
    /// The key of a stored label.
    LabelId
);
id!(
    /// The key of a stored model version: a classifier, a base or a generator.
    ModelId
);
id!(
    /// The key of a run: one execution of a long job.
    RunId
);
id!(
    /// The key of a job: a long command that was asked for, however often it is started.
    JobId
);
id!(
    /// The key of a stored calibration: a threshold with the rule and the data that chose it.
    CalibrationId
);
id!(
    /// The key of a named distribution of prompts.
    DistributionId
);
id!(
    /// The key of a design: what is measured, on which requests.
    DesignId
);
id!(
    /// The key of a stored estimate.
    EstimateId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_survives_its_text_form() {
        let hash = ContentHash::of_snippet("prompt", "completion");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("zz".repeat(32).parse::<ContentHash>().is_err());
        assert!("é".repeat(32).parse::<ContentHash>().is_err());
    }

    #[test]
    fn hash_is_pinned_so_that_stored_projects_stay_readable() {
        assert_eq!(
            ContentHash::of_snippet("a", "b").to_string(),
            "035356ed2ba270cb86144d2835ee3d2fd8a9ebb42809757a56684d0aabc036f7"
        );
    }
}
