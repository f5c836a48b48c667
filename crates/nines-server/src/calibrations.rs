//! Calibrations, read once each: they are long, never change, and every score is shown against one.

use nines_domain::score::Threshold;
use nines_domain::snippet::{CalibrationId, ModelId};
use nines_measure::calibrate::Calibrated;
use nines_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Calibrations kept in memory.
const KEPT: usize = 64;

/// A calibration that was read.
#[derive(Debug)]
pub struct Read {
    /// Its key.
    pub id: CalibrationId,
    /// The threshold that the rule chose.
    pub threshold: Threshold,
    /// The rule.
    pub rule: String,
    /// When it was stored.
    pub created: jiff::Timestamp,
    /// The path that it holds for.
    path: Option<String>,
    /// All of it; none where another version of nines wrote it in another form.
    pub whole: Option<Calibrated>,
}

/// The calibrations that were read lately.
#[derive(Debug, Default)]
pub struct Calibrations(Mutex<BTreeMap<CalibrationId, Arc<Read>>>);

impl Calibrations {
    /// Returns the newest calibration of a classifier on a scoring path: the one that counts there.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn newest(
        &self,
        store: &Store,
        model: ModelId,
        path: &str,
    ) -> Result<Option<Arc<Read>>, StoreError> {
        for id in store.calibration_ids(model).await? {
            let known = self.lock().get(&id).cloned();
            let read = match known {
                Some(known) => known,
                None => self.read(store, id).await?,
            };
            if read.path.as_deref() == Some(path) {
                return Ok(Some(read));
            }
        }
        Ok(None)
    }

    async fn read(&self, store: &Store, id: CalibrationId) -> Result<Arc<Read>, StoreError> {
        let stored = store.calibration(id).await?;
        let read = Arc::new(Read {
            id,
            threshold: stored.threshold,
            rule: stored.rule,
            created: stored.created,
            path: stored.record["path"].as_str().map(str::to_owned),
            whole: serde_json::from_value(stored.record).ok(),
        });
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(id, Arc::clone(&read));
        Ok(read)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CalibrationId, Arc<Read>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
