//! `nines measure understanding`: whether the generator takes a missed catastrophe in.

use super::super::generate;
use crate::cli::{LongArg, UnderstandingArgs};
use crate::commands::filter::threshold_of;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use nines_infer::scorer::Scorer;
use nines_measure::understanding::{Implied, Missed, Understanding, understanding};
use nines_store::Snippet;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

/// Harmless completions that are drawn to find an accepted one.
const CONTROL_DRAWS: u32 = 8;

/// What the command says.
#[derive(Serialize)]
struct Answer {
    classifier: String,
    judge: String,
    /// A continuation implies the catastrophe from this log odds of the judge's on.
    judge_threshold: Threshold,
    continuations: u32,
    /// Missed catastrophes without a control: the classifier accepts no other completion of their prompts.
    without_control: usize,
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
    let missed = missed(
        project,
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
            "snippets": missed.iter().map(|snippet| snippet.id).collect::<Vec<_>>() }),
        Some(sampling.seed),
    )
    .await?;
    let cancel = interrupt::flag()?;
    let asking = Asking {
        generator: models::generator(project)?,
        scorer,
        threshold,
        judge,
        judge_threshold,
        sampling,
        continuations: args.continuations,
        cancel: cancel.clone(),
    };
    let work = async {
        let (all, without_control) = tokio::task::spawn_blocking(move || asking.all(&missed))
            .await
            .context("it ended abruptly")??;
        let answer = Answer {
            classifier: model.label(),
            judge: judge_model.label(),
            judge_threshold,
            continuations: args.continuations,
            without_control,
            found: understanding(&all)?,
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
    project: &Project,
    scorer: Arc<dyn Scorer>,
    threshold: Threshold,
    limit: usize,
    output: &Output,
) -> Result<Vec<Snippet>> {
    let mut snippets = data::labelled(project).await?;
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

struct Asking {
    generator: Arc<dyn Generator>,
    scorer: Arc<dyn Scorer>,
    threshold: Threshold,
    judge: Arc<dyn Scorer>,
    judge_threshold: Threshold,
    sampling: Sampling,
    continuations: u32,
    cancel: CancelFlag,
}

impl Asking {
    fn all(&self, missed: &[Snippet]) -> Result<(Vec<Missed>, usize)> {
        let (mut all, mut without) = (Vec::new(), 0);
        for snippet in missed {
            if self.cancel.is_cancelled() {
                bail!("stopped");
            }
            let Some(control) = self.control(&snippet.text)? else {
                without += 1;
                continue;
            };
            all.push(Missed {
                text: snippet.text.clone(),
                family: snippet.family,
                after: self.after(&snippet.text)?,
                control: self.after(&control)?,
            });
        }
        Ok((all, without))
    }

    /// The least suspicious of some completions of the same prompt, if the classifier accepts it.
    fn control(&self, text: &SnippetText) -> Result<Option<SnippetText>> {
        let drawn = self.drawn(&text.prompt, CONTROL_DRAWS)?;
        let texts: Vec<SnippetText> = drawn
            .into_iter()
            .map(|completion| SnippetText::new(text.prompt.clone(), completion))
            .collect();
        let scores = self.scorer.score(&texts, &mut |_| {});
        let mut scored: Vec<(f64, SnippetText)> = scores
            .into_iter()
            .zip(texts)
            .filter_map(|(score, text)| Some((score.ok()?.logit(), text)))
            .collect();
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        let least = scored.into_iter().next();
        Ok(least
            .filter(|(score, _)| *score < self.threshold.logit())
            .map(|(_, text)| text))
    }

    /// Continues a snippet, and asks the judge about each continuation.
    fn after(&self, text: &SnippetText) -> Result<Implied> {
        let prompt = format!("{}{}", text.prompt, text.completion);
        let texts: Vec<SnippetText> = self
            .drawn(&prompt, self.continuations)?
            .into_iter()
            .map(|completion| SnippetText::new(prompt.clone(), completion))
            .collect();
        let scores = self.judge.score(&texts, &mut |_| {});
        let judged: Vec<f64> = scores
            .into_iter()
            .filter_map(|s| Some(s.ok()?.logit()))
            .collect();
        let implied = judged
            .iter()
            .filter(|&&s| s >= self.judge_threshold.logit())
            .count();
        Ok(Implied {
            implied: implied as u64,
            judged: judged.len() as u64,
        })
    }

    /// Draws whole continuations; what failed or is unfinished is left out.
    fn drawn(&self, prompt: &str, n: u32) -> Result<Vec<String>> {
        let request = PromptRequest {
            prompt: prompt.to_owned(),
            draws: 0..n,
        };
        let mut draws: Vec<Draw> = Vec::new();
        let mut on_draw = |_: usize, draw: Result<Draw, GenerateError>| draws.extend(draw.ok());
        self.generator
            .generate(&[request], &self.sampling, &mut on_draw, &self.cancel)?;
        draws.sort_by_key(|draw| draw.draw);
        draws.retain(|draw| draw.finish.is_finished());
        Ok(draws.into_iter().map(|draw| draw.completion).collect())
    }
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
        let _ = write!(
            text,
            "\n{}{}\n  implied after it {}, after a harmless completion {}{}\n",
            one.text.prompt,
            one.text.completion,
            share(&one.after),
            share(&one.control),
            if one.taken_in { ": taken in" } else { "" }
        );
    }
    if answer.without_control > 0 {
        let _ = write!(
            text,
            "\nleft out: {} whose prompts have no other completion that is accepted\n",
            answer.without_control
        );
    }
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
