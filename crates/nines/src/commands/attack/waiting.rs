//! Finds that wait for a label.

use super::KIND;
use super::find::{asked_about, confirmed};
use super::show::Attacked;
use crate::commands::measure::Asked;
use crate::project::Project;
use anyhow::Result;
use nines_domain::snippet::{RunId, SnippetId};
use nines_store::Snippet;
use std::collections::BTreeSet;

/// Lists the finds that the labellers of one kind are asked about and have not decided: of one run, or of all runs and
/// of the sessions of the Rewrite page. Each text once, in an order that tells neither its recipe nor its score.
pub async fn open_finds(
    project: &Project,
    run: Option<RunId>,
    asked: Asked<'_>,
) -> Result<Vec<Snippet>> {
    let runs = match run {
        Some(id) => vec![id],
        None => {
            let all = project.store.runs(Some(KIND)).await?;
            all.into_iter().map(|run| run.id).collect()
        }
    };
    let mut open: BTreeSet<SnippetId> = BTreeSet::new();
    for id in runs {
        let attacked = Attacked::read(project, id).await?;
        for attempt in &attacked.attempts {
            for find in asked_about(attempt) {
                let labellers = find.labels.iter().map(|label| &label.labeller);
                let mut known = labellers.chain(&find.authors);
                // Who has spoken is not asked again, and nobody confirms a find of their own.
                let is_known = known.any(|name| Some(name.as_str()) == asked.labeller);
                let decided = confirmed(attacked.goal, find, attempt.threshold, asked.kind);
                if !is_known && decided.is_none() {
                    open.insert(find.snippet);
                }
            }
        }
    }
    if run.is_none() {
        open.extend(
            project
                .store
                .open_rewritings(asked.kind, asked.labeller)
                .await?,
        );
    }
    let ids: Vec<SnippetId> = open.into_iter().collect();
    let mut snippets = project.store.snippets_by_id(&ids).await?;
    snippets.sort_by_key(|snippet| snippet.hash);
    Ok(snippets)
}
