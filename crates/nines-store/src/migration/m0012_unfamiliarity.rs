//! Models that say how unfamiliar a snippet is.

use super::layout::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let check = "\"kind\" IN ('base', 'classifier', 'generator'";
        widen(manager, "models", "kind", check, ", 'unfamiliarity'").await
    }
}
