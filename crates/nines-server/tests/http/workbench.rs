//! A workbench that answers with fixed data. The real one is the binary's, tested there.

use futures_util::future::{BoxFuture, FutureExt, ready};
use nines_domain::snippet::{DesignId, SnippetId};
use nines_server::{Workbench, WorkbenchError};
use nines_store::DesignKind;
use serde_json::{Value, json};

/// Answers with fixed data.
pub struct FixedWorkbench;

impl Workbench for FixedWorkbench {
    fn waiting(
        &self,
        _: DesignKind,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn pairs(
        &self,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn reliability(&self) -> BoxFuture<'_, Result<Value, WorkbenchError>> {
        ready(Ok(json!({}))).boxed()
    }

    fn save_guide(&self, _: u32, _: String) -> BoxFuture<'_, Result<(), WorkbenchError>> {
        ready(Ok(())).boxed()
    }
}
