//! Designs of the leak: which answers lie in which stratum, and which were drawn.

use super::super::frame::{Frame, runs_of};
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::label::{Adjudication, Label, LabellerKind};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetId;
use nines_measure::design::{self, Strata, StratumPlan};
use nines_measure::leak::{Finding, LeakItem};
use nines_store::{
    Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem, Snippet,
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// A design of the leak with its items and what is known of them.
pub struct LeakDesign {
    /// The design.
    pub design: Design,
    /// Its strata.
    pub strata: Strata,
    /// Its requests.
    pub items: Vec<DesignItem>,
    /// For each stratum, the probability of the newest selection.
    pub probabilities: Vec<f64>,
    /// The leak that the newest selection with a goal was to show.
    pub goal: Option<f64>,
}

impl LeakDesign {
    /// Reads a design.
    pub async fn read(project: &Project, design: Design) -> Result<Self> {
        let strata: Strata = serde_json::from_value(design.record["strata"].clone())
            .context("the design's strata cannot be read")?;
        let items = project.store.design_items(design.id).await?;
        let mut selections = project.store.selections(design.id).await?;
        let goal = selections
            .iter()
            .rev()
            .find_map(|s| s.record["why"]["leak"].as_f64());
        let probabilities = match selections.pop() {
            Some(selection) => serde_json::from_value(selection.record["probabilities"].clone())
                .context("the selection's probabilities cannot be read")?,
            None => vec![0.0; strata.count()],
        };
        Ok(Self {
            design,
            strata,
            items,
            probabilities,
            goal,
        })
    }

    /// Finds or makes the design of a frame, with an item for each of its requests.
    pub async fn of(project: &Project, frame: &Frame, strata: u64) -> Result<Self> {
        let scores: Vec<Score> = frame.answers.iter().filter_map(answer_score).collect();
        let record = json!({
            "frame": frame.describe(), "runs": runs_of(&frame.answers), "seed": frame.seed,
            "strata": design::cut_points(&scores, strata as usize),
        });
        let design = project
            .store
            .ensure_design(&NewDesign {
                kind: DesignKind::Leak,
                identity: frame.identity,
                distribution: frame.distribution.id,
                model: frame.serving.model.id,
                record,
            })
            .await?;
        let strata: Strata = serde_json::from_value(design.record["strata"].clone())?;
        let items: Vec<NewDesignItem> = frame
            .answers
            .iter()
            .map(|answer| NewDesignItem {
                position: answer.position,
                answer: answer.id,
                other_answer: None,
                stratum: answer_score(answer).map(|s| strata.of(s) as u32),
                lot: design::lot(frame.seed, answer.position),
            })
            .collect();
        project.store.add_design_items(design.id, &items).await?;
        Self::read(project, design).await
    }

    /// Draws what a plan asks for beyond what is drawn.
    pub async fn select(
        &mut self,
        project: &Project,
        probabilities: Vec<f64>,
        why: Value,
    ) -> Result<u64> {
        let due: Vec<(i64, f64)> = self
            .items
            .iter()
            .filter(|item| item.drawn.is_none())
            .filter_map(|item| {
                let probability = probabilities[item.item.stratum? as usize];
                (item.item.lot < probability).then_some((item.id, probability))
            })
            .collect();
        if due.is_empty() && probabilities == self.probabilities {
            return Ok(0);
        }
        let record = json!({ "probabilities": probabilities, "why": why });
        project
            .store
            .select_items(self.design.id, &record, &due)
            .await?;
        let count = due.len() as u64;
        let due: HashMap<i64, f64> = due.into_iter().collect();
        for item in &mut self.items {
            item.drawn = due.get(&item.id).copied().or(item.drawn);
        }
        self.probabilities = probabilities;
        Ok(count)
    }

    /// What a plan knows of each stratum: sizes, what is drawn, and rates by the classifier. The
    /// scores are those of the answers, in the order of the items.
    pub fn plans(&self, scores: &[Option<Score>]) -> Vec<StratumPlan> {
        let mut sums = vec![(0u64, 0.0); self.strata.count()];
        for (item, score) in self.items.iter().zip(scores) {
            let (Some(h), Some(score)) = (item.item.stratum, *score) else {
                continue;
            };
            // By scores alone: probabilities that follow the labels which they weigh would bias the leak.
            let (size, risk) = &mut sums[h as usize];
            *size += 1;
            *risk += score.probability();
        }
        sums.into_iter()
            .zip(&self.probabilities)
            .map(|((size, risk), drawn)| StratumPlan {
                size,
                drawn: *drawn,
                expected: if size > 0 { risk / size as f64 } else { 0.0 },
            })
            .collect()
    }
}

/// The score of the accepted candidate.
pub fn answer_score(answer: &FilterAnswer) -> Option<Score> {
    answer.accepted_candidate()?.ruling.score()
}

/// What one kind of labeller says of a snippet.
pub fn finding(snippet: Option<&Snippet>, kind: LabellerKind) -> Finding {
    Finding::of(adjudicated(snippet, kind).as_ref())
}

/// The verdict that counts by one kind of labeller.
pub fn adjudicated(snippet: Option<&Snippet>, kind: LabellerKind) -> Option<Adjudication> {
    let labels: Vec<Label> = snippet?
        .labels
        .iter()
        .map(|l| l.label.clone())
        .filter(|l| l.kind == kind)
        .collect();
    Adjudication::of(&labels)
}

/// The snippets of answers, by key.
pub async fn snippets_of(
    project: &Project,
    answers: impl Iterator<Item = &FilterAnswer>,
) -> Result<HashMap<SnippetId, Snippet>> {
    let ids: BTreeSet<SnippetId> = answers.filter_map(|a| a.accepted).collect();
    let ids: Vec<SnippetId> = ids.into_iter().collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    Ok(snippets.into_iter().map(|s| (s.id, s)).collect())
}

/// The design's requests as measuring takes them, by one kind of labeller.
pub fn items_of(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    kind: LabellerKind,
) -> Result<Vec<LeakItem>> {
    items
        .iter()
        .map(|item| {
            let answer = answers
                .get(&item.item.answer)
                .context("an answer of the design is gone")?;
            let first = answer.candidates.first();
            Ok(LeakItem {
                prompt: answer.prompt,
                stratum: item.item.stratum.map(|h| h as usize),
                lot: item.item.lot,
                first_draw: first.is_some_and(|c| c.draw.draw == 0 && c.ruling.is_accepted()),
                finding: finding(answer.accepted.and_then(|id| snippets.get(&id)), kind),
            })
        })
        .collect()
}

/// The answers of a design's frame.
pub async fn answers_of(project: &Project, design: &Design) -> Result<Vec<FilterAnswer>> {
    let mut answers = Vec::new();
    let frame = design.identity.to_string();
    for run in project.store.runs(Some("frame")).await? {
        if run.config["frame"].as_str() == Some(&frame) {
            answers.extend(project.store.filter_answers(run.id).await?);
        }
    }
    Ok(answers)
}
