//! Steps: every edit of a session, on the disk before the page is told so.

use super::records::{self, WorkTime};
use super::{not_found, refused};
use crate::entity::rewriting_session as session;
use crate::entity::rewriting_step::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul, unsigned};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde::{Deserialize, Serialize};

/// Steps of the longest session.
const MOST_STEPS: u64 = 5_000;

/// What made a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Typing.
    Typed,
    /// A substitute that the tools offered.
    Substitute,
    /// An insertion that the tools offered.
    Insert,
    /// A deletion that the tools offered.
    Delete,
    /// Back to the step before.
    Undo,
    /// Forward again.
    Redo,
    /// Back to the start.
    Reset,
}

impl StepKind {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Substitute => "substitute",
            Self::Insert => "insert",
            Self::Delete => "delete",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::Reset => "reset",
        }
    }

    /// Says whether only the tools can make it.
    pub fn needs_tools(self) -> bool {
        matches!(self, Self::Substitute | Self::Insert | Self::Delete)
    }
}

/// A step to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRewritingStep {
    /// Its number, from 1, told by the page: the same number again is the same step sent again.
    pub n: u64,
    /// What made it.
    pub kind: StepKind,
    /// The text that it led to.
    pub text: SnippetText,
    /// Its score, or why it has none.
    pub score: Result<Score, String>,
    /// The time so far.
    pub time: WorkTime,
}

/// A stored step.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingStep {
    /// Its number, from 1.
    pub n: u64,
    /// What made it.
    pub kind: StepKind,
    /// The text that it led to.
    pub text: SnippetText,
    /// The score of that text; none where it has none.
    pub score: Option<f64>,
    /// Why it has none.
    pub reason: Option<String>,
    /// Seconds at work up to then.
    pub seconds: f64,
    /// When it was stored.
    pub created: Timestamp,
}

/// What a stored step came to.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedStep {
    /// The score of its text.
    pub score: Option<f64>,
    /// Why it has none.
    pub reason: Option<String>,
}

/// A tool that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolCall {
    /// For the saliency of the tokens.
    Saliency,
    /// For substitutes or insertions.
    Menu,
}

impl Store {
    /// Stores a step in one transaction; when it returns, the step is on the disk. The same step again
    /// changes nothing. The text of the highest number is what the session shows.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a session of another account too; [`StoreError::Refused`] for one
    /// that has ended, for a number that another step has, and for a step that needs tools the session
    /// does not have; [`StoreError::BadValue`], [`StoreError::Nul`], and those of writing.
    pub async fn save_rewriting_step(
        &self,
        id: i64,
        account: AccountId,
        step: &NewRewritingStep,
    ) -> Result<SavedStep, StoreError> {
        let time = step.time.check()?;
        refuse_nul(0, "prompt", &step.text.prompt)?;
        refuse_nul(0, "completion", &step.text.completion)?;
        if !(1..=MOST_STEPS).contains(&step.n) {
            return Err(StoreError::BadValue {
                row: 0,
                field: "n",
                why: format!(
                    "is {}; the steps of a session are numbered 1 to {MOST_STEPS}",
                    step.n
                ),
            });
        }
        let n = i64::try_from(step.n).unwrap_or(i64::MAX);
        in_transaction!(self.connection, |tx| {
            let row = records::own(tx, id, account).await?;
            let there = Entity::find()
                .filter(Column::SessionId.eq(id))
                .filter(Column::N.gte(n))
                .order_by_asc(Column::N)
                .one(tx)
                .await?;
            let is_newest = there.is_none();
            if let Some(same) = there.filter(|there| there.n == n) {
                let is_same = same.kind == step.kind.as_str()
                    && same.prompt == step.text.prompt
                    && same.completion == step.text.completion;
                if !is_same {
                    return Err(refused(
                        id,
                        format!("has another step {n} already; read the session again"),
                    ));
                }
                return Ok(SavedStep {
                    score: same.score,
                    reason: same.reason,
                });
            }
            let row = records::still_open(row)?;
            if step.kind.needs_tools() && !row.tools {
                return Err(refused(id, "is one without tools"));
            }
            let score = step.score.as_ref().ok().map(|score| score.logit());
            let reason = step.score.as_ref().err().map(|why| why.replace('\0', ""));
            let joined = time.joined(&row, Timestamp::now());
            let new = ActiveModel {
                session_id: Set(id),
                n: Set(n),
                kind: Set(step.kind.as_str().to_owned()),
                prompt: Set(step.text.prompt.clone()),
                completion: Set(step.text.completion.clone()),
                score: Set(score),
                reason: Set(reason.clone()),
                seconds: Set(joined.seconds),
                created: Set(now()),
                ..Default::default()
            };
            new.insert(tx).await?;
            let mut change = session::ActiveModel {
                id: Set(id),
                seconds: Set(joined.seconds),
                away_seconds: Set(joined.away_seconds),
                ..Default::default()
            };
            if is_newest {
                change.prompt = Set(step.text.prompt.clone());
                change.completion = Set(step.text.completion.clone());
                change.score = Set(score);
                change.paused = Set(false);
            }
            change.update(tx).await?;
            Ok(SavedStep { score, reason })
        })
    }

    /// Lists the steps of a session in their order.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_steps(&self, id: i64) -> Result<Vec<RewritingStep>, StoreError> {
        let rows = Entity::find()
            .filter(Column::SessionId.eq(id))
            .order_by_asc(Column::N)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Counts that a tool was asked.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn count_tool_call(&self, id: i64, call: ToolCall) -> Result<(), StoreError> {
        use session::Column;
        let column = match call {
            ToolCall::Saliency => Column::SaliencyCalls,
            ToolCall::Menu => Column::MenuCalls,
        };
        in_transaction!(self.connection, |tx| {
            let changed = session::Entity::update_many()
                .col_expr(column, Expr::col(column).add(1))
                .filter(Column::Id.eq(id))
                .exec(tx)
                .await?;
            match changed.rows_affected {
                0 => Err(not_found("rewriting session", id)),
                _ => Ok(()),
            }
        })
    }
}

fn read(row: Model) -> Result<RewritingStep, StoreError> {
    let place = |column| Place {
        table: "rewriting_steps",
        id: row.id,
        column,
    };
    Ok(RewritingStep {
        n: unsigned(place("n"), row.n)?,
        kind: from_word(place("kind"), &row.kind)?,
        text: SnippetText::new(row.prompt, row.completion),
        score: row.score,
        reason: row.reason,
        seconds: row.seconds,
        created: moment(row.created),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_everywhere() {
        use StepKind::{Delete, Insert, Redo, Reset, Substitute, Typed, Undo};
        for kind in [Typed, Substitute, Insert, Delete, Undo, Redo, Reset] {
            let word = serde_json::to_value(kind).expect("a word");
            assert_eq!(word, kind.as_str());
        }
    }
}
