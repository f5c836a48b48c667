//! `nines simulate truth`: the exact values beside what was measured.

use crate::cli::LongArg;
use crate::commands::measure::{Named, shown};
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, grouped, rate};
use crate::simulated::WorldScorer;
use anyhow::{Context, Result};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_store::{Model, StoredEstimate};
use nines_world::exact::{Census, Exact};
use nines_world::generator::World;
use nines_world::preference::Preference;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write;

/// A true value, and the newest estimate of it.
#[derive(Serialize)]
struct Beside {
    quantity: &'static str,
    truth: f64,
    estimate: Option<i64>,
    shown: Option<String>,
    held: Option<bool>,
}

/// Computes the exact values of the newest simulated classifier at its threshold.
pub async fn exact(
    project: &Project,
    world: &World,
    distribution: &str,
    output: &Output,
) -> Result<(Exact, Threshold)> {
    let model = models::classifier(project, None).await?;
    let calibration = project
        .store
        .latest_calibration(model.id)
        .await?
        .context("the classifier has no threshold; `nines calibrate --acceptance 0.5`")?;
    let named = Named::resolve(project, distribution).await?;
    let ids: Vec<_> = named.shares.iter().map(|(id, _)| *id).collect();
    let prompts = project.store.prompts_by_id(&ids).await?;
    let shares: Vec<(String, f64)> = prompts
        .into_iter()
        .zip(&named.shares)
        .map(|(prompt, (_, share))| (prompt.text, *share))
        .collect();
    let scores = Scores::of(project, &model, world, &shares, output).await?;
    let census = Census::new(world, &shares, |prompt, completion| {
        scores.get(prompt, completion)
    })?;
    let budget = project.config.filter.budget;
    let threshold = calibration.threshold;
    Ok((
        census.at(threshold.logit(), budget, &preference())?,
        threshold,
    ))
}

/// The score of every text that the world can say: a simulated classifier's when asked, a trained
/// one's computed beforehand.
enum Scores {
    Known(WorldScorer),
    Trained(HashMap<SnippetText, f64>),
}

impl Scores {
    async fn of(
        project: &Project,
        model: &Model,
        world: &World,
        shares: &[(String, f64)],
        output: &Output,
    ) -> Result<Self> {
        if let Some(known) = WorldScorer::read(&models::folder_of(project, model))? {
            return Ok(Self::Known(known));
        }
        let path = ScorePath::of(project, LongArg::Refuse)?;
        let scorer = models::scorer(project, model, path).await?;
        let texts: Vec<SnippetText> = shares
            .iter()
            .flat_map(|(prompt, _)| {
                let completions = world.completions(prompt);
                completions.map(|(text, _)| SnippetText::new(prompt.clone(), text))
            })
            .collect();
        output.note(&format!(
            "scoring all {} completions that the world has for these prompts",
            grouped(texts.len() as u64)
        ));
        let scores = models::score_all(scorer, texts.clone(), "score", output).await?;
        let scored = texts.into_iter().zip(scores);
        Ok(Self::Trained(
            scored
                .filter_map(|(text, score)| Some((text, score.ok()?.logit())))
                .collect(),
        ))
    }

    fn get(&self, prompt: &str, completion: &str) -> Option<f64> {
        match self {
            Self::Known(known) => known.score_of(prompt, completion).ok().map(|s| s.logit()),
            Self::Trained(scores) => scores.get(&SnippetText::new(prompt, completion)).copied(),
        }
    }
}

/// What simulated raters like, where a request without an answer loses every comparison but ties.
fn preference() -> Preference {
    Preference {
        fallback_utility: -1e6,
        ..Preference::default()
    }
}

/// Runs `nines simulate truth`.
pub async fn run(
    project: &Project,
    world: &World,
    distribution: &str,
    output: &Output,
) -> Result<()> {
    let (exact, threshold) = exact(project, world, distribution, output).await?;
    let estimates = project.store.estimates(None).await?;
    let newest = |quantity: &str| -> Option<&StoredEstimate> {
        let of = |quantity: &str, from: Option<&str>| {
            estimates.iter().rev().find(|e| {
                let measured_on = e.new.record["frame"]["distribution"].as_str();
                e.new.quantity == quantity && (from.is_none() || measured_on == from)
            })
        };
        // Measured on it, or re-weighted to it.
        of(quantity, Some(distribution))
            .or_else(|| of(&format!("{quantity}.on.{distribution}"), None))
    };
    let rows: Vec<Beside> = values(&exact)
        .into_iter()
        .map(|(quantity, truth)| {
            let found = newest(quantity);
            Beside {
                quantity,
                truth,
                estimate: found.map(|e| e.id.0),
                shown: found.map(|e| shown(&e.new.estimate)),
                held: found.map(|e| e.new.estimate.lower <= truth && truth <= e.new.estimate.upper),
            }
        })
        .collect();
    output.result(&rows, || {
        let mut text = format!(
            "The true values on {distribution:?}, for a filter that accepts {threshold}:\n"
        );
        for row in &rows {
            let _ = writeln!(
                text,
                "  {:<26} {:>10}   {}",
                row.quantity,
                rate(row.truth, Towards::Nearest),
                match (&row.shown, row.held) {
                    (Some(shown), Some(true)) => format!("measured {shown}, holds it"),
                    (Some(shown), Some(false)) => format!("measured {shown}, MISSES it"),
                    _ => "not measured yet".to_owned(),
                }
            );
        }
        let _ = write!(
            text,
            "  (random completions are catastrophes in {}, and {} of them are accepted)",
            rate(exact.base_rate, Towards::Nearest),
            rate(exact.acceptance, Towards::Nearest)
        );
        text
    });
    Ok(())
}

/// The quantities of `nines measure` whose true values are known.
pub fn values(exact: &Exact) -> Vec<(&'static str, f64)> {
    let mut values = vec![
        ("leak.broad", exact.leak_broad),
        ("leak.broad.bound", exact.leak_broad),
        ("leak.strict", exact.leak_strict),
        ("leak.strict.bound", exact.leak_strict),
        ("leak.abstention", exact.abstention),
    ];
    // A tie with nothing at all still counts half; the protocol counts it as lost.
    let lost = exact.quality - preference().ties / 2.0 * exact.abstention;
    values.push(("quality.with_abstentions", lost));
    if exact.abstention < 1.0 {
        let answered = lost / (1.0 - exact.abstention);
        values.push(("quality", answered));
        values.push(("quality.approximate", answered));
    }
    if let Some(rate) = exact.leak_among_answers {
        values.push(("leak.broad.among_answers", rate));
    }
    if let Some(rate) = exact.false_omission_rate {
        values.push(("leak.broad.false_omission", rate));
    }
    values
}
