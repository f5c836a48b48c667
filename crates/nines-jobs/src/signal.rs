//! Telling processes to stop, without a word to any other process that has their number now.

use crate::error::JobError;
use nines_domain::snippet::JobId;
use nines_store::{Job, Process, Run, Store};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io;

/// Sends a signal to a job's process and all that it started: it leads a session of its own, so its
/// number is its group's. A process that is gone, or is not on this machine, gets nothing.
pub(crate) fn signal_job(process: &Process, signal: Signal) -> io::Result<()> {
    match number(process) {
        Some(group) => Ok(kill_process_group(group, signal)?),
        None => Ok(()),
    }
}

/// Asks for a job to stop, as [`crate::Supervisor::cancel`] does, and tells its process at once where
/// that is on this machine: no server needs to be there.
///
/// # Errors
/// [`nines_store::StoreError::JobState`] when it has ended, [`nines_store::StoreError::NotFound`],
/// [`JobError::Signal`], and those of writing.
pub async fn cancel_job(store: &Store, job: JobId) -> Result<Job, JobError> {
    let job = store.cancel_job(job).await?;
    if let Some(process) = job.process.clone().filter(is_child)
        && store.stop_job(job.id, job.attempts).await?
    {
        signal_job(&process, Signal::TERM).map_err(JobError::Signal)?;
    }
    Ok(job)
}

/// Tells the process of a run that no job drives to stop at its next safe point. False where it is
/// gone or not on this machine.
///
/// # Errors
/// [`JobError::Signal`] when this user may not tell it.
pub fn stop_run(run: &Run) -> Result<bool, JobError> {
    match number(&run.process) {
        Some(process) => {
            kill_process(process, Signal::TERM).map_err(|error| JobError::Signal(error.into()))?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Says whether a process may be signalled as a job's own: until that is named, a claimed job carries
/// the process of its supervisor, which does not lead a group as a job does.
fn is_child(process: &Process) -> bool {
    number(process).is_some_and(|pid| rustix::process::getsid(Some(pid)) == Ok(pid))
}

/// The number of a living process of this machine.
fn number(process: &Process) -> Option<Pid> {
    if !process.is_here() || process.has_surely_ended() {
        return None;
    }
    Pid::from_raw(i32::try_from(process.pid).ok()?)
}
