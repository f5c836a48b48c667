//! `nines sweep`: cells, halving, attacks at equal acceptance, going on.

use crate::world::{World, rows};
use nines_domain::snippet::RunId;
use nines_store::{Store, StoreUrl, SweepTrial, TrialState};
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;

/// The trials of a run, as whoever watches reads them.
pub fn trials(world: &World, run: i64) -> Vec<SweepTrial> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let url = StoreUrl::Sqlite(world.path("project/nines.db"));
        let store = Store::open(&url).await.expect("opens");
        let (trials, _) = store.trials(RunId(run), None, 1000).await.expect("read");
        trials
    })
}

pub fn states(trials: &[SweepTrial]) -> Vec<TrialState> {
    trials.iter().map(|trial| trial.state).collect()
}

/// A world whose safe rows count as random completions, so that acceptance can be measured.
pub fn world() -> World {
    let world = World::with_project();
    let rows: String = rows(60)
        .lines()
        .map(|line| {
            let pick = if line.contains("\"no\"") {
                "random"
            } else {
                "first"
            };
            format!("{}, \"pick\": \"{pick}\"}}\n", line.trim_end_matches('}'))
        })
        .collect();
    let file = world.file("picked.jsonl", rows).display().to_string();
    world.run(&["import", "snippets", &file]).good();
    world
}

const RECIPE: &str =
    "[recipe]\nepochs = 6\nbatch_size = 8\nlearning_rate = 0.005\nhead_rate = 1.0\n";

fn cells() -> String {
    format!(
        "seeds = [0, 1]\nfolds = 2\n{RECIPE}\n[attacks]\nrecipes = [\"typos\"]\nstarts = 6\nqueries = 40\n\
         [[cells]]\nname = \"plain\"\n[[cells]]\nname = \"untrained\"\nrecipe = {{ learning_rate = 1e-9 }}\n"
    )
}

fn changed(path: &Path) -> SystemTime {
    let data = std::fs::metadata(path).expect("there");
    data.modified().expect("a time")
}

#[test]
fn cells_are_compared_seed_by_seed_and_kept() {
    let world = world();
    world.file("sweep.toml", cells());
    let one = &[
        "--json",
        "sweep",
        "run",
        "sweep.toml",
        "--results",
        "out",
        "--limit",
        "1",
    ];
    let table = world.run(one).good().json();
    assert_eq!(table["cells"][0]["cell"], "plain");
    assert_eq!(
        table["missing"],
        serde_json::json!(["untrained-0", "plain-1", "untrained-1"])
    );
    let first = changed(&world.path("out/plain-0.json"));
    let watched = trials(&world, 1);
    use TrialState::{Done, Waiting};
    assert_eq!(states(&watched), [Done, Waiting, Waiting, Waiting]);
    assert_eq!(
        (watched[1].cell.as_str(), watched[2].seed),
        ("untrained", 1)
    );
    assert_eq!(
        watched[0].recipe,
        json!({"learning_rate": 0.005}),
        "what differs alone"
    );
    let auroc = &watched[0].numbers[0];
    assert_eq!(auroc.what, "AUROC");
    assert_eq!(
        auroc.value.value,
        table["cells"][0]["reached"][0]["value"]["value"].as_f64()
    );
    assert_eq!(
        watched[0].numbers, watched[0].together,
        "one seed is the cell so far"
    );

    let run = &["--json", "sweep", "run", "sweep.toml", "--results", "out"];
    let table = world.run(run).good().json();
    assert_eq!(changed(&world.path("out/plain-0.json")), first, "made once");
    assert_eq!(table["missing"], serde_json::json!([]));
    let watched = trials(&world, 2);
    assert_eq!(states(&watched), [Done; 4]);
    assert_eq!(watched[0].started, None, "it was there before");
    assert!(watched[1].started.is_some() && watched[1].seconds.is_some());
    for (row, trial) in [(0, &watched[2]), (1, &watched[3])] {
        let cell = &table["cells"][row];
        let all = cell["reached"]
            .as_array()
            .into_iter()
            .chain(cell["survived"].as_array())
            .flatten();
        let shown: Vec<(&Value, &Value)> = all
            .map(|number| (&number["what"], &number["value"]))
            .collect();
        let told = serde_json::to_value(&trial.together).expect("JSON");
        let told = told.as_array().expect("numbers");
        assert_eq!(shown.len(), told.len());
        for ((what, value), told) in shown.into_iter().zip(told) {
            assert_eq!(
                (what, value),
                (&told["what"], &told["value"]),
                "as the table says"
            );
        }
    }
    let untrained = &table["cells"][1];
    assert_eq!(untrained["seeds"], serde_json::json!([0, 1]));
    let auroc = &untrained["reached"][0];
    let gain = &auroc["gain"];
    assert!(gain["value"].as_f64().expect("a number") < -0.05, "{auroc}");
    assert!(gain["lower"].as_f64() < gain["upper"].as_f64(), "{auroc}");
    assert!(
        gain["method"]
            .as_str()
            .expect("a method")
            .contains("2 seeds")
    );
    let survived = &table["cells"][0]["survived"][0];
    assert_eq!(survived["what"], "rejects all of typos");
    assert!(
        survived["value"]["n"].as_u64().expect("families") > 2,
        "{survived}"
    );

    let markdown = world
        .run(&[
            "sweep",
            "table",
            "sweep.toml",
            "--results",
            "out",
            "--markdown",
        ])
        .good()
        .stdout;
    assert!(markdown.contains("| untrained | 2 |"), "{markdown}");
    assert!(markdown.contains("would exclude 0 by chance"), "{markdown}");
    let left = std::fs::read_dir(world.path("project/runs")).expect("runs");
    for run in left {
        let trials = run.expect("a run").path().join("trials");
        let count = std::fs::read_dir(&trials).map_or(0, Iterator::count);
        assert_eq!(count, 0, "{} is cleared", trials.display());
    }
}

