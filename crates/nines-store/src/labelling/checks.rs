//! Checks of quality: snippets whose label is known, shown to learn, to qualify, or hidden among the
//! work. Answers to them are kept apart and never become labels.

use super::assignments::{self, Purpose};
use super::leasing::{blank, order};
use super::{
    Answer, Labeller, candidates, check_note, check_verdict, not_found, qualification, severity,
    take_turn,
};
use crate::entity::assignment;
use crate::entity::check_item::{ActiveModel, Column, Entity, Model};
use crate::entity::{check_answer, label, label_withdrawal};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::label::{Severity, Verdict, answers_right};
use nines_domain::snippet::SnippetId;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A labeller's item comes again after so many others at the earliest.
const REPEAT_AFTER: u64 = 10;
/// How far back an item to repeat is looked for.
const REPEAT_AMONG: u64 = 200;

/// What a check item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckPurpose {
    /// Hidden among the work.
    Gold,
    /// To learn, with feedback.
    Practice,
    /// Part of the test before the first real item.
    Qualification,
}

impl CheckPurpose {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gold => "gold",
            Self::Practice => "practice",
            Self::Qualification => "qualification",
        }
    }
}

/// A check item to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckItem {
    /// The snippet.
    pub snippet: SnippetId,
    /// What it is for.
    pub purpose: CheckPurpose,
    /// What is right.
    pub verdict: Verdict,
    /// How grave, with yes.
    pub severity: Option<Severity>,
    /// Why, as labellers are told.
    pub explanation: String,
}

/// A stored check item.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckItem {
    /// Its key.
    pub id: i64,
    /// What it is.
    pub item: NewCheckItem,
    /// When it was retired.
    pub retired: Option<Timestamp>,
    /// The account that made it.
    pub created_by: Option<AccountId>,
    /// When it was stored.
    pub created: Timestamp,
}

/// What a labeller is told after a practice item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether the answer was right.
    pub is_right: bool,
    /// What is right.
    pub verdict: Verdict,
    /// How grave.
    pub severity: Option<Severity>,
    /// Why.
    pub explanation: String,
}

impl Store {
    /// Stores check items in one transaction.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a severity without yes, an explanation that is empty or too long, a
    /// snippet that has an active check item already, or one that a design draws from;
    /// [`StoreError::Dangling`] for one that is
    /// not stored; and those of writing. Nothing is stored then.
    pub async fn insert_check_items(
        &self,
        new: &[NewCheckItem],
        created_by: Option<AccountId>,
    ) -> Result<Vec<CheckItem>, StoreError> {
        for item in new {
            check_note("explanation", &item.explanation)?;
            check_verdict(item.verdict, item.severity)?;
        }
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let keys: Vec<i64> = new.iter().map(|item| item.snippet.0).collect();
            let drawn = candidates::in_designs(tx, &keys).await?;
            let mut taken: HashSet<i64> = Entity::find()
                .filter(Column::SnippetId.is_in(keys.iter().copied()))
                .filter(Column::Retired.is_null())
                .all(tx)
                .await?
                .into_iter()
                .map(|row| row.snippet_id)
                .collect();
            let mut stored = Vec::with_capacity(new.len());
            for (row, item) in new.iter().enumerate() {
                if drawn.contains(&item.snippet.0) {
                    return Err(StoreError::BadValue {
                        row,
                        field: "snippet",
                        why: format!(
                            "{} is an answer that a measurement draws from; what labellers are taught is not \
                             what they measure: choose another one",
                            item.snippet
                        ),
                    });
                }
                if !taken.insert(item.snippet.0) {
                    return Err(StoreError::BadValue {
                        row,
                        field: "snippet",
                        why: format!(
                            "{} is a check item already; retire that first",
                            item.snippet
                        ),
                    });
                }
                let row = ActiveModel {
                    snippet_id: Set(item.snippet.0),
                    purpose: Set(item.purpose.as_str().to_owned()),
                    verdict: Set(item.verdict.as_str().to_owned()),
                    severity: Set(item.severity.map(|severity| u8::from(severity).into())),
                    explanation: Set(item.explanation.clone()),
                    created_by: Set(created_by.map(|by| by.0)),
                    created: Set(now()),
                    ..Default::default()
                };
                stored.push(read(row.insert(tx).await?)?);
            }
            Ok(stored)
        })
    }

    /// Retires a check item: it is given out no more. Retiring it twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn retire_check_item(&self, id: i64) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let found = Entity::find_by_id(id).one(tx).await?;
            let row = found.ok_or_else(|| not_found("check item", id))?;
            if row.retired.is_none() {
                let change = ActiveModel {
                    id: Set(id),
                    retired: Set(Some(now())),
                    ..Default::default()
                };
                change.update(tx).await?;
            }
            Ok(())
        })
    }

    /// Lists check items after a key, oldest first, up to `limit`; retired ones too.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn check_items(
        &self,
        after: Option<i64>,
        limit: u64,
    ) -> Result<Vec<CheckItem>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Id.gt(after.unwrap_or(i64::MIN)))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

