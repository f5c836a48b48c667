//! A flag that asks long work to stop at the next safe point.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks long work to stop; clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks the work to stop. What is done by then is kept.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Says whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
