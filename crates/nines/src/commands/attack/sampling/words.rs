//! The comparison in words, and of several runs as one table.

use super::super::table::{About, markdown_table, short, three};
use super::{CONFIDENCE, Controls, EACH, Sampled, named};
use crate::shown::{Towards, percent, rate};
use nines_domain::estimate::Estimate;
use std::fmt::Write;

impl Controls {
    /// Writes the comparison.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, of: &Option<Estimate>| {
            if let Some(of) = of {
                let _ = writeln!(text, "  {what:<46} {}", written(of));
            }
        };
        let confirmed = format!("attack: finds that {} confirm", named(self.kind));
        let mut shares = String::new();
        let mut share_line = |what: &str, of: &Option<Estimate>| {
            if let Some(of) = of {
                let _ = writeln!(shares, "  {what:<46} {}", in_percent(of));
            }
        };
        share_line(&confirmed, &self.precision);
        if let Some(sampled) = &self.sampled {
            share_line(
                "random: accepted answers that are catastrophes",
                &Some(sampled.share.clone()),
            );
        }
        line(
            "attack: labels for one confirmed find",
            &self.labels_per_find,
        );
        line(
            "attack: queries for one confirmed find",
            &self.queries_per_find,
        );
        line(
            "attack: machine seconds for one confirmed find",
            &self.machine_seconds_per_find,
        );
        line(
            "attack: seconds for one, labelling included",
            &self.seconds_per_find,
        );
        line("attack: cost of people for one", &self.cost_per_find);
        if let Some(sampled) = &self.sampled {
            line(
                "random: labels for one find",
                &Some(sampled.labels_per_find.clone()),
            );
            line(
                "random: seconds of labelling for one find",
                &sampled.seconds_per_find,
            );
            line("random: cost of people for one", &sampled.cost_per_find);
            line(
                "times fewer labels than random sampling",
                &self.fewer_labels,
            );
            line("times less time than random sampling", &self.less_time);
            let _ = writeln!(text, "  {}", rests_on(sampled));
        }
        let mut text = shares + &text;
        let notes = [
            self.why_none(),
            self.no_price(),
            self.open(),
            self.label_time(),
        ];
        for note in notes.into_iter().flatten() {
            let _ = writeln!(text, "  {note}");
        }
        let _ = writeln!(text, "  {}", confidences());
        text
    }

    fn why_none(&self) -> Option<String> {
        let why = self.without.as_ref()?;
        Some(format!("There is nothing to compare with: {why}."))
    }

    fn no_price(&self) -> Option<String> {
        let none = self.precision.is_none();
        none.then(|| {
            format!(
                "No find has been labelled by {} yet, so that a find has no price.",
                named(self.kind)
            )
        })
    }

    fn open(&self) -> Option<String> {
        (self.waiting > 0 && self.precision.is_some()).then(|| {
            format!(
                "{} for a label: intervals hold whatever becomes of them, values are those of the others.",
                match self.waiting {
                    1 => "1 find waits".to_owned(),
                    n => format!("{n} finds wait"),
                }
            )
        })
    }

    fn label_time(&self) -> Option<String> {
        let label = self.seconds_per_label?;
        Some(format!(
            "A label takes {:.1} s, the mean of {} labels of {}; time is theirs and the machine's together, and this mean taken \
             as known.",
            label.mean,
            label.labels,
            named(self.kind)
        ))
    }
}

fn rests_on(sampled: &Sampled) -> String {
    format!("Random sampling rests on {}.", sampled.rows)
}

fn confidences() -> String {
    format!(
        "Each share is of {} %, each price and each ratio of at least {} % confidence.",
        percent(EACH),
        percent(CONFIDENCE)
    )
}

