//! Invitations: links that make one account each, or give one that there is another password.

use crate::accounts::{self, NewAccount, StoredAccount};
use crate::audit::{self, NewAuditEntry};
use crate::entity::invitation::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::login_sessions::{self, NewLoginSession};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now, stored};
use crate::values::{Place, from_word};
use jiff::Timestamp;
use nines_domain::account::{AccountId, AccountName, InvitationId, Role};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

/// An invitation to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// The SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The role of the account that it makes.
    pub role: Role,
    /// The name that is proposed to whoever opens it.
    pub name: Option<AccountName>,
    /// When it is over.
    pub expires: Timestamp,
}

/// A stored invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its key.
    pub id: InvitationId,
    /// The role of the account that it makes.
    pub role: Role,
    /// The name that is proposed.
    pub name: Option<String>,
    /// Who made it.
    pub created_by: Option<AccountId>,
    /// When it was made.
    pub created: Timestamp,
    /// When it is over.
    pub expires: Timestamp,
    /// The account that it gives another password; none where it makes one.
    pub resets: Option<AccountId>,
}

impl Store {
    /// Makes an invitation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the maker is inactive by now, and those of writing.
    pub async fn invite(
        &self,
        new: &NewInvitation,
        by: AccountId,
    ) -> Result<Invitation, StoreError> {
        in_transaction!(self.connection, |tx| {
            accounts::active(tx, by).await?;
            let row = ActiveModel {
                token_hash: Set(new.token_hash.to_vec()),
                role: Set(new.role.as_str().to_owned()),
                name: Set(new.name.as_ref().map(|name| name.as_str().to_owned())),
                created_by: Set(Some(by.0)),
                created: Set(now()),
                expires: Set(stored(new.expires)),
                accepted_by: Set(None),
                withdrawn: Set(None),
                account_id: Set(None),
                ..Default::default()
            };
            let made = read(row.insert(tx).await?)?;
            let entry = NewAuditEntry::new(Some(by), "invitation.made", subject(&made))
                .with(json!({"role": made.role, "name": made.name}));
            audit::record(tx, &entry).await?;
            Ok(made)
        })
    }

