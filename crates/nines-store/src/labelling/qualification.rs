//! Who may work: practice items first, then the test.

use super::assignments::{self, Assignment, LEASES, Purpose};
use super::checks::CheckPurpose;
use super::leasing::{Leased, blank, renewed, sweep};
use super::{Labeller, take_turn};
use crate::entity::qualification::{ActiveModel, Column, Entity};
use crate::entity::{assignment, check_answer, check_item};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now, stored};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nines_domain::account::AccountId;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder,
};
use std::collections::HashSet;

/// So many of the test's items must be right.
const PASS: f64 = 0.8;

/// What a labeller must do before the first real item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Practice items, with feedback.
    Practice,
    /// The test.
    Qualification,
    /// Nothing: they failed, and a researcher may let them try again.
    Failed,
}

/// How far a part of the training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Items answered.
    pub done: u64,
    /// Items that there are.
    pub total: u64,
}

/// Where a labeller stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// What is to be done before the first real item; none for who may work.
    pub stage: Option<Stage>,
    /// Practice items.
    pub practice: Progress,
    /// The test.
    pub qualification: Progress,
}

/// What a labeller did today.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Today {
    /// Items answered.
    pub answered: u64,
    /// Seconds at work.
    pub seconds: f64,
}

/// The same, with what it is derived from.
struct Training {
    attempt: i64,
    /// Active practice items, with those answered in this attempt.
    practice: Part,
    qualification: Part,
    outcome: Option<String>,
}

struct Part {
    items: Vec<check_item::Model>,
    answered: HashSet<i64>,
    right: u64,
    answers: u64,
}

impl Part {
    fn progress(&self) -> Progress {
        let done = self
            .items
            .iter()
            .filter(|item| self.answered.contains(&item.id));
        Progress {
            done: done.count() as u64,
            total: self.items.len() as u64,
        }
    }

    fn is_done(&self) -> bool {
        let progress = self.progress();
        progress.done == progress.total
    }

    fn is_passed(&self) -> bool {
        self.right as f64 >= PASS * self.answers as f64
    }
}

impl Training {
    fn stage(&self) -> Option<Stage> {
        match self.outcome.as_deref() {
            Some("passed") => return None,
            _ if self.qualification.items.is_empty() => return None,
            Some("failed") => return Some(Stage::Failed),
            _ => {}
        }
        if !self.practice.is_done() {
            Some(Stage::Practice)
        } else if !self.qualification.is_done() {
            Some(Stage::Qualification)
        } else {
            // The items that were left have been retired since the last answer.
            (!self.qualification.is_passed()).then_some(Stage::Failed)
        }
    }
}

