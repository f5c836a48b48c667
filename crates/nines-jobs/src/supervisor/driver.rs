//! The loop that drives jobs.

use super::Inner;
use super::runs::Watched;
use crate::error::JobError;
use crate::log;
use crate::signal::signal_job;
use jiff::Timestamp;
use nines_domain::snippet::{JobId, RunId};
use nines_store::{Job, JobEnd, JobState, Process, RunStatus, StoreError};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::task::JoinSet;

/// The status of a command that was told to stop and kept what it had done.
const INTERRUPTED: i32 = 130;

/// How often a living process is reported for other machines to see.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Kinds whose command is one run and no more: when the run has its result, so has the job.
const ONE_RUN: [&str; 4] = ["train", "generate", "score", "sweep"];

/// An attempt at a job.
type Attempt = (JobId, u32);

/// A process that this supervisor started.
struct Mine {
    /// Where its words begin in the log.
    begins: u64,
    /// Itself; nothing where it ended before it could be looked at.
    process: Option<Process>,
}

pub(super) struct Driver {
    inner: Arc<Inner>,
    /// The processes that this supervisor started.
    mine: BTreeMap<Attempt, Mine>,
    ends: JoinSet<(Attempt, std::io::Result<ExitStatus>)>,
    /// Ends that are not recorded yet.
    unrecorded: Vec<(Attempt, JobEnd)>,
    /// Jobs that ran at the last look, with their runs.
    running: BTreeMap<JobId, Option<RunId>>,
    /// When processes of others were first seen dead.
    seen_dead: BTreeMap<Attempt, Instant>,
    watched: Watched,
}

