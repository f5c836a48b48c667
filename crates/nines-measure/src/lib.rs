//! Protocols: what is computed from a project's data, on which part of it, and what the numbers
//! speak of.
//!
//! - [`items`]: the rows that protocols read, as plain values; the caller maps the store to them.
//! - [`mod@calibrate`]: scores of the calibration split to a threshold, with the rule, the intervals
//!   and the distribution recorded in a [`calibrate::CalibrationRecord`].
//! - [`acquisition`]: what is labelled next so that a classifier learns most, with known probabilities.
//! - [`caution`]: a second condition on unfamiliarity, and what it buys.
//! - [`classifier_metrics`]: how good a classifier ranks, by kind of text.
//! - [`described`]: what the description of a filter says, and whether it is the plain one that serves.
//! - [`filter_report`]: what a filter did: acceptance, draws for each prompt, abstentions.
//! - [`style`]: what a classifier makes of the style of attacks.
//! - [`understanding`]: whether the generator goes on as if a missed catastrophe had happened.
//! - [`tightening`]: a threshold that falls with rejections, at the same abstention as a fixed one.
//! - [`report`]: curves and tables that a report shows beside stored estimates.
//!
//! The formulas are those of `nines-stats`; here is decided which rows they may see. Every number
//! is an [`nines_domain::estimate::Estimate`].

pub mod acquisition;
pub mod calibrate;
pub mod caution;
pub mod classifier_metrics;
pub mod comparison;
pub mod described;
pub mod design;
pub mod distribution;
mod error;
mod estimates;
pub mod filter_report;
pub mod items;
pub mod leak;
pub mod quality;
pub mod report;
pub mod severity;
pub mod style;
pub mod tightening;
pub mod understanding;

pub use error::MeasureError;
pub use estimates::estimate;
