//! Designs of the quality: pairs of an unfiltered completion and the filter's answer, and which of
//! them were drawn.

use super::super::Asked;
use super::super::frame::{Frame, refuse_caution, refuse_tightening, runs_of};
use super::super::leak::answers_of;
use crate::cli::QualityDesignArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::label::LabellerKind;
use nines_domain::score::Threshold;
use nines_domain::snippet::{DesignId, SnippetId};
use nines_measure::described::is_plain;
use nines_measure::design;
use nines_measure::quality::{QualityItem, QualityOutcome, SeenRating};
use nines_stats::random::Stream;
use nines_store::{
    Candidate, Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem,
    StoredComparison,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Pairs drawn where nothing else is said.
const PAIRS: u64 = 150;

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
    let first = first_draw(answer)?;
    let filtered = answered_at(answer, threshold)?.snippet;
    if first.snippet == filtered {
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

/// The first draw of a request: its unfiltered completion. None where the generator failed to make it.
fn first_draw(answer: &FilterAnswer) -> Option<&Candidate> {
    answer.candidates.first().filter(|c| c.draw.draw == 0)
}

/// What a filter with another threshold would have answered from the same draws. It must not be lower
/// than the frame's own: draws beyond the answer were never made. Requests that the frame's own filter
/// does not answer stay unanswered, so that all thresholds speak of the same requests.
fn answered_at(answer: &FilterAnswer, threshold: Threshold) -> Option<&Candidate> {
    answer.accepted?;
    // A threshold that tightens is not the same for every draw.
    if threshold == answer.threshold {
        return answer.accepted_candidate();
    }
    answer
        .candidates
        .iter()
        .find(|c| c.ruling.score().is_some_and(|s| threshold.accepts(s)))
}

fn outcome_of(answer: &FilterAnswer, seed: u64, threshold: Threshold) -> QualityOutcome {
    if first_draw(answer).is_none() {
        QualityOutcome::NoFirst
    } else if answered_at(answer, threshold).is_none() {
        QualityOutcome::Abstained
    } else if pair_of(answer, seed, threshold).is_some() {
        QualityOutcome::Differs
    } else {
        QualityOutcome::Same
    }
}

/// The requests of a quality design as measuring takes them, by one kind of rater: the newest rating
/// of each.
fn quality_items(
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
    /// The frame's own threshold, and the less cautious ones of the curve, which only a plain filter has.
    pub thresholds: Vec<Threshold>,
    /// Its requests.
    pub items: Vec<DesignItem>,
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
        let filter = &design.record["frame"]["filter"];
        let own = serde_json::from_value(filter["threshold"].clone())
            .context("the design has no threshold")?;
        let mut thresholds: Vec<Threshold> = vec![own];
        if let Some(selection) = &newest
            && is_plain(filter)
        {
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

    /// The same at another threshold.
    pub fn items(&self, kind: LabellerKind, threshold: Threshold) -> Result<Vec<QualityItem>> {
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

    /// Drawn pairs that nobody of a kind (or not this rater) has compared, in the order of their lots.
    pub fn open(&self, asked: Asked<'_>) -> Result<Vec<ShownPair>> {
        let mine: HashSet<(SnippetId, SnippetId)> = self
            .comparisons
            .iter()
            .filter(|c| asked.labeller == Some(c.new.comparison.labeller.as_str()))
            .map(|c| (c.new.left, c.new.right))
            .collect();
        let by_id: HashMap<i64, &FilterAnswer> = self.answers.iter().map(|a| (a.id, a)).collect();
        let mut open: Vec<(f64, ShownPair)> = Vec::new();
        for threshold in &self.thresholds {
            let rated = self.items(asked.kind, *threshold)?;
            for (item, seen) in self.items.iter().zip(&rated) {
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

/// The pairs of a quality design (the newest, where none is named) that wait for a rating.
pub async fn open_pairs(
    project: &Project,
    design: Option<DesignId>,
    asked: Asked<'_>,
) -> Result<Vec<ShownPair>> {
    let design = super::super::design_of(project, DesignKind::Quality, design).await?;
    Ready::read(project, design).await?.open(asked)
}

/// Draws the frame, and the pairs that are still to be drawn. Returns how many are new.
pub async fn ready(
    project: &Project,
    args: &QualityDesignArgs,
    output: &Output,
) -> Result<(Frame, Ready, u64)> {
    if !args.curve.is_empty() {
        refuse_tightening(args.frame.tighten, "--curve")?;
        refuse_caution(&args.frame.caution, "--curve")?;
    }
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

/// Draws pairs until about as many are drawn as asked for. Returns how many are new.
pub async fn draw(
    project: &Project,
    ready: &mut Ready,
    pairs: Option<u64>,
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
    let pairs = match (pairs, ready.probability > 0.0) {
        // Asking for the numbers again asks nobody for more.
        (None, true) => 0,
        (asked, _) => asked.unwrap_or(PAIRS),
    };
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
