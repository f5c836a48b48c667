//! `nines select compare`: strategies beside random at equal label cost, on snippets that are labelled already.

mod choosing;
mod ground;
mod running;
mod shown;

use crate::cli::SelectCompareArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_measure::acquisition::{Mixture, Strategy};

pub use running::run;

/// The kind of run that a comparison is.
const KIND: &str = "compare-strategies";

/// Refuses what cannot be compared. Returns the strategies, random last: it takes up what others have trained.
fn strategies(args: &SelectCompareArgs) -> Result<Vec<Mixture>> {
    let wrong = |what: String| -> Result<Vec<Mixture>> { bail!(BadUsage(what)) };
    let rising = args.budgets.windows(2).all(|pair| pair[0] < pair[1]);
    if args.budgets.len() < 2 || args.budgets[0] < 2 || !rising {
        return wrong("--budgets must be at least two numbers that rise from 2 or more".to_owned());
    }
    if args.seeds.is_empty() {
        return wrong("--seeds names no seed".to_owned());
    }
    let mut seeds = args.seeds.clone();
    seeds.sort_unstable();
    seeds.dedup();
    if seeds.len() < args.seeds.len() {
        return wrong("--seeds names a seed twice".to_owned());
    }
    if !(0.0..=20.0).contains(&args.focus) {
        return wrong("--focus must lie from 0 to 20".to_owned());
    }
    let random = Mixture::alone(Strategy::Random);
    let mut all: Vec<Mixture> = Vec::new();
    for mixture in &args.strategies {
        if mixture.has(Strategy::Relabel) {
            return wrong(
                "relabel labels nothing new, so that it cannot be compared here".to_owned(),
            );
        }
        if all.contains(mixture) {
            return wrong(format!("--strategies names {mixture} twice"));
        }
        if *mixture != random {
            all.push(mixture.clone());
        }
    }
    all.push(random);
    Ok(all)
}

/// Compares the results that there are.
async fn table(
    project: &Project,
    args: &SelectCompareArgs,
    strategies: &[Mixture],
    output: &Output,
) -> Result<()> {
    let ground = ground::Ground::new(project, args).await?;
    let found = ground.compared(strategies)?;
    output.result(&found, || match args.markdown {
        true => shown::markdown(&found),
        false => shown::words(&found),
    });
    Ok(())
}
