//! Flags: snippets that a labeller points at, for a researcher to look at.

use super::{check_note, not_found, take_turn};
use crate::entity::flag::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::snippet::SnippetId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

/// A stored flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its key.
    pub id: i64,
    /// The snippet.
    pub snippet: SnippetId,
    /// Who points at it.
    pub account: AccountId,
    /// Why.
    pub reason: String,
    /// When.
    pub created: Timestamp,
    /// When a researcher was done with it.
    pub resolved: Option<Timestamp>,
}

impl Store {
    /// Flags a snippet. The same reason by the same account, while it is not resolved, is that flag
    /// again. Returns its key.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a reason that is empty or too long, [`StoreError::Dangling`], and
    /// those of writing.
    pub async fn insert_flag(
        &self,
        snippet: SnippetId,
        account: AccountId,
        reason: &str,
    ) -> Result<i64, StoreError> {
        check_note("reason", reason)?;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            put(tx, snippet, account, reason).await
        })
    }

    /// Lists flags after a key, oldest first, up to `limit`.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn flags(
        &self,
        only_open: bool,
        after: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Flag>, StoreError> {
        let mut select = Entity::find()
            .filter(Column::Id.gt(after.unwrap_or(i64::MIN)))
            .order_by_asc(Column::Id)
            .limit(limit);
        if only_open {
            select = select.filter(Column::Resolved.is_null());
        }
        let rows = select.all(&self.connection).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Marks a flag as dealt with. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn resolve_flag(&self, id: i64, by: AccountId) -> Result<Flag, StoreError> {
        in_transaction!(self.connection, |tx| {
            let found = Entity::find_by_id(id).one(tx).await?;
            let row = found.ok_or_else(|| not_found("flag", id))?;
            if row.resolved.is_some() {
                return Ok(read(row));
            }
            Ok(read(resolve(tx, id, by).await?))
        })
    }
}

/// The reason of a flag that a skip leaves.
pub(super) fn of_skip(reason: &str) -> String {
    format!("skipped: {reason}")
}

/// Flags a snippet within a transaction that has its turn.
pub(super) async fn put(
    tx: &DatabaseTransaction,
    snippet: SnippetId,
    account: AccountId,
    reason: &str,
) -> Result<i64, StoreError> {
    let there = open(snippet, account, reason).one(tx).await?;
    if let Some(there) = there {
        return Ok(there.id);
    }
    let row = ActiveModel {
        snippet_id: Set(snippet.0),
        account_id: Set(account.0),
        reason: Set(reason.to_owned()),
        created: Set(now()),
        ..Default::default()
    };
    Ok(row.insert(tx).await?.id)
}

/// Takes back a flag within a transaction, where it is there and open: its giver resolves it.
pub(super) async fn take_back(
    tx: &DatabaseTransaction,
    snippet: SnippetId,
    account: AccountId,
    reason: &str,
) -> Result<(), StoreError> {
    let Some(there) = open(snippet, account, reason).one(tx).await? else {
        return Ok(());
    };
    resolve(tx, there.id, account).await?;
    Ok(())
}

fn open(snippet: SnippetId, account: AccountId, reason: &str) -> Select<Entity> {
    Entity::find()
        .filter(Column::SnippetId.eq(snippet.0))
        .filter(Column::AccountId.eq(account.0))
        .filter(Column::Reason.eq(reason))
        .filter(Column::Resolved.is_null())
}

async fn resolve(tx: &DatabaseTransaction, id: i64, by: AccountId) -> Result<Model, StoreError> {
    let change = ActiveModel {
        id: Set(id),
        resolved: Set(Some(now())),
        resolved_by: Set(Some(by.0)),
        ..Default::default()
    };
    Ok(change.update(tx).await?)
}

fn read(row: Model) -> Flag {
    Flag {
        id: row.id,
        snippet: SnippetId(row.snippet_id),
        account: AccountId(row.account_id),
        reason: row.reason,
        created: moment(row.created),
        resolved: row.resolved.map(moment),
    }
}
