//! Sweeps: many trainings that differ in their recipes, compared on the same folds.
//!
//! - [`attacks`]: attacks on a trial's classifier, planned and made.
//! - [`differences`]: in which fields the recipes differ.
//! - [`mod@file`]: what a sweep file says, and the trials that it means.
//! - [`search`]: recipes drawn at random, and successive halving.
//! - [`table`]: what the results say, cell beside cell.
//! - [`trial`]: one training cross-validated with one seed, and what it leaves behind.
//!
//! The seeds of one cell differ in nothing else, and the same seed gives every cell the same order of
//! rows: differences between cells are compared seed by seed and prompt by prompt.

pub mod attacks;
pub mod differences;
pub mod file;
pub mod search;
pub mod table;
pub mod trial;

pub use attacks::{AttackOutcome, AttackPlan};
pub use differences::Differences;
pub use file::{Cell, SweepFile};
pub use table::SweepTable;
pub use trial::{Trial, TrialResult};
