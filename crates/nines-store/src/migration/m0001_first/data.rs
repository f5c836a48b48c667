//! Prompts, snippets, labels and the verdicts that count.

use super::*;

pub fn tables() -> Vec<Layout> {
    vec![prompt(), snippet(), sighting(), label(), adjudication()]
}

fn prompt() -> Layout {
    let mut table = table(
        "prompts",
        [
            hash("hash"),
            text("text"),
            hash("family"),
            big_integer_null("parent_id"),
            text("source"),
            text_null("meta"),
            big_integer_null("import_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "prompts", "parent_id", "prompts");
    refers(&mut table, "prompts", "import_id", "imports");
    Layout {
        table,
        indexes: vec![
            unique("prompts", ["hash"]),
            index("prompts", ["family"]),
            index("prompts", ["source", "id"]),
        ],
    }
}

fn snippet() -> Layout {
    let mut table = table(
        "snippets",
        [
            hash("hash"),
            big_integer("prompt_id"),
            text("completion"),
            big_integer_null("parent_id"),
            word("origin", ["import", "generate", "edit"]),
            text("source"),
            text_null("meta"),
            big_integer_null("import_id"),
            big_integer_null("run_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "snippets", "prompt_id", "prompts");
    refers(&mut table, "snippets", "parent_id", "snippets");
    refers(&mut table, "snippets", "import_id", "imports");
    refers(&mut table, "snippets", "run_id", "runs");
    Layout {
        table,
        indexes: vec![
            unique("snippets", ["hash"]),
            index("snippets", ["prompt_id", "id"]),
            index("snippets", ["source", "id"]),
            index("snippets", ["origin", "id"]),
            index("snippets", ["parent_id"]),
        ],
    }
}

fn sighting() -> Layout {
    let mut table = table(
        "sightings",
        [
            big_integer("snippet_id"),
            hash("key"),
            word("origin", ["import", "generate", "edit"]),
            text("source"),
            text_null("meta"),
            big_integer_null("import_id"),
            big_integer_null("run_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "sightings", "snippet_id", "snippets");
    refers(&mut table, "sightings", "import_id", "imports");
    refers(&mut table, "sightings", "run_id", "runs");
    Layout {
        table,
        indexes: vec![
            unique("sightings", ["snippet_id", "key"]),
            index("sightings", ["source", "snippet_id"]),
        ],
    }
}

fn label() -> Layout {
    let mut severity = small_integer_null("severity");
    severity.check(Expr::col("severity").between(1, 3));
    let mut table = table(
        "labels",
        [
            big_integer("snippet_id"),
            hash("key"),
            text("labeller"),
            word("labeller_kind", ["person", "judge"]),
            word("verdict", ["yes", "no", "unsure"]),
            severity,
            double_null("seconds"),
            text("occasion"),
            text("source"),
            big_integer_null("import_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "labels", "snippet_id", "snippets");
    refers(&mut table, "labels", "import_id", "imports");
    Layout {
        table,
        indexes: vec![
            unique("labels", ["snippet_id", "key"]),
            index("labels", ["labeller", "id"]),
        ],
    }
}

fn adjudication() -> Layout {
    let mut table = table(
        "adjudications",
        [
            big_integer("snippet_id"),
            boolean_null("broad"),
            boolean_null("strict"),
            boolean("needs_another"),
            big_integer("labels"),
            big_integer("people"),
            text("method"),
            moment("created"),
        ],
    );
    refers(&mut table, "adjudications", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![index("adjudications", ["snippet_id", "id"])],
    }
}
