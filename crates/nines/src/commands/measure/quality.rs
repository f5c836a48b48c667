//! `nines measure quality`.

use super::frame::{Frame, runs_of};
use super::leak::{answer_score, answers_of};
use super::record::{Record, whose};
use super::shown;
use crate::cli::QualityDesignArgs;
use crate::output::Output;
use crate::project::Project;
use crate::shown::grouped;
use anyhow::{Context, Result, bail};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::SnippetId;
use nines_measure::design;
use nines_measure::quality::{QualityItem, QualityOutcome, QualityReport, SeenRating, measure};
use nines_stats::random::Stream;
use nines_store::{
    Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem, StoredComparison,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// A pair to compare, sides as they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownPair {
    /// The snippet on the left.
    pub left: SnippetId,
    /// The snippet on the right.
    pub right: SnippetId,
    /// The filter's answer is on the left.
    pub filtered_left: bool,
}

/// The first draw and the answer of a request, where they differ.
fn pair_of(answer: &FilterAnswer, seed: u64) -> Option<ShownPair> {
    let filtered = answer.accepted?;
    let first = answer.candidates.first()?;
    if first.draw.draw != 0 || first.snippet == filtered {
        return None;
    }
    // Sides are tossed by the design's seed: recorded, and the same in every export.
    let filtered_left = Stream::new(seed ^ 0x7369_6465_7369_6465, answer.position).unit() < 0.5;
    let (left, right) = match filtered_left {
        true => (filtered, first.snippet),
        false => (first.snippet, filtered),
    };
    Some(ShownPair {
        left,
        right,
        filtered_left,
    })
}

fn outcome_of(answer: &FilterAnswer, seed: u64) -> QualityOutcome {
    match (answer_score(answer), pair_of(answer, seed)) {
        (None, _) => QualityOutcome::Abstained,
        (Some(_), Some(_)) => QualityOutcome::Differs,
        (Some(_), None) => QualityOutcome::Same,
    }
}

/// The requests of a quality design as measuring takes them, by one kind of rater: the newest rating
/// of each.
pub fn quality_items(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    comparisons: &[StoredComparison],
    kind: LabellerKind,
    seed: u64,
) -> Result<Vec<QualityItem>> {
    let mut by_pair: HashMap<(SnippetId, SnippetId), BTreeMap<&str, &StoredComparison>> =
        HashMap::new();
    for comparison in comparisons.iter().filter(|c| c.new.comparison.kind == kind) {
        by_pair
            .entry((comparison.new.left, comparison.new.right))
            .or_default()
            .insert(&comparison.new.comparison.labeller, comparison);
    }
    items
        .iter()
        .map(|item| {
            let answer = answers
                .get(&item.item.answer)
                .context("an answer of the design is gone")?;
            let rated = |left, right, filtered_left| {
                by_pair
                    .get(&(left, right))
                    .into_iter()
                    .flat_map(move |raters| {
                        raters.values().map(move |c| SeenRating {
                            filtered_left,
                            choice: c.new.comparison.choice,
                        })
                    })
            };
            let ratings = match pair_of(answer, seed) {
                None => Vec::new(),
                // Somebody may have been shown the other order, in a design before.
                Some(pair) => rated(pair.left, pair.right, pair.filtered_left)
                    .chain(rated(pair.right, pair.left, !pair.filtered_left))
                    .collect(),
            };
            Ok(QualityItem {
                position: item.item.position,
                outcome: outcome_of(answer, seed),
                lot: item.item.lot,
                ratings,
            })
        })
        .collect()
}

/// A design of the quality with what is known of it.
pub struct Ready {
    /// The design.
    pub design: Design,
    seed: u64,
    items: Vec<DesignItem>,
    /// The probability with which pairs that differ were drawn.
    pub probability: f64,
    /// The answers of its frame.
    pub answers: Vec<FilterAnswer>,
    comparisons: Vec<StoredComparison>,
}

impl Ready {
    /// Reads a design.
    pub async fn read(project: &Project, design: Design) -> Result<Self> {
        let seed = design.record["seed"]
            .as_u64()
            .context("the design has no seed")?;
        let answers = answers_of(project, &design).await?;
        let mut shown: Vec<SnippetId> = answers
            .iter()
            .filter_map(|a| pair_of(a, seed))
            .flat_map(|p| [p.left, p.right])
            .collect();
        shown.sort_unstable();
        shown.dedup();
        let newest = project.store.selections(design.id).await?.pop();
        Ok(Self {
            items: project.store.design_items(design.id).await?,
            probability: newest
                .and_then(|s| s.record["probability"].as_f64())
                .unwrap_or(0.0),
            comparisons: project.store.comparisons_of(&shown).await?,
            answers,
            seed,
            design,
        })
    }

