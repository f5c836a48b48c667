//! What measuring keeps: distributions of prompts, designs with what they drew, comparisons of
//! completions, attack sessions, estimates.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            distribution(),
            distribution_prompt(),
            design(),
            design_item(),
            selection(),
            selected_item(),
            comparison(),
            attack_session(),
            estimate(),
        ];
        create(manager, tables).await
    }
}

fn distribution() -> Layout {
    Layout {
        table: table(
            "distributions",
            [text("name"), text("record"), moment("created")],
        ),
        indexes: vec![unique("distributions", ["name"])],
    }
}

fn distribution_prompt() -> Layout {
    let mut table = table(
        "distribution_prompts",
        [
            big_integer("distribution_id"),
            big_integer("prompt_id"),
            double("probability"),
        ],
    );
    refers(
        &mut table,
        "distribution_prompts",
        "distribution_id",
        "distributions",
    );
    refers(&mut table, "distribution_prompts", "prompt_id", "prompts");
    Layout {
        table,
        indexes: vec![unique(
            "distribution_prompts",
            ["distribution_id", "prompt_id"],
        )],
    }
}

fn design() -> Layout {
    let mut table = table(
        "designs",
        [
            word("kind", ["leak", "quality", "compare"]),
            hash("identity"),
            big_integer("distribution_id"),
            big_integer("model_id"),
            text("record"),
            moment("created"),
        ],
    );
    refers(&mut table, "designs", "distribution_id", "distributions");
    refers(&mut table, "designs", "model_id", "models");
    Layout {
        table,
        indexes: vec![unique("designs", ["kind", "identity"])],
    }
}

fn design_item() -> Layout {
    let mut table = table(
        "design_items",
        [
            big_integer("design_id"),
            big_integer("position"),
            big_integer("answer_id"),
            big_integer_null("other_answer_id"),
            big_integer_null("stratum"),
            double("lot"),
        ],
    );
    refers(&mut table, "design_items", "design_id", "designs");
    refers(&mut table, "design_items", "answer_id", "filter_answers");
    refers(
        &mut table,
        "design_items",
        "other_answer_id",
        "filter_answers",
    );
    Layout {
        table,
        indexes: vec![unique("design_items", ["design_id", "position"])],
    }
}

fn selection() -> Layout {
    let mut table = table(
        "selections",
        [big_integer("design_id"), text("record"), moment("created")],
    );
    refers(&mut table, "selections", "design_id", "designs");
    Layout {
        table,
        indexes: vec![index("selections", ["design_id", "id"])],
    }
}

fn selected_item() -> Layout {
    let mut table = table(
        "selected_items",
        [
            big_integer("selection_id"),
            big_integer("item_id"),
            double("probability"),
        ],
    );
    refers(&mut table, "selected_items", "selection_id", "selections");
    refers(&mut table, "selected_items", "item_id", "design_items");
    Layout {
        table,
        indexes: vec![unique("selected_items", ["selection_id", "item_id"])],
    }
}

fn comparison() -> Layout {
    let mut table = table(
        "comparisons",
        [
            hash("key"),
            big_integer("left_snippet_id"),
            big_integer("right_snippet_id"),
            text("labeller"),
            word("labeller_kind", ["person", "judge"]),
            word("choice", ["left", "right", "same", "unusable"]),
            double_null("seconds"),
            text("occasion"),
            text("source"),
            moment("created"),
        ],
    );
    refers(&mut table, "comparisons", "left_snippet_id", "snippets");
    refers(&mut table, "comparisons", "right_snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("comparisons", ["key"]),
            index("comparisons", ["left_snippet_id"]),
            index("comparisons", ["right_snippet_id"]),
        ],
    }
}

fn attack_session() -> Layout {
    let mut table = table(
        "attack_sessions",
        [
            hash("key"),
            text("attacker"),
            word("attacker_kind", ["person", "algorithm"]),
            text("group"),
            big_integer_null("model_id"),
            double("seconds"),
            boolean("found"),
            big_integer_null("snippet_id"),
            text("occasion"),
            text("source"),
            moment("created"),
        ],
    );
    refers(&mut table, "attack_sessions", "model_id", "models");
    refers(&mut table, "attack_sessions", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("attack_sessions", ["key"]),
            index("attack_sessions", ["group", "id"]),
        ],
    }
}

fn estimate() -> Layout {
    let mut table = table(
        "estimates",
        [
            text("quantity"),
            double_null("value"),
            double("lower"),
            double("upper"),
            double("confidence"),
            text("method"),
            big_integer("n"),
            text("record"),
            big_integer_null("design_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "estimates", "design_id", "designs");
    Layout {
        table,
        indexes: vec![index("estimates", ["quantity", "id"])],
    }
}
