//! Rulings as pages read them.

use crate::error::Problem;
use crate::people::Names;
use crate::state::AppState;
use jiff::Timestamp;
use nines_store::Ruling;
use serde::Serialize;
use utoipa::ToSchema;

/// A question with its answer, if it has one.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulingRow {
    /// Its key.
    pub id: i64,
    /// The snippet that raised it.
    pub snippet: Option<i64>,
    /// That snippet's prompt.
    pub prompt: Option<String>,
    /// That snippet's completion.
    pub completion: Option<String>,
    /// What is asked.
    pub question: String,
    /// Who asks.
    pub asked_by: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// The version of the guide at that time.
    pub guide_version: Option<u32>,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was answered last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered: Option<Timestamp>,
}

impl RulingRow {
    /// Adds names and texts to stored rulings.
    pub async fn all(state: &AppState, rulings: Vec<Ruling>) -> Result<Vec<Self>, Problem> {
        let names = Names::read(&state.store).await?;
        let ids: Vec<_> = rulings.iter().filter_map(|r| r.new.snippet).collect();
        let mut texts = state.store.snippet_texts(&ids).await?.into_iter();
        let rows = rulings.into_iter().map(|ruling| {
            let text = ruling.new.snippet.and_then(|_| texts.next());
            let (prompt, completion) = match text {
                Some(text) => (Some(text.prompt), Some(text.completion)),
                None => (None, None),
            };
            Self {
                id: ruling.id,
                snippet: ruling.new.snippet.map(|snippet| snippet.0),
                prompt,
                completion,
                question: ruling.new.question,
                asked_by: names.of(ruling.new.asked_by),
                answer: ruling.answer,
                answered_by: ruling.answered_by.and_then(|by| names.of(by)),
                guide_version: ruling.guide_version,
                created: ruling.created,
                answered: ruling.answered,
            }
        });
        Ok(rows.collect())
    }

    /// The same of one.
    pub async fn one(state: &AppState, ruling: Ruling) -> Result<Self, Problem> {
        let rows = Self::all(state, vec![ruling]).await?;
        let row = rows.into_iter().next();
        row.ok_or_else(|| Problem::internal("a ruling got lost"))
    }
}
