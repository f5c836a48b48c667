//! `nines score --stored`: the project's own snippets get scores.

use crate::cli::LongArg;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use crate::scoring::{Scored, Scoring};
use crate::{interrupt, runs};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Report {
    classifier: String,
    path: String,
    #[serde(flatten)]
    scored: Scored,
}

/// Scores all stored snippets that the classifier has not scored on this machine's path.
pub async fn run(
    project: &Project,
    classifier: Option<&str>,
    long: LongArg,
    output: &Output,
) -> Result<()> {
    let cancel = interrupt::flag()?;
    let model = models::classifier(project, classifier).await?;
    let path = ScorePath::of(project, long)?;
    let path = path.for_model(project, &model).await?;
    let config = json!({ "classifier": model.label(), "digest": model.digest,
        "path": path.to_string() });
    let begun = runs::begin(project, output, "score", config, None).await?;
    let (run, before) = (begun.id, begun.done);
    let work = async {
        let scoring = Scoring::load(project, &model, path, run, &cancel, output).await?;
        let scored = scoring.of_unscored(before).await?;
        let result = serde_json::to_value(&scored)?;
        Ok((scored, result))
    };
    let scored = runs::conclude(project, run, &cancel, work).await?;
    let report = Report {
        classifier: model.label(),
        path: path.to_string(),
        scored,
    };
    output.result(&report, || words(&report));
    Ok(())
}

fn words(report: &Report) -> String {
    let mut text = format!(
        "{} scored by {} ({})\n",
        counted(report.scored.scored, "snippet"),
        report.classifier,
        report.path
    );
    for (reason, count) in &report.scored.unscoreable {
        text.push_str(&format!("{count} cannot be scored: {reason}\n"));
    }
    text
}
