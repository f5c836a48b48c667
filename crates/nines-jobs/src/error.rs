//! What can go wrong with a job.

use nines_domain::snippet::JobId;
use nines_store::StoreError;
use std::path::PathBuf;

/// An error of jobs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// What is asked for cannot be.
    #[error("{field} {why}")]
    Refused {
        /// The field of the request.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Too many jobs wait.
    #[error("{waiting} jobs wait already; cancel some, or ask again when they are done")]
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// The variables that name a job's attempt make no sense.
    #[error("the environment variable {variable} is {value:?}, which names no job; unset it")]
    BadVariable {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
    },
    /// This process's attempt is over.
    #[error(
        "attempt {attempt} at job {job} is over: another has taken its place; nothing was done"
    )]
    Late {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: u32,
    },
    /// The file that a job's words go to.
    #[error("cannot use the job's log {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file that a job reads.
    #[error("cannot keep {}", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The program cannot be started.
    #[error("cannot start {}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A process cannot be told to stop.
    #[error("cannot tell its process to stop")]
    Signal(#[source] std::io::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JobError {
    /// Refuses a field of a request.
    pub(crate) fn refused(field: &'static str, why: impl Into<String>) -> Self {
        Self::Refused {
            field,
            why: why.into(),
        }
    }
}