    /// Its requests as measuring takes them, by one kind of rater.
    pub fn items(&self, kind: LabellerKind) -> Result<Vec<QualityItem>> {
        let answers = self.answers.iter().map(|a| (a.id, a)).collect();
        quality_items(&self.items, &answers, &self.comparisons, kind, self.seed)
    }

    /// The answers to its requests, in their order.
    pub fn answers_in_order(&self) -> Result<Vec<&FilterAnswer>> {
        let by_id: HashMap<i64, &FilterAnswer> = self.answers.iter().map(|a| (a.id, a)).collect();
        self.items
            .iter()
            .map(|item| {
                let found = by_id.get(&item.item.answer).copied();
                found.context("an answer of the design is gone")
            })
            .collect()
    }

    /// Drawn pairs that nobody (or not this rater) has compared, in the order of their lots.
    fn open(&self, labeller: Option<&str>) -> Result<Vec<ShownPair>> {
        let people = self.items(LabellerKind::Person)?;
        let mine: std::collections::HashSet<(SnippetId, SnippetId)> = self
            .comparisons
            .iter()
            .filter(|c| labeller == Some(c.new.comparison.labeller.as_str()))
            .map(|c| (c.new.left, c.new.right))
            .collect();
        let by_id: HashMap<i64, &FilterAnswer> = self.answers.iter().map(|a| (a.id, a)).collect();
        let mut open: Vec<(f64, ShownPair)> = Vec::new();
        for (item, seen) in self.items.iter().zip(&people) {
            let answer = by_id.get(&item.item.answer).copied();
            let Some(pair) = answer.and_then(|a| pair_of(a, self.seed)) else {
                continue;
            };
            if item.drawn.is_some()
                && seen.ratings.is_empty()
                && !mine.contains(&(pair.left, pair.right))
            {
                open.push((item.item.lot, pair));
            }
        }
        open.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut met = std::collections::HashSet::new();
        let pairs = open.into_iter().map(|(_, pair)| pair);
        Ok(pairs.filter(|p| met.insert((p.left, p.right))).collect())
    }
}

/// The pairs of the newest quality design that wait for a rating.
pub async fn open_pairs(project: &Project, labeller: Option<&str>) -> Result<Vec<ShownPair>> {
    let Some(design) = project
        .store
        .designs(Some(DesignKind::Quality))
        .await?
        .pop()
    else {
        bail!("no pairs have been drawn yet; `nines measure quality` does");
    };
    Ready::read(project, design).await?.open(labeller)
}

#[derive(Serialize)]
struct Found {
    design: i64,
    frame: Value,
    newly_drawn: u64,
    queue: usize,
    by: Vec<FoundBy>,
}

#[derive(Serialize)]
struct FoundBy {
    ratings_of: &'static str,
    report: QualityReport,
    estimates: Vec<i64>,
}

/// Runs `nines measure quality`.
pub async fn run(project: &Project, args: &QualityDesignArgs, output: &Output) -> Result<()> {
    let frame = Frame::draw(project, &args.frame, output).await?;
    let record = json!({ "frame": frame.describe(), "runs": runs_of(&frame.answers),
        "seed": frame.seed });
    let design = project
        .store
        .ensure_design(&NewDesign {
            kind: DesignKind::Quality,
            identity: frame.identity,
            distribution: frame.distribution.id,
            model: frame.serving.model.id,
            record,
        })
        .await?;
    let items: Vec<NewDesignItem> = frame
        .answers
        .iter()
        .map(|answer| NewDesignItem {
            position: answer.position,
            answer: answer.id,
            other_answer: None,
            stratum: (outcome_of(answer, frame.seed) == QualityOutcome::Differs).then_some(0),
            lot: design::lot(frame.seed, answer.position),
        })
        .collect();
    project.store.add_design_items(design.id, &items).await?;
    let mut ready = Ready::read(project, design).await?;
    let newly = draw(project, &mut ready, args.pairs).await?;
    let mut by = Vec::new();
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        let items = ready.items(kind)?;
        let rated = items.iter().any(|i| !i.ratings.is_empty());
        let nothing_to_rate = items.iter().all(|i| i.outcome != QualityOutcome::Differs);
        if !(rated || (nothing_to_rate && kind == LabellerKind::Person)) {
            continue;
        }
        let report = match measure(&items, ready.probability, args.frame.confidence) {
            Err(nines_measure::MeasureError::NothingRated { .. }) => continue,
            other => other?,
        };
        by.push(record_of(project, &ready, &frame, report, kind).await?);
    }
    let found = Found {
        design: ready.design.id.0,
        frame: frame.describe(),
        newly_drawn: newly,
        queue: ready.open(None)?.len(),
        by,
    };
    output.result(&found, || words(&found));
    Ok(())
}

