//! Runs: the life of a long job, from its start to its result.

use crate::batch::KEYS_PER_STATEMENT;
use crate::entity::run::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::process::Process;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{
    Place, from_json, from_optional_json, from_word, json, refuse_nul, signed, unsigned,
};
use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A run that has not been heard of for this long, and whose process cannot be looked at, counts
/// as interrupted.
pub const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// A process works on it.
    Running,
    /// It has its result.
    Done,
    /// It ended with an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its process ended without a word.
    Interrupted,
}

impl RunStatus {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run to start.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// What it does: `train`, `generate`, `filter`, `score`, `calibrate`, `import`.
    pub kind: String,
    /// Its whole configuration.
    pub config: Value,
    /// Its seed, where it has one.
    pub seed: Option<u64>,
    /// The device it runs on.
    pub device: String,
    /// How many steps it will take, where known.
    pub total: Option<u64>,
}

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its key.
    pub id: RunId,
    /// What it does.
    pub kind: String,
    /// Where it stands.
    pub status: RunStatus,
    /// Its whole configuration.
    pub config: Value,
    /// Its seed.
    pub seed: Option<u64>,
    /// The device it runs on.
    pub device: String,
    /// Steps done.
    pub done: u64,
    /// Steps in all, where known.
    pub total: Option<u64>,
    /// The process that works on it, or did.
    pub process: Process,
    /// When it was last heard of.
    pub heartbeat: Timestamp,
    /// What came of it; `null` before.
    pub result: Value,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was first started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The job that drives it, or did.
    pub job: Option<JobId>,
}

impl Run {
    /// Says whether the run counts as running though its process is gone, as
    /// [`Store::mark_interrupted_runs`] judges it.
    pub fn seems_dead(&self) -> bool {
        let running = self.status == RunStatus::Running;
        running && self.process.is_dead(self.heartbeat, Timestamp::now())
    }
}

impl Store {
    /// Records that a run starts in this process.
    ///
    /// # Errors
    /// [`StoreError::Nul`] and those of writing.
    pub async fn start_run(&self, new: &NewRun) -> Result<Run, StoreError> {
        in_transaction!(self.connection, |tx| {
            refuse_nul(0, "kind", &new.kind)?;
            refuse_nul(0, "device", &new.device)?;
            let process = Process::this();
            let started = now();
            let row = ActiveModel {
                kind: Set(new.kind.clone()),
                status: Set(RunStatus::Running.as_str().to_owned()),
                config: Set(json(0, "config", &new.config)?),
                // The bits of the seed: both databases have signed numbers only.
                seed: Set(new.seed.map(|seed| seed as i64)),
                device: Set(new.device.clone()),
                done: Set(0),
                total: Set(new
                    .total
                    .map(|total| signed(0, "total", total))
                    .transpose()?),
                pid: Set(process.pid),
                process_started: Set(process.started),
                host: Set(process.host),
                heartbeat: Set(started),
                started: Set(started),
                ..Default::default()
            };
            read(row.insert(tx).await?)
        })
    }

    /// Takes a run up again in this process, after it was interrupted, cancelled or failed, or if
    /// its process is gone. Its progress stays.
    ///
    /// # Errors
    /// [`StoreError::RunState`] while another process works on it or when it is done,
    /// [`StoreError::NotFound`], and those of writing.
    pub async fn resume_run(&self, id: RunId) -> Result<Run, StoreError> {
        in_transaction!(self.connection, |tx| take_up(tx, id, false).await)
    }

    /// Takes a run up again that is done, since parts of it broke and can be made anew; otherwise as
    /// [`Store::resume_run`].
    ///
    /// # Errors
    /// [`StoreError::RunState`] while another process works on it, [`StoreError::NotFound`], and those of
    /// writing.
    pub async fn reopen_run(&self, id: RunId) -> Result<Run, StoreError> {
        in_transaction!(self.connection, |tx| take_up(tx, id, true).await)
    }

