//! Averages of the weights over updates.

use crate::config::Averaging;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Elements that one task averages.
const PIECE: usize = 1 << 16;

/// The averages of a run's weights, by parameter; empty where none are kept, or not yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Averages {
    kind: Averaging,
    /// The first update whose weights count.
    first: u64,
    values: BTreeMap<String, Vec<f32>>,
}

impl Averages {
    /// Keeps none until [`Self::over`] says over how many updates.
    pub fn new(kind: Averaging) -> Self {
        Self {
            kind,
            first: 1,
            values: BTreeMap::new(),
        }
    }

    /// Says how many updates the run has.
    pub fn over(&mut self, steps: u64) {
        if let Averaging::Last(last) = self.kind {
            let part = (steps as f64 * last.share).ceil().max(1.0) as u64;
            self.first = steps.saturating_sub(part) + 1;
        }
    }

    /// Takes note of a parameter before an update.
    pub fn before(&mut self, name: &str, values: &[f32]) {
        if matches!(self.kind, Averaging::Ema(_)) && !self.values.contains_key(name) {
            self.values.insert(name.to_owned(), values.to_vec());
        }
    }

    /// Takes a parameter's values after an update (the first is 1).
    pub fn after(&mut self, name: &str, values: &[f32], step: u64) {
        let Some(share) = self.share(step) else {
            return;
        };
        match self.values.get_mut(name) {
            Some(average) => average
                .par_chunks_mut(PIECE)
                .zip(values.par_chunks(PIECE))
                .for_each(|(average, values)| {
                    for (average, x) in average.iter_mut().zip(values) {
                        *average += share * (x - *average);
                    }
                }),
            None => {
                self.values.insert(name.to_owned(), values.to_vec());
            }
        }
    }

    /// The share that the weights after an update have in the average.
    fn share(&self, step: u64) -> Option<f32> {
        match self.kind {
            Averaging::None => None,
            Averaging::Ema(ema) => {
                let t = step as f64;
                Some((1.0 - ema.decay.min((1.0 + t) / (10.0 + t))) as f32)
            }
            Averaging::Last(_) if step < self.first => None,
            Averaging::Last(_) => Some((1.0 / (step - self.first + 1) as f64) as f32),
        }
    }

    /// Returns a parameter's average.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// Replaces a parameter's average.
    pub fn set(&mut self, name: &str, values: Vec<f32>) {
        self.values.insert(name.to_owned(), values);
    }

    /// Names the parameters that have an average.
    pub fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Ema, LastShare};

    fn average(kind: Averaging, steps: u64) -> Vec<Option<f32>> {
        let mut averages = Averages::new(kind);
        averages.over(steps);
        (1..=steps)
            .map(|step| {
                averages.before("w", &[(step - 1) as f32]);
                averages.after("w", &[step as f32], step);
                averages.get("w").map(|values| values[0])
            })
            .collect()
    }

    #[test]
    fn the_last_part_has_its_mean() {
        let share = |share| Averaging::Last(LastShare { share });
        assert_eq!(
            average(share(0.5), 4),
            [None, None, Some(3.0), Some(3.5)],
            "of 3 and 4"
        );
        assert_eq!(average(share(1.0), 3), [Some(1.0), Some(1.5), Some(2.0)]);
        assert_eq!(average(share(0.01), 3), [None, None, Some(3.0)]);
        assert_eq!(average(Averaging::None, 2), [None, None]);
    }

    #[test]
    fn a_running_mean_forgets_as_stated() {
        let found = average(Averaging::Ema(Ema { decay: 0.3 }), 6);
        let mut expected = 0.0;
        for (step, found) in (1..).zip(found) {
            let t = f64::from(step);
            let decay = f64::min(0.3, (1.0 + t) / (10.0 + t));
            expected = decay * expected + (1.0 - decay) * t;
            let found = f64::from(found.expect("from the first update on"));
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        }
    }
}
