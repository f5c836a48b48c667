//! Indexes by which everything that is known of one snippet is found.

use super::layout::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in [
            index("scores", ["snippet_id"]),
            index("filter_answers", ["accepted_snippet_id"]),
            index("design_items", ["answer_id"]),
            index("design_items", ["other_answer_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