/// Picks a gold item that a labeller has not met in any form.
pub(super) async fn hidden_gold(
    tx: &DatabaseTransaction,
    labeller: &Labeller,
    given: u64,
) -> Result<Option<assignment::Model>, StoreError> {
    use assignment::Column as Given;
    let met = Query::select()
        .expr(Expr::value(1))
        .from(assignment::Entity)
        .and_where(Expr::col((assignment::Entity, Given::AccountId)).eq(labeller.account.0))
        .and_where(
            Expr::col((assignment::Entity, Given::SnippetId)).equals((Entity, Column::SnippetId)),
        )
        .and_where(Given::State.is_in(["open", "answered", "skipped"]))
        .take();
    let unmet = Entity::find()
        .filter(Column::Purpose.eq(CheckPurpose::Gold.as_str()))
        .filter(Column::Retired.is_null())
        .filter(Expr::exists(met).not())
        .all(tx)
        .await?;
    let picked = unmet
        .into_iter()
        .min_by_key(|item| order("gold", labeller.account.0, given, item.id));
    Ok(picked.map(|item| assignment::Model {
        check_item_id: Some(item.id),
        snippet_id: item.snippet_id,
        ..blank(labeller, Purpose::Gold)
    }))
}

/// Picks an item of a queue that a labeller has labelled some time ago and not repeated yet.
pub(super) async fn hidden_repeat(
    tx: &DatabaseTransaction,
    labeller: &Labeller,
    queue: i64,
    given: u64,
) -> Result<Option<assignment::Model>, StoreError> {
    use assignment::Column as Given;
    // A label may be withdrawn where it is shown, too: its giver's word no longer.
    let withdrawn = Query::select()
        .expr(Expr::value(1))
        .from(label_withdrawal::Entity)
        .and_where(
            Expr::col((label_withdrawal::Entity, label_withdrawal::Column::LabelId))
                .equals((assignment::Entity, Given::LabelId)),
        )
        .take();
    let answered = assignment::Entity::find()
        .filter(Given::AccountId.eq(labeller.account.0))
        .filter(Given::Answered.is_not_null())
        .filter(Given::State.eq("answered"))
        .filter(Expr::exists(withdrawn).not())
        .order_by_desc(Given::Answered)
        .order_by_desc(Given::Id)
        .offset(REPEAT_AFTER)
        .limit(REPEAT_AMONG)
        .all(tx)
        .await?;
    let repeated: HashSet<i64> = assignment::Entity::find()
        .filter(Given::AccountId.eq(labeller.account.0))
        .filter(Given::Purpose.eq(Purpose::Repeat.as_str()))
        .filter(Given::State.is_in(["open", "answered", "skipped"]))
        .all(tx)
        .await?
        .into_iter()
        .filter_map(|row| row.repeat_of)
        .collect();
    let picked = answered
        .into_iter()
        .filter(|row| row.queue_id == Some(queue) && row.label_id.is_some())
        .filter(|row| !repeated.contains(&row.id))
        .min_by_key(|row| order("repeat", labeller.account.0, given, row.id));
    Ok(picked.map(|row| assignment::Model {
        repeat_of: Some(row.id),
        snippet_id: row.snippet_id,
        ..blank(labeller, Purpose::Repeat)
    }))
}

