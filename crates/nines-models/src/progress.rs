//! What a pull tells its caller while it runs.

use crate::error::ModelsError;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A step of a pull. The callback answers `ControlFlow::Break(())` to stop the pull cleanly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullEvent {
    /// Another process is pulling the same model: this one waits and will use its result.
    Waiting,
    /// Bytes have arrived.
    Downloading {
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
    /// A file is being unpacked or copied, and its digest checked.
    Checking {
        /// The file.
        file: String,
    },
    /// The model is in the cache.
    Ready,
}

/// The caller's callback, with byte events thinned to ten a second.
pub(crate) struct Reporter<'a> {
    callback: &'a mut dyn FnMut(PullEvent) -> ControlFlow<()>,
    last: Option<Instant>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(callback: &'a mut dyn FnMut(PullEvent) -> ControlFlow<()>) -> Self {
        Self {
            callback,
            last: None,
        }
    }

    /// Passes an event on; `Err(Stopped)` when the caller wants to stop.
    pub(crate) fn say(&mut self, event: PullEvent) -> Result<(), ModelsError> {
        match (self.callback)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ModelsError::Stopped),
        }
    }

    /// Passes on a count of bytes, at most ten times a second.
    pub(crate) fn bytes(&mut self, done: u64, total: Option<u64>) -> Result<(), ModelsError> {
        let due = self
            .last
            .is_none_or(|last| last.elapsed() >= Duration::from_millis(100));
        if !due && total != Some(done) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.say(PullEvent::Downloading { done, total })
    }
}
