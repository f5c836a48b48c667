//! The trials of sweeps: what a sweep is going to try, how far each trial is, and what it came to.

use crate::batch::{KEYS_PER_STATEMENT, insert_all};
use crate::entity::sweep_trial::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, from_word, json, refuse_nul, signed, to_json, unsigned};
use jiff::Timestamp;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::RunId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a trial of a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrialState {
    /// It waits for its turn.
    Waiting,
    /// A process trains it.
    Running,
    /// It has its numbers.
    Done,
    /// It ended with an error.
    Failed,
    /// It has its numbers, and successive halving did not take its recipe on.
    Dropped,
}

impl TrialState {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// Says whether a trial in this state has its numbers.
    pub fn has_numbers(self) -> bool {
        matches!(self, Self::Done | Self::Dropped)
    }
}

/// A trial that a sweep is going to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrial {
    /// The cell, or the draw with its epochs.
    pub cell: String,
    /// Its seed.
    pub seed: u64,
    /// The base model; `None` is the project's.
    pub base: Option<String>,
    /// The fields of the recipe that differ between the trials of the sweep, with this trial's values.
    pub recipe: Value,
}

/// One number of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialNumber {
    /// What it is, such as `AUROC`.
    pub what: String,
    /// Its value with its interval.
    pub value: Estimate,
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialEnd {
    /// Its numbers.
    pub numbers: Vec<TrialNumber>,
    /// The same numbers of its cell, over all seeds that have results by now.
    pub together: Vec<TrialNumber>,
    /// Seconds of training.
    pub seconds: f64,
}

/// A stored trial.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepTrial {
    /// Its place in the sweep, from 0.
    pub position: u64,
    /// The cell, or the draw with its epochs.
    pub cell: String,
    /// Its seed.
    pub seed: u64,
    /// The rung of successive halving, from 0.
    pub rung: u32,
    /// The base model; `None` is the project's.
    pub base: Option<String>,
    /// The fields of the recipe that differ between the trials of the sweep, with this trial's values.
    pub recipe: Value,
    /// Where it stands.
    pub state: TrialState,
    /// Its numbers; none before its end.
    pub numbers: Vec<TrialNumber>,
    /// The same numbers of its cell, over the seeds that had results at its end.
    pub together: Vec<TrialNumber>,
    /// Seconds of training.
    pub seconds: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was last begun; nothing where its result was there before.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Store {
    /// Writes down the trials of one rung, the first of them at a position. What the run knew of them before
    /// stays where the trial is the same and has its numbers; every other one waits. Returns the positions
    /// of those that wait.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] for a run that is not stored, [`StoreError::Nul`], and those of writing;
    /// nothing is changed then.
    pub async fn plan_trials(
        &self,
        run: RunId,
        rung: u32,
        first: u64,
        trials: &[NewTrial],
    ) -> Result<Vec<u64>, StoreError> {
        let begin = signed(0, "position", first)?;
        let end = signed(trials.len(), "position", first + trials.len() as u64)?;
        let mut planned = BTreeMap::new();
        for (row, trial) in trials.iter().enumerate() {
            let position = begin + row as i64;
            planned.insert(position, new_row(run, rung, position, row, trial)?);
        }
        in_transaction!(self.connection, |tx| {
            let touched = Condition::any().add(Column::Rung.eq(i64::from(rung))).add(
                Condition::all()
                    .add(Column::Position.gte(begin))
                    .add(Column::Position.lt(end)),
            );
            let known = Entity::find()
                .filter(Column::RunId.eq(run.0))
                .filter(touched)
                .all(tx)
                .await?;
            let mut missing = planned.clone();
            let mut gone = Vec::new();
            for old in known {
                let is_same = planned
                    .get(&old.position)
                    .is_some_and(|new| is_same(&old, new));
                if is_same && state_of(&old)?.has_numbers() {
                    missing.remove(&old.position);
                } else {
                    gone.push(old.id);
                }
            }
            for ids in gone.chunks(KEYS_PER_STATEMENT) {
                let these = Column::Id.is_in(ids.iter().copied());
                Entity::delete_many().filter(these).exec(tx).await?;
            }
            let waiting = missing.keys().map(|&position| position as u64).collect();
            insert_all::<Entity, ActiveModel>(tx, missing.into_values().collect()).await?;
            Ok(waiting)
        })
    }

    /// Records that a trial is begun.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn begin_trial(&self, run: RunId, position: u64) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let mut row = found(tx, run, position).await?;
            row.state = Set(TrialState::Running.as_str().to_owned());
            row.started = Set(Some(now()));
            write(tx, row).await
        })
    }

    /// Records what a trial came to.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Nul`], and those of writing.
    pub async fn end_trial(
        &self,
        run: RunId,
        position: u64,
        end: &TrialEnd,
    ) -> Result<(), StoreError> {
        let numbers = to_json("numbers", &end.numbers)?;
        let together = to_json("together", &end.together)?;
        in_transaction!(self.connection, |tx| {
            let mut row = found(tx, run, position).await?;
            row.state = Set(TrialState::Done.as_str().to_owned());
            row.numbers = Set(Some(numbers.clone()));
            row.together = Set(Some(together.clone()));
            row.seconds = Set(Some(end.seconds).filter(|seconds| seconds.is_finite()));
            row.error = Set(None);
            row.ended = Set(Some(now()));
            write(tx, row).await
        })
    }

    /// Records that a trial failed, and why.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn fail_trial(
        &self,
        run: RunId,
        position: u64,
        error: &str,
    ) -> Result<(), StoreError> {
        // An error's text must never be what keeps the error from being stored.
        let error = error.replace('\0', "\u{fffd}");
        in_transaction!(self.connection, |tx| {
            let mut row = found(tx, run, position).await?;
            row.state = Set(TrialState::Failed.as_str().to_owned());
            row.error = Set(Some(error.clone()));
            row.ended = Set(Some(now()));
            write(tx, row).await
        })
    }

    /// Records that the trials a sweep was working on wait again: its process leaves them.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn leave_trials(&self, run: RunId) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            Entity::update_many()
                .col_expr(Column::State, Expr::value(TrialState::Waiting.as_str()))
                .filter(Column::RunId.eq(run.0))
                .filter(Column::State.eq(TrialState::Running.as_str()))
                .exec(tx)
                .await?;
            Ok(())
        })
    }

    /// Records which cells of a rung successive halving did not take on: all whose trials are done there and
    /// that are not named.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn drop_trials(
        &self,
        run: RunId,
        rung: u32,
        kept: &[String],
    ) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let done = Entity::find()
                .filter(Column::RunId.eq(run.0))
                .filter(Column::Rung.eq(i64::from(rung)))
                .filter(
                    Column::State.is_in([TrialState::Done.as_str(), TrialState::Dropped.as_str()]),
                )
                .all(tx)
                .await?;
            for row in done {
                let state = match kept.contains(&row.cell) {
                    true => TrialState::Done,
                    false => TrialState::Dropped,
                };
                if row.state != state.as_str() {
                    let mut row = ActiveModel::from(row);
                    row.state = Set(state.as_str().to_owned());
                    write(tx, row).await?;
                }
            }
            Ok(())
        })
    }

    /// Lists the trials of a run by their positions: those after one, at most `limit`, and whether there are
    /// more.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn trials(
        &self,
        run: RunId,
        after: Option<u64>,
        limit: u64,
    ) -> Result<(Vec<SweepTrial>, bool), StoreError> {
        let mut select = Entity::find()
            .filter(Column::RunId.eq(run.0))
            .order_by_asc(Column::Position)
            .limit(limit + 1);
        if let Some(after) = after {
            select = select.filter(Column::Position.gt(signed(0, "position", after)?));
        }
        let rows = select.all(&self.connection).await?;
        let more = rows.len() as u64 > limit;
        let rows = rows.into_iter().take(limit as usize).map(read);
        Ok((rows.collect::<Result<_, _>>()?, more))
    }
}

