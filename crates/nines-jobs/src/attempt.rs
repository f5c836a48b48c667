//! A job's own process: what it tells the database of itself.

use crate::error::JobError;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{JobEnd, Process, Store, StoreError};
use std::time::Duration;

/// The environment variable that names the job.
pub(crate) const JOB: &str = "NINES_JOB";

/// The environment variable that says which attempt at the job this is.
pub(crate) const ATTEMPT: &str = "NINES_JOB_ATTEMPT";

/// How often a process says that it is alive, for others who cannot look at it.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The attempt at a job that this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    job: JobId,
    attempt: u32,
}

impl Attempt {
    /// Reads which attempt this process is from its environment; nothing where it is no job.
    ///
    /// # Errors
    /// [`JobError::BadVariable`] where the variables make no sense.
    pub fn of_this_process() -> Result<Option<Self>, JobError> {
        let Some(job) = number(JOB)? else {
            return Ok(None);
        };
        let attempt = number(ATTEMPT)?.unwrap_or(0);
        Ok(Some(Self {
            job: JobId(job),
            attempt: attempt.try_into().unwrap_or(0),
        }))
    }

    /// Names this process as the one that works on the attempt, and tells from then on that it is
    /// alive. To be called before anything else is done.
    ///
    /// # Errors
    /// [`JobError::Late`] when another attempt has begun or the job is over: then nothing may be
    /// done; and those of the store.
    pub async fn attend(self, store: &Store) -> Result<(), JobError> {
        let Self { job, attempt } = self;
        if !store.attend_job(job, attempt, &Process::this()).await? {
            return Err(JobError::Late { job, attempt });
        }
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                // A beat that is lost is no reason to stop; the next write will tell what is wrong.
                drop(store.job_heartbeat(job, attempt).await);
            }
        });
        Ok(())
    }

    /// Tells which run the attempt works on.
    ///
    /// # Errors
    /// [`JobError::Late`] when the attempt is over, and those of the store.
    pub async fn work_on(self, store: &Store, run: RunId) -> Result<(), JobError> {
        let Self { job, attempt } = self;
        if !store.link_run(job, attempt, run).await? {
            return Err(JobError::Late { job, attempt });
        }
        Ok(())
    }

    /// Tells how the attempt ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end(self, store: &Store, end: &JobEnd) -> Result<(), StoreError> {
        store.end_job(self.job, self.attempt, end).await?;
        Ok(())
    }
}

fn number(variable: &'static str) -> Result<Option<i64>, JobError> {
    let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match value.parse::<u32>() {
        Ok(number) => Ok(Some(number.into())),
        Err(_) => Err(JobError::BadVariable {
            variable,
            value: value.into_owned(),
        }),
    }
}
