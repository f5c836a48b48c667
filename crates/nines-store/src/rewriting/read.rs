//! Reading sessions.

use super::not_found;
use super::records::{self, RewritingSession, RewritingState};
use crate::entity::rewriting_session::{Column, Entity};
use crate::error::StoreError;
use crate::store::Store;
use nines_domain::account::AccountId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

impl Store {
    /// Returns a session by key, whoever's it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn rewriting_session(&self, id: i64) -> Result<RewritingSession, StoreError> {
        let found = Entity::find_by_id(id).one(&self.connection).await?;
        records::read(found.ok_or_else(|| not_found("rewriting session", id))?)
    }

    /// Returns the session that an account has open.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn open_rewriting_session(
        &self,
        account: AccountId,
    ) -> Result<Option<RewritingSession>, StoreError> {
        let found = Entity::find()
            .filter(Column::AccountId.eq(account.0))
            .filter(Column::State.eq("open"))
            .one(&self.connection)
            .await?;
        found.map(records::read).transpose()
    }

    /// Lists up to `limit` sessions, newest first, from before a key on.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_sessions(
        &self,
        task: Option<i64>,
        state: Option<RewritingState>,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<RewritingSession>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
        if let Some(task) = task {
            select = select.filter(Column::TaskId.eq(task));
        }
        if let Some(state) = state {
            select = select.filter(Column::State.eq(state.as_str()));
        }
        if let Some(before) = before {
            select = select.filter(Column::Id.lt(before));
        }
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(records::read).collect()
    }
}
