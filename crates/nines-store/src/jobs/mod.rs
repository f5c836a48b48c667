//! Jobs: long commands that were asked for, and how far they came.
//!
//! A job is asked for, claimed by a supervisor, and worked on by a process of its own. Every start
//! is one attempt more; what a process says of its job counts only while its attempt is the newest,
//! so that a process that was taken for dead can do no harm when it comes back.

mod drive;

use crate::entity::job::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::process::Process;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, from_word, refuse_nul, to_json, unsigned};
use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

/// How often a job is started, in all, before its deaths count as its failure.
pub const TRIES: u32 = 3;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// A process works on it.
    Running,
    /// Its command succeeded.
    Done,
    /// Its command failed, or died too often.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its command was stopped by something else than a cancelling.
    Interrupted,
}

impl JobState {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Says whether the job waits or runs: it will move by itself.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A job to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What it does, such as `train`.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    /// The words of its command, after the program and its project.
    pub arguments: Vec<String>,
    /// The name of the account that asks.
    pub requested_by: Option<String>,
}

/// A stored job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its key.
    pub id: JobId,
    /// What it does.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    /// The words of its command.
    pub arguments: Vec<String>,
    /// Where it stands.
    pub state: JobState,
    /// The run that it works on, or the last one.
    pub run: Option<RunId>,
    /// How often it was started.
    pub attempts: u32,
    /// How often it may still be started again by itself.
    pub tries_left: u32,
    /// The process that works on it, or did.
    pub process: Option<Process>,
    /// When it was last heard of.
    pub heartbeat: Option<Timestamp>,
    /// Somebody wants it to stop.
    pub cancel_requested: bool,
    /// When its process was told to stop.
    pub told_to_stop: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The name of the account that asked.
    pub requested_by: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// How an attempt at a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The command succeeded.
    Done,
    /// The command failed, and said why.
    Failed(String),
    /// The command was told to stop and kept what it had done.
    Interrupted,
    /// The process died without a word; this is what is known of it.
    Died(String),
}

impl Store {
    /// Queues a job.
    ///
    /// # Errors
    /// [`StoreError::Nul`] and those of writing.
    pub async fn enqueue_job(&self, new: &NewJob) -> Result<Job, StoreError> {
        refuse_nul(0, "kind", &new.kind)?;
        refuse_nul(0, "title", &new.title)?;
        let arguments = to_json("arguments", &new.arguments)?;
        in_transaction!(self.connection, |tx| {
            let row = ActiveModel {
                kind: Set(new.kind.clone()),
                title: Set(new.title.clone()),
                arguments: Set(arguments.clone()),
                state: Set(JobState::Queued.as_str().to_owned()),
                attempts: Set(0),
                tries_left: Set(TRIES.into()),
                cancel_requested: Set(false),
                requested_by: Set(new.requested_by.clone()),
                created: Set(now()),
                ..Default::default()
            };
            read(row.insert(tx).await?)
        })
    }

    /// Returns a job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn job(&self, id: JobId) -> Result<Job, StoreError> {
        let row = Entity::find_by_id(id.0).one(&self.connection).await?;
        read(row.ok_or_else(|| missing(id))?)
    }

    /// Lists jobs, newest first: at most `limit`, older than `before`.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn jobs(&self, before: Option<JobId>, limit: u64) -> Result<Vec<Job>, StoreError> {
        let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
        if let Some(before) = before {
            select = select.filter(Column::Id.lt(before.0));
        }
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Lists the jobs in a state, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn jobs_in(&self, state: JobState) -> Result<Vec<Job>, StoreError> {
        let select = Entity::find()
            .filter(Column::State.eq(state.as_str()))
            .order_by_asc(Column::Id);
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Asks for a job to stop: one that waits is cancelled at once, one that runs is told by its
    /// supervisor. Asking twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::JobState`] when it has ended, [`StoreError::NotFound`], and those of writing.
    pub async fn cancel_job(&self, id: JobId) -> Result<Job, StoreError> {
        in_transaction!(self.connection, |tx| {
            let job = locked(tx, id).await?;
            let state = state_of(&job)?;
            if !state.is_open() {
                return Err(refused(&job, "it has ended and cannot be cancelled"));
            }
            let mut row = ActiveModel::from(job);
            row.cancel_requested = Set(true);
            if state == JobState::Queued {
                row.state = Set(JobState::Cancelled.as_str().to_owned());
                row.ended = Set(Some(now()));
            }
            read(row.update(tx).await?)
        })
    }

    /// Queues a job again that failed, was cancelled or was interrupted. Its command takes up the
    /// run that it had.
    ///
    /// # Errors
    /// [`StoreError::JobState`] while it waits or runs, and when it is done;
    /// [`StoreError::NotFound`], and those of writing.
    pub async fn retry_job(&self, id: JobId) -> Result<Job, StoreError> {
        in_transaction!(self.connection, |tx| {
            let job = locked(tx, id).await?;
            match state_of(&job)? {
                JobState::Queued | JobState::Running => {
                    return Err(refused(&job, "it has not ended yet"));
                }
                JobState::Done => {
                    return Err(refused(
                        &job,
                        "it is not done a second time; ask for a new one",
                    ));
                }
                JobState::Failed | JobState::Cancelled | JobState::Interrupted => {}
            }
            let mut row = ActiveModel::from(job);
            row.state = Set(JobState::Queued.as_str().to_owned());
            row.tries_left = Set(TRIES.into());
            row.cancel_requested = Set(false);
            row.told_to_stop = Set(None);
            row.error = Set(None);
            row.ended = Set(None);
            read(row.update(tx).await?)
        })
    }
}

fn missing(id: JobId) -> StoreError {
    StoreError::NotFound {
        what: "job",
        id: id.to_string(),
    }
}

fn refused(job: &job::Model, why: &'static str) -> StoreError {
    StoreError::JobState {
        job: job.id,
        state: job.state.clone(),
        why,
    }
}

async fn locked(tx: &DatabaseTransaction, id: JobId) -> Result<job::Model, StoreError> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(tx).await?;
    row.ok_or_else(|| missing(id))
}

fn state_of(job: &job::Model) -> Result<JobState, StoreError> {
    let place = Place {
        table: "jobs",
        id: job.id,
        column: "state",
    };
    from_word(place, &job.state)
}

fn process_of(job: &job::Model) -> Option<Process> {
    Some(Process {
        host: job.host.clone()?,
        pid: job.pid?,
        started: job.process_started?,
    })
}

fn read(row: job::Model) -> Result<Job, StoreError> {
    let place = |column| Place {
        table: "jobs",
        id: row.id,
        column,
    };
    Ok(Job {
        id: JobId(row.id),
        state: state_of(&row)?,
        arguments: from_json(place("arguments"), &row.arguments)?,
        attempts: unsigned(place("attempts"), row.attempts)?,
        tries_left: unsigned(place("tries_left"), row.tries_left)?,
        process: process_of(&row),
        kind: row.kind,
        title: row.title,
        run: row.run_id.map(RunId),
        heartbeat: row.heartbeat.map(moment),
        cancel_requested: row.cancel_requested,
        told_to_stop: row.told_to_stop.map(moment),
        error: row.error,
        requested_by: row.requested_by,
        created: moment(row.created),
        started: row.started.map(moment),
        ended: row.ended.map(moment),
    })
}
