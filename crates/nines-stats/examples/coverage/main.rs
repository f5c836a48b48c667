//! Measures how often every interval of this crate holds a known truth, and writes the page about it.
//!
//! `cargo run --release -p nines-stats --example coverage -- [--full] [--seed N] [--threads N]
//! [--only FAMILY] [--out docs/coverage.md]`. Without `--full` it takes the size that the tests take;
//! without `--out` it prints the page. Ends with status 1 where an interval covers too seldom.

#[path = "suite.rs"]
mod suite;

use std::process::ExitCode;
use std::time::Instant;
use suite::plan::Plan;

struct Arguments {
    plan: Plan,
    only: Option<String>,
    out: Option<String>,
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut plan = Plan::reduced();
    let (mut only, mut out) = (None, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--full" => plan.full = true,
            "--only" => only = Some(value()?),
            "--out" => out = Some(value()?),
            "--seed" => plan.seed = value()?.parse().map_err(|e| format!("--seed: {e}"))?,
            "--threads" => {
                plan.threads = value()?.parse().map_err(|e| format!("--threads: {e}"))?;
            }
            _ => return Err(format!("{word} is not an argument")),
        }
    }
    Ok(Arguments { plan, only, out })
}

fn main() -> ExitCode {
    let Arguments { plan, only, out } = match read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(reason) => {
            eprintln!(
                "{reason}\nusage: coverage [--full] [--seed N] [--threads N] [--only FAMILY] [--out FILE]"
            );
            return ExitCode::from(2);
        }
    };
    let mut sections = Vec::new();
    let chosen = |name: &str| only.as_deref().is_none_or(|only| only == name);
    for (name, measure) in suite::FAMILIES.iter().filter(|(name, _)| chosen(name)) {
        let start = Instant::now();
        sections.push(measure(&plan));
        eprintln!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    }
    let page = suite::table::page(&plan, &sections);
    let written = match &out {
        Some(path) => std::fs::write(path, page).map_err(|e| format!("{path}: {e}")),
        None => {
            print!("{page}");
            Ok(())
        }
    };
    if let Err(reason) = written {
        eprintln!("{reason}");
        return ExitCode::from(2);
    }
    let audit = suite::audit(&sections);
    for fault in &audit.faults {
        eprintln!("{fault}");
    }
    eprintln!("{} checks, {} faults", audit.checks, audit.faults.len());
    ExitCode::from(u8::from(!audit.faults.is_empty()))
}
