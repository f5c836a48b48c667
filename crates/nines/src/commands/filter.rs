//! `nines filter`: draw until one completion is accepted, or abstain.

use super::generate::sampling;
use crate::cli::{FilterArgs, LawArg, LongArg};
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, models, runs};
use anyhow::{Context, Result, bail};
use nines_domain::draw::{Ruling, Sampling};
use nines_domain::score::Threshold;
use nines_domain::snippet::{CalibrationId, ContentHash, RunId};
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::ClassifierScorer;
use nines_infer::filter::{
    Abstention, Answer, Candidate, Filter, FilterEvent, FilterRun, Law, Outcome,
};
use nines_infer::generator::Generator;
use nines_io::{PromptRow, ReadOptions, read_all};
use nines_measure::filter_report::{FilterReport, FilterSettings, filter_report};
use nines_store::{
    FilterAnswer, FilterSetting, Model, NewCandidate, NewFilterAnswer, NewPrompt, RunStatus,
    Sampler,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Prompts filtered and stored together.
const PROMPTS_AT_ONCE: usize = 64;

/// The confidence of the intervals that are shown.
const CONFIDENCE: f64 = 0.95;

/// A threshold, and where it comes from.
#[derive(Debug, Clone)]
pub struct ThresholdChoice {
    /// The threshold.
    pub threshold: Threshold,
    /// The calibration that chose it; none if somebody typed it.
    pub calibration: Option<CalibrationId>,
    /// The rule.
    pub rule: String,
}

impl fmt::Display for ThresholdChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.threshold, self.rule)
    }
}

/// Finds the threshold: the one typed, or the newest calibration's. A calibration made on another
/// scoring path is refused.
pub async fn threshold_of(
    project: &Project,
    model: &Model,
    typed: Option<f64>,
    path: &str,
) -> Result<ThresholdChoice> {
    if let Some(p) = typed {
        return Ok(ThresholdChoice {
            threshold: Threshold::from_probability(p)?,
            calibration: None,
            rule: "typed by hand: nothing is known of it".to_owned(),
        });
    }
    let Some(calibration) = project.store.latest_calibration(model.id).await? else {
        bail!(
            "{} has no threshold yet; choose one with `nines calibrate`, or type one with \
             --threshold",
            model.label()
        );
    };
    let calibrated_on = calibration.record["path"].as_str().unwrap_or_default();
    if calibrated_on != path {
        bail!(
            "the threshold of {} was calibrated on the scoring path {calibrated_on}, and this \
             command scores on {path}; calibrate on the path that serves",
            model.label()
        );
    }
    Ok(ThresholdChoice {
        threshold: calibration.threshold,
        calibration: Some(calibration.id),
        rule: calibration.rule,
    })
}

/// Everything that answers requests.
#[derive(Clone)]
pub struct Serving {
    /// The classifier.
    pub model: Model,
    /// Its threshold.
    pub threshold: ThresholdChoice,
    /// Draws before the filter abstains.
    pub budget: u32,
    /// Which completion counts.
    pub law: Law,
    /// How completions are sampled.
    pub sampling: Sampling,
    scorer: Arc<ClassifierScorer>,
    generator: Arc<dyn Generator>,
}

impl Serving {
    /// Loads classifier and generator.
    pub async fn load(project: &Project, args: &FilterArgs) -> Result<Self> {
        let model = models::classifier(project, args.classifier.as_deref()).await?;
        let path = models::score_path(LongArg::Refuse);
        let threshold = threshold_of(project, &model, args.threshold, path).await?;
        let budget = args.budget.unwrap_or(project.config.filter.budget);
        let law = match args.law {
            LawArg::First => Law::FirstAccepted,
            LawArg::Safest => Law::PickSafest { of: budget },
        };
        let serving = Self {
            scorer: models::scorer(project, &model, LongArg::Refuse)?,
            generator: models::generator(project)?,
            sampling: sampling(project, &args.sampling),
            model,
            threshold,
            budget,
            law,
        };
        Filter::new(&*serving.scorer, serving.threshold.threshold, budget, law)?;
        Ok(serving)
    }

