//! `nines measure compare`.

use super::frame::{Frame, runs_of};
use super::leak::{finding, snippets_of};
use super::record::{Record, whose};
use super::{Asked, shown};
use crate::cli::{CompareFiltersArgs, LongArg};
use crate::commands::filter::threshold_by;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::shown::grouped;
use anyhow::{Context, Result, bail};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ContentHash, DesignId, RunId, SnippetId};
use nines_measure::MeasureError;
use nines_measure::comparison::{CompareReport, ComparedItem, abstention, measure};
use nines_measure::described;
use nines_measure::design;
use nines_store::{
    Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem, Snippet,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

/// Requests drawn where nothing else is said.
const LABELS: u64 = 200;

#[derive(Serialize)]
struct Found {
    design: i64,
    first: Value,
    second: Value,
    /// The share of requests that the first filter leaves without an answer, less that of the second.
    abstention: Estimate,
    queue: usize,
    by: Vec<FoundBy>,
}

#[derive(Serialize)]
struct FoundBy {
    labels_of: &'static str,
    report: CompareReport,
    estimates: Vec<i64>,
}

/// Runs `nines measure compare`.
pub async fn run(project: &Project, args: &CompareFiltersArgs, output: &Output) -> Result<()> {
    let of = |classifier: &str, threshold, tighten| {
        let mut frame = args.frame.clone();
        frame.classifier = Some(classifier.to_owned());
        frame.threshold = threshold;
        frame.tighten = tighten;
        frame
    };
    // The second must be able to answer before the first one's answers are paid for.
    if args.frame.caution.unfamiliarity.is_none() {
        let second = models::classifier(project, Some(&args.second)).await?;
        let path = ScorePath::of(project, LongArg::Refuse)?;
        threshold_by(
            project,
            &second,
            args.second_threshold,
            path,
            "--second-threshold",
        )
        .await?;
    }
    let first_args = of(&args.first, args.frame.threshold, args.frame.tighten);
    let first = Frame::draw(project, &first_args, output).await?;
    let mut second_args = of(&args.second, args.second_threshold, args.second_tighten);
    second_args.answers = Some(first.answers.len() as u64);
    let second = Frame::draw(project, &second_args, output).await?;
    if first.identity == second.identity {
        bail!("both are the same filter; there is nothing to compare");
    }
    let n = first.answers.len().min(second.answers.len());
    let identity = ContentHash::of_fields(
        "compare",
        &[&first.identity.to_string(), &second.identity.to_string()],
    );
    let (first_answers, second_answers) = (&first.answers, &second.answers);
    let runs: Vec<_> = [runs_of(&first.answers), runs_of(&second.answers)].concat();
    let record = json!({ "first": first.describe(), "second": second.describe(),
        "runs": runs, "seed": first.seed });
    let design = project
        .store
        .ensure_design(&NewDesign {
            kind: DesignKind::Compare,
            identity,
            distribution: first.distribution.id,
            model: first.serving.model.id,
            record,
        })
        .await?;
    let pairs = first.answers.iter().zip(&second.answers).take(n);
    let items: Vec<NewDesignItem> = pairs
        .map(|(a, b)| NewDesignItem {
            position: a.position,
            answer: a.id,
            other_answer: Some(b.id),
            stratum: (a.accepted != b.accepted).then_some(0),
            lot: design::lot(first.seed, a.position),
        })
        .collect();
    project.store.add_design_items(design.id, &items).await?;
    let mut stored = project.store.design_items(design.id).await?;
    let differing = stored.iter().filter(|i| i.item.stratum.is_some()).count();
    let before = probability_of(project, design.id).await?;
    let labels = match (args.labels, before > 0.0) {
        (None, true) => 0,
        (asked, _) => asked.unwrap_or(LABELS),
    };
    let probability = before.max((labels as f64 / differing.max(1) as f64).min(1.0));
    let due: Vec<(i64, f64)> = stored
        .iter()
        .filter(|i| i.drawn.is_none() && i.item.stratum.is_some() && i.item.lot < probability)
        .map(|i| (i.id, probability))
        .collect();
    if !due.is_empty() || probability > before {
        let record = json!({ "probability": probability, "why": { "labels": labels } });
        project.store.select_items(design.id, &record, &due).await?;
        stored = project.store.design_items(design.id).await?;
    }
    let abstained = |answers: &[FilterAnswer], at: usize| answers[at].accepted.is_none();
    let alone = |first: bool| {
        let of = |at: &usize| {
            (
                abstained(&first_answers[..n], *at),
                abstained(&second_answers[..n], *at),
            )
        };
        (0..n).filter(|at| of(at) == (first, !first)).count() as u64
    };
    let abstention = abstention(alone(true), alone(false), n as u64, args.frame.confidence)?;
    let snippets = snippets_of(project, first.answers.iter().chain(&second.answers)).await?;
    let answers: HashMap<i64, &FilterAnswer> = first
        .answers
        .iter()
        .chain(&second.answers)
        .map(|a| (a.id, a))
        .collect();
    let mut by = Vec::new();
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        let items = compared(&stored, &answers, &snippets, kind)?;
        let report = match measure(&items, probability, args.frame.confidence) {
            Err(MeasureError::NothingRated { .. }) => continue,
            other => other?,
        };
        if report.labelled == 0 && kind == LabellerKind::Judge {
            continue;
        }
        let about = json!({ "first": first.describe(), "second": second.describe(),
            "labels_of": whose(kind), "report": report });
        let mut record = Record::new(project, Some(design.id), about);
        for (name, difference) in [("broad", &report.broad), ("strict", &report.strict)] {
            record.add(
                &format!("compare.{name}"),
                difference,
                "leak of the first filter minus that of the second: positive when the second leaks less",
            );
        }
        let estimates = record.store().await?;
        by.push(FoundBy {
            labels_of: whose(kind),
            report,
            estimates: estimates.iter().map(|e| e.id.0).collect(),
        });
    }
    let found = Found {
        design: design.id.0,
        first: first.describe(),
        second: second.describe(),
        abstention,
        queue: open(&stored, &answers, &snippets, Asked::PEOPLE).len(),
        by,
    };
    output.result(&found, || words(&found, differing));
    Ok(())
}

