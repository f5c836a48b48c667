//! What a database knows of itself.

use crate::batch;
use crate::entity::fact::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::values::refuse_nul;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

/// What tells this database from every other.
const IDENTITY: &str = "identity";

impl Store {
    /// Returns what tells this database from every other, on any machine; a copy of the database
    /// keeps it. Where it has none yet, it takes the proposed one, which must be random.
    ///
    /// # Errors
    /// [`StoreError::Nul`], and those of writing.
    pub async fn identity(&self, proposed: &str) -> Result<String, StoreError> {
        refuse_nul(0, "identity", proposed)?;
        let select = || Entity::find().filter(Column::Name.eq(IDENTITY));
        if let Some(row) = select().one(&self.connection).await? {
            return Ok(row.value);
        }
        in_transaction!(self.connection, |tx| {
            let row = ActiveModel {
                name: Set(IDENTITY.to_owned()),
                value: Set(proposed.to_owned()),
                ..Default::default()
            };
            batch::insert_unless_taken(tx, vec![row], [Column::Name], [Column::Id]).await?;
            let row = select().one(tx).await?;
            Ok(row.map_or_else(|| proposed.to_owned(), |row| row.value))
        })
    }
}
