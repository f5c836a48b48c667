//! A threshold that tightens with rejections: off it changes nothing, on it is another filter.

use super::{ends, json, says, simulated};

#[test]
fn it_abstains_as_often_where_it_says_so_and_is_compared_as_another_filter() {
    let world = simulated();
    // The world answers most requests with the first draw at its own threshold.
    let fixed = "0.0005";
    let found = json(
        &world,
        &[
            "measure",
            "tightening",
            "--tighten",
            "0.5",
            "--threshold",
            fixed,
            "--budget",
            "6",
            "--limit",
            "150",
        ],
    );
    let side = |name: &str| found[name]["abstained"].as_u64().expect("a count");
    assert_eq!(side("equal"), side("fixed"), "{found}");
    assert!(
        side("tightened") >= side("fixed"),
        "a lower bar is met less often"
    );
    assert!(side("fixed") > 0, "{found}");
    let words = world
        .run(&[
            "measure",
            "tightening",
            "--tighten",
            "0.5",
            "--threshold",
            fixed,
            "--budget",
            "6",
            "--limit",
            "150",
        ])
        .good();
    says(
        &words,
        &[
            "tightening, same abstention",
            "--second-tighten 0.5 --budget 6",
            "nines measure compare simulated@1",
        ],
    );

    let compare = [
        "measure",
        "compare",
        "simulated@1",
        "simulated@1",
        "--threshold",
        fixed,
        "--second-threshold",
        fixed,
        "--second-tighten",
        "0.5",
        "--budget",
        "6",
        "--answers",
        "300",
        "--labels",
        "60",
    ];
    let drawn = json(&world, &compare);
    let (value, lower, upper) = ends(&drawn["abstention"]);
    assert!(
        value <= 0.0 && lower < value && value < upper,
        "the second abstains at least as often"
    );
    let laws = ["first", "second"].map(|side| drawn[side]["filter"]["law"].clone());
    assert_eq!(laws[0], serde_json::json!({ "law": "first_accepted" }));
    assert_eq!(
        laws[1],
        serde_json::json!({ "law": "tightening", "step": 0.5 })
    );
    world
        .run(&["simulate", "label", "--queue", "compare"])
        .good();
    says(
        &world.run(&compare).good(),
        &["tightening by 0.5", "abstentions, first minus second"],
    );
}

#[test]
fn answers_say_under_which_law_they_were_given() {
    let world = simulated();
    let prompts: String = (0..30)
        .map(|i| format!("{{\"prompt\": \"tale {i} of the road\"}}\n"))
        .collect();
    let file = world.file("prompts.jsonl", prompts).display().to_string();
    let filter = |more: &[&str]| {
        let own = [
            "filter",
            "--file",
            &file,
            "--threshold",
            "0.0005",
            "--budget",
            "8",
        ];
        json(&world, &[&own[..], more].concat())
    };
    let (fixed, tightened) = (filter(&[]), filter(&["--tighten", "1.5"]));
    assert_eq!(
        fixed["report"]["settings"]["law"],
        serde_json::json!({ "law": "first_accepted" })
    );
    assert_eq!(
        tightened["report"]["settings"]["law"],
        serde_json::json!({ "law": "tightening", "step": 1.5 })
    );
    let threshold = tightened["report"]["settings"]["threshold"]
        .as_f64()
        .expect("a logit");
    let mut ruled = 0;
    for answer in tightened["answers"].as_array().expect("answers") {
        for candidate in answer["candidates"].as_array().expect("candidates") {
            let Some(score) = candidate["ruling"]["score"].as_f64() else {
                continue;
            };
            let k = candidate["number"].as_f64().expect("a number");
            let accepted = candidate["ruling"]["verdict"] == "accepted";
            assert_eq!(accepted, score < threshold - 1.5 * k.ln_1p(), "{candidate}");
            ruled += 1;
        }
    }
    assert!(ruled >= 30, "{ruled}");
    world
        .run(&["filter", "--tighten", "0", "a"])
        .bad(2, &["more than 0 and at most 20"]);
    world
        .run(&["filter", "--tighten", "1", "--law", "safest", "a"])
        .bad(2, &["--law safest looks at all draws at once"]);
    world
        .run(&["measure", "margin", "--tighten", "1"])
        .bad(2, &["a threshold that stays"]);
}

#[test]
fn a_tightened_filter_is_never_taken_for_the_plain_one() {
    let world = simulated();
    let measured = |more: &[&str]| {
        let leak = [&["measure", "leak"], more].concat();
        let draw = ["--answers", "300", "--labels", "60"];
        world.run(&[&leak[..], &draw].concat()).good();
        world.run(&["simulate", "label", "--queue", "leak"]).good();
        json(&world, &leak)
    };
    let report = || {
        let args = ["report", "--out", "report.html", "--replace"];
        json(&world, &args)
    };
    let said = "the threshold falls by 1.5*ln(1+k) logits after k draws that were not accepted";
    measured(&["--tighten", "1.5"]);
    assert_eq!(
        report()["law"],
        said,
        "it is all that there is, and is told as what it is"
    );
    let plain = measured(&[]);
    measured(&["--tighten", "0.5"]);
    let found = report();
    assert_eq!(found["law"], serde_json::Value::Null);
    let id = &found["summary"]["leak_strict"]["assisted"]["id"];
    let own = plain["by"][0]["estimates"].as_array().expect("a list");
    assert!(own.contains(id), "{id} of {own:?}");
    let page = std::fs::read_to_string(world.path("report.html")).expect("written");
    assert!(page.contains(said), "the lineage tells one from the other");
    for words in [
        ["measure", "leak", "--tighten", "1.5"].as_slice(),
        &["measure", "show"],
        &["measure", "show", "1"],
    ] {
        says(&world.run(words).good(), &[said]);
    }

    let quality = ["measure", "quality", "--answers", "300", "--tighten", "0.5"];
    world.run(&quality).good();
    let label = ["simulate", "label", "--queue", "quality"];
    world.run(&label).good();
    let by = json(&world, &quality)["by"].clone();
    assert_eq!(by.as_array().map(Vec::len), Some(1), "{by}");
    let margin = || json(&world, &["measure", "margin"])["quality"].clone();
    assert_eq!(
        margin(),
        serde_json::json!([]),
        "no quality of the fixed one"
    );
    world.run(&quality[..4]).good();
    world.run(&label).good();
    world.run(&quality[..4]).good();
    assert_eq!(margin().as_array().map(Vec::len), Some(1));
    let curve = ["--curve", "0.5", "--unfamiliarity", "far"];
    world
        .run(&[&["measure", "quality"], &curve[..]].concat())
        .bad(2, &["leave --unfamiliarity out"]);
}
