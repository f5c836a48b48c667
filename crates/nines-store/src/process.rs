//! Which process a run belongs to, and whether it still lives.

use std::fs;

/// A process on a machine. Its start keeps a new process with an old number apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub host: String,
    pub pid: i64,
    /// In clock ticks since the machine started; 0 where it cannot be told.
    pub started: i64,
}

impl Process {
    /// Returns this process.
    pub(crate) fn this() -> Self {
        let pid = i64::from(std::process::id());
        Self {
            host: host(),
            pid,
            started: started(pid).unwrap_or(0),
        }
    }

    /// Says whether the process has surely ended: it was on this machine, and is not there any
    /// more. Of other machines nothing is known but the heartbeat.
    pub(crate) fn has_surely_ended(&self) -> bool {
        // Without /proc there is nothing to look at.
        if self.host != host() || self.started == 0 || started(std::process::id().into()).is_none()
        {
            return false;
        }
        started(self.pid) != Some(self.started)
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
