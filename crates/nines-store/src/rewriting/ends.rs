//! The clock of a session, and giving it up.

use super::records::{self, RewritingSession, RewritingState, WorkTime};
use crate::entity::rewriting_session::ActiveModel;
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::now;
use crate::values::refuse_nul;
use jiff::Timestamp;
use nines_domain::account::AccountId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

/// Characters of the longest reason.
const LONGEST_REASON: usize = 500;

impl Store {
    /// Notes the time so far, and whether the clock stands: a pause, its end, or a sign of life.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a session of another account too, [`StoreError::Refused`] for one
    /// that has ended, [`StoreError::BadValue`], and those of writing.
    pub async fn note_rewriting_time(
        &self,
        id: i64,
        account: AccountId,
        paused: bool,
        time: WorkTime,
    ) -> Result<(), StoreError> {
        let time = time.check()?;
        in_transaction!(self.connection, |tx| {
            let row = records::open(tx, id, account).await?;
            let joined = time.joined(&row, Timestamp::now());
            let change = ActiveModel {
                id: Set(id),
                paused: Set(paused),
                seconds: Set(joined.seconds),
                away_seconds: Set(joined.away_seconds),
                ..Default::default()
            };
            change.update(tx).await?;
            Ok(())
        })
    }

    /// Ends a session without a find: a censored attempt, which counts as much as a find. Giving it up
    /// again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a session of another account too, [`StoreError::Refused`] for one
    /// that was submitted, [`StoreError::BadValue`], [`StoreError::Nul`], and those of writing.
    pub async fn give_up_rewriting(
        &self,
        id: i64,
        account: AccountId,
        reason: Option<&str>,
        time: WorkTime,
    ) -> Result<RewritingSession, StoreError> {
        let time = time.check()?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            refuse_nul(0, "reason", reason)?;
            if reason.chars().count() > LONGEST_REASON {
                return Err(StoreError::BadValue {
                    row: 0,
                    field: "reason",
                    why: format!("is longer than {LONGEST_REASON} characters; shorten it"),
                });
            }
        }
        in_transaction!(self.connection, |tx| {
            let row = records::own(tx, id, account).await?;
            if records::state_of(&row)? == RewritingState::GaveUp {
                return records::read(row);
            }
            let row = records::still_open(row)?;
            let joined = time.joined(&row, Timestamp::now());
            let change = ActiveModel {
                id: Set(id),
                state: Set(RewritingState::GaveUp.as_str().to_owned()),
                paused: Set(false),
                seconds: Set(joined.seconds),
                away_seconds: Set(joined.away_seconds),
                reason: Set(reason.map(str::to_owned)),
                ended: Set(Some(now())),
                ..Default::default()
            };
            records::read(change.update(tx).await?)
        })
    }
}
