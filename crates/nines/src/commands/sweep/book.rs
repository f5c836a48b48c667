//! A sweep's trials in the database, for whoever watches.

use anyhow::{Context, Result};
use nines_domain::estimate::Estimate;
use nines_domain::snippet::RunId;
use nines_stats::bootstrap::Bootstrap;
use nines_store::{NewTrial, Store, TrialEnd, TrialNumber};
use nines_train::sweep::table::{AUROC, Compared, numbers};
use nines_train::sweep::trial::Rows;
use nines_train::sweep::{Differences, SweepFile, Trial, TrialResult};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes down what becomes of each trial.
pub struct Book {
    store: Store,
    run: RunId,
    results: PathBuf,
    rows: Arc<Rows>,
    differences: Differences,
    expected: u64,
}

impl Book {
    /// Opens the book of a run.
    pub fn open(
        store: &Store,
        run: RunId,
        file: &SweepFile,
        rows: Rows,
        results: &Path,
    ) -> Result<Self> {
        Ok(Self {
            store: store.clone(),
            run,
            results: results.to_owned(),
            rows: Arc::new(rows),
            differences: Differences::between(&file.every_trial()?)?,
            expected: file.expected(),
        })
    }

    /// Writes down the trials of a rung, the first of them at a position. Returns the positions of those whose
    /// numbers are not known here.
    pub async fn plan(&self, rung: usize, first: u64, trials: &[Trial]) -> Result<BTreeSet<u64>> {
        let planned = trials
            .iter()
            .map(|trial| {
                Ok(NewTrial {
                    cell: trial.cell.clone(),
                    seed: trial.seed,
                    base: trial.base.clone(),
                    recipe: Value::Object(self.differences.of(trial)?),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let rung = u32::try_from(rung)?;
        let store = &self.store;
        let waiting = store.plan_trials(self.run, rung, first, &planned).await?;
        Ok(waiting.into_iter().collect())
    }

    /// Says how many trials of the whole sweep have results.
    pub async fn progress(&self, done: u64) -> Result<()> {
        let store = &self.store;
        Ok(store
            .run_progress(self.run, done, Some(self.expected))
            .await?)
    }

    /// A trial is begun. The heartbeat has whoever watches look again.
    pub async fn begun(&self, position: u64) -> Result<()> {
        self.store.begin_trial(self.run, position).await?;
        Ok(self.store.heartbeat(self.run).await?)
    }

    /// A trial has its result; so have those others of its cell. Returns the trial's AUROC, where it has one.
    pub async fn ended(
        &self,
        position: u64,
        result: TrialResult,
        others: Vec<&Trial>,
    ) -> Result<Option<Estimate>> {
        let mut all = vec![result];
        for other in others {
            all.extend(TrialResult::at(&other.file(&self.results))?);
        }
        let rows = self.rows.clone();
        let work = move || -> Result<TrialEnd> {
            let bootstrap = Bootstrap::default();
            let all: Vec<&TrialResult> = all.iter().collect();
            let own = numbers(&rows, &all[..1], &bootstrap)?;
            let together = match all.len() {
                1 => own.clone(),
                _ => numbers(&rows, &all, &bootstrap)?,
            };
            Ok(TrialEnd {
                numbers: told(own),
                together: told(together),
                seconds: all[0].seconds,
            })
        };
        let end = tokio::task::spawn_blocking(work).await;
        let end = end.context("the numbers of a trial ended abruptly")??;
        self.store.end_trial(self.run, position, &end).await?;
        let mut numbers = end.numbers.into_iter();
        Ok(numbers
            .find(|number| number.what == AUROC)
            .map(|number| number.value))
    }

    /// A trial failed.
    pub async fn failed(&self, position: u64, error: &anyhow::Error) -> Result<()> {
        let error = format!("{error:#}");
        Ok(self.store.fail_trial(self.run, position, &error).await?)
    }

    /// Halving takes these cells of a rung on, and no other.
    pub async fn halved(&self, rung: usize, kept: &[String]) -> Result<()> {
        let rung = u32::try_from(rung)?;
        Ok(self.store.drop_trials(self.run, rung, kept).await?)
    }

    /// The sweep ends here: what it was working on waits for the next time.
    pub async fn leave(&self) {
        // What is told of it must not hide why it ended.
        let _ = self.store.leave_trials(self.run).await;
    }
}

/// Leaves out what has no interval: no number is shown without one.
fn told(numbers: Vec<Compared>) -> Vec<TrialNumber> {
    let finite =
        |number: &Compared| number.value.lower.is_finite() && number.value.upper.is_finite();
    let numbers = numbers.into_iter().filter(finite);
    numbers
        .map(|number| TrialNumber {
            what: number.what,
            value: number.value,
        })
        .collect()
}
