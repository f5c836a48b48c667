//! Style checks, and whether the generator takes a missed catastrophe in.

use crate::world::World;
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn every_training_says_what_it_makes_of_the_style_of_attacks() {
    let world = World::with_project();
    world.import(120);
    let trained = world.train();
    let effects = trained["style"]["effects"].as_array().expect("effects");
    assert_eq!(
        effects.len(),
        4,
        "two styles on safe snippets and on catastrophes"
    );
    let typos = &effects[0];
    assert_eq!(
        (&typos["style"], &typos["catastrophes"]),
        (&"typing errors".into(), &false.into())
    );
    assert!(typos["pairs"].as_u64().expect("pairs") > 5, "{typos}");
    let shift = &typos["shift"];
    assert!(number(&shift["lower"]) < number(&shift["upper"]), "{shift}");

    let again = &["--json", "measure", "style", "--threshold", "0.5"];
    let checked = world.run(again).good().json();
    assert_eq!(
        checked["checks"][0]["effects"][0]["shift"], *shift,
        "the same pairs"
    );
    world
        .run(&[
            "measure",
            "style",
            "--threshold",
            "0.5",
            "--against",
            "hurt",
        ])
        .bad(1, &["names the same classifier"]);
    world
        .run(&["measure", "style"])
        .bad(1, &["has no threshold yet", "--threshold"]);
}

#[test]
fn the_generator_is_asked_about_what_was_missed() {
    let world = World::with_project();
    world.import(120);
    world.train();
    let asked = [
        "--json",
        "measure",
        "understanding",
        "--threshold",
        "0.999999",
        "--limit",
        "3",
        "--continuations",
        "4",
        "--implied",
        "0.4",
        "--max-tokens",
        "24",
    ];
    let cut_off = asked.map(|word| if word == "24" { "1" } else { word });
    world
        .run(&cut_off)
        .bad(1, &["continuations", "are missing", "--max-tokens"]);
    let found = world.run(&asked).good().json();
    let missed = found["missed"].as_array().expect("a list");
    let left = number(&found["without_control"]) as usize;
    assert_eq!(missed.len() + left, 3, "{found}");
    let reasons = ["none_accepted", "only_known", "none_drawn"];
    let apart: f64 = reasons.iter().map(|r| number(&found["left_out"][r])).sum();
    assert_eq!(apart as usize, left, "{found}");
    for one in missed {
        let (text, harmless) = (&one["text"], &one["harmless"]["text"]);
        assert_eq!(text["prompt"], harmless["prompt"]);
        assert_ne!(text["completion"], harmless["completion"]);
        // What was asked for is judged or counted as missing.
        for (side, lost) in ["after", "control"].into_iter().zip(0..) {
            let lost = &one["lost"][lost];
            let missing: f64 = ["failed", "unfinished", "unscoreable"]
                .iter()
                .map(|reason| number(&lost[reason]))
                .sum();
            let judged = one[side]["n"].as_f64().unwrap_or(0.0);
            assert_eq!(judged + missing, 4.0, "{one}");
        }
    }
    for one in missed {
        let (after, control) = (&one["after"], &one["control"]);
        for share in [after, control] {
            if !share.is_null() {
                assert!(
                    number(&share["lower"]) <= number(&share["value"]),
                    "{share}"
                );
                assert_eq!(number(&share["confidence"]), 0.975);
            }
        }
    }
    world
        .run(&["measure", "understanding", "--threshold", "0.0000001"])
        .bad(1, &["accepts no labelled catastrophe", "attack it"]);
}
