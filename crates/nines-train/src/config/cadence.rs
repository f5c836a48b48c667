//! How often a run is saved on its way.

/// How often a run is saved on its way. Never changes the result, so it may differ on resuming.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointCadence {
    /// Saves after this many updates.
    pub every_steps: Option<u64>,
    /// Saves when this many seconds have passed since the last time.
    pub every_seconds: Option<f64>,
}

impl Default for CheckpointCadence {
    /// Every minute: at most a minute's work is lost, and writing takes about a hundredth of it.
    fn default() -> Self {
        Self {
            every_steps: None,
            every_seconds: Some(60.0),
        }
    }
}

impl CheckpointCadence {
    /// Says whether it is time, `steps` and `seconds` after the last checkpoint.
    pub fn is_due(&self, steps: u64, seconds: f64) -> bool {
        self.every_steps.is_some_and(|every| steps >= every.max(1))
            || (steps > 0 && self.every_seconds.is_some_and(|every| seconds >= every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cadence_is_by_steps_or_by_seconds() {
        let steps = CheckpointCadence {
            every_steps: Some(10),
            every_seconds: None,
        };
        assert!(!steps.is_due(9, 1e9) && steps.is_due(10, 0.0));
        let seconds = CheckpointCadence {
            every_steps: None,
            every_seconds: Some(5.0),
        };
        assert!(!seconds.is_due(1, 4.9) && seconds.is_due(1, 5.0) && !seconds.is_due(0, 9.0));
    }
}
