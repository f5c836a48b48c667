//! How well a new version does on the test split.

use crate::data;
use crate::models;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use nines_domain::split::Split;
use nines_infer::scorer::Scorer;
use nines_measure::classifier_metrics::{ClassifierMetrics, classifier_metrics};
use nines_measure::items::Truth;
use nines_stats::bootstrap::Bootstrap;
use nines_store::Snippet;
use std::sync::Arc;

/// Scores the test split, which training never saw, and measures.
pub async fn test_metrics(
    project: &Project,
    scorer: Arc<dyn Scorer>,
    snippets: &[Snippet],
    output: &Output,
) -> Result<ClassifierMetrics> {
    let seed = project.config.project.split_seed;
    let test: Vec<&Snippet> = snippets
        .iter()
        .filter(|snippet| snippet.split(seed) == Split::Test)
        .collect();
    // The folder's name, without the digest of its files.
    let version = scorer.version();
    let name = version
        .rsplit_once('@')
        .map_or(version, |(name, _)| name)
        .to_owned();
    let texts = test.iter().map(|snippet| snippet.text.clone()).collect();
    let scores = models::score_all(scorer, texts, "score test", output).await?;
    let scored: Vec<_> = test
        .into_iter()
        .zip(scores.into_iter().map(Result::ok))
        .collect();
    let items = data::labelled_items(scored.iter().copied(), seed);
    let random = data::random_completions(scored, seed);
    Ok(classifier_metrics(
        &name,
        &items,
        &random,
        Truth::Broad,
        &Bootstrap::default(),
    )?)
}
