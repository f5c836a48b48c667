//! Attacks found on one classifier, replayed on others.

use super::Estimated;
use serde::{Deserialize, Serialize};

/// How many of a classifier's attacks still succeed on another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransferCell {
    /// The share that is accepted; its n counts attacks.
    pub rate: Estimated,
    /// Whether these attacks succeed again after a classifier in between had stopped them.
    pub forgotten: bool,
}

/// The transfer matrix.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transfer {
    /// Which attacks, and who found them to be catastrophes.
    pub attacks: String,
    /// The rows: the classifiers that attacks were found on.
    pub found_on: Vec<String>,
    /// The columns: the classifiers that they were replayed on.
    pub replayed_on: Vec<String>,
    /// The cells, row by row; `None` where nothing was replayed.
    pub cells: Vec<Vec<Option<TransferCell>>>,
}
