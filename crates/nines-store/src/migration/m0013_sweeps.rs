//! The trials of sweeps: what each is, how far it is, and what it came to.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, [sweep_trial()]).await
    }
}

fn sweep_trial() -> Layout {
    let states = ["waiting", "running", "done", "failed", "dropped"];
    let mut table = table(
        "sweep_trials",
        [
            big_integer("run_id"),
            big_integer("position"),
            text("cell"),
            big_integer("seed"),
            big_integer("rung"),
            text_null("base"),
            // What differs between the trials of the sweep, and nothing else of the recipe.
            text("recipe"),
            word("state", states),
            text_null("numbers"),
            // The same numbers of the whole cell, over the seeds that had results at this trial's end.
            text_null("together"),
            double_null("seconds"),
            text_null("error"),
            timestamp_with_time_zone_null("started"),
            timestamp_with_time_zone_null("ended"),
        ],
    );
    refers(&mut table, "sweep_trials", "run_id", "runs");
    Layout {
        table,
        indexes: vec![unique("sweep_trials", ["run_id", "position"])],
    }
}