    /// Records how far a run is; also its heartbeat.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn run_progress(
        &self,
        id: RunId,
        done: u64,
        total: Option<u64>,
    ) -> Result<(), StoreError> {
        let done = signed(0, "done", done)?;
        let total = total.map(|total| signed(0, "total", total)).transpose()?;
        in_transaction!(self.connection, |tx| {
            let mut update = Entity::update_many()
                .col_expr(Column::Done, Expr::value(done))
                .col_expr(Column::Heartbeat, Expr::value(now()));
            if total.is_some() {
                update = update.col_expr(Column::Total, Expr::value(total));
            }
            let updated = update.filter(Column::Id.eq(id.0)).exec(tx).await?;
            found(id, updated.rows_affected)
        })
    }

    /// Records that a run is still at work.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn heartbeat(&self, id: RunId) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let updated = Entity::update_many()
                .col_expr(Column::Heartbeat, Expr::value(now()))
                .filter(Column::Id.eq(id.0))
                .exec(tx)
                .await?;
            found(id, updated.rows_affected)
        })
    }

    /// Records a run's result.
    ///
    /// # Errors
    /// [`StoreError::RunState`] when it has a result already, [`StoreError::NotFound`],
    /// [`StoreError::Nul`], and those of writing.
    pub async fn finish_run(&self, id: RunId, result: &Value) -> Result<Run, StoreError> {
        self.end_run(id, RunStatus::Done, Some(result), None).await
    }

    /// Records that a run failed, and why.
    ///
    /// # Errors
    /// As [`Store::finish_run`].
    pub async fn fail_run(&self, id: RunId, error: &str) -> Result<Run, StoreError> {
        // An error's text must never be what keeps the error from being stored.
        let error = error.replace('\0', "\u{fffd}");
        self.end_run(id, RunStatus::Failed, None, Some(error)).await
    }

    /// Records that somebody stopped a run.
    ///
    /// # Errors
    /// As [`Store::finish_run`].
    pub async fn cancel_run(&self, id: RunId) -> Result<Run, StoreError> {
        self.end_run(id, RunStatus::Cancelled, None, None).await
    }

    async fn end_run(
        &self,
        id: RunId,
        status: RunStatus,
        result: Option<&Value>,
        error: Option<String>,
    ) -> Result<Run, StoreError> {
        let result = result.map(|result| json(0, "result", result)).transpose()?;
        in_transaction!(self.connection, |tx| {
            let run = locked(tx, id).await?;
            let why = if status_of(&run)? == RunStatus::Done {
                Some("its result is never overwritten")
            } else if !is_of_this_process(&run) {
                Some("another process has taken it up")
            } else {
                None
            };
            if let Some(why) = why {
                return Err(StoreError::RunState {
                    run: id.0,
                    status: run.status,
                    why,
                });
            }
            let mut row = ActiveModel::from(run);
            row.status = Set(status.as_str().to_owned());
            row.result = Set(result.clone());
            row.error = Set(error.clone());
            row.heartbeat = Set(now());
            row.ended = Set(Some(now()));
            read(row.update(tx).await?)
        })
    }

    /// Marks runs as interrupted whose process is gone: it was on this machine and is not there
    /// any more, or it has been silent for [`SILENT_AFTER`]. Returns them.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn mark_interrupted_runs(&self) -> Result<Vec<Run>, StoreError> {
        in_transaction!(self.connection, |tx| {
            let running = Entity::find()
                .filter(Column::Status.eq(RunStatus::Running.as_str()))
                .order_by_asc(Column::Id)
                .lock_exclusive()
                .all(tx)
                .await?;
            let mut interrupted = Vec::new();
            for run in running {
                if !is_dead(&run, Timestamp::now()) {
                    continue;
                }
                let last = run.heartbeat;
                let mut row = ActiveModel::from(run);
                row.status = Set(RunStatus::Interrupted.as_str().to_owned());
                row.ended = Set(Some(last));
                interrupted.push(read(row.update(tx).await?)?);
            }
            Ok(interrupted)
        })
    }

    /// Returns a run.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn run(&self, id: RunId) -> Result<Run, StoreError> {
        let row = Entity::find_by_id(id.0).one(&self.connection).await?;
        read(row.ok_or_else(|| missing(id))?)
    }

    /// Lists runs, newest first, of one kind or of all.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn runs(&self, kind: Option<&str>) -> Result<Vec<Run>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id);
        if let Some(kind) = kind {
            select = select.filter(Column::Kind.eq(kind));
        }
        select
            .all(&self.connection)
            .await?
            .into_iter()
            .map(read)
            .collect()
    }

    /// Lists runs, newest first: at most `limit`, older than `before`, of one kind or of all.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn runs_before(
        &self,
        before: Option<RunId>,
        kind: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Run>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
        if let Some(before) = before {
            select = select.filter(Column::Id.lt(before.0));
        }
        if let Some(kind) = kind {
            select = select.filter(Column::Kind.eq(kind));
        }
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Lists the runs with these keys, in the order of their keys.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn runs_by_id(&self, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(KEYS_PER_STATEMENT) {
            let select = Entity::find().filter(Column::Id.is_in(chunk.iter().map(|id| id.0)));
            for row in select.all(&self.connection).await? {
                runs.push(read(row)?);
            }
        }
        runs.sort_unstable_by_key(|run| run.id);
        Ok(runs)
    }

    /// Lists the runs that count as running, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn running_runs(&self) -> Result<Vec<Run>, StoreError> {
        let select = Entity::find()
            .filter(Column::Status.eq(RunStatus::Running.as_str()))
            .order_by_asc(Column::Id);
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the newest run of a kind with exactly this configuration and seed that can be taken
    /// up again: one that is not done and that no process works on.
    ///
    /// # Errors
    /// Those of writing, since dead runs are marked first.
    pub async fn resumable_run(
        &self,
        kind: &str,
        config: &Value,
        seed: Option<u64>,
    ) -> Result<Option<Run>, StoreError> {
        self.mark_interrupted_runs().await?;
        Ok(self.runs(Some(kind)).await?.into_iter().find(|run| {
            let open = !matches!(run.status, RunStatus::Done | RunStatus::Running);
            open && run.config == *config && run.seed == seed
        }))
    }
}