async fn probability_of(project: &Project, design: nines_domain::snippet::DesignId) -> Result<f64> {
    let newest = project.store.selections(design).await?.pop();
    Ok(newest
        .and_then(|s| s.record["probability"].as_f64())
        .unwrap_or(0.0))
}

fn compared(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    kind: LabellerKind,
) -> Result<Vec<ComparedItem>> {
    items
        .iter()
        .map(|item| {
            let (a, b) = both(item, answers).context("an answer of the design is gone")?;
            let seen = |answer: &FilterAnswer| {
                let id = answer.accepted?;
                item.item.stratum?;
                Some(finding(snippets.get(&id), kind))
            };
            Ok(ComparedItem {
                lot: item.item.lot,
                first: seen(a),
                second: seen(b),
            })
        })
        .collect()
}

fn both<'a>(
    item: &DesignItem,
    answers: &HashMap<i64, &'a FilterAnswer>,
) -> Option<(&'a FilterAnswer, &'a FilterAnswer)> {
    let first = answers.get(&item.item.answer)?;
    let second = answers.get(&item.item.other_answer?)?;
    Some((first, second))
}

fn open(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    asked: Asked<'_>,
) -> Vec<SnippetId> {
    let mut drawn: Vec<&DesignItem> = items.iter().filter(|i| i.drawn.is_some()).collect();
    drawn.sort_by(|a, b| a.item.lot.total_cmp(&b.item.lot));
    let mut met = BTreeSet::new();
    drawn
        .into_iter()
        .filter_map(|item| both(item, answers))
        .flat_map(|(a, b)| [a.accepted, b.accepted])
        .flatten()
        .filter(|id| {
            snippets.get(id).is_some_and(|s| {
                let by_them = |l: &nines_store::StoredLabel| {
                    Some(l.label.labeller.as_str()) == asked.labeller
                };
                s.labels.iter().all(|l| l.label.kind != asked.kind) && !s.labels.iter().any(by_them)
            })
        })
        .filter(|id| met.insert(*id))
        .collect()
}

/// A design of a comparison, read back.
struct Stored {
    items: Vec<DesignItem>,
    answers: Vec<FilterAnswer>,
}

impl Stored {
    async fn read(project: &Project, design: &Design) -> Result<Self> {
        let runs: Vec<RunId> = serde_json::from_value(design.record["runs"].clone())
            .context("the design names no runs")?;
        let mut answers = Vec::new();
        for run in runs {
            answers.extend(project.store.filter_answers(run).await?);
        }
        Ok(Self {
            items: project.store.design_items(design.id).await?,
            answers,
        })
    }

