//! What to label: strata of the filter's answers by score, and the probability with which each
//! answer is drawn.
//!
//! Every request has a *lot*, uniform on \[0, 1) and fixed by the design's seed before anything is
//! known of it. An answer is drawn when its lot lies below its stratum's probability. So drawing more
//! later only raises probabilities: what is labelled stays part of the sample, and every item's
//! probability is on record before its label.

mod allocation;
mod strata;

pub use allocation::{Allocation, Plan, StratumPlan, plan};
pub use strata::{Strata, cut_points};

use nines_stats::random::Stream;

/// Returns the lot of a request.
pub fn lot(seed: u64, position: u64) -> f64 {
    // Another stream of the seed than the one that draws prompts.
    Stream::new(seed ^ 0x6C6F_7473_6C6F_7473, position).unit()
}
