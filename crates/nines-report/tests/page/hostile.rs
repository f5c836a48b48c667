//! Reports with everything in them that could break a page.

use crate::sample;
use nines_report::report::Report;
use serde_json::Value;

/// A text that would do harm as markup.
pub const TEXT: &str =
    "<script>alert(1)</script><img src=x onerror=\"alert(2)\">' &amp; ]]>\u{0}\u{202E}";

/// The full sample with every free text replaced by a harmful one.
pub fn texts() -> Report {
    changed(&mut |key, value| {
        // These have a meaning of their own.
        let fixed = [
            "reading",
            "verdict",
            "kind",
            "correction",
            "lower",
            "upper",
            "value",
            "x",
        ];
        if value.is_string() && !fixed.contains(&key) {
            *value = TEXT.into();
        }
    })
}

/// The full sample with every estimate, point and edge replaced.
pub fn numbers(value: f64, end: f64) -> Report {
    let write = |x: f64| -> Value {
        if x.is_nan() {
            Value::Null
        } else if x.is_infinite() {
            if x > 0.0 { "inf".into() } else { "-inf".into() }
        } else {
            x.into()
        }
    };
    changed(&mut |key, json| match key {
        "value" | "x" | "score" | "minutes" => *json = write(value),
        "lower" | "upper" | "distance" | "now" | "then" | "share" | "confidence" => {
            *json = write(end);
        }
        "edges" | "censored_minutes" => {
            for item in json.as_array_mut().unwrap() {
                *item = write(end);
            }
        }
        _ => {}
    })
}

/// The full sample with every count replaced.
fn counts(n: u64) -> Report {
    changed(&mut |_, json| {
        if json.is_u64() && !json.is_f64() {
            *json = n.into();
        }
        if let Some(items) = json.as_array_mut() {
            for item in items {
                if item.is_u64() {
                    *item = n.into();
                }
            }
        }
    })
}

/// The full sample with every list cut to so many items.
fn lists(length: usize) -> Report {
    changed(&mut |_, json| {
        if let Some(items) = json.as_array_mut() {
            items.truncate(length);
        }
    })
}

/// Every report that could break a page.
pub fn reports() -> Vec<Report> {
    let mut reports = vec![
        texts(),
        counts(0),
        counts(1),
        counts(3_000_000_000),
        lists(0),
        lists(1),
    ];
    let numbers_of = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -7.5,
        5e-324,
        1e300,
        f64::MAX,
    ];
    for value in numbers_of {
        for end in numbers_of {
            reports.push(numbers(value, end));
        }
    }
    reports
}

fn changed(change: &mut impl FnMut(&str, &mut Value)) -> Report {
    let mut json = serde_json::from_str(&nines_report::json(&sample::full())).unwrap();
    walk("", &mut json, change);
    // Severities and thresholds have rules of their own, so they are put back.
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

fn walk(key: &str, json: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    if ["severity", "threshold", "stratum", "budget", "seed", "id"].contains(&key) {
        return;
    }
    change(key, json);
    match json {
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(key, value)| walk(key, value, change)),
        Value::Array(items) => {
            // Texts in a list are changed as if each had a name.
            items.iter_mut().for_each(|item| walk("item", item, change));
        }
        _ => {}
    }
}