/// Writes runs and the random sampling that they are compared with as one table in Markdown.
pub fn markdown(all: &[(About<'_>, &Controls)]) -> String {
    let timed = all
        .iter()
        .any(|(_, controls)| controls.seconds_per_label.is_some());
    let row = |recipe: &str, run: String, of: [&Option<Estimate>; 4]| {
        let [labels, fewer, machine, seconds] = of.map(cell);
        [recipe.to_owned(), run, labels, fewer, machine, seconds]
    };
    let mut rows: Vec<[String; 6]> = all
        .iter()
        .map(|(about, controls)| {
            let of = [
                &controls.labels_per_find,
                &controls.fewer_labels,
                &controls.machine_seconds_per_find,
                &controls.seconds_per_find,
            ];
            row(about.recipe, about.run.to_string(), of)
        })
        .collect();
    let mut told: Vec<&Sampled> = Vec::new();
    for sampled in all.iter().filter_map(|(_, c)| c.sampled.as_ref()) {
        if told.iter().all(|other| other.rows != sampled.rows) {
            told.push(sampled);
            let labels = Some(sampled.labels_per_find.clone());
            let of = [&labels, &None, &None, &sampled.seconds_per_find];
            let mut sampling = row("*random sampling*", String::new(), of);
            sampling[3] = "1".to_owned();
            rows.push(sampling);
        }
    }
    let head = [
        "recipe",
        "run",
        "labels per confirmed find",
        "times fewer labels than random sampling",
        "machine seconds per find",
        "seconds per find, labelling included",
    ];
    let mut text = match timed {
        true => markdown_table(&head, rows),
        false => {
            let [a, b, c, d, e, _] = head;
            let short = rows.into_iter().map(|[a, b, c, d, e, _]| [a, b, c, d, e]);
            markdown_table(&[a, b, c, d, e], short)
        }
    };
    let mut notes: Vec<String> = told.iter().map(|sampled| rests_on(sampled)).collect();
    notes.extend(of_runs(all));
    notes.extend(all.iter().find_map(|(_, controls)| controls.label_time()));
    notes.push(confidences());
    for note in notes {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// What is to be said of single runs: once, with all runs of which it is true.
fn of_runs(all: &[(About<'_>, &Controls)]) -> Vec<String> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for (about, controls) in all {
        let run = format!("{} ({})", about.recipe, about.run);
        let own = [controls.why_none(), controls.no_price(), controls.open()];
        for note in own.into_iter().flatten() {
            match told.iter_mut().find(|(other, _)| *other == note) {
                Some((_, runs)) => runs.push(run.clone()),
                None => told.push((note, vec![run.clone()])),
            }
        }
    }
    let words = told.into_iter();
    words
        .map(|(note, runs)| format!("{}: {note}", runs.join(", ")))
        .collect()
}

/// Writes an estimate into a table: where nothing bounds it above, what it is at least.
fn cell(of: &Option<Estimate>) -> String {
    match of {
        None => "-".to_owned(),
        Some(of) if of.upper.is_infinite() => {
            let least = format!("at least {}", three(of.lower, Towards::Down));
            match of.value {
                None => least,
                Some(value) => format!("{}, {least}", three(value, Towards::Nearest)),
            }
        }
        Some(of) => short(of),
    }
}

fn in_percent(of: &Estimate) -> String {
    let value = of.value.map_or_else(
        || "-".to_owned(),
        |value| rate(100.0 * value, Towards::Nearest),
    );
    format!(
        "{value} % [{}, {}]",
        rate(100.0 * of.lower, Towards::Down),
        rate(100.0 * of.upper, Towards::Up)
    )
}

fn written(of: &Estimate) -> String {
    let value = of
        .value
        .map_or_else(|| "-".to_owned(), |value| rate(value, Towards::Nearest));
    format!(
        "{value} [{}, {}]",
        rate(of.lower, Towards::Down),
        rate(of.upper, Towards::Up)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_domain::label::LabellerKind;

    fn of(value: Option<f64>, lower: f64, upper: f64) -> Option<Estimate> {
        Some(Estimate {
            value,
            lower,
            upper,
            confidence: EACH,
            method: "exact".to_owned(),
            n: 10,
        })
    }

    fn about(run: i64) -> About<'static> {
        About {
            run,
            recipe: "typos",
            by: LabellerKind::Judge,
            by_others: (0, 0),
            asked: 1,
            goal: nines_attack::recipe::GoalKind::Evade,
            classifier: "hurt v1",
            second: None,
            probe: None,
            by_opinion: false,
        }
    }

    fn controls() -> Controls {
        Controls {
            by: "judges",
            kind: LabellerKind::Judge,
            sampled: None,
            without: Some("nobody drew".to_owned()),
            waiting: 0,
            precision: of(Some(0.8), 0.4, 0.9),
            labels_per_find: of(Some(1.25), 1.111, 2.5),
            queries_per_find: None,
            machine_seconds_per_find: of(Some(12.34), 11.0, 25.0),
            seconds_per_find: None,
            seconds_per_label: None,
            cost_per_find: None,
            fewer_labels: None,
            less_time: None,
        }
    }

    #[test]
    fn shares_are_percentages() {
        let text = controls().words();
        assert!(text.contains("80.00 % [40.00, 90.00]"), "{text}");
    }

    #[test]
    fn runs_are_one_table_with_what_they_are_compared_with() {
        let mut compared = controls();
        compared.without = None;
        compared.fewer_labels = of(None, 16.04, f64::INFINITY);
        compared.sampled = Some(Sampled {
            rows: "70 random draws".to_owned(),
            share: of(Some(0.0), 0.0, 0.05).expect("some"),
            labels_per_find: of(None, 20.06, f64::INFINITY).expect("some"),
            seconds_per_find: None,
            cost_per_find: None,
        });
        let text = markdown(&[(about(2), &compared), (about(3), &compared)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| typos | 2 | 1.25 [1.11, 2.50] | at least 16.0 | 12.3 [11.0, 25.0] |"
        );
        assert_eq!(lines[4], "| *random sampling* |  | at least 20.0 | 1 | - |");
        assert_eq!(text.matches("rests on 70 random draws").count(), 1);
    }

    #[test]
    fn what_is_true_of_several_runs_is_said_once() {
        let unlike = controls();
        let text = markdown(&[(about(2), &unlike), (about(3), &unlike)]);
        let note = "\ntypos (2), typos (3): There is nothing to compare with: nobody drew.\n";
        assert!(text.contains(note), "{text}");
        assert!(!text.contains("random sampling* "), "{text}");
    }
}
