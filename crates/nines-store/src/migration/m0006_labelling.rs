//! What the browser's labelling keeps: queues with their items, assignments, checks of quality,
//! withdrawn labels, flags, rulings, versions of the guide.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            queue(),
            queue_item(),
            check_item(),
            assignment(),
            check_answer(),
            qualification(),
            withdrawal("label_withdrawals", "label_id", "labels"),
            withdrawal("comparison_withdrawals", "comparison_id", "comparisons"),
            flag(),
            ruling(),
            guide(),
        ];
        create(manager, tables).await
    }
}

fn verdict(name: &'static str) -> ColumnDef {
    word(name, ["yes", "no", "unsure"])
}

fn queue() -> Layout {
    let kinds = [
        "leak",
        "compare",
        "quality",
        "threshold",
        "random",
        "search",
        "sent",
        "attack",
    ];
    let mut table = table(
        "queues",
        [
            word("kind", kinds),
            text("name"),
            big_integer_null("design_id"),
            text("record"),
            big_integer("overlap"),
            boolean("open"),
            big_integer("items"),
            big_integer("waiting"),
            big_integer_null("created_by"),
            moment("created"),
        ],
    );
    refers(&mut table, "queues", "design_id", "designs");
    refers(&mut table, "queues", "created_by", "accounts");
    Layout {
        table,
        indexes: vec![],
    }
}

