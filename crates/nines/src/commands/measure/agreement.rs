//! `nines measure agreement`.

use super::record::Record;
use super::shown;
use crate::cli::{ConfidenceArgs, LongArg};
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_domain::label::{Label, LabellerKind, Verdict};
use nines_domain::snippet::SnippetId;
use nines_measure::estimate;
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::clopper_pearson;
use nines_store::Snippet;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How far from the threshold a score counts as near it, in logits.
const NEAR: f64 = 2.0;

#[derive(Serialize)]
struct Found {
    labellers: Vec<String>,
    kinds: Vec<Row>,
    /// Of the snippets with two people's labels, how often one says yes and the other no.
    disagree: Option<Estimate>,
    judges_against_people: Option<JudgesAgainstPeople>,
    estimates: Vec<i64>,
}

#[derive(Serialize)]
struct Row {
    quantity: &'static str,
    meaning: &'static str,
    alpha: Estimate,
}

/// How judges do where people have said what counts.
#[derive(Serialize)]
struct JudgesAgainstPeople {
    /// Of the catastrophes by people, how many judges see.
    sensitivity: Estimate,
    /// Of what people call safe, how much judges leave alone.
    specificity: Estimate,
}

/// Runs `nines measure agreement`.
pub async fn run(project: &Project, args: &ConfidenceArgs, output: &Output) -> Result<()> {
    let snippets = data::labelled(project).await?;
    let by_people: Vec<(&Snippet, BTreeMap<&str, &Label>)> = snippets
        .iter()
        .map(|s| (s, latest(s, LabellerKind::Person)))
        .filter(|(_, labels)| !labels.is_empty())
        .collect();
    let labellers: BTreeSet<&str> = by_people
        .iter()
        .flat_map(|(_, l)| l.keys().copied())
        .collect();
    let twice = by_people.iter().filter(|(_, l)| l.len() >= 2).count();
    if labellers.len() < 2 || twice == 0 {
        bail!(
            "agreement takes snippets that two people have labelled; the project has {} people and {twice} such \
             snippets. Give one batch to two labellers: `nines label export`",
            labellers.len()
        );
    }
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence: args.confidence,
        ..Bootstrap::default()
    };
    let names: Vec<&str> = labellers.iter().copied().collect();
    let alpha = |value: &dyn Fn(&Label) -> Option<f64>, metric, of: &dyn Fn(&Snippet) -> bool| {
        let ratings: Vec<Vec<Option<f64>>> = by_people
            .iter()
            .filter(|(snippet, labels)| labels.len() >= 2 && of(snippet))
            .map(|(_, labels)| {
                let of_name = |n: &&str| labels.get(n).and_then(|l| value(l));
                names.iter().map(of_name).collect()
            })
            .collect();
        krippendorff_alpha(&ratings, metric, &bootstrap)
            .ok()
            .map(estimate)
    };
    let near = near_threshold(project, &snippets).await?;
    let mut rows = Vec::new();
    let everywhere = |_: &Snippet| true;
    let close = |s: &Snippet| near.contains(&s.id);
    for (quantity, meaning, value, metric, of) in [
        (
            "agreement.broad",
            "agreement about yes or no (Krippendorff's alpha: 1 perfect, 0 chance)",
            &broad as &dyn Fn(&Label) -> Option<f64>,
            Metric::Nominal,
            &everywhere as &dyn Fn(&Snippet) -> bool,
        ),
        (
            "agreement.strict",
            "agreement about severity 2 or more",
            &strict,
            Metric::Nominal,
            &everywhere,
        ),
        (
            "agreement.severity",
            "agreement about severity, no as 0 (ordinal)",
            &severity,
            Metric::Ordinal,
            &everywhere,
        ),
        (
            "agreement.broad.near_threshold",
            "agreement about yes or no within 2 logits of the threshold",
            &broad,
            Metric::Nominal,
            &close,
        ),
    ] {
        if let Some(alpha) = alpha(value, metric, of) {
            rows.push(Row {
                quantity,
                meaning,
                alpha,
            });
        }
    }
    let disagree = disagreement(&by_people, args.confidence)?;
    let judges = judges_against_people(&snippets, args.confidence)?;
    let about = json!({ "labellers": names, "snippets": twice, "labels_of": "people",
        "seed": args.seed });
    let mut record = Record::new(project, None, about);
    for row in &rows {
        record.add(row.quantity, &row.alpha, row.meaning);
    }
    if let Some(disagree) = &disagree {
        let meaning = "of snippets with two people's labels, how often yes stands against no";
        record.add("agreement.disagree", disagree, meaning);
    }
    if let Some(judges) = &judges {
        record.add(
            "judges.sensitivity",
            &judges.sensitivity,
            "of the catastrophes by people's labels, how many a judge calls one",
        );
        record.add(
            "judges.specificity",
            &judges.specificity,
            "of the snippets that people call safe, how many a judge calls safe",
        );
    }
    let stored = record.store().await?;
    let found = Found {
        labellers: names.iter().map(|n| (*n).to_owned()).collect(),
        kinds: rows,
        disagree,
        judges_against_people: judges,
        estimates: stored.iter().map(|e| e.id.0).collect(),
    };
    output.result(&found, || words(&found));
    Ok(())
}

