//! What supervisors and the jobs' own processes say: claimed, at work, heard of, ended.

use super::{Job, JobEnd, JobState, locked, process_of, read, state_of};
use crate::entity::job::{self, ActiveModel, Column, Entity};
use crate::entity::run;
use crate::error::StoreError;
use crate::process::Process;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

impl Store {
    /// Takes the oldest job that waits and marks it as running in this process, unless `at_once`
    /// jobs of the database run already. Whoever claims it starts its process and names that with
    /// [`Store::attend_job`]. However many supervisors ask, one attempt is claimed by one.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn claim_job(&self, at_once: usize) -> Result<Option<Job>, StoreError> {
        in_transaction!(self.connection, |tx| {
            // All open jobs are locked, so that two supervisors count one after the other.
            let open = Entity::find()
                .filter(
                    Column::State.is_in([JobState::Queued.as_str(), JobState::Running.as_str()]),
                )
                .order_by_asc(Column::Id)
                .lock_exclusive()
                .all(tx)
                .await?;
            let mut running = 0;
            let mut next = None;
            for job in open {
                match state_of(&job)? {
                    JobState::Running => running += 1,
                    JobState::Queued if next.is_none() => next = Some(job),
                    _ => {}
                }
            }
            let Some(job) = next.filter(|_| running < at_once) else {
                return Ok(None);
            };
            let (attempts, tries_left) = (job.attempts + 1, (job.tries_left - 1).max(0));
            let mut row = ActiveModel::from(job);
            row.state = Set(JobState::Running.as_str().to_owned());
            row.attempts = Set(attempts);
            row.tries_left = Set(tries_left);
            row.told_to_stop = Set(None);
            row.started = Set(Some(now()));
            row.heartbeat = Set(Some(now()));
            set_process(&mut row, &Process::this());
            read(row.update(tx).await?).map(Some)
        })
    }

    /// Names the process that works on an attempt. False when the attempt is not the job's newest
    /// any more, or is over: then the process must not work on it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn attend_job(
        &self,
        id: JobId,
        attempt: u32,
        process: &Process,
    ) -> Result<bool, StoreError> {
        in_transaction!(self.connection, |tx| {
            let Some(job) = at_work(tx, id, attempt).await? else {
                return Ok(false);
            };
            let mut row = ActiveModel::from(job);
            row.heartbeat = Set(Some(now()));
            set_process(&mut row, process);
            row.update(tx).await?;
            Ok(true)
        })
    }

    /// Records that an attempt is still at work. False when it is not the job's newest any more.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn job_heartbeat(&self, id: JobId, attempt: u32) -> Result<bool, StoreError> {
        in_transaction!(self.connection, |tx| {
            let updated = Entity::update_many()
                .col_expr(Column::Heartbeat, Expr::value(now()))
                .filter(Column::Id.eq(id.0))
                .filter(Column::Attempts.eq(i64::from(attempt)))
                .filter(Column::State.eq(JobState::Running.as_str()))
                .exec(tx)
                .await?;
            Ok(updated.rows_affected > 0)
        })
    }

    /// Records which run an attempt works on. False when it is not the job's newest any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Dangling`] for a run that is not stored, and those of
    /// writing.
    pub async fn link_run(&self, id: JobId, attempt: u32, run: RunId) -> Result<bool, StoreError> {
        in_transaction!(self.connection, |tx| {
            let Some(job) = at_work(tx, id, attempt).await? else {
                return Ok(false);
            };
            let mut row = ActiveModel::from(job);
            row.run_id = Set(Some(run.0));
            row.update(tx).await?;
            run::Entity::update_many()
                .col_expr(run::Column::JobId, Expr::value(id.0))
                .filter(run::Column::Id.eq(run.0))
                .exec(tx)
                .await?;
            Ok(true)
        })
    }

    /// Records that the process of a job is being told to stop. True for the first who says so:
    /// a second signal would end the process at once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn stop_job(&self, id: JobId, attempt: u32) -> Result<bool, StoreError> {
        in_transaction!(self.connection, |tx| {
            match at_work(tx, id, attempt).await? {
                Some(job) if job.told_to_stop.is_none() => {
                    let mut row = ActiveModel::from(job);
                    row.told_to_stop = Set(Some(now()));
                    row.update(tx).await?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
    }

    /// Records how an attempt ended. A death queues the job again until its tries are spent; whoever
    /// asked for it to be cancelled gets it cancelled, unless it was done first. Returns the job, or
    /// nothing where another attempt has begun or the end is recorded already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn end_job(
        &self,
        id: JobId,
        attempt: u32,
        end: &JobEnd,
    ) -> Result<Option<Job>, StoreError> {
        in_transaction!(self.connection, |tx| {
            match at_work(tx, id, attempt).await? {
                Some(job) => end_with(tx, job, end).await.map(Some),
                None => Ok(None),
            }
        })
    }

    /// Records the death of a job's process, as [`Store::end_job`] does, if it is to be taken for
    /// dead: it was on this machine and is not there any more, or it has been silent for
    /// [`crate::SILENT_AFTER`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of writing.
    pub async fn end_dead_job(
        &self,
        id: JobId,
        attempt: u32,
        end: &JobEnd,
    ) -> Result<Option<Job>, StoreError> {
        in_transaction!(self.connection, |tx| {
            match at_work(tx, id, attempt).await? {
                Some(job) if is_dead(&job) => end_with(tx, job, end).await.map(Some),
                _ => Ok(None),
            }
        })
    }
}

/// Returns the locked job while the attempt is its newest and runs.
async fn at_work(
    tx: &DatabaseTransaction,
    id: JobId,
    attempt: u32,
) -> Result<Option<job::Model>, StoreError> {
    let job = locked(tx, id).await?;
    let runs = state_of(&job)? == JobState::Running && job.attempts == i64::from(attempt);
    Ok(runs.then_some(job))
}

async fn end_with(
    tx: &DatabaseTransaction,
    job: job::Model,
    end: &JobEnd,
) -> Result<Job, StoreError> {
    let (state, error) = match end {
        JobEnd::Done => (JobState::Done, None),
        JobEnd::Interrupted | JobEnd::Died(_) if job.cancel_requested => {
            (JobState::Cancelled, None)
        }
        JobEnd::Interrupted => (JobState::Interrupted, None),
        JobEnd::Failed(why) => (JobState::Failed, Some(why)),
        JobEnd::Died(why) if job.tries_left > 0 => (JobState::Queued, Some(why)),
        JobEnd::Died(why) => (JobState::Failed, Some(why)),
    };
    let mut row = ActiveModel::from(job);
    row.state = Set(state.as_str().to_owned());
    // An error's text must never be what keeps the end from being stored.
    row.error = Set(error.map(|why| why.replace('\0', "\u{fffd}")));
    row.ended = Set((!state.is_open()).then(now));
    read(row.update(tx).await?)
}

fn is_dead(job: &job::Model) -> bool {
    match (process_of(job), job.heartbeat) {
        (Some(process), Some(heard_of)) => process.is_dead(moment(heard_of), Timestamp::now()),
        _ => true,
    }
}

fn set_process(row: &mut ActiveModel, process: &Process) {
    row.pid = Set(Some(process.pid));
    row.process_started = Set(Some(process.started));
    row.host = Set(Some(process.host.clone()));
}

impl Job {
    /// Says whether the job's process is to be taken for dead, as [`Store::end_dead_job`] does.
    pub fn seems_dead(&self) -> bool {
        match (&self.process, self.heartbeat) {
            (Some(process), Some(heard_of)) => process.is_dead(heard_of, Timestamp::now()),
            _ => true,
        }
    }
}
