//! Lists in pages: what comes after a key, so much of it.

use serde::Deserialize;
use utoipa::IntoParams;

/// Rows of one answer, where the caller does not say.
const USUAL: u64 = 100;
/// Rows of one answer at most.
const MOST: u64 = 500;

/// Which rows to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Those after the row with this key.
    #[serde(default)]
    pub after: Option<i64>,
    /// So many: 100 where not said, 500 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u64>,
}

impl Page {
    /// How many rows to answer.
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// Cuts rows, of which one more than asked for was read, and returns the key to go on after.
    pub fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> i64) -> Option<i64> {
        let is_more = rows.len() as u64 > self.limit();
        rows.truncate(self.limit() as usize);
        rows.last().filter(|_| is_more).map(key)
    }
}
