//! Links that set the password of an account there is already.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut change = Table::alter();
        change
            .table("invitations")
            .add_column(big_integer_null("account_id"));
        manager.alter_table(change).await?;
        let index = index("invitations", ["account_id"]);
        manager.create_index(index).await
    }
}
