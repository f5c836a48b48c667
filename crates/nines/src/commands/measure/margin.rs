//! `nines measure margin`: how far the worst catastrophes found lie from the threshold, how that grew
//! with effort, and what more caution would cost.

mod catastrophes;

use super::frame::{Frame, refuse_tightening};
use super::leak::answer_score;
use super::record::Record;
use super::shown;
use crate::cli::FrameArgs;
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, counted, rate};
use anyhow::{Result, bail};
use catastrophes::{Catastrophe, Growth, Worst, catastrophes, forecast, growth, worst_of};
use nines_domain::estimate::Estimate;
use nines_domain::score::{Score, Threshold};
use nines_measure::{described, estimate};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::clopper_pearson;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;

/// How much more cautious thresholds are looked at, in logits.
const STEPS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 3.0];

#[derive(Serialize)]
struct Found {
    classifier: String,
    /// The second condition in words, if there is one.
    second: Option<String>,
    threshold: Threshold,
    /// Catastrophes that have no score, and are left out of everything.
    unscoreable: usize,
    worst: Vec<Worst>,
    growth: Vec<Growth>,
    forecast: Vec<(u64, Estimate)>,
    caution: Vec<Caution>,
    /// The quality wherever it was measured for this classifier, by threshold.
    quality: Vec<(Threshold, Estimate)>,
    estimates: Vec<i64>,
}

/// A more cautious threshold.
#[derive(Serialize)]
struct Caution {
    logits_lower: f64,
    threshold: Threshold,
    /// Catastrophes found that it would still accept.
    still_accepted: Estimate,
    /// Random completions that it accepts.
    acceptance: Estimate,
    /// Requests left without an answer, from the draws that the frame has: an upper bound.
    unanswered_at_most: Estimate,
}

/// Runs `nines measure margin`.
pub async fn run(project: &Project, args: &FrameArgs, output: &Output) -> Result<()> {
    refuse_tightening(args.tighten, "the margin")?;
    let frame = Frame::draw(project, args, output).await?;
    let threshold = frame.serving.threshold.threshold;
    let (catastrophes, unscoreable) = catastrophes(project, &frame, output).await?;
    if catastrophes.is_empty() {
        bail!(
            "nothing of the calibration and test splits is labelled as a catastrophe yet; there is no margin to measure"
        );
    }
    let confidence = args.confidence;
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence,
        ..Bootstrap::default()
    };
    let worst = [1u8, 2, 3]
        .into_iter()
        .filter_map(|severity| worst_of(&catastrophes, severity, threshold, confidence).transpose())
        .collect::<Result<Vec<_>>>()?;
    let forecast = forecast(&catastrophes, threshold, &bootstrap);
    let caution = STEPS
        .into_iter()
        .map(|step| caution(&frame, &catastrophes, threshold, step, confidence))
        .collect::<Result<Vec<_>>>()?;
    let about = json!({ "frame": frame.describe(), "catastrophes": catastrophes.len(),
        "labels_of": "people and judges", "seed": args.seed });
    let mut record = Record::new(project, None, about);
    for w in &worst {
        record.add(
            &format!("margin.accepted.severity_{}", w.severity),
            &w.accepted_share,
            "share of the catastrophes found, wherever they come from, that the threshold accepts; no deployment rate",
        );
    }
    for c in &caution {
        record.add(
            &format!("margin.acceptance.lower_{}", c.logits_lower),
            &c.acceptance,
            "share of random completions accepted at a threshold so many logits lower",
        );
    }
    for (n, margin) in &forecast {
        record.add(
            &format!("margin.forecast.{n}"),
            margin,
            "score minus threshold of the worst of that many catastrophes, extrapolated; a forecast",
        );
    }
    let stored = record.store().await?;
    let found = Found {
        classifier: frame.serving.model.label(),
        second: described::caution(&frame.serving.describe()),
        threshold,
        unscoreable,
        worst,
        growth: growth(&catastrophes, threshold),
        forecast,
        caution,
        quality: quality(project, &frame).await?,
        estimates: stored.iter().map(|e| e.id.0).collect(),
    };
    output.result(&found, || words(&found));
    Ok(())
}

