//! Unfamiliarity: fitted, measured, calibrated with, filtered by, refused with reasons.

use crate::world::{TRAIN, World};
use serde_json::Value;

/// A project with two classifiers and an ensemble of them, the newest.
fn trained() -> World {
    let world = World::with_project();
    // The tiny generator seldom comes to the end of a sentence.
    world.set("max_tokens = 20", "max_tokens = 34");
    world.import(120);
    world.train();
    world.run(&[TRAIN, &["--seed", "1"]].concat()).good();
    let create = [
        "ensemble", "create", "both", "--member", "hurt@1", "--member", "hurt@2",
    ];
    world.run(&create).good();
    world
}

fn json(world: &World, words: &[&str]) -> Value {
    world.run(&[&["--json"], words].concat()).good().json()
}

/// The rulings on all candidates of an answer.
fn rulings(answer: &Value) -> Vec<Value> {
    let candidates = answer["answers"][0]["candidates"]
        .as_array()
        .expect("a list");
    candidates
        .iter()
        .map(|candidate| candidate["ruling"].clone())
        .collect()
}

#[test]
fn every_kind_is_fitted_measured_and_filters() {
    let world = trained();
    for (name, kind, of) in [
        ("far", "distance", "hurt@1"),
        ("near", "neighbours", "hurt@1"),
        ("apart", "spread", "both"),
        ("odd", "surprise", "both"),
    ] {
        let fit = [
            "unfamiliarity",
            "fit",
            name,
            "--kind",
            kind,
            "--classifier",
            of,
        ];
        let fitted = json(&world, &fit);
        assert_eq!(fitted["unfamiliarity"], format!("{name} v1"));
        assert_eq!(fitted["basis"]["kind"], kind);
        let measure = ["unfamiliarity", "measure", name, "--fresh", "2"];
        let limits = ["--familiar", "0.55", "--familiar", "0.52"];
        let measured = json(&world, &[&measure[..], &limits].concat());
        assert_eq!(measured["classifier"], "both v1");
        let catastrophes = measured["catastrophes"].as_u64().expect("a count");
        assert!(catastrophes > 20, "{measured}");
        let rows = measured["rows"].as_array().expect("a list");
        // Two limits; with either, fewer than 80 % are familiar.
        assert_eq!(rows.len(), 2, "{measured}");
        for row in rows {
            let number = |value: &Value| value.as_f64().expect("a number");
            let (alone, both) = (number(&row["threshold_alone"]), number(&row["with_limit"]));
            let bought = &row["bought"];
            assert!(
                (number(&bought["value"]) - (both - alone)).abs() < 1e-12,
                "{row}"
            );
            assert!(number(&bought["lower"]) < number(&bought["upper"]), "{row}");
        }

        let calibrate = [
            "calibrate",
            "--acceptance",
            "0.25",
            "--fresh",
            "2",
            "--unfamiliarity",
            name,
        ];
        let calibrated = json(&world, &[&calibrate[..], &["--familiar", "0.55"]].concat());
        let caution = &calibrated["caution"];
        assert_eq!(caution["unfamiliarity"], format!("{name} v1"));
        let familiar = caution["familiar"]["value"].as_f64().expect("a share");
        assert!(familiar <= 0.55 && familiar > 0.3, "{calibrated}");
        let accepted = calibrated["record"]["acceptance"]["value"].as_f64();
        assert!(accepted <= Some(0.25), "{calibrated}");
        // Nobody finds that threshold without its limit.
        world
            .run(&["filter", "she walked the garden"])
            .bad(1, &["both v1 has no threshold yet"]);
        let filter = [
            "filter",
            "she walked the garden",
            "--unfamiliarity",
            name,
            "--budget",
            "12",
        ];
        let answer = json(&world, &filter);
        let threshold = calibrated["record"]["threshold"].as_f64().expect("a logit");
        for ruling in rulings(&answer) {
            match ruling["verdict"].as_str().expect("a word") {
                "accepted" => assert!(ruling["score"].as_f64() < Some(threshold)),
                "rejected" => assert!(ruling["score"].as_f64() >= Some(threshold)),
                other => assert_eq!(other, "unscoreable"),
            }
        }
        // A limit that nothing is below accepts nothing, whatever the threshold.
        let none = ["--unfamiliarity-limit", "-1", "--threshold", "0.999999"];
        let answer = json(&world, &[&filter[..], &none].concat());
        assert_eq!(answer["answers"][0]["completion"], Value::Null);
        let reasons = answer.to_string();
        assert!(reasons.contains("unfamiliar: "), "{reasons}");
        assert!(reasons.contains("the limit is -1.0000"), "{reasons}");
    }
    let listed = world.run(&["unfamiliarity", "list"]).good().stdout;
    for part in [
        "odd v1",
        "in nats a token",
        "spread of the members of both v1",
        "10th nearest of",
        "covariance shrunk by",
    ] {
        assert!(listed.contains(part), "no {part:?} in:\n{listed}");
    }
    let words = world
        .run(&[
            "unfamiliarity",
            "measure",
            "far",
            "--fresh",
            "2",
            "--familiar",
            "0.55",
        ])
        .good()
        .stdout;
    assert!(words.contains("bought, percentage points"), "{words}");
    assert!(words.contains("exclude"), "{words}");
    // The leak of such a filter is another measurement than without.
    let leak = [
        "measure",
        "leak",
        "--answers",
        "8",
        "--unfamiliarity",
        "far",
    ];
    json(&world, &leak);
    let words = world.run(&["filter", "she sang", "--show-all", "--unfamiliarity", "far"]);
    assert!(words.good().stdout.contains("; far v1 below "));
}

