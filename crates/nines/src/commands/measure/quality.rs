//! `nines measure quality`.

use super::distribution::Named;
use super::frame::{Frame, runs_of};
use super::leak::answers_of;
use super::record::{Record, whose};
use super::shown;
use crate::cli::QualityDesignArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use crate::project::Project;
use crate::shown::grouped;
use anyhow::{Context, Result, bail};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetId;
use nines_measure::design;
use nines_measure::distribution::Reweighting;
use nines_measure::quality::{
    QualityItem, QualityOutcome, QualityReport, SeenRating, measure, reweighted,
};
use nines_stats::random::Stream;
use nines_store::{
    Candidate, Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem,
    StoredComparison,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
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
fn pair_of(answer: &FilterAnswer, seed: u64, threshold: Threshold) -> Option<ShownPair> {
    let first = answer.candidates.first()?;
    let filtered = answered_at(answer, threshold)?.snippet;
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

/// What a filter with another threshold would have answered from the same draws. It must not be lower
/// than the frame's own: draws beyond the answer were never made. Requests that the frame's own filter
/// does not answer stay unanswered, so that all thresholds speak of the same requests.
fn answered_at(answer: &FilterAnswer, threshold: Threshold) -> Option<&Candidate> {
    answer.accepted?;
    answer
        .candidates
        .iter()
        .find(|c| c.ruling.score().is_some_and(|s| threshold.accepts(s)))
}

fn outcome_of(answer: &FilterAnswer, seed: u64, threshold: Threshold) -> QualityOutcome {
    if answered_at(answer, threshold).is_none() {
        QualityOutcome::Abstained
    } else if pair_of(answer, seed, threshold).is_some() {
        QualityOutcome::Differs
    } else {
        QualityOutcome::Same
    }
}

/// The requests of a quality design as measuring takes them, by one kind of rater: the newest rating
/// of each.
pub fn quality_items(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    comparisons: &[StoredComparison],
    kind: LabellerKind,
    (seed, threshold): (u64, Threshold),
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
            let ratings = match pair_of(answer, seed, threshold) {
                None => Vec::new(),
                // Somebody may have been shown the other order, in a design before.
                Some(pair) => rated(pair.left, pair.right, pair.filtered_left)
                    .chain(rated(pair.right, pair.left, !pair.filtered_left))
                    .collect(),
            };
            Ok(QualityItem {
                position: item.item.position,
                prompt: answer.prompt,
                outcome: outcome_of(answer, seed, threshold),
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
    /// The frame's own threshold, and the less cautious ones of the curve.
    thresholds: Vec<Threshold>,
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
        let newest = project.store.selections(design.id).await?.pop();
        let own = serde_json::from_value(design.record["frame"]["filter"]["threshold"].clone())
            .context("the design has no threshold")?;
        let mut thresholds: Vec<Threshold> = vec![own];
        if let Some(selection) = &newest {
            let curve: Vec<Threshold> =
                serde_json::from_value(selection.record["curve"].clone()).unwrap_or_default();
            thresholds.extend(curve);
        }
        let mut shown: Vec<SnippetId> = answers
            .iter()
            .flat_map(|a| thresholds.iter().filter_map(move |t| pair_of(a, seed, *t)))
            .flat_map(|p| [p.left, p.right])
            .collect();
        shown.sort_unstable();
        shown.dedup();
        Ok(Self {
            thresholds,
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

    /// Its requests at the frame's own threshold, as measuring takes them, by one kind of rater.
    pub fn own_items(&self, kind: LabellerKind) -> Result<Vec<QualityItem>> {
        self.items(kind, self.thresholds[0])
    }

    fn items(&self, kind: LabellerKind, threshold: Threshold) -> Result<Vec<QualityItem>> {
        let answers = self.answers.iter().map(|a| (a.id, a)).collect();
        let at = (self.seed, threshold);
        quality_items(&self.items, &answers, &self.comparisons, kind, at)
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
        let mine: HashSet<(SnippetId, SnippetId)> = self
            .comparisons
            .iter()
            .filter(|c| labeller == Some(c.new.comparison.labeller.as_str()))
            .map(|c| (c.new.left, c.new.right))
            .collect();
        let by_id: HashMap<i64, &FilterAnswer> = self.answers.iter().map(|a| (a.id, a)).collect();
        let mut open: Vec<(f64, ShownPair)> = Vec::new();
        for threshold in &self.thresholds {
            let people = self.items(LabellerKind::Person, *threshold)?;
            for (item, seen) in self.items.iter().zip(&people) {
                let answer = by_id.get(&item.item.answer).copied();
                let Some(pair) = answer.and_then(|a| pair_of(a, self.seed, *threshold)) else {
                    continue;
                };
                let is_mine = mine.contains(&(pair.left, pair.right));
                if item.drawn.is_some() && seen.ratings.is_empty() && !is_mine {
                    open.push((item.item.lot, pair));
                }
            }
        }
        open.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut met = HashSet::new();
        let pairs = open.into_iter().map(|(_, pair)| pair);
        Ok(pairs.filter(|p| met.insert((p.left, p.right))).collect())
    }
}

/// The drawn pairs of a design with their ratings, as rows.
pub async fn rows(project: &Project, design: Design) -> Result<Vec<Value>> {
    let ready = Ready::read(project, design).await?;
    let by_id: HashMap<i64, &FilterAnswer> = ready.answers.iter().map(|a| (a.id, a)).collect();
    let mut found = Vec::new();
    for item in ready.items.iter().filter(|i| i.drawn.is_some()) {
        let Some(answer) = by_id.get(&item.item.answer) else {
            continue;
        };
        for threshold in &ready.thresholds {
            let Some(pair) = pair_of(answer, ready.seed, *threshold) else {
                continue;
            };
            let snippets = project
                .store
                .snippets_by_id(&[pair.left, pair.right])
                .await?;
            let ratings: Vec<Value> = ready
                .comparisons
                .iter()
                .filter(|c| (c.new.left, c.new.right) == (pair.left, pair.right))
                .map(|c| json!({ "id": c.id, "comparison": c.new.comparison }))
                .collect();
            found.push(json!({
                "request": item.item.position, "probability": item.drawn, "threshold": threshold,
                "prompt": snippets[0].text.prompt, "left": snippets[0].text.completion,
                "right": snippets[1].text.completion, "filtered_left": pair.filtered_left,
                "ratings": ratings,
            }));
        }
    }
    Ok(found)
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
pub struct Found {
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
    /// The quality at less cautious thresholds.
    curve: Vec<CurvePoint>,
    /// The quality on other distributions, abstentions as lost.
    reweighted: BTreeMap<String, Estimate>,
    estimates: Vec<i64>,
}

/// The quality at a threshold.
#[derive(Serialize)]
struct CurvePoint {
    threshold: Threshold,
    /// Requests whose first draw it rejects.
    informative: u64,
    rated: u64,
    waiting: u64,
    quality: Estimate,
}

/// Runs `nines measure quality`.
pub async fn run(project: &Project, args: &QualityDesignArgs, output: &Output) -> Result<()> {
    let found = measured(project, args, output).await?;
    output.result(&found, || words(&found));
    Ok(())
}

/// Draws the frame and the pairs that are still to be drawn, and estimates nothing.
pub async fn draw_only(project: &Project, args: &QualityDesignArgs, output: &Output) -> Result<()> {
    ready(project, args, output).await?;
    Ok(())
}

async fn ready(
    project: &Project,
    args: &QualityDesignArgs,
    output: &Output,
) -> Result<(Frame, Ready, u64)> {
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
    let own = frame.serving.threshold.threshold;
    let curve = curve_of(&args.curve, own)?;
    let items: Vec<NewDesignItem> = frame
        .answers
        .iter()
        .map(|answer| NewDesignItem {
            position: answer.position,
            answer: answer.id,
            other_answer: None,
            stratum: (outcome_of(answer, frame.seed, own) == QualityOutcome::Differs).then_some(0),
            lot: design::lot(frame.seed, answer.position),
        })
        .collect();
    project.store.add_design_items(design.id, &items).await?;
    let mut ready = Ready::read(project, design).await?;
    let newly = draw(project, &mut ready, args.pairs, &curve).await?;
    let ready = Ready::read(project, ready.design).await?;
    Ok((frame, ready, newly))
}

/// Draws pairs that are still to be drawn, and estimates the quality from what is rated.
pub async fn measured(
    project: &Project,
    args: &QualityDesignArgs,
    output: &Output,
) -> Result<Found> {
    let (frame, ready, newly) = ready(project, args, output).await?;
    let mut by = Vec::new();
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        let items = ready.items(kind, ready.thresholds[0])?;
        let rated = items.iter().any(|i| !i.ratings.is_empty());
        let nothing_to_rate = items.iter().all(|i| i.outcome != QualityOutcome::Differs);
        if !(rated || (nothing_to_rate && kind == LabellerKind::Person)) {
            continue;
        }
        let report = match measure(&items, ready.probability, args.frame.confidence) {
            Err(nines_measure::MeasureError::NothingRated { .. }) => continue,
            other => other?,
        };
        let curve = curve(&ready, kind, args.frame.confidence)?;
        let others = reweighted_to(project, &frame, &items, ready.probability, args).await?;
        by.push(record_of(project, &ready, &frame, report, (curve, others), kind).await?);
    }
    Ok(Found {
        design: ready.design.id.0,
        frame: frame.describe(),
        newly_drawn: newly,
        queue: ready.open(None)?.len(),
        by,
    })
}

/// The quality at the thresholds of the curve whose pairs are rated.
fn curve(ready: &Ready, kind: LabellerKind, confidence: f64) -> Result<Vec<CurvePoint>> {
    let mut points = Vec::new();
    for threshold in &ready.thresholds[1..] {
        let items = ready.items(kind, *threshold)?;
        let report = match measure(&items, ready.probability, confidence) {
            Err(nines_measure::MeasureError::NothingRated { .. }) => continue,
            other => other?,
        };
        points.push(CurvePoint {
            threshold: *threshold,
            informative: report.informative,
            rated: report.rated,
            waiting: report.waiting,
            quality: report.quality,
        });
    }
    Ok(points)
}

/// The quality re-weighted to every other distribution that shares prompts with the frame's.
async fn reweighted_to(
    project: &Project,
    frame: &Frame,
    items: &[QualityItem],
    probability: f64,
    args: &QualityDesignArgs,
) -> Result<BTreeMap<String, Estimate>> {
    let mut found = BTreeMap::new();
    for other in Named::all(project).await? {
        if other.id == frame.distribution.id {
            continue;
        }
        let Ok(reweighting) = Reweighting::new(&frame.distribution.shares, &other.shares) else {
            continue;
        };
        let estimate = reweighted(items, probability, &reweighting, args.frame.confidence)?;
        found.insert(other.name, estimate);
    }
    Ok(found)
}

/// Draws pairs until about as many are drawn as asked for.
async fn draw(
    project: &Project,
    ready: &mut Ready,
    pairs: u64,
    curve: &[Threshold],
) -> Result<u64> {
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
    let wanted: Vec<Threshold> = match curve {
        [] => ready.thresholds[1..].to_vec(),
        curve => curve.to_vec(),
    };
    if due.is_empty() && probability == ready.probability && wanted == ready.thresholds[1..] {
        return Ok(0);
    }
    let record = json!({ "probability": probability, "curve": wanted, "why": { "pairs": pairs } });
    project
        .store
        .select_items(ready.design.id, &record, &due)
        .await?;
    Ok(due.len() as u64)
}

/// The thresholds of a curve: less cautious than the frame's own, rising.
fn curve_of(probabilities: &[f64], own: Threshold) -> Result<Vec<Threshold>> {
    let mut curve = probabilities
        .iter()
        .map(|p| Ok(Threshold::from_probability(*p)?))
        .collect::<Result<Vec<_>>>()?;
    if let Some(lower) = curve.iter().find(|t| t.logit() <= own.logit()) {
        bail!(BadUsage(format!(
            "--curve takes thresholds less cautious than the frame's own, and {lower} is not above {own}: draws \
             beyond an answer were never made. Measure at the most cautious one (--threshold) and put the others \
             into --curve"
        )));
    }
    curve.sort_by(|a, b| a.logit().total_cmp(&b.logit()));
    curve.dedup_by_key(|t| t.logit());
    Ok(curve)
}

async fn record_of(
    project: &Project,
    ready: &Ready,
    frame: &Frame,
    report: QualityReport,
    (curve, reweighted): (Vec<CurvePoint>, BTreeMap<String, Estimate>),
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
    for (name, estimate) in &reweighted {
        record.add(
            &format!("quality.on.{name}"),
            estimate,
            "the quality re-weighted to another distribution of prompts, abstentions as lost",
        );
    }
    for point in &curve {
        record.about["threshold"] = json!(point.threshold);
        record.add(
            "quality.at",
            &point.quality,
            "the quality at another threshold, over the requests that the frame's own filter answers",
        );
    }
    let stored = record.store().await?;
    Ok(FoundBy {
        ratings_of: whose(kind),
        curve,
        reweighted,
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
        for point in &by.curve {
            let _ = writeln!(
                text,
                "  at {:<19} {}  ({} differ, {} rated, {} wait)",
                format!("P < {:.3e}", point.threshold.probability()),
                shown(&point.quality),
                point.informative,
                point.rated,
                point.waiting
            );
        }
        for (name, estimate) in &by.reweighted {
            let _ = writeln!(
                text,
                "  on {name:<19} {}  (re-weighted, abstentions as lost)",
                shown(estimate)
            );
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
