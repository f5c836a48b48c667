//! A flag that asks long work to stop at the next safe point.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Asks long work to stop; clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag {
    asked: Arc<AtomicBool>,
    end: Option<Instant>,
}

impl CancelFlag {
    /// Asks the work to stop. What is done by then is kept.
    pub fn cancel(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Says whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.asked.load(Ordering::SeqCst) || self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Returns a flag that is set with this one, and from a moment on by itself. This one does not
    /// learn of that moment.
    pub fn until(&self, end: Instant) -> Self {
        Self {
            asked: Arc::clone(&self.asked),
            end: Some(self.end.map_or(end, |own| own.min(end))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moment_sets_its_own_flag_and_a_word_sets_both() {
        let flag = CancelFlag::default();
        let late = flag.until(Instant::now());
        let soon = flag.until(Instant::now() + Duration::from_secs(3600));
        assert!(late.is_cancelled() && !soon.is_cancelled() && !flag.is_cancelled());
        assert!(
            late.until(Instant::now() + Duration::from_secs(3600))
                .is_cancelled()
        );
        flag.cancel();
        assert!(soon.is_cancelled() && flag.is_cancelled());
    }
}