impl Driver {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            mine: BTreeMap::new(),
            ends: JoinSet::new(),
            unrecorded: Vec::new(),
            running: BTreeMap::new(),
            seen_dead: BTreeMap::new(),
            watched: Watched::default(),
        }
    }

    pub(super) async fn drive(mut self) {
        loop {
            if let Err(error) = self.look().await {
                // The next look may find the database in a better state.
                tracing::warn!("jobs: {error}");
            }
            let inner = self.inner.clone();
            let ended = tokio::select! {
                Some(ended) = self.ends.join_next() => Some(ended),
                () = inner.wake.notified() => None,
                () = tokio::time::sleep(inner.settings.look_every) => None,
            };
            if let Some(Ok((attempt, status))) = ended {
                let end = self.end_of(attempt, status).await;
                self.unrecorded.push((attempt, end));
            }
        }
    }

    /// Does all that is due now.
    async fn look(&mut self) -> Result<(), StoreError> {
        self.record_ends().await?;
        for job in self.inner.store.jobs_in(JobState::Running).await? {
            self.tend(&job).await?;
        }
        while let Some(job) = self
            .inner
            .store
            .claim_job(self.inner.settings.at_once)
            .await?
        {
            self.start(&job).await?;
        }
        self.tell_jobs().await?;
        self.watched.look(&self.inner).await
    }

    async fn record_ends(&mut self) -> Result<(), StoreError> {
        while let Some((attempt, end)) = self.unrecorded.last() {
            let (job, number) = *attempt;
            self.inner.store.end_job(job, number, end).await?;
            // The process may have recorded its end itself: it moved in any case.
            self.inner.tell(Some(job), None);
            self.mine.remove(attempt);
            self.unrecorded.pop();
        }
        Ok(())
    }

    /// Starts the process of a claimed job.
    async fn start(&mut self, job: &Job) -> Result<(), StoreError> {
        let attempt = (job.id, job.attempts);
        let (child, begins) = match self.inner.program.start(job) {
            Ok(started) => started,
            Err(error) => {
                let end = JobEnd::Failed(with_causes(&error));
                self.unrecorded.push((attempt, end));
                return self.record_ends().await;
            }
        };
        let process = child.id().map(Process::here);
        let mine = Mine {
            begins,
            process: process.clone(),
        };
        self.mine.insert(attempt, mine);
        self.wait_for(attempt, child);
        self.inner.tell(Some(job.id), job.run);
        if let Some(process) = process {
            // It names itself too; this is for what dies before it can.
            let store = &self.inner.store;
            store.attend_job(job.id, job.attempts, &process).await?;
        }
        Ok(())
    }

    fn wait_for(&mut self, attempt: Attempt, mut child: Child) {
        self.ends
            .spawn(async move { (attempt, child.wait().await) });
    }

    /// Says how a process of this supervisor ended.
    async fn end_of(&self, attempt: Attempt, status: std::io::Result<ExitStatus>) -> JobEnd {
        let begins = self.mine.get(&attempt).map_or(0, |mine| mine.begins);
        let said = log::last_words(&self.inner.program.log(attempt.0), begins).await;
        let last = |what: String| {
            if said.is_empty() {
                what
            } else {
                format!("{what}; its last words:\n{said}")
            }
        };
        match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(0), _) => JobEnd::Done,
                (Some(INTERRUPTED), _) => JobEnd::Interrupted,
                (Some(code), _) => JobEnd::Failed(last(format!("it ended with status {code}"))),
                (None, signal) => {
                    let signal = signal.unwrap_or(0);
                    JobEnd::Died(last(format!("it was killed by signal {signal}")))
                }
            },
            Err(error) => JobEnd::Died(last(format!("its end was not seen ({error})"))),
        }
    }

    /// Looks after a job that runs: tells it to stop, kills it, reports that it lives, or buries it.
    async fn tend(&mut self, job: &Job) -> Result<(), StoreError> {
        let attempt = (job.id, job.attempts);
        let mine = self.mine.get(&attempt);
        if mine.is_none() && job.seems_dead() {
            return self.bury(job).await;
        }
        let process = mine.and_then(|mine| mine.process.clone());
        self.seen_dead.remove(&attempt);
        let Some(process) = process.or_else(|| job.process.clone()) else {
            return Ok(());
        };
        // Until its own process is named, a claimed job carries the one of its supervisor.
        if !process.is_here() || process == Process::this() {
            return Ok(());
        }
        if job.cancel_requested {
            return self.stop(job, &process).await;
        }
        let heard_of = job.heartbeat.unwrap_or(job.created);
        if since(heard_of) > HEARTBEAT && !process.has_surely_ended() {
            let store = &self.inner.store;
            store.job_heartbeat(job.id, job.attempts).await?;
        }
        Ok(())
    }

    async fn stop(&self, job: &Job, process: &Process) -> Result<(), StoreError> {
        let signal = match job.told_to_stop {
            None if self.inner.store.stop_job(job.id, job.attempts).await? => Signal::TERM,
            None => return Ok(()),
            Some(told) => {
                if since(told) < self.inner.settings.patience {
                    return Ok(());
                }
                Signal::KILL
            }
        };
        if let Err(error) = signal_job(process, signal) {
            tracing::warn!("job {}: cannot be told to stop: {error}", job.id);
        }
        Ok(())
    }

    /// Records that a process of another supervisor is gone, once that one had time to do it.
    async fn bury(&mut self, job: &Job) -> Result<(), StoreError> {
        let attempt = (job.id, job.attempts);
        let first_seen = *self.seen_dead.entry(attempt).or_insert_with(Instant::now);
        if first_seen.elapsed() < self.inner.settings.grace {
            return Ok(());
        }
        self.seen_dead.remove(&attempt);
        let end = self.end_by_its_run(job).await?;
        let store = &self.inner.store;
        if store
            .end_dead_job(job.id, job.attempts, &end)
            .await?
            .is_some()
        {
            self.inner.tell(Some(job.id), job.run);
        }
        Ok(())
    }

    /// Finds out from its run how a job ended whose process nobody waited for.
    async fn end_by_its_run(&self, job: &Job) -> Result<JobEnd, StoreError> {
        let died = || JobEnd::Died("its process died without a word".to_owned());
        let Some(run) = job.run else {
            return Ok(died());
        };
        let run = self.inner.store.run(run).await?;
        // A run that had ended before this attempt says nothing of it.
        let in_this_attempt = run.ended.is_some() && run.ended >= job.started;
        Ok(match run.status {
            RunStatus::Done if in_this_attempt && ONE_RUN.contains(&job.kind.as_str()) => {
                JobEnd::Done
            }
            RunStatus::Failed if in_this_attempt => {
                JobEnd::Failed(run.error.unwrap_or_else(|| "its run failed".to_owned()))
            }
            RunStatus::Cancelled if in_this_attempt => JobEnd::Interrupted,
            _ => died(),
        })
    }

    /// Tells of jobs that another supervisor or their own process moved.
    async fn tell_jobs(&mut self) -> Result<(), StoreError> {
        let jobs = self.inner.store.jobs_in(JobState::Running).await?;
        let now: BTreeMap<_, _> = jobs.into_iter().map(|job| (job.id, job.run)).collect();
        for (job, run) in &now {
            if self.running.get(job) != Some(run) {
                self.inner.tell(Some(*job), *run);
            }
        }
        for (job, run) in &self.running {
            if !now.contains_key(job) {
                self.inner.tell(Some(*job), *run);
            }
        }
        self.running = now;
        Ok(())
    }
}

/// How long ago a moment is; a clock that was set back is not taken for a long wait.
fn since(moment: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(moment)).unwrap_or_default()
}

fn with_causes(error: &JobError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