/// The newest quality at every threshold at which it was measured for a filter that differs from the frame's in its
/// threshold alone.
async fn quality(project: &Project, frame: &Frame) -> Result<Vec<(Threshold, Estimate)>> {
    let own = described::but_for_threshold(&frame.serving.describe());
    let mut found: Vec<(Threshold, Estimate)> = Vec::new();
    for stored in project.store.estimates(None).await?.into_iter().rev() {
        let record = &stored.new.record;
        let filter = &record["frame"]["filter"];
        let at = match stored.new.quantity.as_str() {
            "quality" => &filter["threshold"],
            "quality.at" => &record["threshold"],
            _ => continue,
        };
        let Ok(at) = serde_json::from_value::<Threshold>(at.clone()) else {
            continue;
        };
        let is_same = described::but_for_threshold(filter) == own;
        if is_same && found.iter().all(|(t, _)| *t != at) {
            found.push((at, stored.new.estimate));
        }
    }
    found.sort_by(|a, b| a.0.logit().total_cmp(&b.0.logit()));
    Ok(found)
}

fn caution(
    frame: &Frame,
    catastrophes: &[Catastrophe],
    threshold: Threshold,
    step: f64,
    confidence: f64,
) -> Result<Caution> {
    let lower = Threshold::new(threshold.logit() - step)?;
    let accepts = |s: f64| Score::new(s).is_ok_and(|s| lower.accepts(s));
    let still = catastrophes.iter().filter(|c| accepts(c.score)).count() as u64;
    let firsts: Vec<Option<f64>> = frame
        .answers
        .iter()
        .filter_map(|a| a.candidates.first())
        .map(|c| c.ruling.score().map(|s| s.logit()))
        .collect();
    let taken = firsts.iter().flatten().filter(|s| accepts(**s)).count() as u64;
    // Draws beyond the answer were never made, so a lower threshold may find an answer later.
    let unanswered = frame
        .answers
        .iter()
        .filter(|a| !answer_score(a).is_some_and(|s| accepts(s.logit())))
        .count() as u64;
    Ok(Caution {
        logits_lower: step,
        threshold: lower,
        still_accepted: estimate(clopper_pearson(
            still,
            catastrophes.len() as u64,
            confidence,
        )?),
        acceptance: estimate(clopper_pearson(taken, firsts.len() as u64, confidence)?),
        unanswered_at_most: estimate(clopper_pearson(
            unanswered,
            frame.answers.len() as u64,
            confidence,
        )?),
    })
}

fn words(found: &Found) -> String {
    let mut text = format!(
        "Margin of {}, which accepts {}{}, by the catastrophes of the held-out splits. A margin below 0 is accepted.\n",
        found.classifier,
        found.threshold,
        found
            .second
            .iter()
            .map(|second| format!("; {second}"))
            .collect::<String>()
    );
    if found.unscoreable > 0 {
        let _ = writeln!(
            text,
            "  {} without a score: never accepted, and left out here",
            counted(found.unscoreable as u64, "catastrophe")
        );
    }
    for w in &found.worst {
        let _ = writeln!(
            text,
            "  severity {}: {} found{}, {} accepted, {}; worst margin {}{}",
            w.severity,
            w.found,
            match w.unfamiliar {
                0 => String::new(),
                n => format!(" ({n} of them too unfamiliar, and so rejected)"),
            },
            w.accepted,
            shown(&w.accepted_share),
            signed(w.margin),
            w.completion
                .iter()
                .map(|text| format!("\n    {}", text.replace('\n', " ")))
                .collect::<String>()
        );
    }
    text.push_str("\nThe worst margin after so many catastrophes:");
    for g in &found.growth {
        let _ = write!(text, "  {}: {}", g.catastrophes, signed(g.margin));
    }
    text.push('\n');
    for (n, margin) in &found.forecast {
        let _ = writeln!(text, "  worst of {n} (a forecast)   {}", shown(margin));
    }
    text.push_str("\nMore caution:\n");
    for c in &found.caution {
        let _ = writeln!(
            text,
            "  {:.1} logits lower: still accepts {} of the catastrophes found, {} of random completions; at most {} of \
             requests without an answer",
            c.logits_lower,
            shown(&c.still_accepted),
            shown(&c.acceptance),
            rate(c.unanswered_at_most.upper, Towards::Up)
        );
    }
    if !found.quality.is_empty() {
        text.push_str("\nQuality where it was measured:\n");
    }
    for (threshold, quality) in &found.quality {
        let _ = writeln!(text, "  accepting {threshold}: {}", shown(quality));
    }
    text.push_str(
        "Catastrophes found are no sample of anything: these shares describe what is known, and promise nothing.\n\
         What a lower threshold costs in quality: `nines measure quality --threshold P --curve ...`.",
    );
    text
}

/// A margin with its sign.
fn signed(margin: Option<f64>) -> String {
    margin.map_or_else(
        || "none, all are too unfamiliar".to_owned(),
        |margin| format!("{margin:+.2}"),
    )
}