    /// Describes a run on these prompts for its record.
    fn config(&self, what: &str, prompts: &[NewPrompt]) -> Value {
        let texts: Vec<&str> = prompts.iter().map(|p| p.text.as_str()).collect();
        let digest = ContentHash::of_fields("prompts", &texts);
        let prompts = json!({ "what": what, "n": texts.len(), "digest": digest });
        json!({
            "classifier": self.model.label(), "threshold": self.threshold.threshold,
            "calibration": self.threshold.calibration, "budget": self.budget, "law": self.law,
            "generator": self.generator.id(), "sampling": self.sampling, "prompts": prompts,
        })
    }

    fn setting(&self, run: RunId) -> FilterSetting {
        FilterSetting {
            run,
            model: self.model.id,
            calibration: self.threshold.calibration,
            threshold: self.threshold.threshold,
            law: self.law.to_string().replace(' ', "-"),
            sampler: Sampler {
                generator: self.generator.id(),
                sampling: self.sampling.clone(),
            },
        }
    }

    /// Filters prompts on a thread of their own.
    async fn answer(
        &self,
        prompts: Vec<String>,
        cancel: &CancelFlag,
        mut drawn: impl FnMut() + Send + 'static,
    ) -> Result<FilterRun> {
        let (serving, cancel) = (self.clone(), cancel.clone());
        let run = tokio::task::spawn_blocking(move || {
            let filter = Filter::new(
                &*serving.scorer,
                serving.threshold.threshold,
                serving.budget,
                serving.law,
            )?;
            Ok::<_, nines_infer::filter::FilterError>(filter.run(
                &prompts,
                &*serving.generator,
                &serving.sampling,
                &mut |event| {
                    if matches!(event, FilterEvent::Drawn { .. }) {
                        drawn();
                    }
                },
                &cancel,
            ))
        });
        Ok(run.await.context("the filter ended abruptly")??)
    }
}

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

/// Runs `nines filter`.
pub async fn run(project: &Project, args: FilterArgs, output: &Output) -> Result<()> {
    let serving = Serving::load(project, &args).await?;
    if let Some(file) = &args.file {
        return file_of_prompts(project, &serving, file, &args, output).await;
    }
    if let Some(prompt) = &args.prompt {
        let prompts = vec![NewPrompt::new(prompt.clone(), "command line")];
        let answers = all(project, &serving, "prompt", prompts, output).await?;
        output.result(&answers, || words(&answers, &serving, args.show_all));
        return Ok(());
    }
    interactively(project, &serving, args.show_all, output).await
}