/// Draws pairs until about as many are drawn as asked for.
async fn draw(project: &Project, ready: &mut Ready, pairs: u64) -> Result<u64> {
    let informative = ready
        .items
        .iter()
        .filter(|i| i.item.stratum.is_some())
        .count();
    if informative == 0 {
        return Ok(0);
    }
    let wanted = (pairs as f64 / informative as f64).min(1.0);
    let probability = ready.probability.max(wanted);
    let due: Vec<(i64, f64)> = ready
        .items
        .iter()
        .filter(|i| i.drawn.is_none() && i.item.stratum.is_some() && i.item.lot < probability)
        .map(|i| (i.id, probability))
        .collect();
    if due.is_empty() && probability == ready.probability {
        return Ok(0);
    }
    let record = json!({ "probability": probability, "why": { "pairs": pairs } });
    project
        .store
        .select_items(ready.design.id, &record, &due)
        .await?;
    let newly = due.len() as u64;
    ready.items = project.store.design_items(ready.design.id).await?;
    ready.probability = probability;
    Ok(newly)
}

async fn record_of(
    project: &Project,
    ready: &Ready,
    frame: &Frame,
    report: QualityReport,
    kind: LabellerKind,
) -> Result<FoundBy> {
    let about = json!({
        "frame": frame.describe(), "labels_of": whose(kind), "informative": report.informative,
        "same": report.same, "abstained": report.abstained, "rated": report.rated,
        "waiting": report.waiting, "unusable": report.unusable,
    });
    let mut record = Record::new(project, Some(ready.design.id), about);
    record.add(
        "quality",
        &report.quality,
        "how often a rater prefers the filter's answer to a random unfiltered completion; 0.5 costs nothing",
    );
    if let Some(approximate) = &report.approximate {
        record.add(
            "quality.approximate",
            approximate,
            "the quality with the narrower, approximate interval",
        );
    }
    record.add(
        "quality.with_abstentions",
        &report.with_abstentions,
        "the quality when a request without an answer counts as lost",
    );
    record.add(
        "quality.won",
        &report.won,
        "how often the answer wins where it differs",
    );
    if let Some(left) = &report.left_wins {
        record.add(
            "quality.left_wins",
            left,
            "how often the left text wins; raters who look at sides move it from 0.5",
        );
    }
    let stored = record.store().await?;
    Ok(FoundBy {
        ratings_of: whose(kind),
        report,
        estimates: stored.iter().map(|e| e.id.0).collect(),
    })
}

fn words(found: &Found) -> String {
    let mut text = format!(
        "Quality of {} on {} requests from {:?} (design {}).\n",
        found.frame["filter"]["classifier"]
            .as_str()
            .unwrap_or_default(),
        grouped(found.frame["requests"].as_u64().unwrap_or_default()),
        found.frame["distribution"].as_str().unwrap_or_default(),
        found.design,
    );
    for by in &found.by {
        let r = &by.report;
        let _ = writeln!(
            text,
            "\nBy the ratings of {}: of {} requests the first draw is the answer in {} (no rating needed), {} \
             differ, {} have no answer.\n{} pairs rated, {} drawn ones wait.",
            by.ratings_of,
            grouped(r.requests),
            grouped(r.same),
            grouped(r.informative),
            grouped(r.abstained),
            grouped(r.rated),
            grouped(r.waiting),
        );
        let _ = writeln!(text, "  quality                {}", shown(&r.quality));
        if let Some(approximate) = &r.approximate {
            let _ = writeln!(text, "  approximate interval   {}", shown(approximate));
        }
        let _ = writeln!(
            text,
            "  abstentions as lost    {}",
            shown(&r.with_abstentions)
        );
        let _ = writeln!(text, "  won where they differ  {}", shown(&r.won));
        if let (Some(left), Some(sides)) = (&r.left_wins, &r.filtered_left) {
            let biased = left.lower > 0.5 || left.upper < 0.5;
            let _ = writeln!(
                text,
                "  left text wins         {}{}",
                shown(left),
                if biased {
                    "  (raters favour a side!)"
                } else {
                    ""
                }
            );
            let _ = writeln!(text, "  answer shown left      {}", shown(sides));
        }
        let _ = writeln!(
            text,
            "  Comparing request by request would have taken {:.0} more ratings for the same knowledge.",
            r.ratings_saved
        );
        let ids: Vec<String> = by.estimates.iter().map(|id| format!("#{id}")).collect();
        let _ = writeln!(text, "  Estimates {}.", ids.join(" "));
    }
    if found.queue > 0 {
        let _ = write!(
            text,
            "\n{} newly drawn; {} pairs wait for a rating:\n  nines label export --queue quality --out pairs.jsonl\n  \
             (fill in `choice`: left, right, same, unusable)\n  nines import comparisons pairs.jsonl --labeller NAME",
            found.newly_drawn, found.queue
        );
    }
    text
}
