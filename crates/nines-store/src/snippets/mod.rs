//! Snippets: immutable, stored once each, found by content hash.

mod facets;
mod lineage;
mod put;
mod read;
mod search;
mod sighting;

use crate::batch::Inserted;
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
pub use facets::{Facet, Facets, LabellerFacet};
pub use lineage::{DesignPlace, DrawnFrom, ImportedFrom, ScoreOfSnippet, SnippetLineage};
use nines_domain::snippet::{ContentHash, RunId, SnippetId, SnippetText};
pub(crate) use put::{ids_by_hash, put};
pub use read::{Sighting, Snippet, SnippetFilter};
pub use search::{FoundSnippets, LabelState, ScoreRange, SnippetSearch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a snippet came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A file brought it.
    Import,
    /// A generator of this project wrote it.
    Generate,
    /// Somebody changed another snippet.
    Edit,
    /// An attack, by a recipe or by a person, made it and chose it by its score: it is no sample of anything.
    Attack,
}

impl Origin {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Generate => "generate",
            Self::Edit => "edit",
            Self::Attack => "attack",
        }
    }
}

/// A snippet to store. Its prompt is stored with it where it is new.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSnippet {
    /// The text.
    pub text: SnippetText,
    /// The prompt's family, where the importer knows it; see [`NewPrompt::family`].
    ///
    /// [`NewPrompt::family`]: crate::NewPrompt::family
    pub prompt_family: Option<ContentHash>,
    /// The snippet that this one was made from, stored or in the same batch. A new prompt then
    /// joins the family of the parent's prompt, so that an edit never changes sides; a prompt that
    /// is in another family is refused.
    pub parent: Option<ContentHash>,
    /// How it came to be.
    pub origin: Origin,
    /// Where it comes from, such as a file's name.
    pub source: String,
    /// Anything else that was said of it (kind, genre, how it was picked); `null` for nothing.
    pub meta: Value,
}

impl NewSnippet {
    /// A snippet from a file, without parent, family or further data.
    pub fn imported(text: SnippetText, source: impl Into<String>) -> Self {
        Self {
            text,
            prompt_family: None,
            parent: None,
            origin: Origin::Import,
            source: source.into(),
            meta: Value::Null,
        }
    }
}

/// What brought a batch of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bringer {
    pub import: Option<i64>,
    pub run: Option<RunId>,
}

impl Store {
    /// Stores snippets, and their prompts where those are new, in one transaction.
    ///
    /// A snippet that is stored already stays as it is. Where it is met again under another
    /// source, origin or further data, that sighting is kept beside it, so that its membership in
    /// a sample is not lost.
    ///
    /// # Errors
    /// [`StoreError::Nul`], [`StoreError::UnknownParent`], [`StoreError::BadValue`] for a family
    /// that contradicts another, and those of writing; nothing is stored then.
    pub async fn insert_snippets(
        &self,
        snippets: &[NewSnippet],
    ) -> Result<Inserted<SnippetId>, StoreError> {
        in_transaction!(self.connection, |tx| put(tx, snippets, Bringer::default())
            .await)
    }
}
