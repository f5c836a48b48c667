//! Answers: asked for in batches, stored as they come, and read back to be shown.

use super::serving::Serving;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Result, bail};
use nines_domain::draw::Ruling;
use nines_domain::snippet::{ContentHash, RunId};
use nines_infer::cancel::CancelFlag;
use nines_infer::filter::{Abstention, Answer, Candidate, FilterRun, Outcome};
use nines_measure::filter_report::{FilterReport, FilterSettings, filter_report};
use nines_store::{FilterAnswer, NewCandidate, NewFilterAnswer, NewPrompt, RunStatus};
use serde::Serialize;
use tokio::sync::mpsc;

/// Prompts filtered and stored together.
const PROMPTS_AT_ONCE: usize = 64;

/// The confidence of the intervals that are shown.
const CONFIDENCE: f64 = 0.95;

/// One prompt with the filter's answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answered {
    /// The prompt.
    pub prompt: String,
    /// The prompt's family.
    #[serde(skip)]
    pub family: ContentHash,
    /// The accepted completion; none if the filter abstained.
    pub completion: Option<String>,
    /// The whole answer, candidates included.
    #[serde(flatten)]
    pub answer: Answer,
}

/// The answers to a list of prompts, with what they say of the filter.
#[derive(Debug, Serialize)]
pub struct Answers {
    /// The run that holds them.
    pub run: RunId,
    /// One for each prompt, in order.
    pub answers: Vec<Answered>,
    /// Acceptance, draws, abstentions, with intervals.
    pub report: FilterReport,
}

/// Returns the answers of a finished run with the same prompts and the same configuration.
pub async fn finished(
    project: &Project,
    serving: &Serving,
    what: &str,
    prompts: &[NewPrompt],
) -> Result<Option<Answers>> {
    let config = serving.config(what, prompts);
    let runs = project.store.runs(Some("filter")).await?;
    let same = runs.into_iter().find(|run| {
        run.status == RunStatus::Done
            && run.config == config
            && run.seed == Some(serving.sampling.seed)
    });
    match same {
        Some(run) => Ok(Some(stored(project, run.id, prompts, serving).await?)),
        None => Ok(None),
    }
}

/// Filters prompts, storing answers as they come. An interrupted run goes on where it was.
pub async fn all(
    project: &Project,
    serving: &Serving,
    what: &str,
    prompts: Vec<NewPrompt>,
    output: &Output,
) -> Result<Answers> {
    let cancel = interrupt::flag()?;
    let config = serving.config(what, &prompts);
    let seed = Some(serving.sampling.seed);
    let run = runs::begin(project, output, "filter", config, seed)
        .await?
        .id;
    let work = async {
        let requests: Vec<(u64, NewPrompt)> = (0u64..).zip(prompts.iter().cloned()).collect();
        let mut progress = Progress::new(output, "filter", requests.len() as u64);
        answer_open(project, serving, run, &requests, &cancel, &mut progress).await?;
        progress.finish(&counted(requests.len() as u64, "prompt"));
        let answers = stored(project, run, &prompts, serving).await?;
        let result = serde_json::to_value(&answers.report)?;
        Ok((answers, result))
    };
    runs::conclude(project, run, &cancel, work).await
}

/// Answers those requests of a run that have no answer yet, and stores the answers as they come.
/// Stops early when `cancel` is set. Progress counts on from where it stands.
pub async fn answer_open(
    project: &Project,
    serving: &Serving,
    run: RunId,
    requests: &[(u64, NewPrompt)],
    cancel: &CancelFlag,
    progress: &mut Progress,
) -> Result<()> {
    let done = project.store.answered_positions(run).await?;
    let open: Vec<(u64, NewPrompt)> = requests
        .iter()
        .filter(|(position, _)| !done.contains(position))
        .cloned()
        .collect();
    let before = progress.done() + (requests.len() - open.len()) as u64;
    progress.set(before, "prompts");
    let mut answered = 0u64;
    let mut lost: Option<String> = None;
    for chunk in open.chunks(PROMPTS_AT_ONCE) {
        if cancel.is_cancelled() {
            break;
        }
        let texts = chunk
            .iter()
            .map(|(_, prompt)| prompt.text.clone())
            .collect();
        let (sender, mut drawn) = mpsc::unbounded_channel();
        let answering = serving.answer(texts, cancel, move || {
            let _ = sender.send(());
        });
        let mut draws = 0u64;
        let counting = async {
            while drawn.recv().await.is_some() {
                draws += 1;
                progress.set(
                    before + answered,
                    format!("prompts, {draws} draws in this batch"),
                );
            }
        };
        let (result, ()) = tokio::join!(answering, counting);
        let result = result?;
        let answers = to_store(chunk, &result);
        project
            .store
            .insert_filter_answers(&serving.setting(run), &answers)
            .await?;
        answered += answers.len() as u64;
        progress.set(before + answered, "prompts");
        let total = Some(progress.total());
        project
            .store
            .run_progress(run, before + answered, total)
            .await?;
        lost = lost.or_else(|| lost_generator(&result));
        if result.failure.is_some() {
            break;
        }
    }
    if let Some(reason) = lost {
        bail!(
            "{reason}\nprompts without an answer ({} of {}) are left for the next call",
            open.len() as u64 - answered,
            requests.len()
        );
    }
    Ok(())
}

