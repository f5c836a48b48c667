//! Models, what they generate, score and answer.

use super::*;

pub fn tables() -> Vec<Layout> {
    vec![
        model(),
        sampler(),
        generation(),
        score(),
        calibration(),
        filter_answer(),
        filter_candidate(),
    ]
}

fn model() -> Layout {
    let mut table = table(
        "models",
        [
            word("kind", ["base", "classifier", "generator"]),
            text("name"),
            big_integer("version"),
            text("path"),
            text("digest"),
            text("config"),
            text("metrics"),
            big_integer_null("parent_id"),
            big_integer_null("run_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "models", "parent_id", "models");
    refers(&mut table, "models", "run_id", "runs");
    Layout {
        table,
        indexes: vec![unique("models", ["kind", "name", "version"])],
    }
}

fn sampler() -> Layout {
    Layout {
        table: table(
            "samplers",
            [
                hash("hash"),
                text("generator"),
                text("sampling"),
                moment("created"),
            ],
        ),
        indexes: vec![unique("samplers", ["hash"])],
    }
}

fn generation() -> Layout {
    let mut table = table(
        "generations",
        [
            big_integer("sampler_id"),
            big_integer("prompt_id"),
            big_integer("draw"),
            big_integer("snippet_id"),
            word("finish", ["sentence", "end_of_text", "budget"]),
            big_integer("tokens"),
            big_integer_null("run_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "generations", "sampler_id", "samplers");
    refers(&mut table, "generations", "prompt_id", "prompts");
    refers(&mut table, "generations", "snippet_id", "snippets");
    refers(&mut table, "generations", "run_id", "runs");
    Layout {
        table,
        indexes: vec![
            unique("generations", ["sampler_id", "prompt_id", "draw"]),
            index("generations", ["snippet_id"]),
            index("generations", ["run_id", "id"]),
        ],
    }
}

fn score() -> Layout {
    let mut table = table(
        "scores",
        [
            big_integer("snippet_id"),
            big_integer("model_id"),
            text("path"),
            double("score"),
            moment("created"),
        ],
    );
    refers(&mut table, "scores", "snippet_id", "snippets");
    refers(&mut table, "scores", "model_id", "models");
    Layout {
        table,
        indexes: vec![unique("scores", ["model_id", "path", "snippet_id"])],
    }
}

fn calibration() -> Layout {
    let mut table = table(
        "calibrations",
        [
            big_integer("model_id"),
            double("threshold"),
            text("rule"),
            text("record"),
            big_integer_null("run_id"),
            moment("created"),
        ],
    );
    refers(&mut table, "calibrations", "model_id", "models");
    refers(&mut table, "calibrations", "run_id", "runs");
    Layout {
        table,
        indexes: vec![index("calibrations", ["model_id", "id"])],
    }
}

fn filter_answer() -> Layout {
    let mut table = table(
        "filter_answers",
        [
            big_integer("run_id"),
            big_integer("position"),
            big_integer("prompt_id"),
            big_integer("model_id"),
            big_integer_null("calibration_id"),
            double("threshold"),
            text("law"),
            word("outcome", ["accepted", "abstained"]),
            big_integer_null("accepted_snippet_id"),
            big_integer("draws"),
            moment("created"),
        ],
    );
    refers(&mut table, "filter_answers", "run_id", "runs");
    refers(&mut table, "filter_answers", "prompt_id", "prompts");
    refers(&mut table, "filter_answers", "model_id", "models");
    refers(
        &mut table,
        "filter_answers",
        "calibration_id",
        "calibrations",
    );
    refers(
        &mut table,
        "filter_answers",
        "accepted_snippet_id",
        "snippets",
    );
    Layout {
        table,
        indexes: vec![unique("filter_answers", ["run_id", "position"])],
    }
}

fn filter_candidate() -> Layout {
    let mut table = table(
        "filter_candidates",
        [
            big_integer("answer_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            big_integer("draw"),
            word("finish", ["sentence", "end_of_text", "budget"]),
            big_integer("tokens"),
            word("verdict", ["accepted", "rejected", "unscoreable"]),
            double_null("score"),
            text_null("reason"),
        ],
    );
    refers(
        &mut table,
        "filter_candidates",
        "answer_id",
        "filter_answers",
    );
    refers(&mut table, "filter_candidates", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("filter_candidates", ["answer_id", "position"]),
            index("filter_candidates", ["snippet_id"]),
        ],
    }
}
