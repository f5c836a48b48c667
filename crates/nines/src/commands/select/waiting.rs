//! What a selection chose and fewer have labelled since than were asked for.

use crate::commands::measure::Asked;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::snippet::SnippetId;
use nines_store::{AcquiredItem, Acquisition, Snippet};
use std::collections::BTreeSet;

/// Finds the selection that is asked for by number, or the newest.
pub async fn selection(project: &Project, asked: Option<i64>) -> Result<Acquisition> {
    match asked {
        Some(id) => Ok(project.store.acquisition(id).await?),
        None => {
            let newest = project.store.acquisitions().await?.pop();
            newest.context("nothing has been selected yet; choose: nines select --n 100")
        }
    }
}

/// The snippets of a selection that wait for a label, in the order in which they are to be labelled.
pub async fn open_items(
    project: &Project,
    asked_for: Option<i64>,
    asked: Asked<'_>,
) -> Result<Vec<Snippet>> {
    let selection = selection(project, asked_for).await?;
    let items = project.store.acquired_items(selection.id).await?;
    Ok(open(project, &selection, &items, asked.labeller).await?)
}

/// The snippets among the items of a selection that want another person's label, as its queue does, and that a
/// labeller has not labelled.
pub async fn open(
    project: &Project,
    selection: &Acquisition,
    items: &[AcquiredItem],
    labeller: Option<&str>,
) -> Result<Vec<Snippet>, nines_store::StoreError> {
    let overlap = u64::from(project.store.queue(selection.queue).await?.overlap);
    let ids: Vec<SnippetId> = items.iter().map(|item| item.item.snippet).collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    let waits = |snippet: &Snippet, item: &AcquiredItem| {
        let labels = snippet.labels.iter().map(|stored| &stored.label);
        let people: BTreeSet<_> = labels
            .map(|l| (l.kind.as_str(), l.labeller.as_str()))
            .collect();
        let known = people.iter().any(|(_, name)| Some(*name) == labeller);
        (people.len() as u64) < item.before + overlap && !known
    };
    let both = snippets.into_iter().zip(items);
    Ok(both
        .filter(|(snippet, item)| waits(snippet, item))
        .map(|(snippet, _)| snippet)
        .collect())
}