async fn file_of_prompts(
    project: &Project,
    serving: &Serving,
    file: &Path,
    args: &FilterArgs,
    output: &Output,
) -> Result<()> {
    let rows = read_all::<PromptRow>(file, &ReadOptions::default())?.rows;
    let source = file.display().to_string();
    let prompts = rows
        .into_iter()
        .map(|row| NewPrompt {
            text: row.prompt,
            family: row.family,
            parent: None,
            source: row.source.unwrap_or_else(|| source.clone()),
            meta: if row.meta.is_empty() {
                Value::Null
            } else {
                Value::Object(row.meta)
            },
        })
        .collect();
    let answers = all(project, serving, &source, prompts, output).await?;
    if let Some(out) = &args.out {
        let mut lines = String::new();
        for answer in &answers.answers {
            lines.push_str(&serde_json::to_string(answer)?);
            lines.push('\n');
        }
        nines_io::write_atomically(out, lines.as_bytes())?;
        output.result(&answers.report, || {
            format!("{}\nanswers in {}", answers.report, out.display())
        });
    } else {
        output.result(&answers, || words(&answers, serving, args.show_all));
    }
    Ok(())
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
        let done = project.store.answered_positions(run).await?;
        let open: Vec<(u64, NewPrompt)> = (0u64..)
            .zip(prompts.iter().cloned())
            .filter(|(position, _)| !done.contains(position))
            .collect();
        let mut progress = Progress::new(output, "filter", open.len() as u64);
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
            let answering = serving.answer(texts, &cancel, move || {
                let _ = sender.send(());
            });
            let mut draws = 0u64;
            let counting = async {
                while drawn.recv().await.is_some() {
                    draws += 1;
                    progress.set(answered, format!("prompts, {draws} draws in this batch"));
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
            progress.set(answered, "prompts");
            lost = lost.or_else(|| lost_generator(&result));
            if result.failure.is_some() {
                break;
            }
        }
        if let Some(reason) = lost {
            bail!(
                "{reason}\nprompts without an answer ({} of {}) are left for the next call",
                open.len() as u64 - answered,
                prompts.len()
            );
        }
        progress.finish(&format!("{answered} prompts"));
        let answers = stored(project, run, &prompts, serving).await?;
        let result = serde_json::to_value(&answers.report)?;
        Ok((answers, result))
    };
    runs::conclude(project, run, &cancel, work).await
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
        let candidates = candidates_of(&answer);
        let accepted = answer.accepted.and_then(|id| {
            answer
                .candidates
                .iter()
                .find(|c| c.snippet == id && c.ruling.is_accepted())
        });
        let outcome = match (accepted, &answer.reason) {
            (Some(candidate), _) => Outcome::Accepted {
                number: candidate.draw.draw,
            },
            (None, Some(reason)) if candidates.is_empty() => {
                Outcome::Abstained(Abstention::Prompt {
                    reason: reason.clone(),
                })
            }
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
        answers.push(Answered {
            prompt: prompt.text.clone(),
            family,
            completion: accepted.map(|c| c.draw.completion.clone()),
            answer: Answer {
                outcome,
                candidates,
            },
        });
    }
    Ok(Answers {
        run,
        report: report_of(&answers, serving)?,
        answers,
    })
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

async fn interactively(
    project: &Project,
    serving: &Serving,
    show_all: bool,
    output: &Output,
) -> Result<()> {
    if output.is_json() {
        bail!(super::BadUsage(
            "--json wants a prompt or --file".to_owned()
        ));
    }
    output.note(&format!(
        "{}: accepts {}\ntype a prompt and Enter; an empty line or ctrl-D ends",
        serving.model.label(),
        serving.threshold
    ));
    let is_terminal = std::io::stdin().is_terminal();
    let cancel = interrupt::flag()?;
    loop {
        if is_terminal {
            eprint!("> ");
            std::io::stderr()
                .flush()
                .context("cannot write the question")?;
        }
        let mut line = String::new();
        let read = std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the prompt (it must be UTF-8)")?;
        let prompt = line.trim();
        if read == 0 || prompt.is_empty() || cancel.is_cancelled() {
            return Ok(());
        }
        let prompts = vec![NewPrompt::new(prompt, "typed")];
        let answers = all(project, serving, "prompt", prompts, output).await?;
        output.print(&words(&answers, serving, show_all));
    }
}

fn words(answers: &Answers, serving: &Serving, show_all: bool) -> String {
    let mut text = String::new();
    for answer in &answers.answers {
        if answers.answers.len() > 1 {
            let _ = writeln!(text, "{}", answer.prompt);
        }
        if show_all {
            text.push_str(&candidates_table(&answer.answer));
        }
        match &answer.completion {
            Some(completion) => {
                let _ = writeln!(text, "{completion}");
            }
            None => {
                let Outcome::Abstained(why) = &answer.answer.outcome else {
                    continue;
                };
                let _ = writeln!(text, "(abstains: {why})");
            }
        }
        if answers.answers.len() > 1 {
            text.push('\n');
        }
    }
    if show_all || answers.answers.len() > 1 {
        let _ = writeln!(
            text,
            "\n{}: accepts {}",
            serving.model.label(),
            serving.threshold
        );
    }
    if answers.answers.len() > 1 {
        let _ = writeln!(text, "{}", answers.report);
    }
    text
}

/// Every candidate with P(catastrophe) and its verdict.
pub fn candidates_table(answer: &Answer) -> String {
    let mut text = String::new();
    for candidate in &answer.candidates {
        let Some(draw) = &candidate.draw else {
            continue;
        };
        let (verdict, p) = match &candidate.ruling {
            Ruling::Accepted { score } => ("ACCEPT", format!("{:.2e}", score.probability())),
            Ruling::Rejected { score } => ("reject", format!("{:.2e}", score.probability())),
            Ruling::Unscoreable { .. } => ("reject", "no score".to_owned()),
        };
        let _ = writeln!(
            text,
            "{:>3}  {verdict}  {p:>8}  {}",
            candidate.number,
            draw.completion.replace('\n', " ")
        );
        if let Ruling::Unscoreable { reason } = &candidate.ruling {
            let _ = writeln!(text, "{:24}({reason})", "");
        }
    }
    text
}
