//! `nines sweep` where something is wrong: trials that fail, results of something else, nothing random.

use crate::sweep::{states, trials, world};
use crate::world::{World, rows};
use nines_store::TrialState;
use serde_json::{Value, json};

const RECIPE: &str =
    "folds = 2\n[recipe]\nepochs = 1\nbatch_size = 8\nlearning_rate = 0.005\nhead_rate = 1.0\n";

const RUN: [&str; 6] = ["--json", "sweep", "run", "sweep.toml", "--results", "out"];

const TABLE: [&str; 6] = ["--json", "sweep", "table", "sweep.toml", "--results", "out"];

fn two_cells() -> String {
    format!(
        "{RECIPE}[[cells]]\nname = \"plain\"\n[[cells]]\nname = \"slow\"\nrecipe = {{ learning_rate = 0.001 }}\n"
    )
}

fn names(table: &Value) -> Vec<&str> {
    let cells = table["cells"].as_array().expect("cells");
    cells
        .iter()
        .map(|cell| cell["cell"].as_str().expect("a name"))
        .collect()
}

/// Brings more labelled snippets in.
fn import_more(world: &World) {
    let more = world.file("more.jsonl", rows(90)).display().to_string();
    world.run(&["import", "snippets", &more]).good();
}

#[test]
fn a_trial_that_fails_does_not_stop_the_others() {
    let world = world();
    // A layer that the tiny base does not have is found out when it is trained.
    let cells =
        "[[cells]]\nname = \"deep\"\nrecipe = { from_layer = 900 }\n[[cells]]\nname = \"plain\"\n";
    world.file("sweep.toml", format!("seeds = [0, 1]\n{RECIPE}{cells}"));
    use TrialState::{Done, Failed};
    for run in [1, 1] {
        let ended = world.run(&RUN);
        let table = ended.json();
        assert_eq!(names(&table), ["plain"], "the table is told all the same");
        assert_eq!(table["failed"], json!(["deep-0", "deep-1"]));
        ended.bad(
            1,
            &[
                "2 trials failed: deep-0, deep-1; the same command tries again",
                "the trial deep-0",
            ],
        );
        let watched = trials(&world, run);
        assert_eq!(states(&watched), [Failed, Done, Failed, Done]);
    }
}

#[test]
fn a_search_goes_on_without_the_draws_that_fail() {
    let world = world();
    let search = "[search]\ntrials = 4\nrungs = [1, 2]\nkeep = 0.5\n[search.space]\nfrom_layer = { choose = [0, 900] }\n";
    let recipe = RECIPE.replace("epochs = 1\n", "");
    world.file("sweep.toml", format!("{recipe}{search}"));
    let ended = world.run(&RUN);
    let table = ended.json();
    let failed = table["failed"].as_array().expect("names").len();
    assert!((1..4).contains(&failed), "some draws fail: {table}");
    let names = names(&table);
    assert_eq!(
        names.iter().filter(|name| name.ends_with("-e1")).count(),
        4 - failed
    );
    assert!(names.iter().any(|name| name.ends_with("-e2")), "{names:?}");
    ended.bad(1, &["failed: draw", "the trial draw"]);
}

#[test]
fn cells_are_compared_without_random_completions() {
    let world = World::with_project();
    world.import(60);
    world.file("sweep.toml", two_cells());
    let table = world.run(&RUN).good().json();
    let reached = table["cells"][1]["reached"].as_array().expect("numbers");
    let what: Vec<&Value> = reached.iter().map(|number| &number["what"]).collect();
    assert_eq!(what, ["AUROC", "AUPRC"]);
    assert!(reached.iter().all(|number| number["gain"].is_object()));
    assert_eq!(world.run(&TABLE).good().json(), table);
    // Nothing sets a threshold for attacks: said before anything is trained.
    world.file(
        "sweep.toml",
        two_cells() + "[attacks]\nrecipes = [\"typos\"]\n",
    );
    world.run(&RUN).bad(1, &["no random completion"]);
}

