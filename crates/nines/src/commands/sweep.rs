//! `nines sweep`: many trainings compared on the same folds.

mod attacks;
mod book;
mod checking;
mod running;
mod shown;
mod trial;

use crate::cli::SweepTableArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use anyhow::{Context, Result, bail};
use nines_stats::bootstrap::Bootstrap;
use nines_train::sweep::table::Unfit;
use nines_train::sweep::trial::Rows;
use nines_train::sweep::{SweepFile, SweepTable, Trial, TrialResult};
use std::fs;
use std::path::Path;

pub use checking::check;
pub use running::run;

/// The kind of run that a sweep is.
const KIND: &str = "sweep";

/// More than any sweep file has.
const MOST_BYTES: u64 = 1 << 20;

/// Runs `nines sweep table`, which needs no project.
pub fn table(args: &SweepTableArgs, output: &Output) -> Result<()> {
    let file = read(&args.file)?;
    let table = table_of(&file, &args.results, |trial, result, rows| {
        Ok(result.differs(&file.asked(trial, &rows.data, &result.identity)))
    })?;
    output.result(&table, || match args.markdown {
        true => shown::markdown(&table),
        false => shown::words(&table),
    });
    Ok(())
}

/// Reads a sweep file.
fn read(path: &Path) -> Result<SweepFile> {
    let name = path.display();
    let size = fs::metadata(path)
        .with_context(|| format!("cannot read {name}"))?
        .len();
    if size > MOST_BYTES {
        bail!(BadUsage(format!(
            "{name} has {size} bytes; a sweep file has at most {MOST_BYTES}"
        )));
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    parse(&text).with_context(|| format!("{name} is no sweep file"))
}

/// Reads the text of a sweep file.
fn parse(text: &str) -> Result<SweepFile, toml::de::Error> {
    toml::from_str(text)
}

/// Computes the table of the results in a folder. `differs` says in what a result is another trial's: it is then left
/// out of the table, and named.
fn table_of(
    file: &SweepFile,
    results: &Path,
    differs: impl Fn(&Trial, &TrialResult, &Rows) -> Result<Option<&'static str>>,
) -> Result<SweepTable> {
    let Some(rows) = Rows::read(results)? else {
        bail!(
            "{} holds no results of a sweep; make some: nines sweep run",
            results.display()
        );
    };
    let first_rung = file.trials()?.len();
    let (mut found, mut missing, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
    for (place, trial) in file.every_trial()?.into_iter().enumerate() {
        // What did not reach a later rung is not missing.
        let expected = place < first_rung;
        let Some(result) = TrialResult::at(&trial.file(results))? else {
            missing.extend(expected.then(|| trial.name()));
            continue;
        };
        match differs(&trial, &result, &rows)? {
            None => found.push(result),
            Some(of) => unfit.extend(expected.then(|| Unfit {
                trial: trial.name(),
                of,
            })),
        }
    }
    let table = SweepTable::new(file, &rows, &found, &Bootstrap::default())?;
    Ok(SweepTable {
        missing,
        unfit,
        ..table
    })
}