/// What the generator said when it was lost, if it was.
fn lost_generator(run: &FilterRun) -> Option<String> {
    run.answers.iter().find_map(|answer| match &answer.outcome {
        Outcome::Abstained(why @ Abstention::Generator { .. }) => Some(why.to_string()),
        _ => None,
    })
}

/// The answers of a batch as the database takes them; prompts that were stopped, or lost their
/// generator, before their answer are left for later.
fn to_store(chunk: &[(u64, NewPrompt)], run: &FilterRun) -> Vec<NewFilterAnswer> {
    chunk
        .iter()
        .zip(&run.answers)
        .filter(|(_, answer)| {
            !matches!(
                answer.outcome,
                Outcome::Abstained(Abstention::Cancelled | Abstention::Generator { .. })
            )
        })
        .map(|((position, prompt), answer)| {
            let candidates: Vec<_> = answer
                .looked_at()
                .filter_map(|candidate| {
                    Some((candidate.number, candidate.draw.clone()?, candidate))
                })
                .collect();
            let accepted = match answer.outcome {
                Outcome::Accepted { number } => {
                    candidates.iter().position(|(n, _, _)| *n == number)
                }
                Outcome::Abstained(_) => None,
            };
            NewFilterAnswer {
                position: *position,
                prompt: prompt.clone(),
                accepted,
                draws: answer.looked_at().count() as u32,
                reason: failure_of(answer),
                candidates: candidates
                    .into_iter()
                    .map(|(_, draw, candidate)| NewCandidate {
                        draw,
                        ruling: candidate.ruling.clone(),
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Why the generator failed to make a draw, or cannot continue the prompt.
fn failure_of(answer: &Answer) -> Option<String> {
    if let Outcome::Abstained(Abstention::Prompt { reason }) = &answer.outcome {
        return Some(reason.clone());
    }
    answer
        .looked_at()
        .filter(|candidate| candidate.draw.is_none())
        .filter_map(|candidate| match &candidate.ruling {
            Ruling::Unscoreable { reason } => Some(reason.clone()),
            _ => None,
        })
        .last()
}

/// Reads a run's answers back: what is printed is what is stored.
async fn stored(
    project: &Project,
    run: RunId,
    prompts: &[NewPrompt],
    serving: &Serving,
) -> Result<Answers> {
    let mut answers = Vec::new();
    let found = project.store.filter_answers(run).await?;
    let ids: Vec<_> = found.iter().map(|answer| answer.prompt).collect();
    let families = project.store.prompts_by_id(&ids).await?;
    for (answer, family) in found.into_iter().zip(families.iter().map(|p| p.family)) {
        let prompt = &prompts[answer.position as usize];
        answers.push(Answered {
            prompt: prompt.text.clone(),
            family,
            completion: answer
                .accepted_candidate()
                .map(|c| c.draw.completion.clone()),
            answer: answer_of(&answer),
        });
    }
    Ok(Answers {
        run,
        report: report_of(&answers, serving)?,
        answers,
    })
}

/// A stored answer as the filter gave it.
pub fn answer_of(answer: &FilterAnswer) -> Answer {
    let candidates = candidates_of(answer);
    let outcome = match (answer.accepted_candidate(), &answer.reason) {
        (Some(candidate), _) => Outcome::Accepted {
            number: candidate.draw.draw,
        },
        (None, Some(reason)) if candidates.is_empty() => Outcome::Abstained(Abstention::Prompt {
            reason: reason.clone(),
        }),
        (None, _) => Outcome::Abstained(Abstention::BudgetSpent {
            draws: candidates.len() as u32,
            unscoreable: candidates
                .iter()
                .filter(|c| c.ruling.score().is_none())
                .count() as u32,
            last_reason: candidates.iter().rev().find_map(|c| match &c.ruling {
                Ruling::Unscoreable { reason } => Some(reason.clone()),
                _ => None,
            }),
        }),
    };
    Answer {
        outcome,
        candidates,
    }
}

/// The candidates of a stored answer, in the order of their draws; a draw that is missing failed.
fn candidates_of(answer: &FilterAnswer) -> Vec<Candidate> {
    let mut stored = answer.candidates.iter().peekable();
    (0..answer.draws)
        .map(|number| {
            let there = stored.next_if(|candidate| candidate.draw.draw == number);
            Candidate {
                number,
                draw: there.map(|candidate| candidate.draw.clone()),
                ruling: there.map_or_else(
                    || Ruling::Unscoreable {
                        reason: answer.reason.clone().unwrap_or_default(),
                    },
                    |candidate| candidate.ruling.clone(),
                ),
                looked_at: true,
            }
        })
        .collect()
}

/// Reports on answers: acceptance, draws, abstentions.
pub fn report_of(answers: &[Answered], serving: &Serving) -> Result<FilterReport> {
    let settings = FilterSettings {
        threshold: serving.threshold.threshold,
        budget: serving.budget,
        law: serving.law,
    };
    let answers: Vec<_> = answers.iter().map(|a| (a.family, &a.answer)).collect();
    Ok(filter_report(settings, &answers, CONFIDENCE)?)
}
