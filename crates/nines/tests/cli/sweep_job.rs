//! A sweep asked for in the workbench: checked, run by a process of its own, watched.

use crate::serve::Served;
use crate::sweep::world;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn until(what: &str, holds: impl Fn() -> Option<Value>) -> Value {
    let started = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "not {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_sweep_is_asked_for_watched_and_its_file_names_nothing_of_the_machine() {
    let world = world();
    let served = Served::start(&world);
    let ask = |file: &str| {
        let body = json!({"kind": "sweep", "file": file});
        let (status, _, answer) = served.call("POST", "/api/jobs", Some(&body));
        (status, answer)
    };
    for (file, why) in [
        ("cells = 3", "no sweep file"),
        ("[[cells]]\nname = \"../x\"", "no name of a cell"),
        (
            "[[cells]]\nname = \"a\"\nbase = \"/etc\"",
            "no name of a model",
        ),
        (
            "[[cells]]\nname = \"a\"\nbase = \"..\"",
            "no name of a model",
        ),
        (
            "base = \"gone\"\n[[cells]]\nname = \"a\"",
            "not in the cache",
        ),
        (
            "[[cells]]\nname = \"a\"\nrecipe = { epoch = 2 }",
            "unknown field `epoch`",
        ),
        (
            "[attacks]\nrecipes = [\"/etc/passwd\"]\n[[cells]]\nname = \"a\"",
            "nines attack recipes",
        ),
        (
            "[attacks]\nrecipes = [\"textfooler-like\"]\n[[cells]]\nname = \"a\"",
            "needs more than the classifier",
        ),
        (
            "[search]\ntrials = 9000\n[search.space]\nlearning_rate = { log = [1e-5, 1e-3] }",
            "at most 2000",
        ),
    ] {
        let (status, answer) = ask(file);
        assert_eq!(status, 422, "{answer}");
        let detail = answer["detail"].as_str().expect("words");
        assert!(detail.contains(why), "{detail}");
        assert!(!detail.contains("/cache"), "{detail}");
    }

    let (status, job) = ask(
        "folds = 2\n[recipe]\nepochs = 2\nbatch_size = 8\nhead_rate = 1.0\n\
         [[cells]]\nname = \"slow\"\nrecipe = { learning_rate = 0.001 }\n\
         [[cells]]\nname = \"quick\"\nrecipe = { learning_rate = 0.005 }\n",
    );
    assert_eq!(status, 201, "{job}");
    let done = until("the job ends", || {
        let job = served.get(&format!("/api/jobs/{}", job["id"]));
        let is_over = !["queued", "running"].contains(&job["state"].as_str().unwrap_or(""));
        is_over.then_some(job)
    });
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["progress"], json!({"done": 2, "total": 2}));
    let trials = served.get(&format!("/api/runs/{}/trials", done["run"]));
    let rows = trials["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for (row, rate) in rows.iter().zip([0.001, 0.005]) {
        assert_eq!(
            (&row["state"], &row["recipe"]),
            (&json!("done"), &json!({"learning_rate": rate}))
        );
        let names: Vec<&Value> = row["numbers"]
            .as_array()
            .expect("numbers")
            .iter()
            .map(|n| &n["what"])
            .collect();
        assert_eq!(
            names,
            [
                "AUROC",
                "AUPRC",
                "recall at 50 % acceptance",
                "recall at 80 % acceptance"
            ]
        );
        assert!(row["numbers"][0]["value"]["lower"].is_number());
    }
    served.stop().good();
}
