//! The hidden states of snippets in a classifier.

use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::snippet::SnippetText;
use nines_store::Model;
use tokio::sync::mpsc;

/// Computes each snippet's hidden state: the mean of the classifier's last layer. None where a snippet does not
/// fit the model.
pub async fn hidden_states(
    project: &Project,
    model: &Model,
    path: ScorePath,
    texts: Vec<SnippetText>,
    what: &str,
    output: &Output,
) -> Result<Vec<Option<Vec<f32>>>> {
    if model.ensemble.is_some() {
        bail!(
            "{} is an ensemble, which has no hidden state of its own; name one of its members with --classifier",
            model.label()
        );
    }
    let folder = models::folder_of(project, model);
    let scorer = models::scorer_of_folder(&folder, path)
        .with_context(|| format!("cannot read the hidden states of {}", model.label()))?;
    let total = texts.len() as u64;
    let (sender, mut done) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        scorer.states(&texts, &mut |n| {
            let _ = sender.send(n as u64);
        })
    });
    let mut progress = Progress::new(output, what, total);
    while let Some(n) = done.recv().await {
        progress.set(n, "");
    }
    let states = thread
        .await
        .context("reading hidden states ended abruptly")?;
    progress.finish(&counted(total, "snippet"));
    Ok(states.into_iter().map(Result::ok).collect())
}