fn is_of_this_process(run: &run::Model) -> bool {
    process_of(run) == Process::this()
}

fn process_of(run: &run::Model) -> Process {
    Process {
        host: run.host.clone(),
        pid: run.pid,
        started: run.process_started,
    }
}

async fn take_up(
    tx: &DatabaseTransaction,
    id: RunId,
    may_be_done: bool,
) -> Result<Run, StoreError> {
    let run = locked(tx, id).await?;
    let process = Process::this();
    let refused = match status_of(&run)? {
        RunStatus::Done if !may_be_done => Some("a finished run is not taken up again"),
        RunStatus::Running if !is_dead(&run, Timestamp::now()) => {
            Some("a process is still at work on it")
        }
        _ => None,
    };
    if let Some(why) = refused {
        return Err(StoreError::RunState {
            run: id.0,
            status: run.status,
            why,
        });
    }
    let mut row = ActiveModel::from(run);
    row.status = Set(RunStatus::Running.as_str().to_owned());
    row.pid = Set(process.pid);
    row.process_started = Set(process.started);
    row.host = Set(process.host);
    row.heartbeat = Set(now());
    row.error = Set(None);
    row.ended = Set(None);
    read(row.update(tx).await?)
}

fn is_dead(run: &run::Model, at: Timestamp) -> bool {
    process_of(run).is_dead(moment(run.heartbeat), at)
}

fn missing(id: RunId) -> StoreError {
    StoreError::NotFound {
        what: "run",
        id: id.to_string(),
    }
}

fn found(id: RunId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(missing(id)) } else { Ok(()) }
}

async fn locked(tx: &DatabaseTransaction, id: RunId) -> Result<run::Model, StoreError> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(tx).await?;
    row.ok_or_else(|| missing(id))
}

fn status_of(run: &run::Model) -> Result<RunStatus, StoreError> {
    from_word(
        Place {
            table: "runs",
            id: run.id,
            column: "status",
        },
        &run.status,
    )
}

fn read(row: run::Model) -> Result<Run, StoreError> {
    let place = |column| Place {
        table: "runs",
        id: row.id,
        column,
    };
    Ok(Run {
        id: RunId(row.id),
        status: status_of(&row)?,
        config: from_json(place("config"), &row.config)?,
        seed: row.seed.map(|bits| bits as u64),
        done: unsigned(place("done"), row.done)?,
        total: row
            .total
            .map(|total| unsigned(place("total"), total))
            .transpose()?,
        result: from_optional_json(place("result"), row.result.as_deref())?,
        process: process_of(&row),
        kind: row.kind,
        device: row.device,
        heartbeat: moment(row.heartbeat),
        error: row.error,
        started: moment(row.started),
        ended: row.ended.map(moment),
        job: row.job_id.map(JobId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::stored;

    #[test]
    fn silence_counts_only_where_nobody_can_look() {
        let process = Process::this();
        let at = Timestamp::now();
        let long_ago = stored(at - jiff::SignedDuration::from_hours(5));
        let run = |host: &str, process_started, heartbeat| run::Model {
            id: 1,
            kind: "train".into(),
            status: "running".into(),
            config: "{}".into(),
            seed: None,
            device: "cpu".into(),
            done: 0,
            total: None,
            pid: process.pid,
            process_started,
            host: host.into(),
            heartbeat,
            result: None,
            error: None,
            started: heartbeat,
            ended: None,
            job_id: None,
        };
        let here = |started, heartbeat| is_dead(&run(&process.host, started, heartbeat), at);
        let away = |heartbeat| is_dead(&run("elsewhere", 5, heartbeat), at);
        assert!(!away(stored(at)));
        assert!(away(long_ago));
        if process.started != 0 {
            assert!(!here(process.started, long_ago));
            assert!(here(process.started + 1, stored(at)));
        }
    }
}
