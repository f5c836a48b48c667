//! Long jobs that were asked for: their commands, states and attempts; and which runs are theirs.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, [job()]).await?;
        let mut change = Table::alter();
        change.table("runs").add_column(big_integer_null("job_id"));
        manager.alter_table(change).await?;
        manager.create_index(index("runs", ["job_id", "id"])).await
    }
}

fn job() -> Layout {
    let states = [
        "queued",
        "running",
        "done",
        "failed",
        "cancelled",
        "interrupted",
    ];
    let mut table = table(
        "jobs",
        [
            text("kind"),
            text("title"),
            text("arguments"),
            word("state", states),
            big_integer_null("run_id"),
            // Every start is one more, so that a process of an earlier start can tell that it is late.
            big_integer("attempts"),
            big_integer("tries_left"),
            big_integer_null("pid"),
            big_integer_null("process_started"),
            text_null("host"),
            timestamp_with_time_zone_null("heartbeat"),
            boolean("cancel_requested"),
            timestamp_with_time_zone_null("told_to_stop"),
            text_null("error"),
            text_null("requested_by"),
            moment("created"),
            timestamp_with_time_zone_null("started"),
            timestamp_with_time_zone_null("ended"),
        ],
    );
    refers(&mut table, "jobs", "run_id", "runs");
    Layout {
        table,
        indexes: vec![index("jobs", ["state", "id"])],
    }
}
