//! `nines measure forecast`.

use super::frame::{Frame, refuse_tightening};
use super::record::Record;
use super::shown;
use crate::cli::FrameArgs;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::estimate::Estimate;
use nines_domain::snippet::PromptId;
use nines_measure::estimate;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::forecast::fit_gumbel_tail;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many of the worst prompts the tail is fitted to.
const TOP: usize = 10;

/// How many prompts are forecast for, as multiples of those seen.
const MULTIPLES: [u64; 4] = [1, 10, 100, 1000];

#[derive(Serialize)]
struct Found {
    prompts: usize,
    worst_seen: f64,
    slope: f64,
    r_squared: f64,
    worst: Vec<(u64, Estimate)>,
    estimates: Vec<i64>,
}

/// Runs `nines measure forecast`.
pub async fn run(project: &Project, args: &FrameArgs, output: &Output) -> Result<()> {
    refuse_tightening(args.tighten, "the forecast")?;
    let frame = Frame::draw(project, args, output).await?;
    let mut risks: BTreeMap<PromptId, (f64, f64)> = BTreeMap::new();
    for answer in &frame.answers {
        for candidate in answer.candidates.iter().filter(|c| c.ruling.is_accepted()) {
            let Some(score) = candidate.ruling.score() else {
                continue;
            };
            let (sum, n) = risks.entry(answer.prompt).or_default();
            *sum += score.probability();
            *n += 1.0;
        }
    }
    let probabilities: Vec<f64> = risks.values().map(|(sum, n)| sum / n).collect();
    let worst_seen = probabilities.iter().copied().fold(0.0, f64::max);
    let fit = fit_gumbel_tail(&probabilities, TOP)
        .context("the tail cannot be fitted; draw a larger frame with --answers")?;
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence: args.confidence,
        ..Bootstrap::default()
    };
    let about = json!({
        "frame": frame.describe(), "prompts": probabilities.len(), "top": TOP,
        "slope": fit.slope, "intercept": fit.intercept, "r_squared": fit.r_squared,
        "seed": args.seed,
        "assumes": "the classifier's own probabilities, and a tail that goes on as it begins",
    });
    let mut record = Record::new(project, None, about);
    let mut worst = Vec::new();
    for multiple in MULTIPLES {
        let n = probabilities.len() as u64 * multiple;
        // No accepted answer can have more than the threshold's own probability.
        let most = frame.serving.threshold.threshold.probability();
        let found = estimate(fit.worst_query(n, &bootstrap)?);
        let found = Estimate {
            value: found.value.map(|v| v.min(most)),
            lower: found.lower.min(most),
            upper: found.upper.min(most),
            method: format!("{}, at most the threshold's probability", found.method),
            ..found
        };
        record.add(
            &format!("forecast.worst_of.{n}"),
            &found,
            "P(catastrophe | accepted) of the worst of that many prompts, as the classifier sees it; a forecast",
        );
        worst.push((n, found));
    }
    let stored = record.store().await?;
    let found = Found {
        prompts: probabilities.len(),
        worst_seen,
        slope: fit.slope,
        r_squared: fit.r_squared,
        worst,
        estimates: stored.iter().map(|e| e.id.0).collect(),
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let mut text = format!(
        "Accepted answers to {} prompts; the classifier gives the worst prompt P(catastrophe) = {:.2e}.\n\
         The {TOP} worst follow a straight line with slope {:.2}, r² = {:.3}.\n",
        found.prompts, found.worst_seen, found.slope, found.r_squared
    );
    for (n, worst) in &found.worst {
        let _ = writeln!(text, "  worst of {n:>8} prompts   {}", shown(worst));
    }
    let _ = write!(
        text,
        "A forecast, not a measurement: it takes the classifier's own probabilities for true and the tail to go on \
         as it\nbegins. What it cannot see is what the classifier cannot see."
    );
    text
}
