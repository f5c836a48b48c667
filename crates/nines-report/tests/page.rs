//! What a reader of the page relies on: it is whole, harmless, and says what the JSON says.

#[path = "../examples/sample_report/sample/mod.rs"]
mod sample;

#[path = "page/hostile.rs"]
mod hostile;
#[path = "page/xml.rs"]
mod xml;

use nines_report::report::{Estimated, Report};
use nines_report::{html, json};
use serde_json::Value;

#[test]
fn every_page_is_well_formed() {
    let mut reports = vec![sample::full(), sample::empty(), Report::default()];
    reports.extend(hostile::reports());
    for report in reports {
        let page = html(&report);
        let tags = xml::tags(&page);
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        assert_eq!(
            (count("html"), count("head"), count("body"), count("h1")),
            (1, 1, 1, 1)
        );
        // Nothing in the program makes a transfer matrix yet: without one there is no section for it.
        let sections = 12 + usize::from(page.contains("id=\"transfer\""));
        assert_eq!(count("section"), sections);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "an id is used twice: {ids:?}");
        for tag in &tags {
            for reference in ["aria-labelledby", "aria-describedby"] {
                if let Some(id) = tag.attribute(reference) {
                    assert!(
                        ids.contains(&id),
                        "{reference} names {id}, which is not there"
                    );
                }
            }
            if let Some(target) = tag.attribute("href") {
                assert!(ids.contains(&target.strip_prefix('#').unwrap()), "{target}");
            }
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for report in [sample::full(), hostile::texts()] {
        let page = html(&report);
        assert!(page.contains(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; \
             style-src &#39;unsafe-inline&#39;\"/>"
        ));
        for tag in xml::tags(&page) {
            assert!(
                ![
                    "script",
                    "link",
                    "img",
                    "iframe",
                    "object",
                    "embed",
                    "form",
                    "base",
                    "foreignObject"
                ]
                .contains(&tag.name.as_str()),
                "{tag:?}"
            );
            for (name, value) in &tag.attributes {
                assert!(
                    !name.starts_with("on") && name != "src" && name != "style",
                    "{tag:?}"
                );
                assert!(!value.contains("url("), "{tag:?}");
            }
        }
        let style = page
            .split("<style>")
            .nth(1)
            .unwrap()
            .split("</style>")
            .next()
            .unwrap();
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

#[test]
fn text_from_the_project_stays_text() {
    let report = hostile::texts();
    let page = html(&report);
    assert!(!page.contains(hostile::TEXT));
    assert!(!page.contains("<script") && !page.contains("<img"));
    // Escaped, it is there to be read: in the title, the heading, cells, captions and tooltips.
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&#39; &amp;amp; ]]&gt;";
    assert!(
        page.matches(escaped).count() > 60,
        "{}",
        page.matches(escaped).count()
    );
}

#[test]
fn every_plot_can_be_told_aloud() {
    let page = html(&sample::full());
    let tags = xml::tags(&page);
    let plots: Vec<_> = tags
        .iter()
        .filter(|tag| {
            tag.name == "svg"
                && tag
                    .attribute("class")
                    .is_some_and(|c| c.starts_with("plot"))
        })
        .collect();
    // Eight sections with a plot, two of the leak with two; each wide and narrow.
    assert_eq!(plots.len(), 2 * 10);
    for plot in plots {
        assert_eq!(plot.attribute("role"), Some("img"));
        let title = plot.attribute("aria-labelledby").unwrap();
        assert!(page.contains(&format!("<title id=\"{title}\">")));
        let description = plot.attribute("aria-describedby").unwrap();
        assert!(page.contains(&format!("<desc id=\"{description}\">")));
    }
    // The dots have their numbers in the table below them; every other plot in its details.
    assert_eq!(
        page.matches("<summary>The plotted numbers</summary>")
            .count(),
        9
    );
}

#[test]
fn the_page_has_the_numbers_of_the_json() {
    let report = sample::full();
    let page = html(&report);
    let mut exact = Vec::new();
    estimates(&serde_json::from_str(&json(&report)).unwrap(), &mut exact);
    assert!(exact.len() > 40);
    for [value, lower, upper] in exact {
        let shown = format!("value=\"{value}\" data-lower=\"{lower}\" data-upper=\"{upper}\"");
        assert!(page.contains(&shown), "{shown} is missing on the page");
    }
    for point in &report.leak_by_score.unwrap().readings[0]
        .assisted
        .as_ref()
        .unwrap()
        .points
    {
        let shown = format!(
            "value=\"{:?}\" data-lower=\"{:?}\"",
            point.value.unwrap(),
            point.lower
        );
        assert!(page.contains(&shown), "{shown} is missing on the page");
    }
}

/// Every estimate in a JSON value, as the page writes its exact numbers.
fn estimates(json: &Value, found: &mut Vec<[String; 3]>) {
    match json {
        Value::Object(fields) => {
            // A curve has a method too, but its numbers are its points'.
            if fields.contains_key("method") && fields.contains_key("lower") {
                found.push(["value", "lower", "upper"].map(|end| match &fields[end] {
                    Value::Null => "–".to_owned(),
                    number => format!("{:?}", number.as_f64().unwrap()),
                }));
            }
            fields.values().for_each(|value| estimates(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| estimates(item, found)),
        _ => {}
    }
}

#[test]
fn what_is_missing_says_what_to_run() {
    let page = html(&Report::default());
    for command in [
        "nines measure leak",
        "nines measure leak --threshold P",
        "nines calibrate",
        "nines measure quality",
        "nines measure attack-time",
        "nines measure agreement",
        "nines measure plan",
        "nines train classifier",
    ] {
        assert!(
            page.contains(&format!("<code>{command}</code>")),
            "{command}"
        );
    }
    assert_eq!(page.matches("class=\"missing\"").count(), 12);
    assert!(!page.contains("id=\"transfer\""));
    let full = html(&sample::full());
    assert!(full.contains("id=\"transfer\"") && !full.contains("class=\"missing\""));
}

#[test]
fn an_estimate_leads_to_its_lineage() {
    let mut report = sample::full();
    let page = html(&report);
    assert!(page.contains("<a href=\"#estimate-12\">#12</a>"));
    assert_eq!(page.matches("id=\"estimate-12\"").count(), 1);
    // An estimate that the lineage does not list has a number, and no link to nowhere.
    assert!(page.contains("#23") && !page.contains("#estimate-23"));
    let estimates = &mut report.lineage.as_mut().unwrap().estimates;
    estimates.push(estimates[0].clone());
    assert_eq!(html(&report).matches("id=\"estimate-12\"").count(), 1);
}

#[test]
fn a_part_that_is_missing_does_not_hide_the_others() {
    let mut report = sample::full();
    let summary = report.summary.as_mut().unwrap();
    summary.quality = None;
    summary.leak_broad = None;
    let page = html(&report);
    assert_eq!(page.matches("class=\"missing\"").count(), 2);
    assert!(page.contains("≤ 5.6e-4"));
}

#[test]
fn json_reads_back_as_the_same_report() {
    for report in [sample::full(), sample::empty()] {
        let same: Report = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!(same, report);
    }
    // Not-a-number is not equal to itself, so these compare as text.
    for report in hostile::reports() {
        let text = json(&report);
        let same: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(json(&same), text);
    }
}

#[test]
fn numbers_that_are_not_finite_are_words_on_the_page_and_null_or_words_in_the_json() {
    let report = hostile::numbers(f64::NAN, f64::INFINITY);
    let text = json(&report);
    assert!(text.contains("\"upper\": \"inf\"") && text.contains("\"value\": null"));
    let page = html(&report);
    assert!(page.contains("unbounded"));
    let wrong = serde_json::from_str::<Estimated>(
        r#"{"value":1,"lower":"low","upper":2,"confidence":0.95,"method":"m","n":1}"#,
    );
    assert!(wrong.unwrap_err().to_string().contains("\"low\""));
}

#[test]
fn coordinates_stay_on_the_drawing() {
    let mut reports = hostile::reports();
    reports.push(sample::full());
    for report in reports {
        let page = html(&report);
        for tag in xml::tags(&page) {
            let here = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "d"];
            for name in here {
                let Some(value) = tag.attribute(name) else {
                    continue;
                };
                assert!(!value.is_empty());
                let numbers = value
                    .split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')))
                    .filter(|part| !part.is_empty());
                for number in numbers {
                    let number: f64 = number.parse().unwrap_or_else(|_| panic!("{tag:?}"));
                    assert!((-20.0..=1_400.0).contains(&number), "{tag:?}");
                }
                assert!(!value.contains("NaN") && !value.contains("inf"), "{tag:?}");
            }
        }
    }
}

#[test]
fn a_long_curve_is_drawn_with_few_points() {
    let mut report = sample::full();
    let curve = &mut report.risk_coverage.as_mut().unwrap().curves[0];
    let first = curve.points[0];
    curve.points = (1..=200_000)
        .map(|step| nines_report::report::Point {
            x: f64::from(step) / 200_000.0,
            ..first
        })
        .collect();
    let page = html(&report);
    assert!(page.len() < 700_000, "{}", page.len());
    assert!(page.contains("the report&#39;s JSON has all of them"));
}

#[test]
fn a_filter_that_is_not_the_plain_one_says_what_it_is() {
    let plain = html(&Report::default());
    assert!(!plain.contains("<dt>Law</dt>") && !plain.contains("Second condition"));
    let page = html(&Report {
        law: Some("the threshold falls".to_owned()),
        caution: Some("far v1 below 2.5000".to_owned()),
        ..Report::default()
    });
    assert!(page.contains("<dt>Law</dt><dd>the threshold falls</dd>"));
    assert!(page.contains("<dt>Second condition</dt><dd>far v1 below 2.5000</dd>"));
}
