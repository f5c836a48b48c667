//! Strategies of choosing labels compared at equal label cost, on rows that are labelled already.
//!
//! - [`Ground`]: which rows can be chosen, which validate, and which are only measured on.
//! - [`cell`]: one training with so many labels, and what it leaves behind.
//! - [`curve`]: what strategies reach, label for label.
//!
//! Labels that are there stand for labellers: a strategy sees one only after it has chosen it. Whatever it is
//! measured on is of prompt families from which nothing can be chosen.

pub mod cell;
pub mod curve;
mod ground;

pub use cell::{Cell, CellIdentity};
pub use curve::Comparison;
pub use ground::Ground;
