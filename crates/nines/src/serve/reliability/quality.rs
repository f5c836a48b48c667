//! The quality as the page shows it.

use super::{labels_of, written};
use crate::commands::measure::{
    Asked, ComputedQuality, QualityDesign, compute_quality, is_not_yet, whose,
};
use crate::commands::report::CONFIDENCE;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_server::reliability::{QualityBy, QualityNumbers};

/// Computes the quality by people and by judges.
pub fn numbers(ready: &QualityDesign) -> Result<QualityNumbers> {
    let (mut by, mut not_yet) = (Vec::new(), Vec::new());
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        match compute_quality(ready, kind, &[], CONFIDENCE) {
            Ok(Some(computed)) => by.push(by_kind(computed)),
            Ok(None) => {}
            Err(error) if is_not_yet(&error) => {
                not_yet.push(format!("by {}: {error}", whose(kind)));
            }
            Err(error) => return Err(error),
        }
    }
    let frame = &ready.design.record["frame"];
    Ok(QualityNumbers {
        design: ready.design.id.0,
        distribution: frame["distribution"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        requests: ready.items.len() as u64,
        drawn: ready.items.iter().filter(|i| i.drawn.is_some()).count() as u64,
        queue: ready.open(Asked::PEOPLE)?.len() as u64,
        by,
        not_yet,
    })
}

fn by_kind(computed: ComputedQuality) -> QualityBy {
    let report = computed.report;
    let favours_a_side = report
        .left_wins
        .as_ref()
        .is_some_and(|left| left.lower > 0.5 || left.upper < 0.5);
    QualityBy {
        ratings_of: labels_of(computed.kind),
        quality: written(report.quality),
        approximate: report.approximate.map(written),
        with_abstentions: written(report.with_abstentions),
        won: written(report.won),
        left_wins: report.left_wins.map(written),
        favours_a_side,
        same: report.same,
        informative: report.informative,
        abstained: report.abstained,
        rated: report.rated,
        waiting: report.waiting,
        unusable: report.unusable,
    }
}
