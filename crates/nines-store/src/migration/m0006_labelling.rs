//! What the browser's labelling keeps: queues with their items, assignments, checks of quality, withdrawn labels, rulings, versions of the guide.

use super::layout::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, []).await
    }
}
