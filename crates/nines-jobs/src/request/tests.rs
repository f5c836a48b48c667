use super::*;
use serde_json::json;

fn request(value: serde_json::Value) -> JobRequest {
    serde_json::from_value(value).expect("a request")
}

#[test]
fn requests_become_the_words_of_their_commands() {
    let train = request(json!({"kind": "train", "name": "hurt", "epochs": 4,
        "learning_rate": 3e-5, "seed": u64::MAX}));
    let expected = [
        "train",
        "classifier",
        "--name=hurt",
        "--epochs=4",
        "--learning-rate=0.00003",
        "--seed=18446744073709551615",
    ];
    assert_eq!(train.arguments(None), expected);
    let plan = request(json!({"kind": "plan_leak", "leak": 0.01, "distribution": "--hard"}));
    let expected = [
        "measure",
        "plan",
        "--classifier=hurt@2",
        "--leak=0.01",
        "--distribution=--hard",
    ];
    assert_eq!(plan.arguments(Some("hurt@2")), expected);
    let attack = request(
        json!({"kind": "attack", "recipe": "hole-shapes", "limit": 50,
        "queries": 300, "seconds": 2.5, "seed": 7}),
    );
    let expected = [
        "attack",
        "run",
        "hole-shapes",
        "--classifier=hurt@2",
        "--limit=50",
        "--queries=300",
        "--seconds=2.5",
        "--seed=7",
    ];
    assert_eq!(attack.arguments(Some("hurt@2")), expected);
    assert_eq!(attack.title(Some("hurt@2")), "Attack hurt@2 by hole-shapes");
    attack.check().expect("within its limits");
    let sweep = |file: &str| request(json!({"kind": "sweep", "file": file}));
    let words = sweep("[[cells]]\nname = \"../a\"").arguments(None);
    assert_eq!(words[..2], ["sweep", "run"]);
    let name = words[2].strip_prefix("runs/sweeps/").expect("its folder");
    let name = name.strip_suffix(".toml").expect("its ending");
    assert!(name.chars().all(|c| c.is_ascii_hexdigit()), "{name}");
    assert_eq!(words, sweep("[[cells]]\nname = \"../a\"").arguments(None));
    assert_ne!(words, sweep("[[cells]]").arguments(None));
    let score = request(json!({"kind": "score"}));
    assert_eq!(score.arguments(None), ["score", "--stored"]);
    assert_eq!(
        score.title(None),
        "Score stored snippets by the newest classifier"
    );
}

#[test]
fn what_lies_beyond_its_limits_is_refused_by_name() {
    for (value, field) in [
        (json!({"kind": "train", "name": "../x"}), "name"),
        (json!({"kind": "train", "name": ""}), "name"),
        (json!({"kind": "sweep", "file": ""}), "file"),
        (json!({"kind": "sweep", "file": "a\0"}), "file"),
        (json!({"kind": "sweep", "file": "#".repeat(65_537)}), "file"),
        (json!({"kind": "train", "epochs": 0}), "epochs"),
        (
            json!({"kind": "train", "learning_rate": -1.0}),
            "learning_rate",
        ),
        (json!({"kind": "train", "batch": 5000}), "batch"),
        (json!({"kind": "generate", "n": 0, "split": "all"}), "n"),
        (json!({"kind": "calibrate", "recall": 1.0}), "recall"),
        (
            json!({"kind": "calibrate", "recall": 0.9, "acceptance": 0.5}),
            "acceptance",
        ),
        (json!({"kind": "measure_leak", "leak": 0.0}), "leak"),
        (
            json!({"kind": "measure_leak", "distribution": "a\nb"}),
            "distribution",
        ),
        (json!({"kind": "measure_quality", "pairs": 0}), "pairs"),
        (
            json!({"kind": "attack", "recipe": "../mine.toml"}),
            "recipe",
        ),
        (json!({"kind": "attack", "recipe": "--resume=3"}), "recipe"),
        (json!({"kind": "attack", "recipe": ""}), "recipe"),
        (
            json!({"kind": "attack", "recipe": "typos", "limit": 20_000}),
            "limit",
        ),
        (
            json!({"kind": "attack", "recipe": "typos", "queries": 0}),
            "queries",
        ),
        (
            json!({"kind": "attack", "recipe": "typos", "seconds": 0.0}),
            "seconds",
        ),
        (
            json!({"kind": "attack", "recipe": "typos", "classifier": 2, "against": 2}),
            "against",
        ),
        (
            json!({"kind": "attack", "recipe": "typos", "classifier": 2, "judge": 2}),
            "judge",
        ),
    ] {
        match request(value.clone()).check() {
            Err(JobError::Refused { field: named, .. }) => assert_eq!(named, field, "{value}"),
            other => panic!("{value}: {other:?}"),
        }
    }
    let zero = request(json!({"kind": "calibrate", "recall": 0.9, "confidence": 0.0}));
    zero.check().expect("0 only looks");
    for unknown in [
        json!({"kind": "doctor"}),
        json!({"kind": "train", "base": "/etc/passwd"}),
        json!({"kind": "train", "epochs": "4; rm -rf /"}),
        json!({"kind": "attack"}),
        json!({"kind": "attack", "recipe": "typos", "from": "/etc/passwd"}),
        json!({"name": "hurt"}),
    ] {
        let read = serde_json::from_value::<JobRequest>(unknown.clone());
        assert!(read.is_err(), "{unknown}");
    }
}
