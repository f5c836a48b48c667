//! What the server needs of the rest of nines and must not know itself: the binary fills it.

use futures_util::future::BoxFuture;
use nines_domain::snippet::{DesignId, SnippetId};
use nines_store::DesignKind;
use serde_json::Value;

/// Why something asked of the workbench could not be done.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// It cannot be done yet or in this way; the message says what to do.
    #[error("{0}")]
    Refused(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// The measuring protocols and the project's own settings.
pub trait Workbench: Send + Sync + 'static {
    /// Lists what a design has drawn and still wants a person's label for, in the order in which it
    /// is to be labelled.
    fn waiting(
        &self,
        kind: DesignKind,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>>;

    /// Lists the pairs (left, right) that a quality design wants rated, sides as they are to be shown.
    fn pairs(
        &self,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>>;

    /// Computes the numbers of the Reliability page from what is labelled now.
    fn reliability(&self) -> BoxFuture<'_, Result<Value, WorkbenchError>>;

    /// Writes a new version of the guide to the project's file, and its number to the configuration.
    fn save_guide(&self, version: u32, text: String) -> BoxFuture<'_, Result<(), WorkbenchError>>;
}
