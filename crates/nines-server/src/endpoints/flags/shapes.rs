//! Flags as pages read them.

use crate::error::Problem;
use crate::people::Names;
use crate::state::AppState;
use jiff::Timestamp;
use nines_store::Flag;
use serde::Serialize;
use utoipa::ToSchema;

/// An item that a labeller points at.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagRow {
    /// Its key.
    pub id: i64,
    /// The snippet.
    pub snippet: i64,
    /// Its prompt.
    pub prompt: String,
    /// Its completion.
    pub completion: String,
    /// Who points at it.
    pub account: Option<String>,
    /// Why.
    pub reason: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When a researcher was done with it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved: Option<Timestamp>,
}

impl FlagRow {
    /// Adds names and texts to stored flags.
    pub async fn all(state: &AppState, flags: Vec<Flag>) -> Result<Vec<Self>, Problem> {
        let names = Names::read(&state.store).await?;
        let ids: Vec<_> = flags.iter().map(|flag| flag.snippet).collect();
        let texts = state.store.snippet_texts(&ids).await?;
        let rows = flags.into_iter().zip(texts).map(|(flag, text)| Self {
            id: flag.id,
            snippet: flag.snippet.0,
            prompt: text.prompt,
            completion: text.completion,
            account: names.of(flag.account),
            reason: flag.reason,
            created: flag.created,
            resolved: flag.resolved,
        });
        Ok(rows.collect())
    }
}
