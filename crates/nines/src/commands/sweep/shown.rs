//! A sweep's table for readers.

use nines_domain::estimate::Estimate;
use nines_train::sweep::SweepTable;
use nines_train::sweep::table::{CellRow, Compared, Unfit};
use std::fmt::Write;

/// Returns the table in words.
pub fn words(table: &SweepTable) -> String {
    let mut text = format!("{}\n", rests_on(table));
    for row in &table.cells {
        let _ = writeln!(
            text,
            "\n{} ({}{}{})",
            row.cell,
            seeds(&row.seeds),
            some_shared(table, row).map_or_else(String::new, |shared| format!(
                "; differences on {} alone, which both have",
                seeds(&shared)
            )),
            row.cost.map_or_else(String::new, |cost| format!(
                ", {cost:.2} times the baseline's processor time"
            ))
        );
        for number in row.reached.iter().chain(&row.survived) {
            let _ = writeln!(text, "  {:<30} {}", number.what, value(&number.value));
            if let Some(gain) = &number.gain {
                let _ = writeln!(text, "  {:<30} {}", "", gained(gain));
            }
        }
    }
    for reason in &table.no_interval {
        let _ = writeln!(text, "\n{reason}");
    }
    if let Some(remark) = by_chance(table) {
        let _ = writeln!(text, "\n{remark}");
    }
    for line in without_result(table) {
        let _ = write!(text, "\n{line}");
    }
    text
}

/// Returns the table as Markdown: what each cell reaches, and what it gains over the baseline.
pub fn markdown(table: &SweepTable) -> String {
    let mut text = format!("{}\n\n", rests_on(table));
    let Some(first) = table.cells.first() else {
        return text;
    };
    let columns: Vec<&str> = first
        .reached
        .iter()
        .chain(&first.survived)
        .map(|number| number.what.as_str())
        .collect();
    let _ = writeln!(text, "| cell | seeds | {} | time |", columns.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len() + 3));
    for row in &table.cells {
        let is_baseline = table.baseline.as_deref() == Some(&row.cell);
        let shown: Vec<String> = columns
            .iter()
            .map(|what| {
                let number = row
                    .reached
                    .iter()
                    .chain(&row.survived)
                    .find(|n| n.what == *what);
                number.map_or_else(|| "-".to_owned(), cell)
            })
            .collect();
        let time = match row.cost {
            Some(cost) => format!("{cost:.2}"),
            None if is_baseline => format!("1 ({:.0} s)", row.seconds),
            None => format!("{:.0} s", row.seconds),
        };
        let _ = writeln!(
            text,
            "| {} | {}{} | {} | {time} |",
            row.cell,
            row.seeds.len(),
            some_shared(table, row).map_or_else(String::new, |shared| format!(
                ", {} in differences",
                shared.len()
            )),
            shown.join(" | ")
        );
    }
    for reason in &table.no_interval {
        let _ = write!(text, "\n{reason}\n");
    }
    if let Some(remark) = by_chance(table) {
        let _ = write!(text, "\n{remark}\n");
    }
    for line in without_result(table) {
        let _ = write!(text, "\n{line}\n");
    }
    text
}

/// Names the trials that are not in the table, and why.
fn without_result(table: &SweepTable) -> Vec<String> {
    let mut lines = Vec::new();
    if !table.missing.is_empty() {
        lines.push(format!("No result yet: {}.", table.missing.join(", ")));
    }
    if !table.unfit.is_empty() {
        let each = table.unfit.iter();
        let each: Vec<String> = each
            .map(|Unfit { trial, of }| format!("{trial} (of {of})"))
            .collect();
        lines.push(format!(
            "Left out, results of something else: {}.",
            each.join(", ")
        ));
    }
    if !table.failed.is_empty() {
        lines.push(format!("Failed: {}.", table.failed.join(", ")));
    }
    lines
}

fn rests_on(table: &SweepTable) -> String {
    format!(
        "out of fold on {} snippets of {} prompt families, {} catastrophes; acceptance on {} random completions{}",
        table.rows,
        table.families,
        table.catastrophes,
        table.random,
        table
            .baseline
            .as_ref()
            .map_or_else(String::new, |name| format!(
                "; differences to {name}, same prompts and seeds"
            ))
    )
}

/// The seeds that a cell shares with the baseline, where its differences rest on fewer than either has.
fn some_shared(table: &SweepTable, row: &CellRow) -> Option<Vec<u64>> {
    let baseline = table.baseline.as_ref()?;
    let of_baseline = table.cells.iter().find(|cell| cell.cell == *baseline)?;
    let mut shared = row.seeds.clone();
    shared.retain(|seed| of_baseline.seeds.contains(seed));
    let is_some = !shared.is_empty() && (shared != row.seeds || shared != of_baseline.seeds);
    is_some.then_some(shared)
}