/// Keeps the answer to a check, and where it ends a qualification test, how that went.
pub(super) async fn save_answer(
    tx: &DatabaseTransaction,
    row: &assignment::Model,
    purpose: Purpose,
    answer: &Answer,
) -> Result<(), StoreError> {
    let (verdict, severity) = known(tx, row).await?;
    let is_right = answers_right((verdict, severity), (answer.verdict, answer.severity));
    let number = |severity: Option<Severity>| severity.map(|severity| u8::from(severity).into());
    let stored = check_answer::ActiveModel {
        assignment_id: Set(row.id),
        account_id: Set(row.account_id),
        check_item_id: Set(row.check_item_id),
        snippet_id: Set(row.snippet_id),
        purpose: Set(purpose.as_str().to_owned()),
        attempt: Set(row.attempt),
        verdict: Set(answer.verdict.as_str().to_owned()),
        severity: Set(number(answer.severity)),
        expected_verdict: Set(verdict.as_str().to_owned()),
        expected_severity: Set(number(severity)),
        is_right: Set(is_right),
        withdrawn: Set(false),
        seconds: Set(answer.seconds),
        created: Set(now()),
        ..Default::default()
    };
    stored.insert(tx).await?;
    if purpose == Purpose::Qualification {
        qualification::judge(tx, AccountId(row.account_id)).await?;
    }
    Ok(())
}

/// Reads what is known of the snippet of a check.
async fn known(
    tx: &DatabaseTransaction,
    row: &assignment::Model,
) -> Result<(Verdict, Option<Severity>), StoreError> {
    if let Some(item) = row.check_item_id {
        let found = Entity::find_by_id(item).one(tx).await?;
        let item = read(found.ok_or_else(|| not_found("check item", item))?)?;
        return Ok((item.item.verdict, item.item.severity));
    }
    let earlier = row.repeat_of.unwrap_or(row.id);
    let earlier = assignments::own(tx, earlier, AccountId(row.account_id)).await?;
    let label = earlier.label_id.unwrap_or_default();
    let found = label::Entity::find_by_id(label).one(tx).await?;
    let found = found.ok_or_else(|| not_found("label", label))?;
    let place = |column| Place {
        table: "labels",
        id: found.id,
        column,
    };
    Ok((
        from_word(place("verdict"), &found.verdict)?,
        severity(place("severity"), found.severity)?,
    ))
}

/// Marks the answer to a hidden check as taken back.
pub(super) async fn withdraw_answer(
    tx: &DatabaseTransaction,
    assignment: i64,
) -> Result<(), StoreError> {
    use check_answer::Column;
    check_answer::Entity::update_many()
        .col_expr(Column::Withdrawn, Expr::value(true))
        .filter(Column::AssignmentId.eq(assignment))
        .exec(tx)
        .await?;
    Ok(())
}

/// Returns what a labeller is told after answering; only practice tells anything.
pub(super) async fn feedback_of(
    tx: &DatabaseTransaction,
    row: &assignment::Model,
) -> Result<Option<Feedback>, StoreError> {
    let Some(item) = row
        .check_item_id
        .filter(|_| row.purpose == Purpose::Practice.as_str())
    else {
        return Ok(None);
    };
    let item = Entity::find_by_id(item)
        .one(tx)
        .await?
        .ok_or_else(|| not_found("check item", item))?;
    let item = read(item)?.item;
    let answer = check_answer::Entity::find()
        .filter(check_answer::Column::AssignmentId.eq(row.id))
        .one(tx)
        .await?;
    Ok(answer.map(|answer| Feedback {
        is_right: answer.is_right,
        verdict: item.verdict,
        severity: item.severity,
        explanation: item.explanation,
    }))
}

pub(super) fn read(row: Model) -> Result<CheckItem, StoreError> {
    let place = |column| Place {
        table: "check_items",
        id: row.id,
        column,
    };
    Ok(CheckItem {
        id: row.id,
        item: NewCheckItem {
            snippet: SnippetId(row.snippet_id),
            purpose: from_word(place("purpose"), &row.purpose)?,
            verdict: from_word(place("verdict"), &row.verdict)?,
            severity: severity(place("severity"), row.severity)?,
            explanation: row.explanation,
        },
        retired: row.retired.map(moment),
        created_by: row.created_by.map(AccountId),
        created: moment(row.created),
    })
}
