//! The page: Markdown tables of coverages.

use super::plan::{Plan, SEED};
use super::tally::{CONFIDENCES, Row, Rule};
use super::{FALSE_ALARM, Section, audit};
use std::collections::BTreeMap;
use std::fmt::Write;

/// An interval whose documentation states a figure so far below the confidence is said to break.
const BREAKS: f64 = 0.025;

/// With fewer repetitions a coverage says next to nothing.
const FEWEST_REPETITIONS: u64 = 100;

/// Returns the whole page.
pub fn page(plan: &Plan, sections: &[Section]) -> String {
    let mut page = introduction(plan, sections);
    for section in sections {
        let _ = write!(page, "\n## {}\n\n{}\n\n", section.title, section.words);
        let rows: Vec<&Row> = section
            .rows
            .iter()
            .filter(|r| r.rule != Rule::Broken)
            .collect();
        page.push_str(&table(&rows));
        page.push_str(&methods(&rows));
    }
    page.push_str(&unstated(sections));
    page.push_str(&breaking(sections));
    page
}

fn introduction(plan: &Plan, sections: &[Section]) -> String {
    let rows = || sections.iter().flat_map(|s| &s.rows);
    let exact = rows().filter(|r| r.repetitions.is_none()).count();
    let repetitions = || {
        rows()
            .filter(|r| r.absent < 0.5)
            .filter_map(|r| r.repetitions)
    };
    let audit = audit(sections);
    let again = if plan.full { " --full" } else { "" };
    let seed = if plan.seed == SEED {
        String::new()
    } else {
        format!(" --seed {}", plan.seed)
    };
    let verdict = if audit.faults.is_empty() {
        "All of them hold on this page.".to_owned()
    } else {
        let list: String = audit.faults.iter().map(|f| format!("\n- {f}")).collect();
        format!("These do not hold on this page:\n{list}")
    };
    format!(
        "# Coverage

An interval at confidence 0.95 claims to hold the truth in at least 95 of 100 experiments. Here the truth is
known, because the experiments are made up, and so the claim can be checked. Each interval of `nines-stats`
was built at 90, 95 and 99 %, and the tables say how often it held the truth.

**What the numbers are.** Where few counts decide everything, all outcomes were enumerated and the coverage
is exact, up to 10⁻⁹ ({exact} rows of {all}). Elsewhere it is simulated: the table gives the number of repetitions
({fewest} to {most}, and fewer where a method mostly refuses) and, in brackets, the Monte-Carlo error as a 95 % interval of the coverage. The seed is {the_seed}.
Every repetition has its own random stream, so neither the number of threads nor the order of the work changes a
digit. \"Missed at 95 %\" is how often the truth lay below and above the interval; a one-sided bound
can only miss on one side. \"Refused\" is how often a method gave no interval, for instance because no label had
failed; those repetitions are in no coverage. A coverage that is significantly below its confidence (exact
binomial test at 10⁻⁴, for that row alone) is **bold**.

**What is checked.** An interval whose method does not say \"approximate\" must not cover too seldom. An
approximate one must cover as often as its documentation says; those whose figure depends on the setting are
listed after the tables, and so is where methods break, each of which must indeed break. A simulated
coverage fails only when it is significantly too low: the exact binomial test is made at level {FALSE_ALARM} divided by
the number of checks, so that a suite without faults raises any alarm with probability at most {FALSE_ALARM}. That is
{checks} checks. {verdict}

**What it does not show.** A coverage is that of the setting named, not of every setting. The settings keep the
assumptions of each method (independent items, the right frame, weights known beforehand) except where the table
says otherwise; real data may not.

    cargo run --release -p nines-stats --example coverage --{again}{seed} --out docs/coverage.md

The tests run the same code at a smaller size (`tests/coverage_suite.rs`).
",
        all = rows().count(),
        fewest = thousands(repetitions().min().unwrap_or(0)),
        most = thousands(repetitions().max().unwrap_or(0)),
        the_seed = plan.seed,
        checks = audit.checks,
    )
}

fn table(rows: &[&Row]) -> String {
    let refused = rows.iter().any(|r| r.absent > 0.0);
    let mut text = String::from(
        "| Interval | Setting | n | Truth | 90 % | 95 % | 99 % | Missed at 95 %: below, above | Repetitions |",
    );
    text.push_str(if refused { " Refused |\n" } else { "\n" });
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|");
    text.push_str(if refused { "--:|\n" } else { "\n" });
    for row in rows {
        let [narrow, middle, wide] = [0, 1, 2].map(|i| cell(row, i));
        let repetitions = row.repetitions.map_or("exact".to_owned(), thousands);
        let _ = write!(
            text,
            "| {} | {} | {} | {} | {narrow} | {middle} | {wide} | {}, {} | {repetitions} |",
            row.interval,
            row.setting,
            thousands(row.n),
            row.truth.map_or("varies".to_owned(), number),
            share(row.below[1]),
            share(row.above[1]),
        );
        if refused {
            let _ = write!(text, " {} |", share(row.absent));
        }
        text.push('\n');
    }
    text
}

