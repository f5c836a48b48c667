//! An ensemble distilled into one classifier.

use crate::world::{TRAIN, World};

#[test]
fn one_classifier_learns_what_an_ensemble_says() {
    let world = World::with_project();
    world.import(120);
    world.train();
    world.run(&[TRAIN, &["--seed", "1"]].concat()).good();
    let create = [
        "ensemble", "create", "both", "--member", "hurt@1", "--member", "hurt@2",
    ];
    world.run(&create).good();
    let name = ["--name", "copy", "--seed", "2"];
    let train: Vec<&str> = TRAIN
        .iter()
        .copied()
        .filter(|word| !["--name", "hurt"].contains(word))
        .collect();
    let teach = ["--teacher", "both", "--teacher-draws", "2"];
    let words = [&["--json"], &train[..], &name, &teach].concat();
    let ended = world.run(&words).good();
    assert!(ended.stderr.contains("both v1 teaches"), "{}", ended.stderr);
    let trained = ended.json();
    assert_eq!(trained["classifier"], "copy v1");
    let auroc = &trained["test"]["subsets"][0]["auroc"]["value"];
    assert!(auroc.as_f64() > Some(0.9), "{auroc}");
    let kept = &trained["record"]["identity"]["config"]["teacher"];
    assert_eq!(kept["weight"], 1.0);
    // Its lineage names its teacher.
    let report = world
        .run(&["--json", "report", "--out", "page.html"])
        .good()
        .json();
    let versions = report["lineage"]["classifiers"].as_array().expect("a list");
    let copy = versions
        .iter()
        .find(|v| v["name"] == "copy v1")
        .expect("it is there");
    assert!(
        copy["parents"]
            .to_string()
            .contains("both v1 (its teacher)"),
        "{copy}"
    );
    // Where copy and ensemble differ can be looked for.
    let attack = [
        "--json",
        "attack",
        "disagree",
        "--classifier",
        "copy",
        "--against",
        "both",
    ];
    let few = [
        "--threshold",
        "0.5",
        "--against-threshold",
        "0.5",
        "--limit",
        "4",
        "--queries",
        "40",
        "--split",
        "all",
    ];
    world.run(&[&attack[..], &few].concat()).good();
    let evade = [
        "--json",
        "attack",
        "hotflip",
        "--classifier",
        "copy",
        "--against",
        "both",
    ];
    let more = [
        "--threshold",
        "0.9",
        "--against-threshold",
        "0.5",
        "--limit",
        "20",
        "--queries",
        "200",
        "--split",
        "all",
    ];
    let shown = world.run(&[&evade[..], &more].concat()).good().json();
    let transfer = &shown["transfer"];
    let count = |name: &str| transfer[name].as_u64().expect("a count");
    assert!(
        count("fooled") > 0 && count("also") <= count("fooled"),
        "{shown}"
    );
    let share = transfer["share"]["value"].as_f64().expect("a share");
    assert!((share - count("also") as f64 / count("fooled") as f64).abs() < 1e-12);
    // The same command again finds what it made.
    let again = world.run(&words).good().json();
    assert_eq!(again["classifier"], "copy v2");
    assert_eq!(
        again["record"]["identity"]["data_digest"], trained["record"]["identity"]["data_digest"],
        "the teacher says the same again"
    );
}

#[test]
fn a_teacher_that_cannot_teach_is_refused() {
    let world = World::with_project();
    world.import(120);
    world.train();
    let train = ["train", "classifier", "--name", "copy"];
    world
        .run(&[&train[..], &["--teacher", "nobody"]].concat())
        .bad(1, &["no classifier nobody"]);
    world
        .run(&[&train[..], &["--teacher", "hurt", "--cross-validate", "3"]].concat())
        .bad(2, &["--cross-validate"]);
    world
        .run(&[&train[..], &["--teacher", "hurt", "--teacher-weight", "2"]].concat())
        .bad(1, &["teacher.weight is 2"]);
    let recipe = world.file("recipe.toml", "[teacher]\nweight = 0.5\n");
    let recipe = recipe.display().to_string();
    world
        .run(&[&train[..], &["--recipe", &recipe]].concat())
        .bad(1, &["name one with --teacher"]);
}
