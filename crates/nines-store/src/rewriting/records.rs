//! Sessions as they are stored, and the time that they took.

use super::{not_found, refused};
use crate::entity::rewriting_session::{Column, Entity, Model};
use crate::error::StoreError;
use crate::time::moment;
use crate::values::{Place, from_word, unsigned};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::label::Severity;
use nines_domain::score::Threshold;
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewritingState {
    /// Somebody is at it.
    Open,
    /// It ended with a find, which may wait for its verification.
    Submitted,
    /// It ended without one: a censored attempt.
    GaveUp,
}

impl RewritingState {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Submitted => "submitted",
            Self::GaveUp => "gave_up",
        }
    }
}

/// Seconds that a page has counted since the session began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WorkTime {
    /// At work.
    pub seconds: f64,
    /// With the page hidden, idle or paused.
    pub away_seconds: f64,
}

impl WorkTime {
    /// Refuses what is no time.
    pub(super) fn check(self) -> Result<Self, StoreError> {
        for (field, seconds) in [
            ("seconds", self.seconds),
            ("away_seconds", self.away_seconds),
        ] {
            if !(seconds.is_finite() && seconds >= 0.0) {
                return Err(StoreError::BadValue {
                    row: 0,
                    field,
                    why: "is not a finite number from 0".to_owned(),
                });
            }
        }
        Ok(self)
    }

    /// Adds what a page tells to what is stored: the larger counts, since what comes late is less;
    /// and the two together are never more than the time that has passed.
    pub(super) fn joined(self, row: &Model, now: Timestamp) -> Self {
        let passed = now.duration_since(moment(row.created)).as_secs_f64();
        let passed = passed.max(0.0);
        let seconds = f64::max(row.seconds, self.seconds).min(passed);
        let away = f64::max(row.away_seconds, self.away_seconds);
        Self {
            seconds,
            away_seconds: away.min(passed - seconds),
        }
    }
}

/// What a session ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingFind {
    /// The stored snippet.
    pub snippet: SnippetId,
    /// Its score.
    pub score: f64,
    /// How grave its author says it is.
    pub severity: Severity,
    /// What trick it uses, in its author's words.
    pub trick: String,
    /// The queue in which it waits for somebody else's label.
    pub queue: i64,
}

/// A stored session.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingSession {
    /// Its key.
    pub id: i64,
    /// The task it belongs to, if any.
    pub task: Option<i64>,
    /// Whose it is.
    pub account: AccountId,
    /// Their name.
    pub labeller: String,
    /// The classifier under attack.
    pub model: ModelId,
    /// The path by which its scores are computed.
    pub path: String,
    /// What a find's score must lie below.
    pub threshold: Threshold,
    /// Whether saliency, substitutes and inspiration are there.
    pub tools: bool,
    /// How it stands.
    pub state: RewritingState,
    /// The snippet that it starts from, where that was stored before.
    pub start_snippet: Option<SnippetId>,
    /// The text that it starts from.
    pub start: SnippetText,
    /// The score of the start.
    pub start_score: f64,
    /// The text as it is now.
    pub text: SnippetText,
    /// The score of that; none where it has none.
    pub score: Option<f64>,
    /// Time at work.
    pub seconds: f64,
    /// Time away.
    pub away_seconds: f64,
    /// Whether the clock stands.
    pub paused: bool,
    /// How often saliency was asked for.
    pub saliency_calls: u64,
    /// How often substitutes or insertions were asked for.
    pub menu_calls: u64,
    /// Why it was given up, where its owner said so.
    pub reason: Option<String>,
    /// What was found.
    pub find: Option<RewritingFind>,
    /// When it began.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// Finds a session of an account, locks it against its other requests until the transaction ends, and
/// refuses one that has ended.
pub(super) async fn open(
    tx: &DatabaseTransaction,
    id: i64,
    account: AccountId,
) -> Result<Model, StoreError> {
    still_open(own(tx, id, account).await?)
}

/// Refuses a session that has ended.
pub(super) fn still_open(row: Model) -> Result<Model, StoreError> {
    match state_of(&row)? {
        RewritingState::Open => Ok(row),
        RewritingState::Submitted => Err(refused(row.id, "has ended: its find was submitted")),
        RewritingState::GaveUp => Err(refused(row.id, "has ended: it was given up")),
    }
}

/// Finds and locks a session of an account, whatever its state.
pub(super) async fn own(
    tx: &DatabaseTransaction,
    id: i64,
    account: AccountId,
) -> Result<Model, StoreError> {
    let found = Entity::find_by_id(id)
        .filter(Column::AccountId.eq(account.0))
        .lock(LockType::Update)
        .one(tx)
        .await?;
    found.ok_or_else(|| not_found("rewriting session", id))
}

pub(super) fn state_of(row: &Model) -> Result<RewritingState, StoreError> {
    from_word(place(row, "state"), &row.state)
}

fn place(row: &Model, column: &'static str) -> Place {
    Place {
        table: "rewriting_sessions",
        id: row.id,
        column,
    }
}

pub(super) fn read(row: Model) -> Result<RewritingSession, StoreError> {
    let threshold = Threshold::new(row.threshold);
    let threshold =
        threshold.map_err(|_| place(&row, "threshold").unreadable(&row.threshold.to_string()))?;
    let state = state_of(&row)?;
    let find = match (row.snippet_id, row.severity, row.score, row.queue_id) {
        (Some(snippet), Some(severity), Some(score), Some(queue)) => Some(RewritingFind {
            snippet: SnippetId(snippet),
            score,
            severity: u8::try_from(severity)
                .ok()
                .and_then(|severity| Severity::try_from(severity).ok())
                .ok_or_else(|| place(&row, "severity").unreadable(&severity.to_string()))?,
            trick: row.trick.clone().unwrap_or_default(),
            queue,
        }),
        _ => None,
    };
    Ok(RewritingSession {
        id: row.id,
        task: row.task_id,
        account: AccountId(row.account_id),
        model: ModelId(row.model_id),
        threshold,
        tools: row.tools,
        state,
        start_snippet: row.start_snippet_id.map(SnippetId),
        start_score: row.start_score,
        score: row.score,
        seconds: row.seconds,
        away_seconds: row.away_seconds,
        paused: row.paused,
        saliency_calls: unsigned(place(&row, "saliency_calls"), row.saliency_calls)?,
        menu_calls: unsigned(place(&row, "menu_calls"), row.menu_calls)?,
        find,
        created: moment(row.created),
        ended: row.ended.map(moment),
        labeller: row.labeller,
        path: row.path,
        start: SnippetText::new(row.start_prompt, row.start_completion),
        text: SnippetText::new(row.prompt, row.completion),
        reason: row.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_everywhere() {
        for state in [
            RewritingState::Open,
            RewritingState::Submitted,
            RewritingState::GaveUp,
        ] {
            let word = serde_json::to_value(state).expect("a word");
            assert_eq!(word, state.as_str());
        }
    }
}