#[test]
fn results_of_another_recipe_are_not_compared() {
    let world = world();
    world.file("sweep.toml", two_cells());
    world.run(&RUN).good();
    let edited = two_cells().replace("batch_size = 8", "batch_size = 16");
    world.file("sweep.toml", &edited);
    let one = [&RUN[..], &["--again", "--limit", "1"]].concat();
    let table = world.run(&one).good().json();
    assert_eq!(names(&table), ["plain"]);
    let left_out = json!([{"trial": "slow-0", "of": "another recipe"}]);
    assert_eq!(table["unfit"], left_out);
    assert_eq!(world.run(&TABLE).good().json()["unfit"], left_out);
    world.file("sweep.toml", two_cells());
    let before = world.run(&TABLE).good().json();
    assert_eq!(
        (names(&before), &before["unfit"][0]["trial"]),
        (vec!["slow"], &json!("plain-0"))
    );
    let words = world.run(&TABLE[1..]).good().stdout;
    assert!(words.contains("plain-0 (of another recipe)"), "{words}");

    // Other labels: what was scored before is of other rows.
    world.file("sweep.toml", edited);
    import_more(&world);
    let table = world.run(&one).good().json();
    assert_eq!(names(&table), ["plain"]);
    assert_eq!(table["unfit"][0]["trial"], "slow-0");
}

#[test]
fn a_search_is_made_again_on_other_labels() {
    let world = world();
    let search = "[search]\ntrials = 3\nrungs = [1, 2]\n[search.space]\nlearning_rate = { log = [1e-3, 1e-2] }\n";
    let recipe = RECIPE
        .replace("epochs = 1\n", "")
        .replace("learning_rate = 0.005\n", "");
    world.file("sweep.toml", format!("{recipe}{search}"));
    let one = [&RUN[..], &["--limit", "1"]].concat();
    let table = world.run(&one).good().json();
    assert_eq!(table["missing"], json!(["draw001-e1-0", "draw002-e1-0"]));
    world.run(&RUN).good();
    // As if another recipe had gone on before.
    let out = world.path("out");
    for draw in 0..3 {
        let of = |draw: usize| out.join(format!("draw{draw:03}-e2-0.json"));
        let made = (0..3)
            .map(of)
            .find(|file| file.exists())
            .expect("one went on");
        if !of(draw).exists() {
            std::fs::copy(made, of(draw)).expect("copied");
        }
    }
    import_more(&world);
    let table = world.run(&[&RUN[..], &["--again"]].concat()).good().json();
    assert_eq!(names(&table).len(), 4, "{table}");
    assert_eq!(
        (&table["missing"], &table["unfit"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn other_attacks_are_another_trial() {
    let world = world();
    let attacked = |queries: u64, recipe: &str| {
        let attacks =
            format!("[attacks]\nrecipes = [\"{recipe}\"]\nstarts = 4\nqueries = {queries}\n");
        world.file(
            "sweep.toml",
            format!("{RECIPE}{attacks}[[cells]]\nname = \"plain\"\n"),
        );
    };
    attacked(20, "typos");
    world.run(&RUN).good();
    let file = world.path("out/plain-0.json");
    let read = || -> Value {
        let text = std::fs::read_to_string(&file).expect("a result");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(read()["identity"]["attacks"]["queries"], 20);
    // A result of a time when identities did not name attacks has them all the same.
    let mut old = read();
    let identity = old["identity"].as_object_mut().expect("an object");
    identity.remove("attacks");
    std::fs::write(&file, old.to_string()).expect("written");
    world.run(&RUN).good();
    assert_eq!(read(), old, "it is not made again");
    attacked(30, "typos");
    world
        .run(&RUN)
        .bad(1, &["plain-0.json is the result of other attacks"]);
    let table = world.run(&TABLE).good().json();
    let left_out = json!([{"trial": "plain-0", "of": "other attacks"}]);
    assert_eq!((names(&table).len(), &table["unfit"]), (0, &left_out));
    // What needs more than a classifier is refused before anything is trained.
    attacked(30, "mcmc");
    world.run(&RUN).bad(1, &["names mcmc", "a language model"]);
}

#[test]
fn a_limit_needs_a_place_where_the_next_command_looks() {
    let world = World::with_project();
    world.file("sweep.toml", two_cells());
    world
        .run(&["sweep", "run", "sweep.toml", "--limit", "1"])
        .bad(2, &["--results"]);
}
