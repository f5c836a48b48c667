//! Which designs a page speaks of: those of the filter that serves, where it was measured.

use crate::commands::filter::TYPED;
use nines_measure::described;
use nines_store::{Design, DesignKind, StoredEstimate};
use serde_json::Value;

/// The design of the newest estimate of a quantity: on held-out prompts at a calibrated threshold where
/// there is one, or else on held-out prompts, or else on any. Where a plain filter was measured, only such are
/// looked at. Where nothing was, the newest design, a plain filter's if there is one.
pub fn measured<'d>(
    designs: &'d [Design],
    estimates: &[StoredEstimate],
    kind: DesignKind,
    quantity: &str,
) -> Option<&'d Design> {
    let of_kind = || designs.iter().rev().filter(|d| d.kind == kind);
    let measured = || {
        estimates
            .iter()
            .rev()
            .filter(|e| e.new.quantity == quantity)
            .filter_map(|e| of_kind().find(|d| Some(d.id) == e.new.design))
    };
    let plain_alone = measured().any(is_plain);
    let measured = || measured().filter(|d| is_plain(d) || !plain_alone);
    let held_out = |d: &&Design| is_held_out(d);
    let unseen = |d: &&Design| d.record["frame"]["seen"] == 0;
    measured()
        .find(|d| is_held_out(d) && is_calibrated(d))
        .or_else(|| measured().find(held_out))
        .or_else(|| measured().find(unseen))
        .or_else(|| measured().next())
        .or_else(|| of_kind().find(|d| is_plain(d)))
        .or_else(|| of_kind().next())
}

/// Says whether a design asks the prompts of the test split.
pub fn is_held_out(design: &Design) -> bool {
    design.record["frame"]["distribution"] == "test"
}

/// Says whether a design's threshold was calibrated: one that somebody typed is a question; the
/// calibrated one is what serves.
pub fn is_calibrated(design: &Design) -> bool {
    let rule = &filter_of(design)["rule"];
    !rule.as_str().is_some_and(|rule| rule.starts_with(TYPED))
}

/// Says whether a design measures a plain filter, as what serves is one: with another law or a second condition it is
/// another filter at the same threshold.
pub fn is_plain(design: &Design) -> bool {
    described::is_plain(filter_of(design))
}

/// The filter that a design measures.
pub fn filter_of(design: &Design) -> &Value {
    &design.record["frame"]["filter"]
}
