//! `nines measure margin`: how far the worst catastrophes found lie from the threshold, how that grew
//! with effort, and what more caution would cost.

use super::frame::{Frame, refuse_tightening};
use super::leak::answer_score;
use super::record::Record;
use super::shown;
use crate::cli::FrameArgs;
use crate::data;
use crate::models;
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, rate};
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_domain::split::Split;
use nines_measure::estimate;
use nines_measure::severity::severity;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::forecast::fit_gumbel_tail;
use nines_stats::interval::clopper_pearson;
use nines_store::Snippet;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;

/// How many of the worst catastrophes the tail is fitted to.
const TOP: usize = 10;

/// How much more cautious thresholds are looked at, in logits.
const STEPS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 3.0];

/// A catastrophe with its score.
struct Catastrophe {
    /// The newest label's key: the order of effort.
    label: i64,
    severity: u8,
    score: f64,
    text: SnippetText,
}

#[derive(Serialize)]
struct Found {
    classifier: String,
    threshold: Threshold,
    worst: Vec<Worst>,
    growth: Vec<Growth>,
    forecast: Vec<(u64, Estimate)>,
    caution: Vec<Caution>,
    /// The quality wherever it was measured for this classifier, by threshold.
    quality: Vec<(Threshold, Estimate)>,
    estimates: Vec<i64>,
}

/// The worst catastrophe of a severity.
#[derive(Serialize)]
struct Worst {
    severity: u8,
    found: usize,
    accepted: usize,
    /// How much of what was found is accepted.
    accepted_share: Estimate,
    /// Score minus threshold, in logits: below 0 it is accepted.
    margin: f64,
    prompt: String,
    completion: String,
}

/// The worst after so many catastrophes.
#[derive(Serialize)]
struct Growth {
    catastrophes: usize,
    margin: f64,
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
    let catastrophes = catastrophes(project, &frame, output).await?;
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
        threshold,
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

/// The newest quality at every threshold at which it was measured for the frame's classifier.
async fn quality(project: &Project, frame: &Frame) -> Result<Vec<(Threshold, Estimate)>> {
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
        let is_same = filter["model"] == json!(frame.serving.model.id);
        if is_same && found.iter().all(|(t, _)| *t != at) {
            found.push((at, stored.new.estimate));
        }
    }
    found.sort_by(|a, b| a.0.logit().total_cmp(&b.0.logit()));
    Ok(found)
}

/// Every catastrophe of the held-out splits, with the score that decides, in the order of labelling.
async fn catastrophes(
    project: &Project,
    frame: &Frame,
    output: &Output,
) -> Result<Vec<Catastrophe>> {
    let mut snippets = data::labelled(project).await?;
    // What the classifier was fitted to says little of what it misses.
    let seed = project.config.project.split_seed;
    let held_out = |s: &Snippet| matches!(s.split(seed), Split::Calibration | Split::Test);
    snippets.retain(|s| data::broad(s) == Some(true) && held_out(s));
    let scorer = frame.serving.scorer();
    let texts = snippets.iter().map(|s| s.text.clone()).collect();
    let scores = models::score_all(scorer, texts, "catastrophes", output).await?;
    let stored: Vec<_> = snippets
        .iter()
        .zip(&scores)
        .filter_map(|(snippet, score)| Some((snippet.id, *score.as_ref().ok()?)))
        .collect();
    let (model, path) = (frame.serving.model.id, frame.serving.path().to_string());
    project.store.insert_scores(model, &path, &stored).await?;
    let mut found: Vec<Catastrophe> = snippets
        .into_iter()
        .zip(scores)
        .filter_map(|(snippet, score)| {
            Some(Catastrophe {
                label: snippet.labels.last()?.id.0,
                severity: severity(snippet.labels.iter().map(|l| &l.label)).map_or(2, u8::from),
                score: score.ok()?.logit(),
                text: snippet.text,
            })
        })
        .collect();
    found.sort_by_key(|c| c.label);
    Ok(found)
}

fn worst_of(
    catastrophes: &[Catastrophe],
    severity: u8,
    threshold: Threshold,
    confidence: f64,
) -> Result<Option<Worst>> {
    let of: Vec<&Catastrophe> = catastrophes
        .iter()
        .filter(|c| c.severity == severity)
        .collect();
    let Some(worst) = of.iter().min_by(|a, b| a.score.total_cmp(&b.score)) else {
        return Ok(None);
    };
    let accepted = of.iter().filter(|c| c.score < threshold.logit()).count();
    Ok(Some(Worst {
        severity,
        found: of.len(),
        accepted,
        accepted_share: estimate(clopper_pearson(
            accepted as u64,
            of.len() as u64,
            confidence,
        )?),
        margin: worst.score - threshold.logit(),
        prompt: worst.text.prompt.clone(),
        completion: worst.text.completion.clone(),
    }))
}

/// The worst after the first 1, 2, 4, 8 … catastrophes.
fn growth(catastrophes: &[Catastrophe], threshold: Threshold) -> Vec<Growth> {
    let mut counts: Vec<usize> = std::iter::successors(Some(1usize), |n| Some(n * 2))
        .take_while(|n| *n < catastrophes.len())
        .collect();
    counts.push(catastrophes.len());
    let worst = |n: usize| {
        let scores = catastrophes[..n].iter().map(|c| c.score);
        scores.fold(f64::INFINITY, f64::min) - threshold.logit()
    };
    counts
        .into_iter()
        .map(|catastrophes| Growth {
            catastrophes,
            margin: worst(catastrophes),
        })
        .collect()
}

/// Extrapolates the worst margin to more catastrophes: P(safe) as the classifier gives it to
/// catastrophes, whose tail is fitted as for rare failures. Empty where it cannot be fitted.
fn forecast(
    catastrophes: &[Catastrophe],
    threshold: Threshold,
    bootstrap: &Bootstrap,
) -> Vec<(u64, Estimate)> {
    let evasion: Vec<f64> = catastrophes
        .iter()
        .map(|c| 1.0 / (1.0 + c.score.exp()))
        .collect();
    let Ok(fit) = fit_gumbel_tail(&evasion, TOP) else {
        return Vec::new();
    };
    let margin = |p: f64| (1.0 / p - 1.0).ln() - threshold.logit();
    [10u64, 100, 1000]
        .into_iter()
        .filter_map(|multiple| {
            let n = catastrophes.len() as u64 * multiple;
            let found = estimate(fit.worst_query(n, bootstrap).ok()?);
            // More evasion is a lower score: the ends change places.
            Some((
                n,
                Estimate {
                    value: found.value.map(margin),
                    lower: margin(found.upper),
                    upper: margin(found.lower),
                    method: format!(
                        "{} of P(safe) given to catastrophes, in logits",
                        found.method
                    ),
                    ..found
                },
            ))
        })
        .filter(|(_, e)| !e.lower.is_nan() && !e.upper.is_nan())
        .collect()
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
        "Margin of {}, which accepts {}, by the catastrophes of the held-out splits. A margin below 0 is accepted.\n",
        found.classifier, found.threshold
    );
    for w in &found.worst {
        let _ = writeln!(
            text,
            "  severity {}: {} found, {} accepted, {}; worst margin {:+.2}\n    {}",
            w.severity,
            w.found,
            w.accepted,
            shown(&w.accepted_share),
            w.margin,
            w.completion.replace('\n', " ")
        );
    }
    text.push_str("\nThe worst margin after so many catastrophes:");
    for g in &found.growth {
        let _ = write!(text, "  {}: {:+.2}", g.catastrophes, g.margin);
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
