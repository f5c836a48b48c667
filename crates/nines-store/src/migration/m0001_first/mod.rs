//! The first layout.
//!
//! - Text is `text`, JSON is text (the same bytes in both databases, every number exact), moments
//!   are UTC, content hashes are 32 bytes, truth values are the database's own.
//! - What is compared or looked up has an index; counting and paging never read bodies.
//! - Vocabularies are checked by the database too.

mod data;
mod models;
mod runs;

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = runs::tables()
            .into_iter()
            .chain(data::tables())
            .chain(models::tables());
        create(manager, tables).await
    }
}
