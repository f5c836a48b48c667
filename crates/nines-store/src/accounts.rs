//! Accounts: who may sign in. None is ever deleted, since labels and the audit name them.

use crate::audit::{self, NewAuditEntry};
use crate::entity::account::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::login_sessions::{self, NewLoginSession};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word};
use crate::{api_tokens, invitations, open};
use jiff::Timestamp;
use nines_domain::account::{Account, AccountId, AccountName, Role, SessionId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its name.
    pub name: AccountName,
    /// Its hashed password.
    pub password_hash: String,
}

/// A stored account.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAccount {
    /// Who it is.
    pub account: Account,
    /// Whether it may sign in.
    pub active: bool,
    /// What an hour of its work costs, where known.
    pub hourly_cost: Option<f64>,
    /// When it was made.
    pub created: Timestamp,
}

/// What an admin changes of an account; what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AccountChange {
    /// Its role.
    pub role: Option<Role>,
    /// Whether it may sign in; taking that away ends its sessions and revokes its tokens.
    pub active: Option<bool>,
    /// What an hour of its work costs; `Some(None)` forgets it.
    pub hourly_cost: Option<Option<f64>>,
}

impl Store {
    /// Says whether the project has an admin.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        let admins = Entity::find()
            .filter(Column::Role.eq(Role::Admin.as_str()))
            .count(&self.connection);
        Ok(admins.await? > 0)
    }

    /// Makes the first admin and signs them in, if there is no admin yet.
    ///
    /// # Errors
    /// [`StoreError::HasAdmin`], [`StoreError::Taken`], and those of writing.
    pub async fn create_first_admin(
        &self,
        new: &NewAccount,
        session: &NewLoginSession,
    ) -> Result<StoredAccount, StoreError> {
        in_transaction!(self.connection, |tx| {
            // Two people may hold the link: rows that are not there yet cannot be locked.
            open::lock_out_others(tx).await?;
            let admins = Entity::find().filter(Column::Role.eq(Role::Admin.as_str()));
            if admins.count(tx).await? > 0 {
                return Err(StoreError::HasAdmin);
            }
            let made = create(tx, new, Role::Admin).await?;
            let by = Some(made.account.id);
            let entry = NewAuditEntry::new(by, "account.set_up", subject(&made.account));
            audit::record(tx, &entry).await?;
            login_sessions::start(tx, made.account.id, session).await?;
            Ok(made)
        })
    }

    /// Returns an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn account(&self, id: AccountId) -> Result<StoredAccount, StoreError> {
        let row = Entity::find_by_id(id.0).one(&self.connection).await?;
        read(row.ok_or_else(|| missing(id))?)
    }

    /// Lists all accounts, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::Id);
        let rows = rows.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the account of a name with its hashed password, if it is active and has one.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn credentials(
        &self,
        name: &AccountName,
    ) -> Result<Option<(StoredAccount, String)>, StoreError> {
        let row = Entity::find()
            .filter(Column::NameKey.eq(name.key()))
            .filter(Column::Active.eq(true))
            .one(&self.connection)
            .await?;
        let Some(mut row) = row else {
            return Ok(None);
        };
        let Some(hash) = row.password_hash.take() else {
            return Ok(None);
        };
        Ok(Some((read(row)?, hash)))
    }

    /// Changes the password of an account and ends its sessions but one.
    ///
    /// The password that it replaces must still be the one that the caller checked: of two changes
    /// at once, one is refused.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the account is inactive or has another password by now, and
    /// those of writing.
    pub async fn change_password(
        &self,
        id: AccountId,
        old_hash: &str,
        new_hash: &str,
        kept: Option<SessionId>,
    ) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let row = locked(tx, id).await?;
            if !row.active || row.password_hash.as_deref() != Some(old_hash) {
                return Err(missing(id));
            }
            let account = read(row.clone())?.account;
            let mut row = ActiveModel::from(row);
            row.password_hash = Set(Some(new_hash.to_owned()));
            row.update(tx).await?;
            login_sessions::end_all(tx, id, kept).await?;
            let entry = NewAuditEntry::new(Some(id), "password.changed", subject(&account));
            audit::record(tx, &entry).await
        })
    }

    /// Changes what an admin may change of an account. Who may do less than before, or nothing, has
    /// their open invitations withdrawn.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`] where nobody would be left to let others in,
    /// [`StoreError::BadValue`] for a cost below 0, [`StoreError::NotFound`], and those of writing.
    pub async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        by: AccountId,
    ) -> Result<StoredAccount, StoreError> {
        let cost = change.hourly_cost.flatten();
        if cost.is_some_and(|cost| !cost.is_finite() || cost < 0.0) {
            return Err(StoreError::BadValue {
                row: 0,
                field: "hourly_cost",
                why: "is not a finite number from 0".to_owned(),
            });
        }
        in_transaction!(self.connection, |tx| {
            // All admins are locked, in one order: two who demote each other must not both succeed.
            let admins: Vec<i64> = Entity::find()
                .filter(Column::Role.eq(Role::Admin.as_str()))
                .filter(Column::Active.eq(true))
                .order_by_asc(Column::Id)
                .lock_exclusive()
                .all(tx)
                .await?
                .into_iter()
                .map(|row| row.id)
                .collect();
            let row = locked(tx, id).await?;
            let before = read(row.clone())?;
            let role = change.role.unwrap_or(before.account.role);
            let active = change.active.unwrap_or(before.active);
            if admins == [id.0] && !(active && role == Role::Admin) {
                return Err(StoreError::LastAdmin);
            }
            let mut row = ActiveModel::from(row);
            row.role = Set(role.as_str().to_owned());
            row.active = Set(active);
            if let Some(cost) = change.hourly_cost {
                row.hourly_cost = Set(cost);
            }
            let after = read(row.update(tx).await?)?;
            if before.active && !active {
                login_sessions::end_all(tx, id, None).await?;
                api_tokens::revoke_all(tx, id).await?;
            }
            if (before.active && !active) || role < before.account.role {
                // A link kept for later would let its maker, or a friend, in again.
                invitations::withdraw_all(tx, id, by).await?;
            }
            for entry in changes(&before, &after, by) {
                audit::record(tx, &entry).await?;
            }
            Ok(after)
        })
    }
}