fn new_row(
    run: RunId,
    rung: u32,
    position: i64,
    row: usize,
    trial: &NewTrial,
) -> Result<ActiveModel, StoreError> {
    refuse_nul(row, "cell", &trial.cell)?;
    if let Some(base) = &trial.base {
        refuse_nul(row, "base", base)?;
    }
    Ok(ActiveModel {
        run_id: Set(run.0),
        position: Set(position),
        cell: Set(trial.cell.clone()),
        // All 64 bits, whatever their sign.
        seed: Set(trial.seed as i64),
        rung: Set(i64::from(rung)),
        base: Set(trial.base.clone()),
        recipe: Set(json(row, "recipe", &trial.recipe)?),
        state: Set(TrialState::Waiting.as_str().to_owned()),
        numbers: Set(None),
        together: Set(None),
        seconds: Set(None),
        error: Set(None),
        started: Set(None),
        ended: Set(None),
        ..Default::default()
    })
}

/// Says whether a stored trial is the one that is planned in its place.
fn is_same(old: &sweep_trial::Model, new: &ActiveModel) -> bool {
    new.cell.as_ref() == &old.cell
        && new.seed.as_ref() == &old.seed
        && new.rung.as_ref() == &old.rung
        && new.base.as_ref() == &old.base
        && new.recipe.as_ref() == &old.recipe
}

async fn found(
    tx: &DatabaseTransaction,
    run: RunId,
    position: u64,
) -> Result<ActiveModel, StoreError> {
    let row = Entity::find()
        .filter(Column::RunId.eq(run.0))
        .filter(Column::Position.eq(signed(0, "position", position)?))
        .one(tx)
        .await?;
    row.map(ActiveModel::from)
        .ok_or_else(|| StoreError::NotFound {
            what: "trial",
            id: format!("{position} of run {run}"),
        })
}

async fn write(tx: &DatabaseTransaction, row: ActiveModel) -> Result<(), StoreError> {
    row.update(tx).await?;
    Ok(())
}

fn state_of(row: &sweep_trial::Model) -> Result<TrialState, StoreError> {
    from_word(place(row.id, "state"), &row.state)
}

fn place(id: i64, column: &'static str) -> Place {
    Place {
        table: "sweep_trials",
        id,
        column,
    }
}

fn read(row: sweep_trial::Model) -> Result<SweepTrial, StoreError> {
    let at = |column| place(row.id, column);
    let numbers = |column, text: Option<&str>| {
        text.map_or(Ok(Vec::new()), |text| from_json(at(column), text))
    };
    Ok(SweepTrial {
        position: unsigned(at("position"), row.position)?,
        seed: row.seed as u64,
        rung: unsigned(at("rung"), row.rung)?,
        recipe: from_json(at("recipe"), &row.recipe)?,
        state: state_of(&row)?,
        numbers: numbers("numbers", row.numbers.as_deref())?,
        together: numbers("together", row.together.as_deref())?,
        cell: row.cell,
        base: row.base,
        seconds: row.seconds,
        error: row.error,
        started: row.started.map(moment),
        ended: row.ended.map(moment),
    })
}
