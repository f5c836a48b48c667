//! Check items as pages read them.

use crate::error::Problem;
use crate::labelling::VerdictWord;
use crate::people::Names;
use crate::state::AppState;
use jiff::Timestamp;
use nines_domain::label::Verdict;
use nines_store::{CheckItem, CheckPurpose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a check item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckUse {
    /// Hidden among the work.
    Gold,
    /// To learn, with feedback.
    Practice,
    /// Part of the test before the first real item.
    Qualification,
}

impl From<CheckUse> for CheckPurpose {
    fn from(of: CheckUse) -> Self {
        match of {
            CheckUse::Gold => Self::Gold,
            CheckUse::Practice => Self::Practice,
            CheckUse::Qualification => Self::Qualification,
        }
    }
}

impl From<CheckPurpose> for CheckUse {
    fn from(of: CheckPurpose) -> Self {
        match of {
            CheckPurpose::Gold => Self::Gold,
            CheckPurpose::Practice => Self::Practice,
            CheckPurpose::Qualification => Self::Qualification,
        }
    }
}

/// An item whose label is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckRow {
    /// Its key.
    pub id: i64,
    /// The snippet.
    pub snippet: i64,
    /// Its prompt.
    pub prompt: String,
    /// Its completion.
    pub completion: String,
    /// What it is for.
    pub purpose: CheckUse,
    /// What is right.
    #[schema(value_type = VerdictWord)]
    pub verdict: Verdict,
    /// How grave, with yes.
    pub severity: Option<u8>,
    /// Why, as labellers are told after practice.
    pub explanation: String,
    /// When it was retired.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl CheckRow {
    /// Adds names and texts to stored check items.
    pub async fn all(state: &AppState, items: Vec<CheckItem>) -> Result<Vec<Self>, Problem> {
        let names = Names::read(&state.store).await?;
        let ids: Vec<_> = items.iter().map(|stored| stored.item.snippet).collect();
        let texts = state.store.snippet_texts(&ids).await?;
        let rows = items.into_iter().zip(texts).map(|(stored, text)| Self {
            id: stored.id,
            snippet: stored.item.snippet.0,
            prompt: text.prompt,
            completion: text.completion,
            purpose: stored.item.purpose.into(),
            verdict: stored.item.verdict,
            severity: stored.item.severity.map(u8::from),
            explanation: stored.item.explanation,
            retired: stored.retired,
            created_by: stored.created_by.and_then(|by| names.of(by)),
            created: stored.created,
        });
        Ok(rows.collect())
    }
}

/// Check items, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckRows {
    /// The items.
    pub rows: Vec<CheckRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<i64>,
}