    fn by_id(&self) -> HashMap<i64, &FilterAnswer> {
        self.answers.iter().map(|a| (a.id, a)).collect()
    }
}

/// The snippets of a comparison (the newest, where none is named) that wait for a label.
pub async fn open_items(
    project: &Project,
    design: Option<DesignId>,
    asked: Asked<'_>,
) -> Result<Vec<Snippet>> {
    let design = super::design_of(project, DesignKind::Compare, design).await?;
    let stored = Stored::read(project, &design).await?;
    let mut snippets = snippets_of(project, stored.answers.iter()).await?;
    let order = open(&stored.items, &stored.by_id(), &snippets, asked);
    Ok(order
        .into_iter()
        .filter_map(|id| snippets.remove(&id))
        .collect())
}

/// The drawn requests of a design with both answers and their labels, as rows.
pub async fn rows(project: &Project, design: &Design) -> Result<Vec<Value>> {
    let stored = Stored::read(project, design).await?;
    let snippets = snippets_of(project, stored.answers.iter()).await?;
    let by_id = stored.by_id();
    let side = |answer: &FilterAnswer| -> Value {
        let snippet = answer.accepted.and_then(|id| snippets.get(&id));
        snippet.map_or(Value::Null, |s| {
            let labels: Vec<_> = s.labels.iter().map(|l| &l.label).collect();
            json!({ "completion": s.text.completion, "labels": labels })
        })
    };
    let drawn = stored.items.iter().filter(|i| i.drawn.is_some());
    Ok(drawn
        .filter_map(|item| {
            let (a, b) = both(item, &by_id)?;
            Some(
                json!({ "request": item.item.position, "probability": item.drawn,
                "first": side(a), "second": side(b) }),
            )
        })
        .collect())
}

fn words(found: &Found, differing: usize) -> String {
    let name = |v: &Value| {
        let filter = &v["filter"];
        let classifier = filter["classifier"].as_str().unwrap_or_default();
        // Of the same classifier twice the threshold tells which is meant.
        let same = found.first["filter"]["classifier"] == found.second["filter"]["classifier"];
        let threshold = filter["threshold"].as_f64().filter(|_| same);
        let tightening = filter["law"]["step"].as_f64();
        let mut name = classifier.to_owned();
        for (word, part) in [
            ("at logit", threshold.map(|logit| format!("{logit:.3}"))),
            ("tightening by", tightening.map(|step| step.to_string())),
            ("with", described::caution(filter)),
        ] {
            if let Some(part) = part {
                let _ = write!(name, " {word} {part}");
            }
        }
        name
    };
    let (first, second) = (name(&found.first), name(&found.second));
    let mut text = format!(
        "{first} against {second} on {} requests from {:?} (design {}): {} answers differ; equal ones need no \
         label.\n",
        grouped(found.first["requests"].as_u64().unwrap_or_default()),
        found.first["distribution"].as_str().unwrap_or_default(),
        found.design,
        grouped(differing as u64),
    );
    let _ = writeln!(
        text,
        "abstentions, first minus second  {}",
        shown(&found.abstention)
    );
    for by in &found.by {
        let r = &by.report;
        let _ = writeln!(
            text,
            "\nBy the labels of {}: {} requests labelled of {} drawn; catastrophes (broad, strict): {first} {:?}, \
             {second} {:?}.",
            by.labels_of, r.labelled, r.drawn, r.first, r.second
        );
        let _ = writeln!(
            text,
            "  strict leak, first minus second  {}",
            shown(&r.strict)
        );
        let _ = writeln!(
            text,
            "  broad leak, first minus second   {}",
            shown(&r.broad)
        );
        let verdict = match (r.strict.lower > 0.0, r.strict.upper < 0.0) {
            (true, _) => format!("{second} leaks less."),
            (_, true) => format!("{first} leaks less."),
            _ => "These labels do not tell them apart.".to_owned(),
        };
        let _ = writeln!(text, "  {verdict}");
    }
    if found.queue > 0 {
        let _ = write!(
            text,
            "\n{} wait for a label:\n  nines label export --queue compare --design {} --out compare.jsonl",
            found.queue, found.design
        );
    }
    text
}
