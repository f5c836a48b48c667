//! Which process a run or a job belongs to, and whether it still lives.

use crate::runs::SILENT_AFTER;
use jiff::Timestamp;
use std::fs;
use std::time::Duration;

/// A process on a machine. Its start keeps a new process with an old number apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The machine, as it runs now: a restart is another one.
    pub host: String,
    /// Its number there.
    pub pid: i64,
    /// In clock ticks since the machine started; 0 where it cannot be told.
    pub started: i64,
}

impl Process {
    /// Returns this process.
    pub fn this() -> Self {
        Self::here(std::process::id())
    }

    /// Returns the process that has a number on this machine now.
    pub fn here(pid: u32) -> Self {
        let pid = i64::from(pid);
        Self {
            host: host(),
            pid,
            started: started(pid).unwrap_or(0),
        }
    }

    /// Says whether the process is on this machine, and can be looked at and told to stop.
    pub fn is_here(&self) -> bool {
        self.started != 0 && self.host == host()
    }

    /// Says whether the process has surely ended: it was on this machine, and is not there any
    /// more. Of other machines nothing is known but the heartbeat.
    pub fn has_surely_ended(&self) -> bool {
        // Without /proc there is nothing to look at.
        if self.host != host() || self.started == 0 || started(std::process::id().into()).is_none()
        {
            return false;
        }
        started(self.pid) != Some(self.started)
    }

    /// Says whether the process is to be taken for dead: it has surely ended, or nobody here can
    /// look at it and it was last heard of more than [`SILENT_AFTER`] ago.
    pub(crate) fn is_dead(&self, heard_of: Timestamp, at: Timestamp) -> bool {
        // A process that can be looked at and lives is never silent, however long a step takes.
        // A clock that was set back makes nobody silent.
        let silent =
            Duration::try_from(at.duration_since(heard_of)).is_ok_and(|d| d > SILENT_AFTER);
        self.has_surely_ended() || (!self.is_here() && silent)
    }
}

/// Names the machine as it runs now: a restart, or another container, is another name.
fn host() -> String {
    let read = |path| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let name = read("/proc/sys/kernel/hostname");
    let boot = read("/proc/sys/kernel/random/boot_id");
    let space = fs::read_link("/proc/self/ns/pid")
        .map(|link| link.display().to_string())
        .unwrap_or_default();
    format!("{name} {boot} {space}").trim().to_owned()
}

/// Reads when a process started; nothing if it is not there or has ended.
fn started(pid: i64) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_start_of_its_number_does_not() {
        let this = Process::this();
        assert!(!this.has_surely_ended());
        if this.started != 0 {
            assert!(
                Process {
                    started: this.started - 1,
                    ..this.clone()
                }
                .has_surely_ended()
            );
        }
        assert!(
            !Process {
                host: "elsewhere".into(),
                started: 1,
                ..this
            }
            .has_surely_ended()
        );
    }
}