    /// Returns the invitation of a token, if it can be accepted.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn invitation(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<Invitation>, StoreError> {
        let row = Entity::find()
            .filter(Column::TokenHash.eq(token_hash.to_vec()))
            .filter(is_open())
            .one(&self.connection)
            .await?;
        row.map(read).transpose()
    }

    /// Lists the invitations that can be accepted, newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn open_invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        let rows = Entity::find()
            .filter(is_open())
            .filter(Column::AccountId.is_null())
            .order_by_desc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it is not open, or makes an account of a higher role than
    /// `highest`, and those of writing.
    pub async fn withdraw_invitation(
        &self,
        id: InvitationId,
        highest: Role,
        by: AccountId,
    ) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let row = Entity::find_by_id(id.0)
                .filter(is_open())
                .filter(Column::AccountId.is_null())
                .lock_exclusive()
                .one(tx)
                .await?;
            let missing = || StoreError::NotFound {
                what: "open invitation",
                id: id.to_string(),
            };
            let row = row.ok_or_else(missing)?;
            let invitation = read(row.clone())?;
            if invitation.role > highest {
                return Err(missing());
            }
            let mut row = ActiveModel::from(row);
            row.withdrawn = Set(Some(now()));
            row.update(tx).await?;
            let entry = NewAuditEntry::new(Some(by), "invitation.withdrawn", subject(&invitation));
            audit::record(tx, &entry).await
        })
    }

    /// Makes a link that gives an account another password, once; those made for it before are over.
    /// It is for whoever has the project's database in hand: an admin who forgot theirs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no active account has the name, and those of writing.
    pub async fn offer_reset(
        &self,
        name: &AccountName,
        token_hash: &[u8; 32],
        expires: Timestamp,
    ) -> Result<StoredAccount, StoreError> {
        in_transaction!(self.connection, |tx| {
            let found = accounts::named(tx, name).await?;
            let whose = found.account.id;
            Entity::update_many()
                .col_expr(Column::Withdrawn, Expr::value(now()))
                .filter(Column::AccountId.eq(whose.0))
                .filter(is_open())
                .exec(tx)
                .await?;
            let row = ActiveModel {
                token_hash: Set(token_hash.to_vec()),
                role: Set(found.account.role.as_str().to_owned()),
                name: Set(Some(found.account.name.clone())),
                created_by: Set(None),
                created: Set(now()),
                expires: Set(stored(expires)),
                accepted_by: Set(None),
                withdrawn: Set(None),
                account_id: Set(Some(whose.0)),
                ..Default::default()
            };
            row.insert(tx).await?;
            let subject = accounts::subject(&found.account);
            let entry = NewAuditEntry::new(None, "password.reset_offered", subject);
            audit::record(tx, &entry).await?;
            Ok(found)
        })
    }

    /// Makes the account that an invitation is for and signs it in; the invitation is used up. One
    /// that resets gives its account the password instead, and ends the sessions that it had.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the invitation is not open, [`StoreError::Taken`], and those
    /// of writing; the invitation stays open then.
    pub async fn accept_invitation(
        &self,
        token_hash: &[u8; 32],
        new: &NewAccount,
        session: &NewLoginSession,
    ) -> Result<StoredAccount, StoreError> {
        in_transaction!(self.connection, |tx| {
            let row = Entity::find()
                .filter(Column::TokenHash.eq(token_hash.to_vec()))
                .filter(is_open())
                .lock_exclusive()
                .one(tx)
                .await?;
            let row = row.ok_or_else(|| StoreError::NotFound {
                what: "open invitation",
                id: "of this link".to_owned(),
            })?;
            let invitation = read(row.clone())?;
            if let Some(whose) = invitation.resets {
                let account = accounts::reset(tx, whose, &new.password_hash).await?;
                let mut row = ActiveModel::from(row);
                row.accepted_by = Set(Some(whose.0));
                row.update(tx).await?;
                login_sessions::start(tx, whose, session).await?;
                return Ok(account);
            }
            let made = accounts::create(tx, new, invitation.role).await?;
            let by = Some(made.account.id);
            let mut row = ActiveModel::from(row);
            row.accepted_by = Set(Some(made.account.id.0));
            row.update(tx).await?;
            let entry = NewAuditEntry::new(by, "account.made", accounts::subject(&made.account))
                .with(json!({
                    "invitation": invitation.id, "role": invitation.role,
                }));
            audit::record(tx, &entry).await?;
            login_sessions::start(tx, made.account.id, session).await?;
            Ok(made)
        })
    }
}

/// Takes back the open invitations that somebody made.
pub(crate) async fn withdraw_all(
    tx: &DatabaseTransaction,
    maker: AccountId,
    by: AccountId,
) -> Result<(), StoreError> {
    let rows = Entity::find()
        .filter(Column::CreatedBy.eq(maker.0))
        .filter(is_open())
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    for row in rows {
        let invitation = read(row.clone())?;
        let mut row = ActiveModel::from(row);
        row.withdrawn = Set(Some(now()));
        row.update(tx).await?;
        let entry = NewAuditEntry::new(Some(by), "invitation.withdrawn", subject(&invitation));
        audit::record(tx, &entry).await?;
    }
    Ok(())
}

fn subject(invitation: &Invitation) -> String {
    format!("invitation {}", invitation.id)
}

fn is_open() -> Condition {
    Condition::all()
        .add(Column::AcceptedBy.is_null())
        .add(Column::Withdrawn.is_null())
        .add(Column::Expires.gt(now()))
}

fn read(row: Model) -> Result<Invitation, StoreError> {
    let place = Place {
        table: "invitations",
        id: row.id,
        column: "role",
    };
    Ok(Invitation {
        id: InvitationId(row.id),
        role: from_word(place, &row.role)?,
        name: row.name,
        created_by: row.created_by.map(AccountId),
        created: moment(row.created),
        expires: moment(row.expires),
        resets: row.account_id.map(AccountId),
    })
}