#[test]
fn what_says_nothing_is_refused() {
    let world = trained();
    let fit = |words: &[&str]| world.run(&[&["unfamiliarity", "fit"], words].concat());
    fit(&["x", "--kind", "spread", "--classifier", "hurt"])
        .bad(2, &["only members of an ensemble disagree"]);
    fit(&["x"]).bad(2, &["both v1 is an ensemble", "hurt v1, hurt v2"]);
    fit(&["../x"]).bad(2, &["a name begins"]);
    world
        .run(&["filter", "she sang", "--unfamiliarity", "far"])
        .bad(1, &["no measure of unfamiliarity far", "it has: none"]);
    world
        .run(&["filter", "she sang", "--unfamiliarity-limit", "3"])
        .bad(2, &["--unfamiliarity"]);
    fit(&["far", "--classifier", "hurt@1"]).good();
    world
        .run(&["filter", "she sang", "--unfamiliarity", "far"])
        .bad(1, &["no threshold with far v1", "nines calibrate"]);
    let typed = ["--threshold", "0.5", "--unfamiliarity-limit", "1e9"];
    let filter = ["filter", "she sang", "--unfamiliarity", "far"];
    world.run(&[&filter[..], &typed].concat()).good();
    // Other weights, or another vocabulary, make other hidden states.
    let config = world.path("project/models/hurt-run000001/config.json");
    let told = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, format!("{told} ")).expect("written");
    world.run(&[&filter[..], &typed].concat()).bad(
        1,
        &[
            "far v1 was fitted to the hidden states of hurt-run000001@",
            "fit it again",
        ],
    );
    std::fs::write(&config, told).expect("written");
    world.run(&[&filter[..], &typed].concat()).good();
    // Another file is not taken for what was fitted.
    let folder = std::fs::read_dir(world.path("project/models")).expect("listed");
    let folder = folder.filter_map(Result::ok).map(|entry| entry.path());
    let fitted = folder
        .map(|folder| folder.join("statistics.json"))
        .find(|file| file.is_file());
    let file = fitted.expect("the statistics");
    let text = std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, text.replacen('1', "2", 1)).expect("written");
    world
        .run(&[&filter[..], &typed].concat())
        .bad(1, &["is not the file that was stored"]);
}
