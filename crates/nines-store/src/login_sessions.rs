//! Login sessions: browsers that somebody signed in with. The token itself is never stored.

use crate::accounts::{self, StoredAccount};
use crate::audit::{self, NewAuditEntry};
use crate::entity::account;
use crate::entity::session::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now, stored};
use crate::values::refuse_nul;
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::{AccountId, SessionId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
};

/// That a session was used is written down this often at most.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// A session to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLoginSession {
    /// The SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// What a request that changes something must carry beside the token.
    pub csrf: String,
}

/// A session that lives.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginSession {
    /// Its key.
    pub id: SessionId,
    /// Whose it is.
    pub account: StoredAccount,
    /// What a request that changes something must carry beside the token.
    pub csrf: String,
    /// When somebody signed in.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
}

/// When sessions end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// After this long without use.
    pub idle: SignedDuration,
    /// After this long, however much it is used.
    pub longest: SignedDuration,
}

impl Store {
    /// Signs an account in, whatever its password.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the account is inactive by now, and those of writing.
    pub async fn start_session(
        &self,
        id: AccountId,
        new: &NewLoginSession,
    ) -> Result<StoredAccount, StoreError> {
        in_transaction!(self.connection, |tx| sign_in(tx, id, None, new).await)
    }

    /// Signs an account in whose password was checked: the hash is the one that it was checked
    /// against, so that a password that was changed meanwhile lets nobody in.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the account is inactive or has another password by now, and
    /// those of writing.
    pub async fn start_session_by_password(
        &self,
        id: AccountId,
        hash: &str,
        new: &NewLoginSession,
    ) -> Result<StoredAccount, StoreError> {
        in_transaction!(self.connection, |tx| {
            sign_in(tx, id, Some(hash), new).await
        })
    }

    /// Returns the session of a token, if it lives and its account is active.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn login_session(
        &self,
        token_hash: &[u8; 32],
        limits: SessionLimits,
    ) -> Result<Option<LoginSession>, StoreError> {
        let row = Entity::find()
            .filter(Column::TokenHash.eq(token_hash.to_vec()))
            .one(&self.connection)
            .await?;
        let Some(row) = row.filter(|row| row.ended.is_none()) else {
            return Ok(None);
        };
        let at = Timestamp::now();
        let (created, last_seen) = (moment(row.created), moment(row.last_seen));
        if at.duration_since(created) > limits.longest || at.duration_since(last_seen) > limits.idle
        {
            return Ok(None);
        }
        let account = account::Entity::find_by_id(row.account_id)
            .one(&self.connection)
            .await?;
        let Some(account) = account.filter(|account| account.active) else {
            return Ok(None);
        };
        Ok(Some(LoginSession {
            id: SessionId(row.id),
            account: accounts::read(account)?,
            csrf: row.csrf,
            created,
            last_seen,
        }))
    }

    /// Notes that a session is in use, where that was not noted within the last minute.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn touch_session(&self, session: &LoginSession) -> Result<(), StoreError> {
        let at = Timestamp::now();
        if at.duration_since(session.last_seen) < NOTED_EVERY {
            return Ok(());
        }
        in_transaction!(self.connection, |tx| {
            Entity::update_many()
                .col_expr(Column::LastSeen, Expr::value(stored(at)))
                .filter(Column::Id.eq(session.id.0))
                .filter(Column::LastSeen.lt(stored(at)))
                .exec(tx)
                .await?;
            Ok(())
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn end_session(&self, session: &LoginSession) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let ended = Entity::update_many()
                .col_expr(Column::Ended, Expr::value(now()))
                .filter(Column::Id.eq(session.id.0))
                .filter(Column::Ended.is_null())
                .exec(tx)
                .await?;
            if ended.rows_affected == 0 {
                return Ok(());
            }
            let account = &session.account.account;
            let subject = accounts::subject(account);
            let entry = NewAuditEntry::new(Some(account.id), "session.ended", subject);
            audit::record(tx, &entry).await
        })
    }
}

async fn sign_in(
    tx: &DatabaseTransaction,
    id: AccountId,
    hash: Option<&str>,
    new: &NewLoginSession,
) -> Result<StoredAccount, StoreError> {
    let row = accounts::active(tx, id).await?;
    if hash.is_some_and(|hash| row.password_hash.as_deref() != Some(hash)) {
        return Err(accounts::missing(id));
    }
    let account = accounts::read(row)?;
    start(tx, id, new).await?;
    let subject = accounts::subject(&account.account);
    audit::record(
        tx,
        &NewAuditEntry::new(Some(id), "session.started", subject),
    )
    .await?;
    Ok(account)
}

/// Starts a session.
pub(crate) async fn start(
    tx: &DatabaseTransaction,
    id: AccountId,
    new: &NewLoginSession,
) -> Result<(), StoreError> {
    refuse_nul(0, "csrf", &new.csrf)?;
    let at = now();
    let row = ActiveModel {
        token_hash: Set(new.token_hash.to_vec()),
        csrf: Set(new.csrf.clone()),
        account_id: Set(id.0),
        created: Set(at),
        last_seen: Set(at),
        ended: Set(None),
        ..Default::default()
    };
    row.insert(tx).await?;
    Ok(())
}

/// Ends the sessions of an account but one.
pub(crate) async fn end_all(
    tx: &DatabaseTransaction,
    id: AccountId,
    kept: Option<SessionId>,
) -> Result<(), StoreError> {
    let mut update = Entity::update_many()
        .col_expr(Column::Ended, Expr::value(now()))
        .filter(Column::AccountId.eq(id.0))
        .filter(Column::Ended.is_null());
    if let Some(kept) = kept {
        update = update.filter(Column::Id.ne(kept.0));
    }
    update.exec(tx).await?;
    Ok(())
}
