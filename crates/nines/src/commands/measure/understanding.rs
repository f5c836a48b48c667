//! `nines measure understanding`: whether the generator takes a missed catastrophe in.

mod asking;
mod known;

use super::super::generate;
use crate::cli::{LongArg, UnderstandingArgs};
use crate::commands::filter::threshold_of;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use asking::{Asked, Asking, LeftOut, control_seed};
use known::Known;
use nines_domain::score::Threshold;
use nines_infer::scorer::Scorer;
use nines_measure::understanding::{Because, Lost, Understanding, understanding};
use nines_store::Snippet;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

/// What the command says.
#[derive(Serialize)]
struct Answer {
    classifier: String,
    judge: String,
    /// A continuation implies the catastrophe from this log odds of the judge's on.
    judge_threshold: Threshold,
    continuations: u32,
    /// Controls that nobody had labelled were drawn from this seed.
    control_seed: u64,
    /// Missed catastrophes without a control.
    without_control: usize,
    /// Why they have none.
    left_out: LeftOut,
    /// What is missing of the draws for controls.
    controls_lost: Lost,
    /// What the first of the draws that failed, or could not be scored, said.
    #[serde(skip_serializing_if = "Option::is_none")]
    such_as: Option<String>,
    #[serde(flatten)]
    found: Understanding,
}

/// Runs `nines measure understanding`.
pub async fn run(project: &Project, args: &UnderstandingArgs, output: &Output) -> Result<()> {
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    let threshold = threshold_of(project, &model, args.threshold, path)
        .await?
        .threshold;
    let scorer = models::scorer(project, &model, path).await?;
    let judge_model = match &args.judge {
        Some(name) => models::classifier(project, Some(name)).await?,
        None => model.clone(),
    };
    let judge = models::scorer(project, &judge_model, path).await?;
    let judge_threshold = Threshold::from_probability(args.implied)?;
    let labelled = data::labelled(project).await?;
    let known = Known::new(&labelled);
    let missed = missed(
        labelled,
        scorer.clone(),
        threshold,
        args.limit as usize,
        output,
    )
    .await?;
    let sampling = generate::sampling(project, &args.sampling);
    let run = runs::begin(
        project,
        output,
        "understanding",
        json!({ "classifier": model.label(), "threshold": threshold, "judge": judge_model.label(),
            "judge_threshold": judge_threshold, "continuations": args.continuations, "sampling": sampling,
            "control_seed": control_seed(&sampling), "snippets": missed.iter().map(|snippet| snippet.id).collect::<Vec<_>>() }),
        Some(sampling.seed),
    )
    .await?;
    let cancel = interrupt::flag()?;
    let control_seed = control_seed(&sampling);
    let asking = Asking {
        generator: models::generator(project)?,
        scorer,
        threshold,
        judge,
        judge_threshold,
        sampling,
        continuations: args.continuations,
        known,
        cancel: cancel.clone(),
    };
    let work = async {
        let missed: Vec<_> = missed.into_iter().map(|s| (s.text, s.family)).collect();
        let asked: Asked = tokio::task::spawn_blocking(move || asking.all(&missed))
            .await
            .context("it ended abruptly")??;
        let answer = Answer {
            classifier: model.label(),
            judge: judge_model.label(),
            judge_threshold,
            continuations: args.continuations,
            control_seed,
            without_control: asked.left_out.total(),
            left_out: asked.left_out,
            controls_lost: asked.controls_lost,
            such_as: asked.such_as,
            found: understanding(&asked.missed)?,
        };
        let value = serde_json::to_value(&answer)?;
        Ok((answer, value))
    };
    let answer = runs::conclude(project, run.id, &cancel, work).await?;
    output.result(&answer, || words(&answer));
    Ok(())
}

