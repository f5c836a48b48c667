//! Stand-ins for the outside world: a Python with a pip, and a model hub on this machine.
#![expect(dead_code, reason = "each test file uses its own part")]

pub mod hub;
pub mod wheel;

use nines_models::{Cache, PullEvent};
use std::ops::ControlFlow;
use std::path::Path;

/// A progress callback that lets the pull go on.
pub fn go_on(_: PullEvent) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Asserts that the cache holds no model and no leftover of a pull.
pub fn assert_nothing_half_made(cache: &Cache) {
    assert!(
        cache.list().expect("readable").is_empty(),
        "a model appeared"
    );
    let leftovers = leftovers(cache.root());
    assert!(leftovers.is_empty(), "left behind: {leftovers:?}");
}

/// Lists the files left in the staging area.
pub fn leftovers(root: &Path) -> Vec<std::path::PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    walk(&root.join(".tmp"), &mut found);
    found
}
