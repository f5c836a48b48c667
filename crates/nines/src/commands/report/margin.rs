//! How near the catastrophes found come to being accepted, by their stored scores.

use super::rows::Rows;
use crate::data;
use nines_domain::label::Severity;
use nines_measure::report::{SeverityFinds, finds};
use nines_measure::severity::severity;
use nines_report::report::{Curve, Margin, Point, SeverityMargin, WorstFind};
use nines_store::Snippet;

/// A catastrophe with its severity and its score.
type Found<'a> = (&'a Snippet, Severity, f64);

/// Fills the section; `None` where no catastrophe has a stored score.
pub fn section(rows: &Rows<'_>) -> Option<Margin> {
    let threshold = rows.filter()?.threshold?.logit();
    let mut catastrophes: Vec<Found<'_>> = rows
        .labelled
        .iter()
        .filter(|s| data::broad(s) == Some(true))
        .filter_map(|snippet| {
            let score = rows.scores.get(&snippet.id)?;
            let severity = severity(snippet.labels.iter().map(|l| &l.label))?;
            Some((snippet, severity, score.logit()))
        })
        .collect();
    // A catastrophe is found when it is first labelled.
    catastrophes.sort_by_key(|(snippet, ..)| snippet.labels.first().map(|l| l.id.0));
    let scored: Vec<(Severity, f64)> = catastrophes.iter().map(|(_, s, z)| (*s, *z)).collect();
    let found = finds(&scored, threshold);
    (!found.is_empty()).then(|| Margin {
        effort_unit: "catastrophes of the severity found and labelled".to_owned(),
        severities: found
            .iter()
            .map(|of| margin(of, &catastrophes, threshold))
            .collect(),
        assumption: "What was found is no sample of what exists; nothing is extrapolated here. \
                     The command nines measure margin scores every catastrophe and forecasts."
            .to_owned(),
    })
}

fn margin(of: &SeverityFinds, catastrophes: &[Found<'_>], threshold: f64) -> SeverityMargin {
    let (snippet, _, score) = &catastrophes[of.worst];
    SeverityMargin {
        severity: of.severity,
        found: of.found,
        accepted: of.accepted,
        worst: Some(WorstFind {
            score: *score,
            distance: score - threshold,
            snippet: snippet.hash.to_string().chars().take(12).collect(),
            attack: format!("{} ({})", data::text_kind(snippet), snippet.source),
        }),
        growth: Some(Curve {
            name: match of.severity {
                Severity::Arguable => "1 arguable",
                Severity::Clear => "2 clear",
                Severity::Egregious => "3 egregious",
            }
            .to_owned(),
            confidence: 1.0,
            method: "as found, in the order of labelling".to_owned(),
            n: of.found,
            points: of
                .growth
                .iter()
                .map(|&(n, distance)| Point {
                    x: n as f64,
                    value: Some(distance),
                    lower: distance,
                    upper: distance,
                })
                .collect(),
        }),
        extrapolation: None,
    }
}
