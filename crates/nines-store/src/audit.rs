//! The audit: who did what. Rows are only ever added, in the transaction of what they tell of.

use crate::entity::account;
use crate::entity::audit::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditEntry {
    /// Who; nothing where it was the server, or a person without an account yet.
    pub account: Option<AccountId>,
    /// What, such as `queue.made`.
    pub action: String,
    /// To what, such as `queue 7`.
    pub subject: String,
    /// How; `null` where there is no more to say. Never a secret.
    pub detail: Value,
}

impl NewAuditEntry {
    /// Builds an entry without further detail.
    pub fn new(by: Option<AccountId>, action: &str, subject: impl Into<String>) -> Self {
        Self {
            account: by,
            action: action.to_owned(),
            subject: subject.into(),
            detail: Value::Null,
        }
    }

    /// Adds the detail.
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its key; later ones have higher keys.
    pub id: i64,
    /// What it tells.
    pub entry: NewAuditEntry,
    /// The account's name.
    pub name: Option<String>,
    /// When it was.
    pub created: Timestamp,
}

/// Writes an entry in the transaction of what it tells of.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    entry: &NewAuditEntry,
) -> Result<(), StoreError> {
    refuse_nul(0, "action", &entry.action)?;
    refuse_nul(0, "subject", &entry.subject)?;
    let row = ActiveModel {
        account_id: Set(entry.account.map(|id| id.0)),
        action: Set(entry.action.clone()),
        subject: Set(entry.subject.clone()),
        detail: Set(json(0, "detail", &entry.detail)?),
        created: Set(now()),
        ..Default::default()
    };
    row.insert(tx).await?;
    Ok(())
}

impl Store {
    /// Records that somebody did something which no other method of the store records itself.
    ///
    /// # Errors
    /// [`StoreError::Nul`], [`StoreError::Dangling`], and those of writing.
    pub async fn record_audit(&self, entry: &NewAuditEntry) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| record(tx, entry).await)
    }

    /// Lists entries, newest first: those before one with this key, or from the newest.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn audit(
        &self,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
        if let Some(before) = before {
            select = select.filter(Column::Id.lt(before));
        }
        let rows = select.all(&self.connection).await?;
        let mut ids: Vec<i64> = rows.iter().filter_map(|row| row.account_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let names: BTreeMap<i64, String> = account::Entity::find()
            .filter(account::Column::Id.is_in(ids))
            .all(&self.connection)
            .await?
            .into_iter()
            .map(|row| (row.id, row.name))
            .collect();
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    table: "audit",
                    id: row.id,
                    column: "detail",
                };
                Ok(AuditEntry {
                    id: row.id,
                    name: row.account_id.and_then(|id| names.get(&id).cloned()),
                    entry: NewAuditEntry {
                        account: row.account_id.map(AccountId),
                        detail: from_json(place, &row.detail)?,
                        action: row.action,
                        subject: row.subject,
                    },
                    created: moment(row.created),
                })
            })
            .collect()
    }
}