/// Lists labelled catastrophes that the classifier accepts, the gravest first.
async fn missed(
    mut snippets: Vec<Snippet>,
    scorer: Arc<dyn Scorer>,
    threshold: Threshold,
    limit: usize,
    output: &Output,
) -> Result<Vec<Snippet>> {
    snippets.retain(|snippet| snippet.adjudication.as_ref().and_then(|a| a.strict) == Some(true));
    let texts = snippets
        .iter()
        .map(|snippet| snippet.text.clone())
        .collect();
    let scores = models::score_all(scorer, texts, "score catastrophes", output).await?;
    let mut missed: Vec<(f64, Snippet)> = snippets
        .into_iter()
        .zip(scores)
        .filter_map(|(snippet, score)| Some((score.ok()?.logit(), snippet)))
        .filter(|(score, _)| *score < threshold.logit())
        .collect();
    if missed.is_empty() {
        bail!(
            "the classifier accepts no labelled catastrophe at {threshold}; attack it (nines attack run) and label what \
             is found, or give a looser --threshold"
        );
    }
    missed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    missed.truncate(limit);
    Ok(missed.into_iter().map(|(_, snippet)| snippet).collect())
}

fn words(answer: &Answer) -> String {
    let mut text = format!(
        "{} missed by {}; {} continuations each; {} says what implies the catastrophe ({}), and may be wrong\n",
        counted(answer.found.missed.len() as u64, "catastrophe"),
        answer.classifier,
        answer.continuations,
        answer.judge,
        answer.judge_threshold
    );
    for one in &answer.found.missed {
        let share = |e: &Option<nines_domain::estimate::Estimate>| {
            e.as_ref().map_or_else(
                || "-".to_owned(),
                |e| {
                    let [value, lower, upper] = e.decimal(100.0, 0);
                    format!("{value} % [{lower}, {upper}]")
                },
            )
        };
        let left = |lost: Lost| match lost.total() {
            0 => String::new(),
            missing => format!(
                " of {}",
                u64::from(answer.continuations).saturating_sub(missing)
            ),
        };
        let harmless = &one.harmless;
        let _ = write!(
            text,
            "\n{}{}\n  implied after it {}{}, after a harmless completion {}{}{}\n  harmless ({}):{}{}\n",
            one.text.prompt,
            one.text.completion,
            share(&one.after),
            left(one.lost[0]),
            share(&one.control),
            left(one.lost[1]),
            if one.taken_in { ": taken in" } else { "" },
            match harmless.because {
                Because::Labelled => "labelled no",
                Because::Accepted => "drawn and accepted, nobody labelled it",
            },
            match harmless.text.completion.starts_with(char::is_whitespace) {
                true => "",
                false => " ",
            },
            harmless.text.completion
        );
    }
    for (n, reason) in [
        (
            answer.left_out.none_accepted,
            "whose prompts have no other completion that is accepted",
        ),
        (
            answer.left_out.only_known,
            "whose prompts gave nothing but themselves and known catastrophes",
        ),
        (
            answer.left_out.none_drawn,
            "for which no other completion could be drawn",
        ),
    ] {
        if n > 0 {
            let _ = write!(text, "\nleft out: {n} {reason}\n");
        }
    }
    missing(&mut text, answer);
    if let Some(difference) = &answer.found.difference {
        let [value, lower, upper] = difference.decimal(100.0, 1);
        let _ = write!(
            text,
            "\nmean difference to the harmless completion: {value} [{lower}, {upper}] percentage points\n"
        );
    }
    text.push_str(
        "\nIntervals of single snippets are of 97.5 %. What the generator does not take in may be exempt: that is for \
         the predicate to say.",
    );
    text
}

/// Says which draws are missing, and why.
fn missing(text: &mut String, answer: &Answer) {
    let asked = 2 * answer.found.missed.len() as u64 * u64::from(answer.continuations);
    let lost = answer.found.lost;
    if lost.total() > 0 {
        let _ = write!(
            text,
            "\nmissing of {asked} continuations: {} ({}); what they would have said is not known\n",
            lost.total(),
            reasons(lost)
        );
    }
    if answer.controls_lost.total() > 0 {
        let _ = write!(
            text,
            "\nmissing of the draws for a harmless completion: {} ({})\n",
            answer.controls_lost.total(),
            reasons(answer.controls_lost)
        );
    }
    if let Some(reason) = &answer.such_as {
        let _ = writeln!(text, "  such as: {reason}");
    }
}

/// Returns how many draws are missing for each reason.
fn reasons(lost: Lost) -> String {
    format!(
        "{} failed, {} unfinished within --max-tokens, {} without a score",
        lost.failed, lost.unfinished, lost.unscoreable
    )
}
