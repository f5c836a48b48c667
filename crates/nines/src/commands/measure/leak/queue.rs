//! What waits for a label, in the order in which it is to be labelled.

use super::super::Asked;
use super::Ready;
use super::design::{LeakDesign, adjudicated, answers_of, snippets_of};
use crate::project::Project;
use anyhow::Result;
use nines_domain::label::labellers_wanted;
use nines_domain::snippet::{DesignId, SnippetId};
use nines_store::{DesignKind, FilterAnswer, Snippet};
use std::collections::{BTreeSet, HashMap};

/// Drawn answers that wait for a label, in the order in which they are to be labelled.
pub fn open(ready: &Ready, asked: Asked<'_>) -> Vec<SnippetId> {
    let answers: HashMap<i64, &FilterAnswer> = ready.answers.iter().map(|a| (a.id, a)).collect();
    open_of(&ready.design, &answers, &ready.snippets, asked)
}

fn open_of(
    design: &LeakDesign,
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    asked: Asked<'_>,
) -> Vec<SnippetId> {
    let mut waiting: Vec<(f64, SnippetId)> = design
        .items
        .iter()
        .filter(|item| item.drawn.is_some())
        .filter_map(|item| {
            let stratum = item.item.stratum? as usize;
            let id = answers.get(&item.item.answer)?.accepted?;
            let wants = wants_label(snippets.get(&id)?, asked);
            // Every beginning of this order is a smaller sample with the same proportions.
            wants.then(|| (item.item.lot / design.probabilities[stratum], id))
        })
        .collect();
    waiting.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut met = BTreeSet::new();
    waiting
        .into_iter()
        .map(|(_, id)| id)
        .filter(|id| met.insert(*id))
        .collect()
}

/// Says whether a drawn answer wants another label: nobody's yet, a second labeller's for
/// every catastrophe, or one more where labellers disagree or could not decide.
fn wants_label(snippet: &Snippet, asked: Asked<'_>) -> bool {
    let mut by_kind = snippet.labels.iter().filter(|l| l.label.kind == asked.kind);
    if by_kind.any(|l| Some(l.label.labeller.as_str()) == asked.labeller) {
        return false;
    }
    let so_far = adjudicated(Some(snippet), asked.kind);
    let labels = so_far.as_ref().map_or(0, |a| a.labels);
    labels < labellers_wanted(so_far.as_ref())
}

/// The snippets of a leak design (the newest, where none is named) that wait for a label.
pub async fn open_items(
    project: &Project,
    design: Option<DesignId>,
    asked: Asked<'_>,
) -> Result<Vec<Snippet>> {
    let design = super::super::design_of(project, DesignKind::Leak, design).await?;
    let design = LeakDesign::read(project, design).await?;
    let answers = answers_of(project, &design.design).await?;
    let by_id: HashMap<i64, &FilterAnswer> = answers.iter().map(|a| (a.id, a)).collect();
    let mut snippets = snippets_of(project, answers.iter()).await?;
    let order = open_of(&design, &by_id, &snippets, asked);
    Ok(order
        .into_iter()
        .filter_map(|id| snippets.remove(&id))
        .collect())
}
