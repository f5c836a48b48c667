//! What the Rewrite page keeps: tasks with their starts, timed sessions, every step of them.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, [task(), start(), session(), step()]).await
    }
}

fn task() -> Layout {
    let mut table = table(
        "rewriting_tasks",
        [
            text("name"),
            big_integer("model_id"),
            text("path"),
            double("threshold"),
            word("tools", ["on", "off", "random"]),
            text("seed"),
            text("record"),
            boolean("open"),
            big_integer_null("created_by"),
            moment("created"),
        ],
    );
    refers(&mut table, "rewriting_tasks", "model_id", "models");
    refers(&mut table, "rewriting_tasks", "created_by", "accounts");
    Layout {
        table,
        indexes: vec![],
    }
}

fn start() -> Layout {
    let mut table = table(
        "rewriting_starts",
        [
            big_integer("task_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            double("score"),
        ],
    );
    refers(&mut table, "rewriting_starts", "task_id", "rewriting_tasks");
    refers(&mut table, "rewriting_starts", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("rewriting_starts", ["task_id", "position"]),
            unique("rewriting_starts", ["task_id", "snippet_id"]),
        ],
    }
}

fn session() -> Layout {
    let name = "rewriting_sessions";
    let mut table = table(
        name,
        [
            big_integer_null("task_id"),
            big_integer_null("start_id"),
            big_integer("account_id"),
            text("labeller"),
            big_integer("model_id"),
            text("path"),
            double("threshold"),
            boolean("tools"),
            word("state", ["open", "submitted", "gave_up"]),
            big_integer_null("start_snippet_id"),
            text("start_prompt"),
            text("start_completion"),
            double("start_score"),
            text("prompt"),
            text("completion"),
            double_null("score"),
            double("seconds"),
            double("away_seconds"),
            boolean("paused"),
            big_integer("saliency_calls"),
            big_integer("menu_calls"),
            text_null("reason"),
            big_integer_null("snippet_id"),
            small_integer_null("severity"),
            text_null("trick"),
            big_integer_null("label_id"),
            big_integer_null("queue_id"),
            moment("created"),
            timestamp_with_time_zone_null("ended"),
        ],
    );
    for (column, to) in [
        ("task_id", "rewriting_tasks"),
        ("start_id", "rewriting_starts"),
        ("account_id", "accounts"),
        ("model_id", "models"),
        ("start_snippet_id", "snippets"),
        ("snippet_id", "snippets"),
        ("label_id", "labels"),
        ("queue_id", "queues"),
    ] {
        refers(&mut table, name, column, to);
    }
    let mut open = index(name, ["account_id"]);
    open.unique().cond_where(Expr::col("state").eq("open"));
    open.name("ux_rewriting_sessions_open");
    Layout {
        table,
        indexes: vec![
            open,
            // Nobody gets a start twice. Sessions without one are all different.
            unique(name, ["account_id", "start_id"]),
            index(name, ["task_id", "start_id"]),
            index(name, ["snippet_id"]),
            index(name, ["state", "id"]),
        ],
    }
}

fn step() -> Layout {
    let kinds = [
        "typed",
        "substitute",
        "insert",
        "delete",
        "undo",
        "redo",
        "reset",
    ];
    let mut table = table(
        "rewriting_steps",
        [
            big_integer("session_id"),
            big_integer("n"),
            word("kind", kinds),
            text("prompt"),
            text("completion"),
            double_null("score"),
            text_null("reason"),
            double("seconds"),
            moment("created"),
        ],
    );
    refers(
        &mut table,
        "rewriting_steps",
        "session_id",
        "rewriting_sessions",
    );
    Layout {
        table,
        indexes: vec![unique("rewriting_steps", ["session_id", "n"])],
    }
}
