//! `nines score`: a file of snippets comes back with scores, or the project's own get theirs.

mod stored;

use super::BadUsage;
use super::filter::threshold_of;
use crate::cli::ScoreArgs;
use crate::interrupt;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::ensemble::Disagreement;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_io::{RowScore, ScoreOptions, ScoreReport, score_file};
use tokio::sync::mpsc;

/// Runs `nines score`.
pub async fn run(project: &Project, args: ScoreArgs, output: &Output) -> Result<()> {
    if args.stored {
        return stored::run(project, args.classifier.as_deref(), args.long, output).await;
    }
    let (Some(file), Some(out)) = (args.file, args.out) else {
        bail!(BadUsage("name a file and --out, or --stored".to_owned()));
    };
    let cancel = interrupt::flag()?;
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    let path = ScorePath::of(project, args.long)?;
    let path = path.for_model(project, &model).await?;
    let threshold = threshold_of(project, &model, args.threshold, path).await?;
    let scorer = models::scorer(project, &model, path).await?;
    let mut options = ScoreOptions::new(model.label());
    options.threshold = Some(threshold.threshold);
    options.disagreement = args.disagreement;
    if args.disagreement && scorer.ensemble().is_none() {
        bail!(BadUsage(format!(
            "{} is one classifier, and only members of an ensemble disagree; name one with --classifier",
            model.label()
        )));
    }
    options.scorer = format!("{} {path}", model.digest);
    let (sender, mut progressed) = mpsc::unbounded_channel();
    let kept = out.display().to_string();
    let stop = cancel.clone();
    let thread = tokio::task::spawn_blocking(move || {
        score_file(
            &file,
            &out,
            &options,
            &mut |snippets| {
                if stop.is_cancelled() {
                    return Err("stopped".into());
                }
                Ok(rows(&*scorer, snippets, options.disagreement))
            },
            &mut |progress| {
                let _ = sender.send(progress);
            },
        )
    });
    let mut progress = Progress::new(output, "score", 0);
    while let Some(at) = progressed.recv().await {
        progress.set_total(at.input_total);
        progress.set(
            at.input_bytes,
            format!("bytes, {}", counted(at.rows, "row")),
        );
    }
    let result = thread.await.context("scoring ended abruptly")?;
    if cancel.is_cancelled() && result.is_err() {
        return Err(super::Interrupted(format!(
            "scoring was stopped; what is done is kept beside {} and the same command goes on",
            kept
        ))
        .into());
    }
    let report = result?;
    progress.finish(&counted(report.rows, "row"));
    output.result(&report, || {
        words(&report, &model.label(), &threshold.to_string())
    });
    if report.scored == 0 && report.bad > 0 {
        bail!("no row could be scored; the reasons are in the side file");
    }
    Ok(())
}

/// Scores snippets, with the disagreement of an ensemble's members where it is asked for.
fn rows(
    scorer: &dyn Scorer,
    snippets: &[SnippetText],
    disagreement: bool,
) -> Vec<Result<RowScore, String>> {
    let Some(ensemble) = scorer.ensemble().filter(|_| disagreement) else {
        let scores = scorer.score(snippets, &mut |_| {}).into_iter();
        let row =
            |score: Result<Score, Unscoreable>| Ok(score.map_err(|why| why.to_string())?.into());
        return scores.map(row).collect();
    };
    let row = |scores: Result<Vec<Score>, Unscoreable>| {
        let scores = scores.map_err(|why| why.to_string())?;
        let logits: Vec<f64> = scores.iter().map(|score| score.logit()).collect();
        Ok(RowScore {
            score: ensemble.combined(&scores).map_err(|why| why.to_string())?,
            disagreement: Disagreement::of(&logits),
        })
    };
    let each = ensemble.each(snippets, &mut |_| {}).into_iter();
    each.map(row).collect()
}

fn words(report: &ScoreReport, classifier: &str, threshold: &str) -> String {
    let mut text = format!(
        "{} scored by {classifier}; {} accepted ({threshold})\nin {}\n",
        counted(report.scored, "row"),
        report.accepted,
        report.out.display()
    );
    if report.resumed > 0 {
        let rows = counted(report.resumed, "row");
        text.push_str(&format!("{rows} done before\n"));
    }
    if let Some(file) = &report.bad_file {
        text.push_str(&format!(
            "{} could not be scored, so not accepted; reasons in {}\n",
            counted(report.bad, "row"),
            file.display()
        ));
    }
    text
}
