//! `nines generate`: completions for prompts, resumable at any draw.

use crate::cli::{GenerateArgs, SamplingArgs, SplitArg};
use crate::models;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::{PromptId, RunId};
use nines_domain::split::Split;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest, storable};
use nines_store::{NewGeneration, Prompt, PromptFilter, Sampler};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Draws stored in one transaction.
const STORED_AT_ONCE: usize = 64;

/// What a generation made.
#[derive(Debug, Default, Serialize)]
pub struct Generated {
    /// Prompts asked for.
    pub prompts: usize,
    /// Draws that were there before.
    pub present: usize,
    /// Draws made now.
    pub made: usize,
    /// Of these, unfinished ones: the token budget ended before the sentence.
    pub unfinished: usize,
    /// Draws that failed, by reason.
    pub failed: BTreeMap<String, usize>,
    /// Tokens a second.
    pub tokens_per_second: f64,
}

/// Runs `nines generate`.
pub async fn run(project: &Project, args: GenerateArgs, output: &Output) -> Result<()> {
    let mut prompts = prompts_of(project, args.split).await?;
    prompts.truncate(args.limit.unwrap_or(usize::MAX));
    let sampling = sampling(project, &args.sampling);
    let generator = models::generator(project)?;
    let generated = draws(project, generator, &prompts, args.n, &sampling, output).await?;
    output.result(&generated, || words(&generated));
    if generated.made == 0 && !generated.failed.is_empty() {
        bail!("no draw could be made; the reasons are above");
    }
    Ok(())
}

/// Lists the imported prompts of a split. What people typed into the filter, or asked it by file,
/// is stored too, but it is use, not a sample of anything.
pub async fn prompts_of(project: &Project, split: SplitArg) -> Result<Vec<Prompt>> {
    let split = match split {
        SplitArg::All => None,
        SplitArg::Train => Some(Split::Train),
        SplitArg::Validation => Some(Split::Validation),
        SplitArg::Calibration => Some(Split::Calibration),
        SplitArg::Test => Some(Split::Test),
    };
    let seed = project.config.project.split_seed;
    let mut prompts = match split {
        Some(split) => project.store.prompts_in_split(split, seed).await?,
        None => project.store.prompts(&PromptFilter::default()).await?,
    };
    prompts.retain(|prompt| prompt.import.is_some());
    if prompts.is_empty() {
        bail!("the project has no such prompts; bring some with `nines import prompts FILE`");
    }
    Ok(prompts)
}

/// The project's sampling, with what the command line changes.
pub fn sampling(project: &Project, args: &SamplingArgs) -> Sampling {
    let base = project.config.sampling.clone();
    Sampling {
        temperature: args.temperature.unwrap_or(base.temperature),
        top_p: args.top_p.unwrap_or(base.top_p),
        top_k: args.top_k.unwrap_or(base.top_k),
        repetition_penalty: args.repetition_penalty.unwrap_or(base.repetition_penalty),
        max_tokens: args.max_tokens.unwrap_or(base.max_tokens),
        seed: args.seed.unwrap_or(base.seed),
        ..base
    }
}

/// Makes the draws `0..n` of each prompt that are not stored yet.
pub async fn draws(
    project: &Project,
    generator: Arc<dyn Generator>,
    prompts: &[Prompt],
    n: u32,
    sampling: &Sampling,
    output: &Output,
) -> Result<Generated> {
    let cancel = interrupt::flag()?;
    let sampler = Sampler {
        generator: generator.id(),
        sampling: sampling.clone(),
    };
    let ids: Vec<PromptId> = prompts.iter().map(|prompt| prompt.id).collect();
    let missing = project.store.missing_draws(&sampler, &ids, n).await?;
    let wanted: usize = missing.iter().map(|(_, draws)| draws.len()).sum();
    let present = ids.len() * n as usize - wanted;
    let mut generated = Generated {
        prompts: ids.len(),
        present,
        ..Generated::default()
    };
    if wanted == 0 {
        return Ok(generated);
    }
    let run = runs::begin(
        project,
        output,
        "generate",
        json!({ "generator": sampler.generator, "sampling": sampling, "n": n,
            "prompts": ids.len() }),
        Some(sampling.seed),
    )
    .await?;
    let work = async {
        let (requests, prompt_of) = requests(prompts, &missing);
        let made = Making {
            project,
            run: run.id,
            sampler: &sampler,
            prompt_of,
            wanted,
        };
        made.all(
            generator,
            requests,
            sampling,
            &cancel,
            output,
            &mut generated,
        )
        .await?;
        let result = serde_json::to_value(&generated)?;
        Ok((generated, result))
    };
    runs::conclude(project, run.id, &cancel, work).await
}

