//! API tokens: what programs sign in with. The token itself is never stored.

use crate::accounts::{self, StoredAccount};
use crate::audit::{self, NewAuditEntry};
use crate::entity::account;
use crate::entity::api_token::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now, stored};
use crate::values::refuse_nul;
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::{AccountId, TokenId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::json;

/// That a token was used is written down this often at most.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Tokens of one account that may live at once.
pub(crate) const MOST: u64 = 50;

/// A token that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its key.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
}

impl Store {
    /// Makes a token for an account.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] where the account has 50 already, [`StoreError::NotFound`] where it
    /// is inactive by now, [`StoreError::Nul`], and those of writing.
    pub async fn make_token(
        &self,
        owner: AccountId,
        name: &str,
        token_hash: &[u8; 32],
    ) -> Result<ApiToken, StoreError> {
        refuse_nul(0, "name", name)?;
        in_transaction!(self.connection, |tx| {
            accounts::active(tx, owner).await?;
            if living(owner).count(tx).await? >= MOST {
                return Err(StoreError::BadValue {
                    row: 0,
                    field: "token",
                    why: format!("would be one more than {MOST}; revoke one first"),
                });
            }
            let row = ActiveModel {
                token_hash: Set(token_hash.to_vec()),
                account_id: Set(owner.0),
                name: Set(name.to_owned()),
                created: Set(now()),
                last_used: Set(None),
                revoked: Set(None),
                ..Default::default()
            };
            let made = read(row.insert(tx).await?);
            let entry = NewAuditEntry::new(Some(owner), "token.made", subject(made.id))
                .with(json!({"name": name}));
            audit::record(tx, &entry).await?;
            Ok(made)
        })
    }

    /// Lists the tokens of an account that live, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn tokens(&self, owner: AccountId) -> Result<Vec<ApiToken>, StoreError> {
        let rows = living(owner).order_by_asc(Column::Id);
        let rows = rows.all(&self.connection).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Revokes a token of an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the account has no such token, and those of writing.
    pub async fn revoke_token(&self, owner: AccountId, id: TokenId) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let revoked = Entity::update_many()
                .col_expr(Column::Revoked, Expr::value(now()))
                .filter(Column::Id.eq(id.0))
                .filter(Column::AccountId.eq(owner.0))
                .filter(Column::Revoked.is_null())
                .exec(tx)
                .await?;
            if revoked.rows_affected == 0 {
                return Err(StoreError::NotFound {
                    what: "token",
                    id: id.to_string(),
                });
            }
            let entry = NewAuditEntry::new(Some(owner), "token.revoked", subject(id));
            audit::record(tx, &entry).await
        })
    }

    /// Returns the active account of a token that lives, and notes that it was used where that was
    /// not noted within the last minute.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub async fn account_of_token(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<StoredAccount>, StoreError> {
        let row = Entity::find()
            .filter(Column::TokenHash.eq(token_hash.to_vec()))
            .filter(Column::Revoked.is_null())
            .one(&self.connection)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let account = account::Entity::find_by_id(row.account_id)
            .filter(account::Column::Active.eq(true))
            .one(&self.connection)
            .await?;
        let Some(account) = account else {
            return Ok(None);
        };
        let at = Timestamp::now();
        let noted = row.last_used.map(moment);
        if noted.is_none_or(|noted| at.duration_since(noted) >= NOTED_EVERY) {
            in_transaction!(self.connection, |tx| {
                Entity::update_many()
                    .col_expr(Column::LastUsed, Expr::value(stored(at)))
                    .filter(Column::Id.eq(row.id))
                    .exec(tx)
                    .await?;
                Ok(())
            })?;
        }
        accounts::read(account).map(Some)
    }
}

/// Revokes all tokens of an account.
pub(crate) async fn revoke_all(tx: &DatabaseTransaction, id: AccountId) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Revoked, Expr::value(now()))
        .filter(Column::AccountId.eq(id.0))
        .filter(Column::Revoked.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn living(owner: AccountId) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::AccountId.eq(owner.0))
        .filter(Column::Revoked.is_null())
}

fn subject(id: TokenId) -> String {
    format!("token {id}")
}

fn read(row: Model) -> ApiToken {
    ApiToken {
        id: TokenId(row.id),
        name: row.name,
        created: moment(row.created),
        last_used: row.last_used.map(moment),
    }
}
