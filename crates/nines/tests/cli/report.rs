//! `nines report` on an empty project, and on one where things were measured.

use crate::world::World;
use nines_report::report::Report;
use serde_json::Value;

fn read(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.path(name)).expect("written")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

#[test]
fn an_empty_project_says_what_to_run_and_no_file_is_lost() {
    let world = World::with_project();
    let said = world.run(&["report", "--out", "page.html"]).good().stdout;
    assert!(said.contains("nothing is measured yet"), "{said}");
    let page = read(&world, "page.html");
    for command in [
        "nines measure leak",
        "nines calibrate",
        "nines train classifier",
    ] {
        assert!(page.contains(command), "{command}");
    }
    world
        .run(&["report", "--out", "page.html"])
        .bad(1, &["page.html exists already", "--replace"]);
    world.file("there.json", "precious");
    world
        .run(&["report", "--out", "other.html", "--json-out", "there.json"])
        .bad(1, &["there.json exists already"]);
    assert_eq!(read(&world, "there.json"), "precious");
    assert!(
        !world.path("other.html").exists(),
        "nothing is half written"
    );
    world
        .run(&[
            "report",
            "--out",
            "page.html",
            "--json-out",
            "page.html",
            "--replace",
        ])
        .bad(2, &["name the same file"]);
    world
        .run(&["report", "--currency", "EUR"])
        .bad(2, &["--cost-per-hour"]);
    let ended = world
        .run(&["--json", "report", "--out", "page.html", "--replace"])
        .good();
    let report: Report = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!((report.summary, report.lineage), (None, None));
}

/// A project whose leak, quality, agreement and attack times are measured, with tiny models.
fn measured() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
        .run(&["calibrate", "--confidence", "0", "--fresh", "3"])
        .good();
    world
        .run(&[
            "measure",
            "leak",
            "--answers",
            "60",
            "--labels",
            "60",
            "--distribution",
            "all",
        ])
        .good();
    let label = |file: &str, who: &str, severity: u64| {
        let export = [
            "label", "export", "--queue", "leak", "--n", "500", "--out", file,
        ];
        world.run(&export).good();
        let filled: String = lines(&read(&world, file))
            .into_iter()
            .enumerate()
            .map(|(i, mut row)| {
                let yes = i % 9 == 0;
                row["verdict"] = if yes { "yes" } else { "no" }.into();
                row["severity"] = if yes { severity.into() } else { Value::Null };
                row["seconds"] = 36.into();
                format!("{row}\n")
            })
            .collect();
        world.file(file, filled);
        world
            .run(&["label", "import", file, "--labeller", who])
            .good();
    };
    label("first.jsonl", "ada", 2);
    label("second.jsonl", "ben", 3);
    let distribution = ["--distribution", "all"];
    world
        .run(&[&["measure", "leak"], &distribution[..]].concat())
        .good();
    world.run(&["measure", "agreement"]).good();
    world.file(
        "sessions.csv",
        "attacker,group,minutes,found\na,first,10,1\nb,first,20,1\na,second,30,0\nb,second,40,1\n",
    );
    world.run(&["import", "sessions", "sessions.csv"]).good();
    world.run(&["measure", "attack-time"]).good();
    world
}

#[test]
fn the_reports_numbers_are_the_stored_estimates() {
    let world = measured();
    let stored = world.run(&["--json", "measure", "show"]).good().json();
    let newest = |quantity: &str| {
        let all = stored.as_array().expect("a list");
        let found = all.iter().rev().find(|e| e["quantity"] == quantity);
        let found = found.unwrap_or_else(|| panic!("{quantity} is not stored"));
        (
            found["id"].as_u64(),
            found["estimate"]["value"].as_f64(),
            found["estimate"]["upper"].as_f64(),
        )
    };
    let args = [
        "report",
        "--json-out",
        "report.json",
        "--cost-per-hour",
        "20",
    ];
    let words = world.run(&args).good().stdout;
    assert!(words.contains("report.html"), "{words}");
    let report: Report = serde_json::from_str(&read(&world, "report.json")).expect("a report");
    let page = read(&world, "report.html");
    assert!(page.contains("id=\"estimate-1\"") && !page.contains("<script"));

    let summary = report.summary.expect("measured");
    let leak = summary.leak_strict.expect("measured");
    for (figure, quantity) in [
        (leak.assisted.as_ref(), "leak.strict"),
        (leak.assumption_free.as_ref(), "leak.strict.bound"),
        (summary.abstention.as_ref(), "leak.abstention"),
    ] {
        let figure = figure.unwrap_or_else(|| panic!("{quantity} is on the page"));
        let shown = (
            figure.id,
            figure.estimate.value,
            Some(figure.estimate.upper),
        );
        assert_eq!(shown, newest(quantity), "{quantity}");
    }
    let bound = leak.assumption_free.expect("checked").estimate.upper;
    let nines = summary.nines.expect("a leak");
    assert_eq!(nines.estimate.lower, -bound.log10());
    assert!(nines.estimate.upper.is_infinite());
    assert!(summary.acceptance.is_some() && summary.draws_per_request.is_some());

    // At the filter's own threshold the curve is the leak itself.
    let curves = report.leak_by_score.expect("labels").readings;
    let strict = curves[0].assisted.as_ref().expect("labels");
    let last = strict.points.last().expect("points");
    assert_eq!(Some(last.x), report.threshold.map(|t| t.logit()));
    let (_, value, upper) = newest("leak.strict");
    assert_eq!((last.value, Some(last.upper)), (value, upper));

    let labelling = report.labelling.expect("labels");
    let (_, alpha, _) = newest("agreement.broad");
    assert_eq!(labelling.agreements[0].alpha.value, alpha);
    let confusion = labelling.confusion.expect("two people");
    assert_eq!((&*confusion.rows, &*confusion.columns), ("ada", "ben"));
    // Ada also gave the imported labels, of which nobody timed any.
    let ben = labelling
        .effort
        .iter()
        .find(|e| e.who == "ben")
        .expect("ben");
    let hours = ben.labels as f64 * 36.0 / 3600.0;
    assert!((ben.hours.expect("timed") - hours).abs() < 1e-9);
    assert!((ben.cost.expect("priced") - 20.0 * hours).abs() < 1e-9);

    let attacks = report.attack_survival.expect("sessions");
    let (_, ratio, _) = newest("attack_time.ratio");
    assert_eq!(attacks.ratios[0].ratio.value, ratio);
    assert_eq!(
        (attacks.groups[1].sessions, attacks.groups[1].finds),
        (2, 1)
    );
    assert!(report.risk_coverage.is_some() && report.score_distributions.is_some());
    assert!(report.margin.is_some() && report.design.is_some());
    let lineage = report.lineage.expect("everything");
    assert_eq!(
        lineage.estimates.len(),
        stored.as_array().expect("a list").len()
    );
    assert_eq!(lineage.classifiers[0].name, "hurt v1");

    // Nothing was written: the same project gives the same report but for the moment.
    let again = world
        .run(&["--json", "report", "--out", "again.html"])
        .good();
    let again: Report = serde_json::from_str(&again.stdout).expect("a report");
    assert_eq!(again.lineage, Some(lineage));
}
