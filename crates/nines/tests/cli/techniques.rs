//! Techniques of training: options, tables of a recipe, and what they leave in the record.

use crate::world::{TRAIN, World};

#[test]
fn a_recipe_and_its_options_reach_the_record() {
    let world = World::with_project();
    world.import(60);
    let table = world.file(
        "recipe.toml",
        "label_smoothing = 0.05\nsift = { weight = 2 }\naveraging = { ema = { decay = 0.9 } }\n",
    );
    let table = table.to_string_lossy().into_owned();
    let options = [
        "--recipe",
        &table,
        "--sift",
        "3",
        "--latent",
        "1",
        "--severity-weights",
        "1,2,4",
        "--keep",
        "last",
    ];
    let trained = world
        .run(&[&["--json"], TRAIN, &options].concat())
        .good()
        .json();
    let config = &trained["record"]["identity"]["config"];
    assert_eq!(config["label_smoothing"], 0.05);
    assert_eq!(config["sift"]["weight"], 3.0, "options win over the table");
    assert_eq!(config["sift"]["step"], 1e-4);
    assert_eq!(config["latent"]["layer"], 1);
    assert_eq!(config["averaging"]["ema"]["decay"], 0.9);
    assert_eq!(
        config["severity_weights"],
        serde_json::json!([1.0, 2.0, 4.0])
    );
    assert_eq!(config["keep"], "last");
    let record = &trained["record"];
    assert_eq!(record["best_step"], record["steps"]);
    assert_eq!(config.get("freelb"), None, "what is off is not written");
    let penalties = trained["record"]["curves"]["penalty"].as_array();
    assert!(penalties.is_some_and(|all| all.iter().all(|x| x.as_f64().is_some_and(|x| x > 0.0))));
}

#[test]
fn a_recipe_that_cannot_be_used_is_refused_before_anything_else() {
    let world = World::with_project();
    let refused = |text: &str, parts: &[&str]| {
        let table = world.file("bad.toml", text);
        let table = table.to_string_lossy().into_owned();
        let words = ["train", "classifier", "--recipe", &table];
        world.run(&words).bad(1, &[&["bad.toml"], parts].concat());
    };
    refused(
        "sifting = 1",
        &["unknown field `sifting`", "docs/training.md"],
    );
    refused("sift = { lenght = 1 }", &["unknown field `lenght`"]);
    refused("loss = [", &["cannot read the recipe"]);
    refused(&"#".repeat(1 << 21), &["longer than"]);
    let absent = ["train", "classifier", "--recipe", "absent.toml"];
    world
        .run(&absent)
        .bad(1, &["cannot read the recipe absent.toml"]);
    let words = |options: &[&'static str]| [&["train", "classifier"], options].concat();
    let seed = world
        .file("seed.toml", "split_seed = 77")
        .to_string_lossy()
        .into_owned();
    let seed = ["train", "classifier", "--recipe", &seed];
    world.run(&seed).bad(1, &["split_seed is 77", "test split"]);
    for (options, parts) in [
        (
            &["--freelb", "--sift"][..],
            &["freelb is on together with sift"][..],
        ),
        (&["--r-drop=-1"], &["r_drop is -1"]),
        (&["--layer-decay", "0"], &["layer_decay is 0"]),
        (&["--adversarial-share", "1"], &["adversarial_share is 1"]),
        (&["--label-budget", "0"], &["label_budget is below 2"]),
    ] {
        world.run(&words(options)).bad(1, parts);
    }
    world
        .run(&words(&["--severity-weights", "1,2"]))
        .bad(2, &["--severity-weights"]);
}
