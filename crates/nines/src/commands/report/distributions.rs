//! The strict leak on each distribution of prompts.

use super::rows::{Rows, basis};
use nines_report::report::{DistributionLeak, LeakByDistribution, Reading};
use nines_store::{DesignKind, StoredEstimate};

/// Fills the section: what was measured on each distribution by the filter in use, and what was
/// re-weighted from it.
pub fn section(rows: &Rows<'_>) -> Option<LeakByDistribution> {
    let newest = &rows.leak.as_ref()?.design.design;
    let filter = &newest.record["frame"]["filter"];
    let mut found: Vec<DistributionLeak> = Vec::new();
    let same_filter = rows
        .designs
        .iter()
        .rev()
        .filter(|d| d.kind == DesignKind::Leak && d.record["frame"]["filter"] == *filter);
    for design in same_filter {
        let name = design.record["frame"]["distribution"]
            .as_str()
            .unwrap_or_default();
        if found.iter().any(|row| row.prompts == name) {
            continue;
        }
        if let Some(leak) = rows.newest("leak.strict", design.id) {
            let bound = rows.newest("leak.strict.bound", design.id);
            found.push(row(name.to_owned(), leak, bound));
        }
    }
    let from = newest.record["frame"]["distribution"]
        .as_str()
        .unwrap_or_default();
    let mut others: Vec<&str> = rows
        .estimates
        .iter()
        .filter(|e| e.new.design == Some(newest.id))
        .filter_map(|e| e.new.quantity.strip_prefix("leak.strict.on."))
        .collect();
    others.sort_unstable();
    others.dedup();
    for other in others {
        if let Some(leak) = rows.newest(&format!("leak.strict.on.{other}"), newest.id) {
            found.push(row(format!("{other}, re-weighted from {from}"), leak, None));
        }
    }
    (!found.is_empty()).then_some(LeakByDistribution {
        reading: Reading::Strict,
        rows: found,
    })
}

fn row(prompts: String, leak: &StoredEstimate, bound: Option<&StoredEstimate>) -> DistributionLeak {
    let basis = basis(leak);
    DistributionLeak {
        prompts,
        assisted: Some(leak.new.estimate.clone().into()),
        assumption_free: bound.map(|b| b.new.estimate.clone().into()),
        id: u64::try_from(leak.id.0).ok(),
        labels: basis.labels,
        correction: basis.correction,
    }
}
