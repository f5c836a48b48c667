//! Assignments: what was given to whom, until when, and what came of it.

use super::{not_found, severity};
use crate::entity::assignment::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::Store;
use crate::time::{moment, now, stored};
use crate::values::{Place, from_word};
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::AccountId;
use nines_domain::comparison::Choice;
use nines_domain::label::{Severity, Verdict};
use nines_domain::snippet::SnippetId;
use sea_orm::prelude::TimeDateTimeWithTimeZone as StoredMoment;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

/// How long an item stays with a labeller who does not say that they are still at it.
pub const LEASE: SignedDuration = SignedDuration::from_mins(20);

/// How many items of one queue a labeller may have open at once.
pub const LEASES: usize = 3;

/// Why an item was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Its label counts.
    Work,
    /// Its label is known: a hidden check.
    Gold,
    /// The labeller has labelled it before: a hidden check.
    Repeat,
    /// To learn; the answer is told afterwards.
    Practice,
    /// Part of the test before the first real item.
    Qualification,
}

impl Purpose {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Gold => "gold",
            Self::Repeat => "repeat",
            Self::Practice => "practice",
            Self::Qualification => "qualification",
        }
    }

    /// Returns what a labeller may know of it: hidden checks look like work.
    pub fn as_told(self) -> Self {
        match self {
            Self::Gold | Self::Repeat => Self::Work,
            told => told,
        }
    }
}

/// How far an assignment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignmentState {
    /// With the labeller.
    Open,
    /// Answered.
    Answered,
    /// The labeller passed it on.
    Skipped,
    /// Its lease ran out; a late answer is still saved.
    Expired,
    /// Taken back; another assignment stands in its place.
    Undone,
}

impl AssignmentState {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
            Self::Undone => "undone",
        }
    }
}

/// A stored assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Its key.
    pub id: i64,
    /// The queue it came from; none for practice and qualification.
    pub queue: Option<i64>,
    /// Whose it is.
    pub account: AccountId,
    /// Why it was given out; labellers are told [`Purpose::as_told`] alone.
    pub purpose: Purpose,
    /// The snippet, the left one of a pair.
    pub snippet: SnippetId,
    /// The right one of a pair.
    pub other: Option<SnippetId>,
    /// How far it is.
    pub state: AssignmentState,
    /// When it was given out.
    pub shown: Timestamp,
    /// Until when it is kept for this labeller.
    pub expires: Timestamp,
    /// The verdict and severity given, or for a pair the choice.
    pub answer: Given,
}

/// What was answered, if anything was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given {
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// How grave.
    pub severity: Option<Severity>,
    /// Which of two.
    pub choice: Option<Choice>,
}

impl Store {
    /// Returns an assignment of an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for one of another account too, and those of reading.
    pub async fn assignment(&self, id: i64, account: AccountId) -> Result<Assignment, StoreError> {
        read(own(&self.connection, id, account).await?)
    }
}

/// Finds an assignment of an account.
pub(super) async fn own<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    account: AccountId,
) -> Result<Model, StoreError> {
    let found = Entity::find_by_id(id)
        .filter(Column::AccountId.eq(account.0))
        .one(connection)
        .await?;
    found.ok_or_else(|| not_found("assignment", id))
}

/// When a lease that starts now runs out.
pub(super) fn end_of_lease() -> StoredMoment {
    stored(Timestamp::now() + LEASE)
}

/// An open assignment that starts now, of the same thing as another row.
pub(super) fn opened(like: &Model) -> ActiveModel {
    ActiveModel {
        queue_item_id: Set(like.queue_item_id),
        queue_id: Set(like.queue_id),
        account_id: Set(like.account_id),
        labeller: Set(like.labeller.clone()),
        purpose: Set(like.purpose.clone()),
        check_item_id: Set(like.check_item_id),
        repeat_of: Set(like.repeat_of),
        attempt: Set(like.attempt),
        snippet_id: Set(like.snippet_id),
        other_snippet_id: Set(like.other_snippet_id),
        state: Set(AssignmentState::Open.as_str().to_owned()),
        item_waiting: Set(false),
        shown: Set(now()),
        expires: Set(end_of_lease()),
        seconds: Set(0.0),
        away_seconds: Set(0.0),
        ..Default::default()
    }
}

/// Reads the state of a row.
pub(super) fn state_of(row: &Model) -> Result<AssignmentState, StoreError> {
    from_word(place(row, "state"), &row.state)
}

/// Reads the purpose of a row.
pub(super) fn purpose_of(row: &Model) -> Result<Purpose, StoreError> {
    from_word(place(row, "purpose"), &row.purpose)
}

/// Reads what was answered.
pub(super) fn given(row: &Model) -> Result<Given, StoreError> {
    let verdict = row.verdict.as_deref();
    let verdict = verdict.map(|word| from_word(place(row, "verdict"), word));
    let choice = row.choice.as_deref();
    let choice = choice.map(|word| from_word(place(row, "choice"), word));
    Ok(Given {
        verdict: verdict.transpose()?,
        severity: severity(place(row, "severity"), row.severity)?,
        choice: choice.transpose()?,
    })
}

fn place(row: &Model, column: &'static str) -> Place {
    Place {
        table: "assignments",
        id: row.id,
        column,
    }
}

pub(super) fn read(row: Model) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        id: row.id,
        queue: row.queue_id,
        account: AccountId(row.account_id),
        purpose: purpose_of(&row)?,
        snippet: SnippetId(row.snippet_id),
        other: row.other_snippet_id.map(SnippetId),
        state: state_of(&row)?,
        shown: moment(row.shown),
        expires: moment(row.expires),
        answer: given(&row)?,
    })
}
