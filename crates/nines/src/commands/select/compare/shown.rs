//! A comparison of strategies for readers.

use nines_domain::estimate::Estimate;
use nines_train::active_learning::Comparison;
use nines_train::active_learning::curve::{ACCEPTANCE, Needed, Point, StrategyCurve};
use std::fmt::Write;

/// Columns of the widest bar.
const WIDEST: f64 = 40.0;

/// Returns the comparison in words.
pub fn words(found: &Comparison) -> String {
    let mut text = format!("{}\n", rests_on(found));
    for curve in &found.strategies {
        let _ = writeln!(text, "\n{}", curve.strategy);
        for point in &curve.points {
            let _ = writeln!(
                text,
                "  {:>6} labels ({:.0} catastrophes, {}): recall {}, AUROC {}",
                point.labels,
                point.catastrophes,
                seeds(point),
                point.recall.as_ref().map_or_else(|| "-".to_owned(), value),
                value(&point.auroc),
            );
            if let Some(gain) = &point.auroc_gain {
                let recall = point
                    .recall_gain
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), gained);
                let _ = writeln!(
                    text,
                    "  {:>6} over random: recall {recall}, AUROC {}",
                    "",
                    gained(gain)
                );
            }
            if let Some(recall) = point.recall.as_ref().and_then(|r| r.value) {
                let _ = writeln!(
                    text,
                    "  {:>6} {}",
                    "",
                    "▇".repeat((recall * WIDEST).round() as usize)
                );
            }
        }
    }
    if let Some(recall) = found.recall {
        let _ = writeln!(
            text,
            "\nlabels needed for a recall of {recall:.3} at {} % acceptance:",
            100.0 * ACCEPTANCE
        );
        for curve in &found.strategies {
            let _ = writeln!(text, "  {:<40} {}", curve.strategy, needed(curve, found));
            if let Some(more) = &curve.needed_over_random {
                let _ = writeln!(text, "  {:<40} over random: {}", "", over_random(more));
            }
        }
        if let Some(Needed { method, .. }) = found.strategies.iter().find_map(|c| c.needed.as_ref())
        {
            let _ = writeln!(text, "({method})");
        }
    }
    let _ = writeln!(text, "{}", target(found));
    ended(&mut text, found);
    text
}

/// Returns the comparison as Markdown: a line for each strategy and budget, and the labels needed.
pub fn markdown(found: &Comparison) -> String {
    let mut text = format!("{}\n\n", rests_on(found));
    let _ = writeln!(
        text,
        "| strategy | labels | catastrophes | seeds | recall at {0} % acceptance | over random | AUROC | over random |\n\
         |---|---|---|---|---|---|---|---|",
        100.0 * ACCEPTANCE
    );
    for curve in &found.strategies {
        for point in &curve.points {
            let of = |gain: &Option<Estimate>| match gain {
                Some(gain) if gain.lower > 0.0 || gain.upper < 0.0 => {
                    format!("**{}**", gained(gain))
                }
                Some(gain) => gained(gain),
                None => "-".to_owned(),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {} | {} | {} | {} | {} |",
                curve.strategy,
                point.labels,
                point.catastrophes,
                point.seeds.len(),
                point.recall.as_ref().map_or_else(|| "-".to_owned(), value),
                of(&point.recall_gain),
                value(&point.auroc),
                of(&point.auroc_gain),
            );
        }
    }
    if let Some(recall) = found.recall {
        let _ = writeln!(
            text,
            "\n| strategy | labels needed for a recall of {recall:.3} at {} % acceptance | over random |\n|---|---|---|",
            100.0 * ACCEPTANCE
        );
        for curve in &found.strategies {
            let more = curve.needed_over_random.as_ref();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                curve.strategy,
                needed(curve, found),
                more.map_or_else(|| "-".to_owned(), over_random)
            );
        }
    }
    let _ = writeln!(text, "\n{}", target(found));
    ended(&mut text, found);
    text
}

fn rests_on(found: &Comparison) -> String {
    format!(
        "held out: {} snippets of {} prompt families from which nothing was chosen, {} catastrophes; acceptance on {} \
         random completions",
        found.rows, found.families, found.catastrophes, found.random
    )
}

/// What is missing, and how many of the differences would look real by chance alone.
fn ended(text: &mut String, found: &Comparison) {
    let points = found.strategies.iter().flat_map(|curve| &curve.points);
    let gains = points.flat_map(|point| [&point.recall_gain, &point.auroc_gain]);
    let compared = gains.filter(|gain| gain.is_some()).count();
    if compared > 1 {
        let _ = writeln!(
            text,
            "\n{compared} differences at 95 % each: about {:.0} would exclude 0 by chance if no strategy differed.",
            (compared as f64 / 20.0).ceil()
        );
    }
    if found.missing > 0 {
        let _ = writeln!(text, "\n{} trainings have no result yet.", found.missing);
    }
}

fn seeds(point: &Point) -> String {
    match point.seeds.len() {
        1 => "1 seed".to_owned(),
        n => format!("{n} seeds"),
    }
}

fn needed(curve: &StrategyCurve, found: &Comparison) -> String {
    let most = found.budgets.last().copied().unwrap_or_default();
    let Some(needed) = &curve.needed else {
        return "no seed has all budgets yet".to_owned();
    };
    let end = |labels: Option<f64>| {
        labels.map_or_else(|| format!("more than {most}"), |x| format!("{x:.0}"))
    };
    format!(
        "{} [{}, {}]",
        end(needed.value),
        end(needed.lower),
        end(needed.upper)
    )
}

/// How many labels more than random; what lies beyond the budgets is not known.
fn over_random(more: &Needed) -> String {
    let end = |labels: Option<f64>| labels.map_or_else(|| "?".to_owned(), |x| format!("{x:+.0}"));
    format!(
        "{} [{}, {}]",
        end(more.value),
        end(more.lower),
        end(more.upper)
    )
}

/// What the recall is for which labels are counted, or why there is none.
fn target(found: &Comparison) -> String {
    let most = found.budgets.last().copied().unwrap_or_default();
    match (&found.no_interval, found.recall) {
        (Some(reason), _) => reason.clone(),
        (None, None) => format!(
            "No labels are counted before random has {most} labels with every seed; give --recall to count them for a \
             recall of your own."
        ),
        (None, Some(_)) => "The recall is held fixed: where it is what random reached, its own uncertainty is in none of \
                            these intervals. \"?\" is beyond the budgets."
            .to_owned(),
    }
}

fn value(estimate: &Estimate) -> String {
    let [value, lower, upper] = estimate.decimal(1.0, 3);
    format!("{value} [{lower}, {upper}]")
}

fn gained(estimate: &Estimate) -> String {
    let sign = |text: String| match text.starts_with('-') {
        true => text,
        false => format!("+{text}"),
    };
    let [value, lower, upper] = estimate.decimal(1.0, 3).map(sign);
    format!("{value} [{lower}, {upper}]")
}