/// One request for each run of consecutive missing draws, with the prompt each belongs to.
fn requests(
    prompts: &[Prompt],
    missing: &[(PromptId, Vec<u32>)],
) -> (Vec<PromptRequest>, Vec<PromptId>) {
    let text_of: BTreeMap<PromptId, &str> = prompts
        .iter()
        .map(|prompt| (prompt.id, prompt.text.as_str()))
        .collect();
    let mut requests = Vec::new();
    let mut prompt_of = Vec::new();
    for (id, draws) in missing {
        let Some(text) = text_of.get(id) else {
            continue;
        };
        for &draw in draws {
            match requests.last_mut() {
                Some(PromptRequest { draws, .. })
                    if prompt_of.last() == Some(id) && draws.end == draw =>
                {
                    draws.end += 1;
                }
                _ => {
                    requests.push(PromptRequest {
                        prompt: (*text).to_owned(),
                        draws: draw..draw + 1,
                    });
                    prompt_of.push(*id);
                }
            }
        }
    }
    (requests, prompt_of)
}

struct Making<'a> {
    project: &'a Project,
    run: RunId,
    sampler: &'a Sampler,
    prompt_of: Vec<PromptId>,
    wanted: usize,
}

impl Making<'_> {
    async fn all(
        &self,
        generator: Arc<dyn Generator>,
        requests: Vec<PromptRequest>,
        sampling: &Sampling,
        cancel: &CancelFlag,
        output: &Output,
        generated: &mut Generated,
    ) -> Result<GenerateStats> {
        let (sender, mut arrived) =
            mpsc::unbounded_channel::<(usize, Result<Draw, GenerateError>)>();
        let (sampling, cancel) = (sampling.clone(), cancel.clone());
        let thread = tokio::task::spawn_blocking(move || {
            generator.generate(
                &requests,
                &sampling,
                &mut |request, draw| {
                    let _ = sender.send((request, draw));
                },
                &cancel,
            )
        });
        let mut progress = Progress::new(output, "generate", self.wanted as u64);
        let started = Instant::now();
        let (mut tokens, mut done) = (0usize, 0u64);
        let mut waiting = Vec::new();
        while let Some((request, draw)) = arrived.recv().await {
            done += 1;
            match draw.and_then(storable) {
                Ok(draw) => {
                    tokens += draw.tokens;
                    generated.made += 1;
                    generated.unfinished += usize::from(!draw.finish.is_finished());
                    waiting.push(NewGeneration {
                        prompt: self.prompt_of[request],
                        draw,
                    });
                }
                Err(error) => *generated.failed.entry(error.to_string()).or_default() += 1,
            }
            if waiting.len() >= STORED_AT_ONCE {
                self.store(&mut waiting, done, output).await?;
            }
            generated.tokens_per_second = tokens as f64 / started.elapsed().as_secs_f64();
            progress.set(done, format!("{:.0} tokens/s", generated.tokens_per_second));
        }
        self.store(&mut waiting, done, output).await?;
        let stats = thread.await.context("the generator ended abruptly")??;
        if stats.seconds > 0.0 {
            generated.tokens_per_second = stats.tokens as f64 / stats.seconds;
        }
        progress.finish(&format!(
            "{}, {:.0} tokens/s",
            counted(generated.made as u64, "completion"),
            generated.tokens_per_second
        ));
        Ok(stats)
    }

    /// Stores draws and tells the run how far it is, failed draws counted.
    async fn store(
        &self,
        waiting: &mut Vec<NewGeneration>,
        done: u64,
        output: &Output,
    ) -> Result<()> {
        let store = &self.project.store;
        store
            .run_progress(self.run, done, Some(self.wanted as u64))
            .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let stored = store
            .insert_generations(Some(self.run), self.sampler, waiting)
            .await?;
        for (prompt, draw) in stored.differing {
            output.note(&format!(
                "draw {draw} of prompt {prompt} came out differently from the stored one, which stays"
            ));
        }
        waiting.clear();
        Ok(())
    }
}

fn words(generated: &Generated) -> String {
    let mut text = format!(
        "{} for {} ({} there before), {:.0} tokens a second\n",
        counted(generated.made as u64, "completion"),
        counted(generated.prompts as u64, "prompt"),
        generated.present,
        generated.tokens_per_second
    );
    if generated.unfinished > 0 {
        text.push_str(&format!(
            "{} are unfinished (token budget spent) and marked so\n",
            generated.unfinished
        ));
    }
    for (reason, count) in &generated.failed {
        text.push_str(&format!("{count} failed: {reason}\n"));
    }
    text + "next: nines label export --out batch.jsonl, or nines calibrate"
}
