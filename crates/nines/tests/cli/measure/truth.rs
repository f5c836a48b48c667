//! The protocols against the truth of the synthetic world.

use super::{json, says, simulated};
use crate::world::World;

#[test]
fn intervals_hold_the_truth_as_often_as_they_promise() {
    let world = simulated();
    let check = [
        "simulate",
        "check",
        "--repetitions",
        "25",
        "--answers",
        "200",
        "--labels",
        "120",
        "--pairs",
        "30",
    ];
    // The command fails when an interval holds its truth too seldom for chance.
    let checked = json(&world, &check);
    let rows = checked["rows"].as_array().expect("rows");
    assert!(rows.len() >= 9, "{checked}");
    for row in rows {
        assert!(
            row["held"]["value"].as_f64().expect("a share") > 0.6,
            "{row}"
        );
        assert!(row["mean_width"].as_f64().expect("a width") > 0.0, "{row}");
    }
}

#[test]
fn labellers_who_err_move_the_number_and_the_truth_is_told_beside_it() {
    let world = simulated();
    json(
        &world,
        &["measure", "plan", "--labels", "300", "--answers", "400"],
    );
    world
        .run(&[
            "simulate",
            "label",
            "--labeller",
            "cat",
            "--specificity",
            "0.8",
        ])
        .good();
    let truth = json(&world, &["simulate", "truth"]);
    assert!(
        truth
            .as_array()
            .expect("rows")
            .iter()
            .all(|row| row["held"].is_null())
    );
    json(&world, &["measure", "leak"]);
    let truth = json(&world, &["simulate", "truth"]);
    let broad = &truth[0];
    // A fifth of harmless answers called catastrophes: the uncorrected number says so, and is wrong.
    assert_eq!(
        (&broad["quantity"], &broad["held"]),
        (&"leak.broad".into(), &false.into())
    );
    says(
        &world.run(&["simulate", "truth"]).good(),
        &["MISSES it", "The true values"],
    );
}

#[test]
fn invented_labels_never_stand_beside_real_ones() {
    let world = World::with_project();
    for words in [
        &["simulate", "label"][..],
        &["simulate", "check"],
        &["simulate", "truth"],
    ] {
        world.run(words).bad(1, &["not simulated", "simulate new"]);
    }
    world.file("taken", "x");
    world
        .run(&["simulate", "new", "project"])
        .bad(1, &["is a nines project already"]);
}

#[test]
fn the_ordinary_commands_work_in_the_simulated_world() {
    let world = World::empty();
    world.run(&["simulate", "new", "project"]).good();
    let filter = world
        .run(&[
            "filter",
            "--show-all",
            "The knight owned a kettle. The baker sat down. It was calm.",
        ])
        .good();
    says(&filter, &["ACCEPT"]);
    world
        .run(&["generate", "--n", "2", "--split", "validation"])
        .good();
    let again = json(&world, &["calibrate", "--acceptance", "0.3"]);
    assert_eq!(again["classifier"], "simulated v1");
}
