//! A classifier's card, by the command and over HTTP.

use crate::serve::Served;
use crate::world::World;
use serde_json::{Value, json};

#[test]
fn a_card_tells_data_options_curves_numbers_thresholds_and_lineage() {
    let world = World::with_project();
    world.import(120);
    let trained = world.train();
    let calibrate = ["calibrate", "--confidence", "0", "--fresh", "3"];
    world.run(&calibrate).good();
    let export = &["export", "card", "hurt@1", "--out", "cards/hurt.json"];
    world.run(export).good();
    let text = std::fs::read_to_string(world.path("cards/hurt.json")).expect("written");
    let card: Value = serde_json::from_str(&text).expect("JSON");

    assert_eq!(card["label"], "hurt v1");
    assert_eq!(
        card["data"]["digest"],
        trained["record"]["identity"]["data_digest"]
    );
    let counts = card["data"]["counts"].as_array().expect("counts");
    let sum = |split: &str, name: &str| -> u64 {
        let rows = counts.iter().filter(|row| row["split"] == split);
        rows.map(|row| row[name].as_u64().expect("a number")).sum()
    };
    let recorded = trained["record"]["counts"].as_array().expect("counts");
    for role in recorded.iter().filter(|role| role["role"] != "held_out") {
        let split = role["role"].as_str().expect("a word");
        assert_eq!(sum(split, "snippets"), role["rows"].as_u64().expect("rows"));
        assert_eq!(
            sum(split, "catastrophes"),
            role["catastrophes"].as_u64().expect("rows")
        );
    }
    assert!(sum("test", "snippets") > 0 && sum("calibration", "snippets") > 0);

    let options = card["options"].as_array().expect("options");
    let differing: Vec<&Value> = options
        .iter()
        .filter(|o| o["differs"] == true)
        .map(|o| &o["field"])
        .collect();
    for field in ["epochs", "batch_size", "learning_rate", "head_rate"] {
        assert!(differing.contains(&&json!(field)), "{field}: {differing:?}");
    }
    assert_eq!(
        options[..differing.len()]
            .iter()
            .filter(|o| o["differs"] == true)
            .count(),
        differing.len()
    );
    assert!(
        card["curves"]["loss"]
            .as_array()
            .is_some_and(|loss| loss.len() > 5)
    );
    let metrics = card["metrics"].as_array().expect("metrics");
    assert!(
        metrics
            .iter()
            .any(|m| m["what"] == "AUROC"
                && m["on"].as_str().is_some_and(|on| on.starts_with("test")))
    );
    assert!(
        metrics
            .iter()
            .all(|m| m["value"]["lower"].is_number() && m["value"]["method"].is_string())
    );
    assert_eq!(card["calibrations"].as_array().map(Vec::len), Some(1));
    assert_eq!(card["lineage"]["base"]["label"], "tiny-base");
    assert_eq!(card["lineage"]["run"], 1);
    assert_eq!(card["lineage"]["members"], json!([]));
    let style = &card["style_check"];
    assert_eq!(style["rule"], trained["style"]["rule"]);
    let effects = style["effects"].as_array().expect("effects");
    assert_eq!(
        Some(effects.len()),
        trained["style"]["effects"].as_array().map(Vec::len)
    );

    world.run(export).good();
    let again = std::fs::read_to_string(world.path("cards/hurt.json")).expect("written");
    assert_eq!(again, text, "the same card again");
    world
        .run(&["export", "card", "gone", "--out", "x.json"])
        .bad(1, &["gone"]);

    let served = Served::start(&world);
    let id = card["id"].as_i64().expect("a key");
    assert_eq!(
        served.get(&format!("/api/classifiers/{id}/card")),
        card,
        "the same card"
    );
    let (status, ..) = served.call("GET", "/api/classifiers/9999/card", None);
    assert_eq!(status, 404);
    served.stop().good();
}