/// Tells what differs, one entry each.
fn changes(before: &StoredAccount, after: &StoredAccount, by: AccountId) -> Vec<NewAuditEntry> {
    let entry = |action| NewAuditEntry::new(Some(by), action, subject(&after.account));
    let mut entries = Vec::new();
    if before.account.role != after.account.role {
        let detail = json!({"from": before.account.role, "to": after.account.role});
        entries.push(entry("role.changed").with(detail));
    }
    if before.active != after.active {
        entries.push(entry(if after.active {
            "account.reactivated"
        } else {
            "account.deactivated"
        }));
    }
    if before.hourly_cost != after.hourly_cost {
        let detail = json!({"from": before.hourly_cost, "to": after.hourly_cost});
        entries.push(entry("cost.changed").with(detail));
    }
    entries
}

/// Names an account in the audit.
pub(crate) fn subject(account: &Account) -> String {
    format!("account {} ({})", account.id, account.name)
}

/// Makes an account.
pub(crate) async fn create(
    tx: &DatabaseTransaction,
    new: &NewAccount,
    role: Role,
) -> Result<StoredAccount, StoreError> {
    let taken = Entity::find().filter(Column::NameKey.eq(new.name.key()));
    if taken.count(tx).await? > 0 {
        return Err(taken_name(&new.name));
    }
    let row = ActiveModel {
        name: Set(new.name.as_str().to_owned()),
        name_key: Set(new.name.key()),
        role: Set(role.as_str().to_owned()),
        password_hash: Set(Some(new.password_hash.clone())),
        active: Set(true),
        hourly_cost: Set(None),
        created: Set(now()),
        ..Default::default()
    };
    match row.insert(tx).await {
        Ok(row) => read(row),
        // Somebody took the name between the look and the insertion.
        Err(error) if is_unique_violation(&error) => Err(taken_name(&new.name)),
        Err(error) => Err(error.into()),
    }
}

fn is_unique_violation(error: &sea_orm::DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_))
    )
}

fn taken_name(name: &AccountName) -> StoreError {
    StoreError::Taken {
        what: "an account",
        name: name.as_str().to_owned(),
    }
}

pub(crate) fn missing(id: AccountId) -> StoreError {
    StoreError::NotFound {
        what: "account",
        id: id.to_string(),
    }
}

async fn locked(tx: &DatabaseTransaction, id: AccountId) -> Result<account::Model, StoreError> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(tx).await?;
    row.ok_or_else(|| missing(id))
}

/// Returns the active account of a name, and keeps it from being changed until the transaction ends.
pub(crate) async fn named(
    tx: &DatabaseTransaction,
    name: &AccountName,
) -> Result<StoredAccount, StoreError> {
    let row = Entity::find()
        .filter(Column::NameKey.eq(name.key()))
        .lock_shared()
        .one(tx)
        .await?;
    let row = row.filter(|row| row.active);
    read(row.ok_or_else(|| StoreError::NotFound {
        what: "active account",
        id: name.as_str().to_owned(),
    })?)
}

/// Gives an active account another password, whatever it had, and ends all its sessions.
pub(crate) async fn reset(
    tx: &DatabaseTransaction,
    id: AccountId,
    password_hash: &str,
) -> Result<StoredAccount, StoreError> {
    let row = locked(tx, id).await?;
    if !row.active {
        return Err(missing(id));
    }
    let mut row = ActiveModel::from(row);
    row.password_hash = Set(Some(password_hash.to_owned()));
    let account = read(row.update(tx).await?)?;
    login_sessions::end_all(tx, id, None).await?;
    let entry = NewAuditEntry::new(Some(id), "password.reset", subject(&account.account));
    audit::record(tx, &entry).await?;
    Ok(account)
}

/// Returns an account that may sign in, and keeps it from being changed until the transaction ends.
pub(crate) async fn active(
    tx: &DatabaseTransaction,
    id: AccountId,
) -> Result<account::Model, StoreError> {
    let row = Entity::find_by_id(id.0).lock_shared().one(tx).await?;
    row.filter(|row| row.active).ok_or_else(|| missing(id))
}

pub(crate) fn read(row: account::Model) -> Result<StoredAccount, StoreError> {
    let place = Place {
        table: "accounts",
        id: row.id,
        column: "role",
    };
    Ok(StoredAccount {
        account: Account {
            id: AccountId(row.id),
            role: from_word(place, &row.role)?,
            name: row.name,
        },
        active: row.active,
        hourly_cost: row.hourly_cost,
        created: moment(row.created),
    })
}
