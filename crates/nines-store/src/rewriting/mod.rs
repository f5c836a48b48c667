//! Rewriting: people change an injurious text until a classifier accepts it.
//!
//! A task names what is attacked and its starts; a session is one person's timed work on one start,
//! every step of it kept. It ends with a find, which waits for somebody else's label, or is given up,
//! which is a censored attempt. Whoever ends a session moves leases and counters too: the lock on a
//! session comes first, then those on snippets, then the turn.

mod begin;
mod ends;
mod finds;
mod read;
mod records;
mod steps;
mod submit;
mod tasks;

pub use begin::{NewRewritingSession, RewritingStart};
pub use finds::{FoundBy, ResultTask, RewritingResult, RewritingStanding, VerifiedFind};
pub use records::{RewritingFind, RewritingSession, RewritingState, WorkTime};
pub use steps::{NewRewritingStep, RewritingStep, SavedStep, StepKind, ToolCall};
pub use submit::{NewRewritingFind, SubmittedFind};
pub use tasks::{NewRewritingTask, RewritingTask, RewritingTaskChange, RewritingTaskRow, Tools};

use crate::error::StoreError;

/// Says that a session cannot do what was asked.
fn refused(id: i64, why: impl Into<String>) -> StoreError {
    StoreError::Refused {
        what: "rewriting session",
        id,
        why: why.into(),
    }
}

fn not_found(what: &'static str, id: i64) -> StoreError {
    StoreError::NotFound {
        what,
        id: id.to_string(),
    }
}
