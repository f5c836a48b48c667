//! Runs, what they measure, and imports.

use super::*;

pub fn tables() -> Vec<Layout> {
    vec![run(), run_metric(), import()]
}

fn run() -> Layout {
    let statuses = ["running", "done", "failed", "cancelled", "interrupted"];
    Layout {
        table: table(
            "runs",
            [
                text("kind"),
                word("status", statuses),
                text("config"),
                big_integer_null("seed"),
                text("device"),
                big_integer("done"),
                big_integer_null("total"),
                big_integer("pid"),
                big_integer("process_started"),
                text("host"),
                moment("heartbeat"),
                text_null("result"),
                text_null("error"),
                moment("started"),
                timestamp_with_time_zone_null("ended"),
            ],
        ),
        indexes: vec![
            index("runs", ["kind", "id"]),
            index("runs", ["status", "id"]),
        ],
    }
}

fn run_metric() -> Layout {
    let mut table = table(
        "run_metrics",
        [
            big_integer("run_id"),
            big_integer("step"),
            text("name"),
            // SQLite turns NaN into NULL, so what is not finite is a word beside it.
            double_null("value"),
            text_null("not_finite"),
            moment("created"),
        ],
    );
    refers(&mut table, "run_metrics", "run_id", "runs");
    Layout {
        table,
        indexes: vec![unique("run_metrics", ["run_id", "name", "step"])],
    }
}

fn import() -> Layout {
    let mut table = table(
        "imports",
        [
            big_integer_null("run_id"),
            text("kind"),
            text("file"),
            text("digest"),
            text("counts"),
            text("skipped"),
            moment("created"),
        ],
    );
    refers(&mut table, "imports", "run_id", "runs");
    Layout {
        table,
        indexes: vec![index("imports", ["digest"])],
    }
}
