//! A sweep's table for readers.

use nines_domain::estimate::Estimate;
use nines_train::sweep::SweepTable;
use nines_train::sweep::table::{CellRow, Compared};
use std::fmt::Write;

/// Returns the table in words.
pub fn words(table: &SweepTable) -> String {
    let mut text = format!("{}\n", rests_on(table));
    for row in &table.cells {
        let _ = writeln!(
            text,
            "\n{} ({}{})",
            row.cell,
            seeds(row),
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
    if !table.missing.is_empty() {
        let _ = writeln!(text, "\nno result yet: {}", table.missing.join(", "));
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
            "| {} | {} | {} | {time} |",
            row.cell,
            row.seeds.len(),
            shown.join(" | ")
        );
    }
    for reason in &table.no_interval {
        let _ = write!(text, "\n{reason}\n");
    }
    if let Some(remark) = by_chance(table) {
        let _ = write!(text, "\n{remark}\n");
    }
    if !table.missing.is_empty() {
        let _ = write!(text, "\nNo result yet: {}.\n", table.missing.join(", "));
    }
    text
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

fn seeds(row: &CellRow) -> String {
    let list: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
    match row.seeds.len() {
        1 => format!("seed {}", list[0]),
        _ => format!("seeds {}", list.join(", ")),
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

fn cell(number: &Compared) -> String {
    match &number.gain {
        None => value(&number.value),
        Some(gain) => {
            let [value, ..] = number.value.decimal(1.0, 3);
            let far = gain.lower > 0.0 || gain.upper < 0.0;
            let gain = gained(gain);
            match far {
                true => format!("{value} **{gain}**"),
                false => format!("{value} {gain}"),
            }
        }
    }
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
            "{compared} differences at 95 % each: about {:.0} would exclude 0 by chance if no cell differed.",
            (compared as f64 / 20.0).ceil()
        )
    })
}
