//! The supervisor: the queue's handle for a server, and the loop that drives jobs.

mod driver;
mod runs;

use crate::error::JobError;
use crate::log::{self, LogPiece};
use crate::program::Program;
use crate::request::JobRequest;
use driver::Driver;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Job, JobState, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast};

/// Listeners that fall further behind than this miss something.
const KEPT: usize = 256;

/// How a supervisor drives jobs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many jobs of the database run at once. Each takes the whole machine.
    pub at_once: usize,
    /// How often the database is looked at for what others did.
    pub look_every: Duration,
    /// How long a process that was told to stop may take before it is killed.
    pub patience: Duration,
    /// How long a process that another supervisor started is seen dead before its job is started
    /// again: that supervisor, which knows how it ended, comes first.
    pub grace: Duration,
    /// How many jobs may wait.
    pub longest_queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once: 1,
            look_every: Duration::from_secs(1),
            patience: Duration::from_secs(60),
            grace: Duration::from_secs(5),
            longest_queue: 100,
        }
    }
}

/// Something that moved: a job, a run, or a run with its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The job.
    pub job: Option<JobId>,
    /// The run.
    pub run: Option<RunId>,
}

/// The queue of a project's jobs. Clones share it. Several servers may each have one on the same
/// database: what is claimed by one is left alone by the others.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    store: Store,
    program: Program,
    settings: Settings,
    wake: Notify,
    changes: broadcast::Sender<Change>,
}

impl Supervisor {
    /// Makes the handle. Nothing is driven until [`Supervisor::run`] is.
    pub fn new(store: Store, program: Program, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            store,
            program,
            settings,
            wake: Notify::new(),
            changes: broadcast::Sender::new(KEPT),
        }))
    }

    /// Drives jobs for ever: takes up those that an earlier server left running, starts those that
    /// died, and those that wait. Dropping the future leaves the jobs' processes at work.
    pub async fn run(&self) {
        Driver::new(self.0.clone()).drive().await;
    }

    /// Starts to listen to what moves.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`JobError::Refused`], [`JobError::QueueFull`], [`JobError::Keep`], and those of the store.
    pub async fn ask(
        &self,
        request: &JobRequest,
        requested_by: Option<String>,
    ) -> Result<Job, JobError> {
        let new = request.job(&self.0.store, requested_by).await?;
        self.check_room().await?;
        if let JobRequest::Sweep(sweep) = request {
            self.0.program.keep(&sweep.path(), &sweep.file)?;
        }
        let job = self.0.store.enqueue_job(&new).await?;
        Ok(self.0.moved(job))
    }

    /// Asks for a job to stop: one that waits is cancelled at once, one that runs at its next safe
    /// point, or after [`Settings::patience`].
    ///
    /// # Errors
    /// [`nines_store::StoreError::JobState`] when it has ended,
    /// [`nines_store::StoreError::NotFound`], and those of writing.
    pub async fn cancel(&self, job: JobId) -> Result<Job, JobError> {
        let job = self.0.store.cancel_job(job).await?;
        Ok(self.0.moved(job))
    }

    /// Queues a job again that failed, was cancelled or was interrupted; it goes on where its
    /// command does.
    ///
    /// # Errors
    /// [`JobError::QueueFull`], [`nines_store::StoreError::JobState`] in any other state,
    /// [`nines_store::StoreError::NotFound`], and those of writing.
    pub async fn retry(&self, job: JobId) -> Result<Job, JobError> {
        self.check_room().await?;
        let job = self.0.store.retry_job(job).await?;
        Ok(self.0.moved(job))
    }

    /// Reads a piece of what a job's process has said, from a byte on: at most
    /// [`crate::LONGEST_PIECE`] bytes.
    ///
    /// # Errors
    /// [`nines_store::StoreError::NotFound`] for a job that is not stored, and [`JobError::Log`].
    pub async fn log(&self, job: JobId, from: u64) -> Result<LogPiece, JobError> {
        let job = self.0.store.job(job).await?;
        log::read(&self.0.program.log(job.id), from).await
    }

    async fn check_room(&self) -> Result<(), JobError> {
        let waiting = self.0.store.jobs_in(JobState::Queued).await?.len();
        if waiting >= self.0.settings.longest_queue {
            return Err(JobError::QueueFull { waiting });
        }
        Ok(())
    }
}

impl Inner {
    /// Tells that a job moved, and has the loop look at it at once.
    fn moved(&self, job: Job) -> Job {
        self.tell(Some(job.id), job.run);
        self.wake.notify_one();
        job
    }

    fn tell(&self, job: Option<JobId>, run: Option<RunId>) {
        // Nobody listening is no error.
        drop(self.changes.send(Change { job, run }));
    }
}
