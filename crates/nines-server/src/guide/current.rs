//! The version of the guide that labels are given by now.

use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// The version of the guide that labels are given by now.
#[derive(Debug)]
pub struct CurrentGuide {
    version: AtomicU32,
    writing: Mutex<()>,
}

impl CurrentGuide {
    /// Starts with the version that the configuration names.
    pub fn new(version: u32) -> Self {
        Self {
            version: AtomicU32::new(version),
            writing: Mutex::default(),
        }
    }

    /// The version.
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// The predicate that a label speaks of, by name and version.
    pub fn predicate(&self, name: &str) -> String {
        format!("{name}, version {}", self.version())
    }

    pub(super) fn set_version(&self, version: u32) {
        self.version.store(version, Ordering::Relaxed);
    }

    /// Waits until nobody else writes a new version.
    pub(super) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().await
    }
}