fn seeds(seeds: &[u64]) -> String {
    let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
    match seeds.len() {
        1 => format!("seed {}", list[0]),
        _ => format!("seeds {}", list.join(", ")),
    }
}

/// A value with its interval.
pub fn value(estimate: &Estimate) -> String {
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

/// A cell of the Markdown table: the value and, in a line below, the gain, each with its interval; a gain whose
/// interval leaves out 0 is bold.
fn cell(number: &Compared) -> String {
    let own = narrow(&value(&number.value));
    let Some(gain) = &number.gain else {
        return own;
    };
    let far = gain.lower > 0.0 || gain.upper < 0.0;
    let gain = narrow(&gained(gain));
    match far {
        true => format!("{own}<br>**{gain}**"),
        false => format!("{own}<br>{gain}"),
    }
}

/// Leaves out the 0 before each decimal point: seven such columns must fit beside each other.
fn narrow(numbers: &str) -> String {
    let mut text = String::with_capacity(numbers.len());
    let mut last = ' ';
    for (at, c) in numbers.char_indices() {
        let leads = c == '0' && !last.is_ascii_digit() && numbers[at + 1..].starts_with('.');
        if !leads {
            text.push(c);
        }
        last = c;
    }
    text
}

/// How many of the differences would look real by chance alone.
fn by_chance(table: &SweepTable) -> Option<String> {
    let rows = table.cells.iter();
    let compared = rows
        .flat_map(|row| row.reached.iter().chain(&row.survived))
        .filter(|number| number.gain.is_some())
        .count();
    (compared > 1).then(|| {
        format!(
            "{compared} differences at 95 % each: {:.1} on average would exclude 0 by chance if no cell differed; those of \
             one cell are of the same trainings, so that such come together.",
            compared as f64 * 0.05
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, lower: f64, upper: f64) -> Estimate {
        Estimate {
            value: Some(value),
            lower,
            upper,
            confidence: 0.95,
            method: "test".to_owned(),
            n: 30,
        }
    }

    fn compared(gain: Estimate) -> Compared {
        Compared {
            what: "AUROC".to_owned(),
            value: estimate(0.8731, 0.85, 1.0),
            gain: Some(gain),
        }
    }

    #[test]
    fn a_markdown_cell_gives_value_and_gain_their_intervals() {
        let small = compared(estimate(-0.0213, -0.05, 0.0104));
        assert_eq!(cell(&small), ".873 [.850, 1.000]<br>-.021 [-.050, +.011]");
        let large = compared(estimate(0.1, 0.05, 0.15));
        assert_eq!(
            cell(&large),
            ".873 [.850, 1.000]<br>**+.100 [+.050, +.150]**"
        );
        assert_eq!(narrow("10.5 [0.05, 100.0]"), "10.5 [.05, 100.0]");
    }

    fn row(name: &str, seeds: &[u64], gains: usize) -> CellRow {
        CellRow {
            cell: name.to_owned(),
            seeds: seeds.to_vec(),
            reached: vec![compared(estimate(0.1, 0.05, 0.15)); gains],
            survived: Vec::new(),
            seconds: 1.0,
            cost: None,
            paths: Vec::new(),
        }
    }

    fn table(cells: Vec<CellRow>) -> SweepTable {
        SweepTable {
            baseline: Some("plain".to_owned()),
            rows: 1,
            catastrophes: 1,
            random: 1,
            families: 1,
            no_interval: Vec::new(),
            cells,
            missing: Vec::new(),
            unfit: Vec::new(),
            failed: Vec::new(),
        }
    }

    #[test]
    fn differences_on_fewer_seeds_than_the_values_say_so() {
        let unequal = table(vec![row("plain", &[0, 1], 0), row("other", &[0], 1)]);
        assert!(
            words(&unequal)
                .contains("other (seed 0; differences on seed 0 alone, which both have)")
        );
        assert!(markdown(&unequal).contains("| other | 1, 1 in differences |"));
        let equal = table(vec![row("plain", &[0, 1], 0), row("other", &[0, 1], 1)]);
        assert!(words(&equal).contains("other (seeds 0, 1)"));
    }

    #[test]
    fn what_chance_brings_is_not_rounded_up() {
        let table = |gains: usize| table(vec![row("other", &[0], gains)]);
        let told = by_chance(&table(7)).expect("told");
        assert!(
            told.contains("0.3 on average") || told.contains("0.4 on average"),
            "{told}"
        );
        assert!(
            by_chance(&table(2))
                .expect("told")
                .contains("0.1 on average")
        );
        assert_eq!(by_chance(&table(1)), None);
    }
}
