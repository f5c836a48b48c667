//! The learning rate: a linear rise, then a linear fall.

/// Linear warm-up to the highest learning rate, then linear decay to zero after the last update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    highest: f64,
    warmup_steps: u64,
    steps: u64,
}

impl Schedule {
    /// Plans `steps` updates of which the share `warmup` rises.
    pub fn new(highest: f64, warmup: f64, steps: u64) -> Self {
        Self {
            highest,
            warmup_steps: (steps as f64 * warmup).ceil() as u64,
            steps,
        }
    }

    /// Returns the learning rate of an update; the first one is 1.
    ///
    /// With W warm-up updates of T, update t has the factor t / W up to W, and
    /// (T - t + 1) / (T - W) after it: every update moves the weights, none has factor 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let factor = if step <= self.warmup_steps {
            step as f64 / self.warmup_steps.max(1) as f64
        } else {
            let left = self.steps.saturating_sub(step) + 1;
            left as f64 / (self.steps - self.warmup_steps).max(1) as f64
        };
        self.highest * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_and_never_rests() {
        let schedule = Schedule::new(2.0, 0.2, 10);
        let rates: Vec<f64> = (1..=10).map(|t| schedule.learning_rate(t)).collect();
        assert_eq!(
            rates,
            [1.0, 2.0, 2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25]
        );
        assert_eq!(Schedule::new(1.0, 0.0, 2).learning_rate(1), 1.0);
        assert_eq!(Schedule::new(1.0, 0.5, 1).learning_rate(1), 1.0);
    }
}