#[test]
fn results_of_something_else_are_not_mixed_in() {
    let world = world();
    world.file("sweep.toml", cells());
    let run = &[
        "sweep",
        "run",
        "sweep.toml",
        "--results",
        "out",
        "--limit",
        "1",
    ];
    world.run(run).good();
    world.file("sweep.toml", cells().replace("epochs = 6", "epochs = 5"));
    world.run(run).bad(
        1,
        &["plain-0.json is the result of another recipe", "--again"],
    );
    world.run(&[run.as_slice(), &["--again"]].concat()).good();
    // Prompts that the first import had not.
    let more = world.file("more.jsonl", rows(90)).display().to_string();
    world.run(&["import", "snippets", &more]).good();
    world
        .run(run)
        .bad(1, &["rows.json is of other labelled snippets"]);
}

#[test]
fn halving_gives_the_best_more_epochs() {
    let world = world();
    let sweep = format!(
        "folds = 2\n{}\n[search]\ntrials = 3\nrungs = [1, 6]\nkeep = 0.3\n[search.space]\nlearning_rate = {{ log = [1e-9, 0.02] }}\n",
        RECIPE
            .replace("epochs = 6\n", "")
            .replace("learning_rate = 0.005\n", "")
    );
    world.file("sweep.toml", sweep);
    let run = &["--json", "sweep", "run", "sweep.toml", "--results", "out"];
    let table = world.run(run).good().json();
    let names: Vec<&str> = table["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .filter_map(|cell| cell["cell"].as_str())
        .collect();
    assert_eq!(
        names.len(),
        4,
        "three draws and the best of them again: {names:?}"
    );
    assert!(names[3].ends_with("-e6"), "{names:?}");
    let watched = trials(&world, 1);
    assert_eq!(watched.len(), 4);
    let dropped = states(&watched[..3])
        .iter()
        .filter(|&&state| state == TrialState::Dropped)
        .count();
    assert_eq!(
        (dropped, watched[3].state, watched[3].rung),
        (2, TrialState::Done, 1)
    );
    assert_eq!(watched[3].recipe["epochs"], 6);
    let auroc = |cell: &Value| {
        cell["reached"][0]["value"]["value"]
            .as_f64()
            .expect("a number")
    };
    let first: Vec<f64> = (0..3).map(|i| auroc(&table["cells"][i])).collect();
    let best = (0..3)
        .max_by(|a, b| first[*a].total_cmp(&first[*b]))
        .expect("three");
    assert_eq!(
        names[3].split("-e").next(),
        names[best].split("-e").next(),
        "{first:?}"
    );
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let world = World::with_project();
    let refused = |text: &str, parts: &[&str]| {
        world.file("sweep.toml", text);
        world.run(&["sweep", "run", "sweep.toml"]).bad(1, parts);
    };
    refused("cells = 3", &["sweep.toml is no sweep file"]);
    refused("", &["either [[cells]] or [search]"]);
    refused("[[cells]]\nname = \"../x\"", &["no name of a cell"]);
    refused(
        "[[cells]]\nname = \"a\"\nrecipe = { epoch = 2 }",
        &["unknown field `epoch`"],
    );
    world
        .run(&["sweep", "run", "absent.toml"])
        .bad(1, &["cannot read absent.toml"]);
    world
        .run(&["sweep", "table", "sweep.toml", "--results", "none"])
        .bad(1, &["holds no results"]);
}

#[test]
fn a_trial_that_fails_is_told_and_waits_when_the_sweep_goes_on() {
    let world = world();
    // A layer that the tiny base does not have is found out when it is trained.
    let broken = format!(
        "folds = 2\n{RECIPE}\n[[cells]]\nname = \"plain\"\n[[cells]]\nname = \"deep\"\nrecipe = {{ from_layer = 900 }}\n"
    );
    world.file("sweep.toml", broken);
    let run = &["sweep", "run", "sweep.toml", "--results", "out"];
    world.run(run).bad(1, &["the trial deep-0"]);
    let watched = trials(&world, 1);
    assert_eq!(states(&watched), [TrialState::Done, TrialState::Failed]);
    let error = watched[1].error.as_deref().expect("an error");
    assert!(error.contains("the trial deep-0"), "{error}");
    world.run(run).bad(1, &["the trial deep-0"]);
    let again = trials(&world, 1);
    assert_eq!(
        again[0], watched[0],
        "the same run went on, and kept what it had"
    );
}
