//! A sweep that somebody asks for in the workbench: looked at before it waits for its turn.

use super::{attacks, parse};
use crate::models;
use anyhow::{Result, bail};

/// The most that a job of the workbench may mean: its table must stay readable, and the machine is shared.
const MOST_TRIALS: u64 = 2_000;
/// The limits of a job's own fields; beyond them one job would keep all others waiting.
const MOST_EPOCHS: u64 = 1_000;
const MOST_FOLDS: u64 = 50;
const MOST_STARTS: usize = 10_000;
const MOST_QUERIES: u64 = 1_000_000;
const MOST_RECIPES: usize = 30;

/// Checks the text of a sweep file as `nines sweep run` would, and that it names nothing but models of the
/// cache. Returns how many trials it means.
pub fn check(text: &str) -> Result<u64> {
    let file = parse(text).map_err(|error| anyhow::anyhow!("it is no sweep file: {error}"))?;
    let expected = file.expected();
    if expected > MOST_TRIALS {
        bail!(
            "it means {expected} trials; a job has at most {MOST_TRIALS}: `nines sweep run` takes more"
        );
    }
    let trials = file.every_trial()?;
    let most_epochs = trials.iter().map(|trial| trial.config.epochs as u64).max();
    let mut limits = vec![
        ("epochs", most_epochs.unwrap_or(0), MOST_EPOCHS),
        ("folds", file.folds, MOST_FOLDS),
    ];
    if let Some(plan) = &file.attacks {
        limits.push(("starts", plan.starts as u64, MOST_STARTS as u64));
        limits.push(("queries", plan.queries, MOST_QUERIES));
        limits.push(("recipes", plan.recipes.len() as u64, MOST_RECIPES as u64));
    }
    for (what, asked, most) in limits {
        if asked > most {
            bail!(
                "it asks for {asked} {what}; a job has at most {most}: `nines sweep run` takes more"
            );
        }
    }
    if let Some(plan) = &file.attacks {
        attacks::check(plan)?;
    }
    let mut bases: Vec<&str> = trials
        .iter()
        .filter_map(|trial| trial.base.as_deref())
        .collect();
    bases.sort_unstable();
    bases.dedup();
    for base in bases {
        if !is_name(base) {
            bail!("{base:?} is no name of a model; nines models list names those there are");
        }
        models::known(base).map_err(|_| {
            anyhow::anyhow!(
                "the model {base} is not in the cache; nines models list names those there are"
            )
        })?;
    }
    Ok(expected)
}

/// Says whether a text can only be a model's name: a path would be looked for on the server.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['.', '-'])
}