/// A coverage, with its Monte-Carlo interval.
fn cell(row: &Row, i: usize) -> String {
    if row.repetitions == Some(0) {
        return "–".to_owned();
    }
    let coverage = row.coverage()[i].max(0.0);
    let low = row.p_value(i, CONFIDENCES[i]) < 1e-4;
    let (open, close) = if low { ("**", "**") } else { ("", "") };
    match row.monte_carlo(i) {
        None => format!("{open}{coverage:.4}{close}"),
        Some((lower, upper)) => format!("{open}{coverage:.3}{close} ({lower:.3}–{upper:.3})"),
    }
}

fn share(value: f64) -> String {
    match value.max(0.0) {
        0.0 => "0".to_owned(),
        v if v < 5e-4 => "<0.001".to_owned(),
        v => format!("{v:.3}"),
    }
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size < 1e-3 {
        let text = format!("{value:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{exponent}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What each interval of a table says of its method, once.
fn methods(rows: &[&Row]) -> String {
    let mut text =
        String::from("\nWhat they say of themselves (numbers as in the first repetition):\n\n");
    let mut seen: Vec<&str> = Vec::new();
    for row in rows {
        if !seen.contains(&row.interval) && !row.method.is_empty() {
            seen.push(row.interval);
            let _ = writeln!(text, "- {}: {}", row.interval, row.method);
        }
    }
    text
}

/// The approximate intervals whose documentation gives a range that depends on the setting.
fn unstated(sections: &[Section]) -> String {
    let mut text = String::from(
        "\n## Approximate methods whose coverage depends on the setting\n\nTheir method states a range, and nothing was checked row by row. The range of
coverages at 95 % over the tables above, and where the lowest is:\n\n| Interval | Lowest | Highest | Where the lowest is |\n|---|--:|--:|---|\n",
    );
    let mut by_interval: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in sections.iter().flat_map(|s| &s.rows) {
        let enough = row.repetitions.is_none_or(|n| n >= FEWEST_REPETITIONS);
        if row.rule == Rule::Word && row.approximate && enough {
            by_interval.entry(row.interval).or_default().push(row);
        }
    }
    for (interval, rows) in by_interval {
        let order = |a: &&&Row, b: &&&Row| a.coverage()[1].total_cmp(&b.coverage()[1]);
        let (Some(low), Some(high)) = (rows.iter().min_by(order), rows.iter().max_by(order)) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {interval} | {:.3} | {:.3} | {}, n = {} |",
            low.coverage()[1],
            high.coverage()[1],
            low.setting,
            thousands(low.n)
        );
    }
    text
}

/// Where methods must not be used.
fn breaking(sections: &[Section]) -> String {
    let low = |row: &&Row| match row.rule {
        Rule::Broken => true,
        Rule::Figures(figures) => figures
            .iter()
            .zip(CONFIDENCES)
            .any(|(figure, confidence)| figure.is_some_and(|f| f < confidence - BREAKS)),
        Rule::Word | Rule::Shown => false,
    };
    let rows: Vec<&Row> = sections.iter().flat_map(|s| &s.rows).filter(low).collect();
    let mut text = String::from(
        "
## Where methods break

Each of these is a method used where it must not be, or one whose documentation warns of a coverage
this low.

- Wald's interval is not offered by the crate. Wilson's covers too seldom at some rare rates.
- Clopper-Pearson on clustered items, after every label, or on the false-omission rate as if it were the leak
  is the right interval of the wrong experiment. So are intervals of one constant rate when attackers differ, of these raters
  when all raters are meant, and of prompts from the wrong distribution.
- Normal intervals (importance, active testing, predictions, the stratified standard error) rest on failures that
  were seen. Where a guess overlooks some, the missing ones are just those that weigh most, and ten effective failures
  seen are no protection: \"when trusted\" is worse. Where no failure is seen, most refuse; \"or 0\" is what
  would come of not refusing.
- Extrapolations (the worst of many queries, the gap between logits) are as good as the shape that they assume.
- A bootstrap over three attackers has three numbers to resample; Kaplan-Meier's interval over five sessions is
  not much better off.
- Chao1's interval is one for a lower bound on the modes, and Chapman's normal limits need modes in common.
- Dawid and Skene's fit takes safe items that two raters flag by mistake for catastrophes, and smoothing makes it
  worse: rare catastrophes are swamped.

",
    );
    text.push_str(&table(&rows));
    text.push_str(&methods(&rows));
    text
}
