//! Long jobs: queue, progress, cancel, retry, resume.
//!
//! A job is a command of the same program, run as a process of its own that outlives its server. So
//! a job and the command that a person types do the same and leave the same runs, and a job that
//! was killed goes on as its command does. The queue is in the project's database.
//!
//! - [`JobRequest`]: what may be asked for, with its limits. A command's words are made from it and
//!   never from free text.
//! - [`Supervisor`]: starts what waits, takes up what an earlier server left running, tells what is
//!   to stop, and says what moved.
//! - [`Attempt`]: the other end, in the job's own process, which tells the database what it does.
//!
//! What this crate does not do: know what a command computes, or read a project's configuration.

mod attempt;
mod error;
mod limits;
mod log;
mod program;
mod request;
mod signal;
mod supervisor;

pub use attempt::Attempt;
pub use error::JobError;
pub use log::{LONGEST_PIECE, LogPiece};
pub use program::Program;
pub use request::{
    AttackRequest, CalibrateRequest, GenerateRequest, JobRequest, LeakRequest, PromptSplit,
    QualityRequest, ScoreRequest, SweepRequest, TrainRequest,
};
pub use signal::{cancel_job, stop_run};
pub use supervisor::{Change, Settings, Supervisor};