fn queue_item() -> Layout {
    let mut table = table(
        "queue_items",
        [
            big_integer("queue_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            big_integer_null("other_snippet_id"),
            big_integer("before"),
            big_integer("wanted"),
            big_integer("labelled"),
            big_integer("leased"),
            boolean("waiting"),
        ],
    );
    refers(&mut table, "queue_items", "queue_id", "queues");
    refers(&mut table, "queue_items", "snippet_id", "snippets");
    refers(&mut table, "queue_items", "other_snippet_id", "snippets");
    // Two rows without another snippet are never equal to a unique index, so that they need one of
    // their own.
    let mut alone = unique("queue_items", ["queue_id", "snippet_id"]);
    alone.cond_where(Expr::col("other_snippet_id").is_null());
    Layout {
        table,
        indexes: vec![
            unique("queue_items", ["queue_id", "position"]),
            unique(
                "queue_items",
                ["queue_id", "snippet_id", "other_snippet_id"],
            ),
            alone,
            index("queue_items", ["queue_id", "waiting", "position"]),
            index("queue_items", ["snippet_id"]),
        ],
    }
}

fn check_item() -> Layout {
    let mut table = table(
        "check_items",
        [
            big_integer("snippet_id"),
            word("purpose", ["gold", "practice", "qualification"]),
            verdict("verdict"),
            small_integer_null("severity"),
            text("explanation"),
            timestamp_with_time_zone_null("retired"),
            big_integer_null("created_by"),
            moment("created"),
        ],
    );
    refers(&mut table, "check_items", "snippet_id", "snippets");
    refers(&mut table, "check_items", "created_by", "accounts");
    // Whoever was told the answer to one cannot be tested on it.
    let mut active = unique("check_items", ["snippet_id"]);
    active.cond_where(Expr::col("retired").is_null());
    Layout {
        table,
        indexes: vec![active, index("check_items", ["purpose", "id"])],
    }
}

fn assignment() -> Layout {
    let mut verdict = text_null("verdict");
    verdict.check(Expr::col("verdict").is_in(["yes", "no", "unsure"]));
    let mut choice = text_null("choice");
    choice.check(Expr::col("choice").is_in(["left", "right", "same", "unusable"]));
    let mut table = table(
        "assignments",
        [
            big_integer_null("queue_item_id"),
            big_integer_null("queue_id"),
            big_integer("account_id"),
            text("labeller"),
            word(
                "purpose",
                ["work", "gold", "repeat", "practice", "qualification"],
            ),
            big_integer_null("check_item_id"),
            big_integer_null("repeat_of"),
            big_integer("attempt"),
            big_integer("snippet_id"),
            big_integer_null("other_snippet_id"),
            word(
                "state",
                ["open", "answered", "skipped", "expired", "undone"],
            ),
            boolean("item_waiting"),
            moment("shown"),
            moment("expires"),
            timestamp_with_time_zone_null("answered"),
            verdict,
            small_integer_null("severity"),
            choice,
            big_integer_null("label_id"),
            big_integer_null("comparison_id"),
            text_null("reason"),
            double("seconds"),
            double("away_seconds"),
            big_integer_null("undone_into"),
        ],
    );
    for (column, to) in [
        ("queue_item_id", "queue_items"),
        ("queue_id", "queues"),
        ("account_id", "accounts"),
        ("check_item_id", "check_items"),
        ("label_id", "labels"),
        ("comparison_id", "comparisons"),
    ] {
        refers(&mut table, "assignments", column, to);
    }
    Layout {
        table,
        indexes: vec![
            index("assignments", ["account_id", "snippet_id"]),
            index("assignments", ["account_id", "queue_id", "item_waiting"]),
            index("assignments", ["account_id", "answered"]),
            index("assignments", ["account_id", "id"]),
            index("assignments", ["queue_item_id"]),
            index("assignments", ["snippet_id", "state"]),
            index("assignments", ["state", "expires"]),
        ],
    }
}

fn check_answer() -> Layout {
    let mut table = table(
        "check_answers",
        [
            big_integer("assignment_id"),
            big_integer("account_id"),
            big_integer_null("check_item_id"),
            big_integer("snippet_id"),
            word("purpose", ["gold", "repeat", "practice", "qualification"]),
            big_integer("attempt"),
            verdict("verdict"),
            small_integer_null("severity"),
            verdict("expected_verdict"),
            small_integer_null("expected_severity"),
            boolean("is_right"),
            boolean("withdrawn"),
            double("seconds"),
            moment("created"),
        ],
    );
    for (column, to) in [
        ("assignment_id", "assignments"),
        ("account_id", "accounts"),
        ("check_item_id", "check_items"),
        ("snippet_id", "snippets"),
    ] {
        refers(&mut table, "check_answers", column, to);
    }
    Layout {
        table,
        indexes: vec![
            unique("check_answers", ["assignment_id"]),
            index("check_answers", ["account_id", "purpose"]),
        ],
    }
}

fn qualification() -> Layout {
    let mut table = table(
        "qualifications",
        [
            big_integer("account_id"),
            word("outcome", ["passed", "failed", "again"]),
            big_integer("right_count"),
            big_integer("total"),
            big_integer_null("decided_by"),
            moment("created"),
        ],
    );
    refers(&mut table, "qualifications", "account_id", "accounts");
    refers(&mut table, "qualifications", "decided_by", "accounts");
    Layout {
        table,
        indexes: vec![index("qualifications", ["account_id", "id"])],
    }
}

fn withdrawal(name: &'static str, column: &'static str, of: &'static str) -> Layout {
    let mut table = table(
        name,
        [
            big_integer(column),
            big_integer("account_id"),
            moment("created"),
        ],
    );
    refers(&mut table, name, column, of);
    refers(&mut table, name, "account_id", "accounts");
    Layout {
        table,
        indexes: vec![unique(name, [column])],
    }
}

fn flag() -> Layout {
    let mut table = table(
        "flags",
        [
            big_integer("snippet_id"),
            big_integer("account_id"),
            text("reason"),
            moment("created"),
            timestamp_with_time_zone_null("resolved"),
            big_integer_null("resolved_by"),
        ],
    );
    refers(&mut table, "flags", "snippet_id", "snippets");
    refers(&mut table, "flags", "account_id", "accounts");
    refers(&mut table, "flags", "resolved_by", "accounts");
    Layout {
        table,
        indexes: vec![index("flags", ["snippet_id", "account_id"])],
    }
}

fn ruling() -> Layout {
    let mut table = table(
        "rulings",
        [
            big_integer_null("snippet_id"),
            big_integer("asked_by"),
            text("question"),
            text_null("answer"),
            big_integer_null("answered_by"),
            big_integer_null("guide_version"),
            moment("created"),
            timestamp_with_time_zone_null("answered"),
        ],
    );
    refers(&mut table, "rulings", "snippet_id", "snippets");
    refers(&mut table, "rulings", "asked_by", "accounts");
    refers(&mut table, "rulings", "answered_by", "accounts");
    Layout {
        table,
        indexes: vec![],
    }
}

fn guide() -> Layout {
    let mut table = table(
        "guides",
        [
            big_integer("version"),
            text("name"),
            text("text"),
            text("sha256"),
            text("note"),
            big_integer_null("created_by"),
            moment("created"),
        ],
    );
    refers(&mut table, "guides", "created_by", "accounts");
    Layout {
        table,
        indexes: vec![unique("guides", ["version"])],
    }
}