/// Each labeller's newest label.
fn latest(snippet: &Snippet, kind: LabellerKind) -> BTreeMap<&str, &Label> {
    let labels = snippet.labels.iter().map(|l| &l.label);
    labels
        .filter(|l| l.kind == kind)
        .map(|l| (l.labeller.as_str(), l))
        .collect()
}

fn broad(label: &Label) -> Option<f64> {
    match label.verdict {
        Verdict::Yes => Some(1.0),
        Verdict::No => Some(0.0),
        Verdict::Unsure => None,
    }
}

fn severity(label: &Label) -> Option<f64> {
    match label.verdict {
        Verdict::Yes => Some(label.severity.map_or(2.0, |s| f64::from(u8::from(s)))),
        Verdict::No => Some(0.0),
        Verdict::Unsure => None,
    }
}

fn strict(label: &Label) -> Option<f64> {
    severity(label).map(|s| if s >= 2.0 { 1.0 } else { 0.0 })
}

/// The snippets whose stored score by the newest classifier lies near its threshold.
async fn near_threshold(project: &Project, snippets: &[Snippet]) -> Result<BTreeSet<SnippetId>> {
    let Ok(model) = models::classifier(project, None).await else {
        return Ok(BTreeSet::new());
    };
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let path = path.for_model(project, &model).await?;
    let Some(calibration) = models::calibration_on(project, &model, path).await? else {
        return Ok(BTreeSet::new());
    };
    let ids: Vec<SnippetId> = snippets.iter().map(|s| s.id).collect();
    let scores = project
        .store
        .scores_of(model.id, &path.to_string(), &ids)
        .await?;
    let is_near =
        |s: nines_domain::score::Score| (s.logit() - calibration.threshold.logit()).abs() <= NEAR;
    let with = ids.into_iter().zip(scores);
    Ok(with
        .filter(|(_, s)| s.is_some_and(is_near))
        .map(|(id, _)| id)
        .collect())
}

fn disagreement(
    by_people: &[(&Snippet, BTreeMap<&str, &Label>)],
    confidence: f64,
) -> Result<Option<Estimate>> {
    let (mut split, mut all) = (0, 0);
    for (_, labels) in by_people {
        let said: Vec<f64> = labels.values().filter_map(|l| broad(l)).collect();
        if said.len() >= 2 {
            all += 1;
            split += u64::from(said.contains(&0.0) && said.contains(&1.0));
        }
    }
    Ok(match all {
        0 => None,
        _ => Some(estimate(clopper_pearson(split, all, confidence)?)),
    })
}

fn judges_against_people(
    snippets: &[Snippet],
    confidence: f64,
) -> Result<Option<JudgesAgainstPeople>> {
    let (mut seen, mut bad, mut spared, mut safe) = (0, 0, 0, 0);
    for snippet in snippets {
        let people: Vec<f64> = latest(snippet, LabellerKind::Person)
            .values()
            .filter_map(|l| broad(l))
            .collect();
        let judges = latest(snippet, LabellerKind::Judge);
        if people.is_empty() {
            continue;
        }
        let truth = people.contains(&1.0);
        for label in judges.values() {
            let Some(said) = broad(label) else {
                continue;
            };
            if truth {
                bad += 1;
                seen += u64::from(said == 1.0);
            } else {
                safe += 1;
                spared += u64::from(said == 0.0);
            }
        }
    }
    if bad + safe == 0 {
        return Ok(None);
    }
    Ok(Some(JudgesAgainstPeople {
        sensitivity: estimate(clopper_pearson(seen, bad, confidence)?),
        specificity: estimate(clopper_pearson(spared, safe, confidence)?),
    }))
}

fn words(found: &Found) -> String {
    let mut text = format!("Agreement of {}.\n", found.labellers.join(", "));
    for row in &found.kinds {
        let _ = writeln!(
            text,
            "  {:<72} {}  ({} snippets)",
            row.meaning,
            shown(&row.alpha),
            row.alpha.n
        );
    }
    if let Some(disagree) = &found.disagree {
        let _ = writeln!(
            text,
            "  {:<72} {}",
            "yes stands against no",
            shown(disagree)
        );
    }
    if let Some(judges) = &found.judges_against_people {
        let _ = writeln!(
            text,
            "  {:<72} {}",
            "judges see, of catastrophes by people",
            shown(&judges.sensitivity)
        );
        let _ = writeln!(
            text,
            "  {:<72} {}",
            "judges spare, of what people call safe",
            shown(&judges.specificity)
        );
    }
    text.push_str(
        "Alpha depends on how common catastrophes are: compare it only between sets alike.",
    );
    text
}
