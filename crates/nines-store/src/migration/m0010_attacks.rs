//! What automatic attacks keep: every attempt, those that found nothing included, and every find. Snippets
//! may come from an attack.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["snippets", "sightings"] {
            let check = "\"origin\" IN ('import', 'generate', 'edit'";
            widen(manager, table, "origin", check, ", 'attack'").await?;
        }
        create(manager, [attempt(), find()]).await
    }
}

fn attempt() -> Layout {
    let mut table = table(
        "attack_attempts",
        [
            big_integer("run_id"),
            big_integer("position"),
            text("recipe"),
            big_integer("model_id"),
            big_integer_null("start_snippet_id"),
            word(
                "outcome",
                ["reached", "failed", "spent", "skipped", "broken"],
            ),
            text_null("why"),
            text_null("judge"),
            double_null("start_score"),
            double_null("score"),
            double("threshold"),
            big_integer("queries"),
            big_integer("scored"),
            double("seconds"),
            big_integer("words"),
            big_integer_null("words_changed"),
            big_integer("seed"),
            text("detail"),
            moment("created"),
        ],
    );
    refers(&mut table, "attack_attempts", "run_id", "runs");
    refers(&mut table, "attack_attempts", "model_id", "models");
    refers(
        &mut table,
        "attack_attempts",
        "start_snippet_id",
        "snippets",
    );
    Layout {
        table,
        indexes: vec![
            unique("attack_attempts", ["run_id", "position"]),
            index("attack_attempts", ["start_snippet_id"]),
        ],
    }
}

fn find() -> Layout {
    let mut table = table(
        "attack_finds",
        [
            big_integer("attempt_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            double("score"),
            double_null("log_weight"),
        ],
    );
    refers(&mut table, "attack_finds", "attempt_id", "attack_attempts");
    refers(&mut table, "attack_finds", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("attack_finds", ["attempt_id", "position"]),
            index("attack_finds", ["snippet_id"]),
        ],
    }
}
