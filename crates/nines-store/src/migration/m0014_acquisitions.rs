//! Selections of what is labelled so that a classifier learns from it, and their queues.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let check = "\"kind\" IN ('leak', 'compare', 'quality', 'threshold', 'random', 'search', 'sent', 'attack'";
        widen(manager, "queues", "kind", check, ", 'select'").await?;
        create(manager, [acquisition(), acquired_item()]).await
    }
}

fn acquisition() -> Layout {
    let mut table = table(
        "acquisitions",
        [
            text("strategy"),
            boolean("by_score"),
            text("record"),
            big_integer("queue_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "acquisitions", "queue_id", "queues");
    Layout {
        table,
        indexes: vec![],
    }
}

fn acquired_item() -> Layout {
    let mut table = table(
        "acquired_items",
        [
            big_integer("acquisition_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            double_null("probability"),
            double_null("worth"),
            big_integer("before"),
        ],
    );
    refers(
        &mut table,
        "acquired_items",
        "acquisition_id",
        "acquisitions",
    );
    refers(&mut table, "acquired_items", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("acquired_items", ["acquisition_id", "snippet_id"]),
            index("acquired_items", ["snippet_id"]),
        ],
    }
}