impl Store {
    /// Says where an account stands: whether it may work, and what is to be done before.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn standing(&self, account: AccountId) -> Result<Standing, StoreError> {
        let training = training(&self.connection, account).await?;
        Ok(Standing {
            stage: training.stage(),
            practice: training.practice.progress(),
            qualification: training.qualification.progress(),
        })
    }

    /// Says what an account has done since midnight UTC.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn today(&self, account: AccountId) -> Result<Today, StoreError> {
        use assignment::Column as Given;
        let midnight = Timestamp::now()
            .to_zoned(TimeZone::UTC)
            .start_of_day()
            .map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp());
        let select = Query::select()
            .expr_as(Expr::col(Given::Id).count(), "answered")
            .expr_as(Expr::col(Given::Seconds).sum(), "seconds")
            .from(assignment::Entity)
            .and_where(Given::AccountId.eq(account.0))
            .and_where(Given::Answered.gte(stored(midnight)))
            .and_where(Given::State.eq("answered"))
            .take();
        let row = self.connection.query_one(&select).await?;
        row.map_or(Ok(Today::default()), |row| {
            let answered: i64 = row.try_get("", "answered")?;
            let seconds: Option<f64> = row.try_get("", "seconds")?;
            Ok(Today {
                answered: answered.unsigned_abs(),
                seconds: seconds.unwrap_or(0.0),
            })
        })
    }

    /// Gives a labeller the next item of practice or of the qualification test. One that they have
    /// open and do not name in `holding` is given again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it is not their turn for that part, and those of writing.
    pub async fn next_check(
        &self,
        part: CheckPurpose,
        labeller: &Labeller,
        holding: &[i64],
    ) -> Result<Leased, StoreError> {
        let (stage, purpose) = match part {
            CheckPurpose::Practice => (Stage::Practice, Purpose::Practice),
            CheckPurpose::Qualification => (Stage::Qualification, Purpose::Qualification),
            CheckPurpose::Gold => {
                return Err(StoreError::BadValue {
                    row: 0,
                    field: "part",
                    why: "is gold; gold items are hidden among the work".to_owned(),
                });
            }
        };
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            sweep(tx).await?;
            let training = training(tx, labeller.account).await?;
            if training.stage() != Some(stage) {
                return Ok(Leased {
                    assignment: None,
                    waiting: 0,
                });
            }
            let part = match stage {
                Stage::Practice => training.practice,
                _ => training.qualification,
            };
            use assignment::Column as Given;
            let open = assignment::Entity::find()
                .filter(Given::AccountId.eq(labeller.account.0))
                .filter(Given::State.eq("open"))
                .filter(Given::Purpose.eq(purpose.as_str()))
                .filter(Given::Attempt.eq(training.attempt))
                .order_by_asc(Given::Id)
                .all(tx)
                .await?;
            let left: Vec<&check_item::Model> = part
                .items
                .iter()
                .filter(|item| !part.answered.contains(&item.id))
                .filter(|item| !open.iter().any(|row| row.check_item_id == Some(item.id)))
                .collect();
            let mut waiting = left.len() as u64;
            let row = match open.iter().find(|row| !holding.contains(&row.id)) {
                Some(row) => Some(renewed(tx, row.id).await?),
                None if open.len() >= LEASES => None,
                None => match left.first() {
                    None => None,
                    Some(item) => {
                        waiting -= 1;
                        let like = assignment::Model {
                            check_item_id: Some(item.id),
                            snippet_id: item.snippet_id,
                            attempt: training.attempt,
                            ..blank(labeller, purpose)
                        };
                        Some(assignments::opened(&like).insert(tx).await?)
                    }
                },
            };
            let assignment: Option<Assignment> = row.map(assignments::read).transpose()?;
            Ok(Leased {
                assignment,
                waiting,
            })
        })
    }

    /// Lets an account do practice and test again.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] for an account that is not there, and those of writing.
    pub async fn qualify_again(
        &self,
        account: AccountId,
        decided_by: AccountId,
    ) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let row = ActiveModel {
                account_id: Set(account.0),
                outcome: Set("again".to_owned()),
                right_count: Set(0),
                total: Set(0),
                decided_by: Set(Some(decided_by.0)),
                created: Set(now()),
                ..Default::default()
            };
            row.insert(tx).await?;
            Ok(())
        })
    }

    /// Returns when an account passed the qualification test, where it did.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn qualified_since(
        &self,
        account: AccountId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let newest = Entity::find()
            .filter(Column::AccountId.eq(account.0))
            .order_by_desc(Column::Id)
            .one(&self.connection)
            .await?;
        Ok(newest
            .filter(|row| row.outcome == "passed")
            .map(|row| moment(row.created)))
    }
}

/// Reads what the training of an account consists of and how far it is.
async fn training<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
) -> Result<Training, StoreError> {
    let mut items = check_item::Entity::find()
        .filter(check_item::Column::Retired.is_null())
        .filter(check_item::Column::Purpose.is_in(["practice", "qualification"]))
        .order_by_asc(check_item::Column::Id)
        .all(connection)
        .await?;
    let outcomes = Entity::find()
        .filter(Column::AccountId.eq(account.0))
        .order_by_asc(Column::Id)
        .all(connection)
        .await?;
    let attempt = outcomes.iter().filter(|row| row.outcome == "again").count() as i64;
    let outcome = outcomes.last().map(|row| row.outcome.clone());
    let answers = check_answer::Entity::find()
        .filter(check_answer::Column::AccountId.eq(account.0))
        .filter(check_answer::Column::Purpose.is_in(["practice", "qualification"]))
        .filter(check_answer::Column::Attempt.eq(attempt))
        .filter(check_answer::Column::Withdrawn.eq(false))
        .all(connection)
        .await?;
    let mut part = |purpose: CheckPurpose| {
        let word = purpose.as_str();
        let (mine, rest) = std::mem::take(&mut items)
            .into_iter()
            .partition(|item| item.purpose == word);
        items = rest;
        let answers = || answers.iter().filter(|answer| answer.purpose == word);
        Part {
            items: mine,
            answered: answers()
                .filter_map(|answer| answer.check_item_id)
                .collect(),
            right: answers().filter(|answer| answer.is_right).count() as u64,
            answers: answers().count() as u64,
        }
    };
    Ok(Training {
        attempt,
        practice: part(CheckPurpose::Practice),
        qualification: part(CheckPurpose::Qualification),
        outcome,
    })
}

/// Records how a qualification test went, once its last item is answered.
pub(super) async fn judge<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
) -> Result<(), StoreError> {
    let training = training(connection, account).await?;
    let part = &training.qualification;
    let is_open = !matches!(training.outcome.as_deref(), Some("passed" | "failed"));
    if !is_open || !part.is_done() {
        return Ok(());
    }
    let outcome = if part.is_passed() { "passed" } else { "failed" };
    let row = ActiveModel {
        account_id: Set(account.0),
        outcome: Set(outcome.to_owned()),
        right_count: Set(part.right as i64),
        total: Set(part.answers as i64),
        decided_by: Set(None),
        created: Set(now()),
        ..Default::default()
    };
    row.insert(connection).await?;
    Ok(())
}
