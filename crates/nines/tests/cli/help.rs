//! What the program says of itself.

use crate::world::World;

/// The commands, as they are typed.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["init"],
    &["models"],
    &["models", "pull"],
    &["import"],
    &["import", "snippets"],
    &["generate"],
    &["train", "classifier"],
    &["ensemble"],
    &["ensemble", "create"],
    &["unfamiliarity"],
    &["unfamiliarity", "fit"],
    &["unfamiliarity", "measure"],
    &["calibrate"],
    &["filter"],
    &["score"],
    &["select"],
    &["select", "compare"],
    &["label", "export"],
    &["label", "import"],
    &["export", "classifier"],
    &["export", "card"],
    &["measure"],
    &["measure", "plan"],
    &["measure", "leak"],
    &["measure", "quality"],
    &["measure", "compare"],
    &["measure", "tightening"],
    &["measure", "distribution", "add"],
    &["measure", "show"],
    &["simulate"],
    &["simulate", "new"],
    &["simulate", "label"],
    &["simulate", "check"],
    &["attack"],
    &["attack", "run"],
    &["attack", "recipes"],
    &["attack", "list"],
    &["attack", "show"],
    &["attack", "saliency"],
    &["attack", "substitutes"],
    &["measure", "attack-time"],
    &["report"],
    &["runs"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "cancel"],
    &["stats"],
    &["stats", "interval"],
    &["stats", "plan"],
    &["stats", "stratified"],
    &["stats", "survival"],
    &["stats", "quality"],
    &["stats", "agreement"],
    &["stats", "compare"],
    &["stats", "species"],
    &["serve"],
    &["accounts", "reset"],
    &["demo"],
    &["doctor"],
];

#[test]
fn help_of_every_command() {
    let world = World::empty();
    for words in COMMANDS {
        let help = world.run(&[words, &["--help"][..]].concat()).good();
        let name = ["help"].iter().chain(*words).copied().collect::<Vec<_>>();
        insta::assert_snapshot!(name.join("-"), help.stdout);
    }
}

#[test]
fn bad_usage_ends_with_2() {
    let world = World::with_project();
    world.run(&["fliter"]).bad(2, &["fliter", "filter"]);
    world.run(&[]).bad(2, &["Usage"]);
    world
        .run(&["generate", "--n", "many"])
        .bad(2, &["--n", "many"]);
    world
        .run(&["--json", "filter"])
        .bad(1, &["has no classifier yet"]);
    for words in [
        &["calibrate", "--recall", "2"][..],
        &["calibrate", "--confidence", "1"],
        &["filter", "--threshold", "7"],
        &["filter", "--threshold", "NaN"],
        &["filter", "--budget", "0"],
        &["generate", "--n", "0"],
        &["train", "classifier", "--name", "../x"],
        &["train", "classifier", "--name", "a@2"],
        &["train", "classifier", "--cross-validate", "1"],
    ] {
        world.run(words).bad(2, &[words[words.len() - 2]]);
    }
    world
        .run(&["models", "pull", "a", "b", "--name", "c"])
        .bad(2, &["--name goes with one source"]);
}

#[test]
fn errors_are_json_for_machines() {
    let world = World::empty();
    let ended = world.run(&["--json", "generate"]).bad(1, &[]);
    let error: serde_json::Value = serde_json::from_str(&ended.stderr).expect("one JSON value");
    let first = error["error"][0].as_str().expect("a message");
    assert!(first.contains("project is not a nines project"), "{first}");
    assert!(first.contains("nines init project"), "{first}");
    assert_eq!(ended.stdout, "");
}
