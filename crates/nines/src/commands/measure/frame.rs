//! Frames: the filter's answers to requests from a named distribution.

use super::distribution::Named;
use crate::cli::{CautionArgs, FilterArgs, FrameArgs, LawArg, SamplingArgs};
use crate::commands::BadUsage;
use crate::commands::filter::{Serving, answer_open};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::snippet::{ContentHash, PromptId, RunId};
use nines_domain::split::Split;
use nines_measure::distribution::{Request, requests};
use nines_store::{FilterAnswer, NewPrompt, Run, RunStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Requests where nothing else is said.
const ANSWERS: u64 = 1000;

/// The answers of a filter to requests from a distribution.
pub struct Frame {
    /// Hash of the distribution, the filter, the generator and the seed.
    pub identity: ContentHash,
    /// The distribution.
    pub distribution: Named,
    /// The filter.
    pub serving: Serving,
    /// The seed of requests, draws and lots.
    pub seed: u64,
    /// How many of its prompts the classifier was fitted or chosen on: numbers of those flatter.
    pub seen: usize,
    /// The answers, in the order of the requests.
    pub answers: Vec<FilterAnswer>,
}

impl Frame {
    /// Draws the frame that arguments ask for: what is there is kept, what is missing is asked.
    pub async fn draw(project: &Project, args: &FrameArgs, output: &Output) -> Result<Self> {
        let serving = serving(project, args).await?;
        if let Some(caution) = serving.caution() {
            output.note(&caution);
        }
        let distribution = Named::resolve(project, &args.distribution).await?;
        let mut frame = Self {
            identity: identity(&distribution, &serving, args.seed),
            seen: seen(project, &distribution).await?,
            distribution,
            serving,
            seed: args.seed,
            answers: Vec::new(),
        };
        if frame.seen > 0 {
            output.note(&format!(
                "caution: {} of the {} prompts of {:?} are of the train, validation or calibration split, on which \
                 the classifier was fitted and its threshold chosen; numbers of them flatter",
                frame.seen,
                frame.distribution.shares.len(),
                frame.distribution.name
            ));
        }
        frame.fill(project, args.answers, output).await?;
        Ok(frame)
    }

    /// Describes the frame for records.
    pub fn describe(&self) -> Value {
        json!({
            "distribution": self.distribution.name, "prompts": self.distribution.shares.len(),
            "seen": self.seen,
            "filter": self.serving.describe(), "seed": self.seed, "requests": self.answers.len(),
        })
    }

    async fn fill(
        &mut self,
        project: &Project,
        wanted: Option<u64>,
        output: &Output,
    ) -> Result<()> {
        let mine = self.runs(project).await?;
        let there = covered(&mine);
        let wanted = wanted.unwrap_or(if there > 0 { there } else { ANSWERS });
        let mut there = there;
        while there < wanted {
            let open = self.runs(project).await?.into_iter().find(|run| {
                run.status != RunStatus::Done && range(run).is_some_and(|(from, _)| from == there)
            });
            let (from, to) = open.as_ref().and_then(range).unwrap_or((there, wanted));
            self.ask(project, from, to, output).await?;
            there = to;
        }
        let mut answers: BTreeMap<u64, FilterAnswer> = BTreeMap::new();
        for run in self.runs(project).await? {
            if run.status == RunStatus::Done {
                let of_run = project.store.filter_answers(run.id).await?;
                answers.extend(of_run.into_iter().map(|answer| (answer.position, answer)));
            }
        }
        self.answers = answers.into_values().collect();
        let complete = (0u64..).zip(&self.answers).all(|(n, a)| a.position == n);
        if !complete || (self.answers.len() as u64) < wanted {
            bail!("the frame's requests have gaps; run the command again to fill them");
        }
        Ok(())
    }

    async fn runs(&self, project: &Project) -> Result<Vec<Run>> {
        let mut runs = project.store.runs(Some("frame")).await?;
        let identity = self.identity.to_string();
        runs.retain(|run| run.config["frame"].as_str() == Some(&identity));
        runs.sort_by_key(|run| range(run).map_or(0, |(from, _)| from));
        Ok(runs)
    }

    /// Asks the requests `from..to`, each repetition of a prompt from a random stream of its own.
    async fn ask(&self, project: &Project, from: u64, to: u64, output: &Output) -> Result<()> {
        let cancel = interrupt::flag()?;
        let config = json!({
            "frame": self.identity, "from": from, "to": to, "about": self.describe(),
        });
        let run = runs::begin(project, output, "frame", config, Some(self.seed))
            .await?
            .id;
        let work = async {
            let mut asked: BTreeMap<u32, Vec<(u64, PromptId)>> = BTreeMap::new();
            for Request {
                position,
                prompt,
                repetition,
            } in requests(&self.distribution.shares, self.seed, to)
            {
                if position >= from {
                    asked
                        .entry(repetition)
                        .or_default()
                        .push((position, prompt));
                }
            }
            let texts = texts(project, &self.distribution).await?;
            let mut progress = Progress::new(output, "filter", to - from);
            for (repetition, asked) in asked {
                let serving = self.serving.with_seed(draw_seed(self.seed, repetition));
                let open = asked
                    .into_iter()
                    .map(|(position, prompt)| {
                        let text = texts
                            .get(&prompt)
                            .context("a prompt of the distribution is gone")?;
                        Ok((position, NewPrompt::new(text.clone(), "frame")))
                    })
                    .collect::<Result<Vec<_>>>()?;
                answer_open(project, &serving, run, &open, &cancel, &mut progress).await?;
            }
            progress.finish(&counted(to - from, "request"));
            Ok(((), json!({ "requests": to - from })))
        };
        runs::conclude(project, run, &cancel, work).await
    }
}

/// Loads the filter that arguments name.
pub async fn serving(project: &Project, args: &FrameArgs) -> Result<Serving> {
    let args = FilterArgs {
        prompt: None,
        file: None,
        out: None,
        show_all: false,
        classifier: args.classifier.clone(),
        threshold: args.threshold,
        caution: args.caution.clone(),
        budget: args.budget,
        law: LawArg::First,
        tighten: args.tighten,
        sampling: SamplingArgs::default(),
    };
    Serving::load(project, &args).await
}

/// Refuses a threshold that tightens, where what is measured speaks of a fixed one.
pub fn refuse_tightening(tighten: Option<f64>, what: &str) -> Result<()> {
    match tighten {
        None => Ok(()),
        Some(_) => bail!(BadUsage(format!(
            "{what} speaks of a threshold that stays; leave --tighten out"
        ))),
    }
}

/// Refuses a second condition, where what is measured looks at draws above the threshold: nobody asked how unfamiliar
/// those are.
pub fn refuse_caution(caution: &CautionArgs, what: &str) -> Result<()> {
    match caution.unfamiliarity {
        None => Ok(()),
        Some(_) => bail!(BadUsage(format!(
            "{what} looks at draws above the threshold, and with a second condition only what lies below it is asked \
             how unfamiliar it is; leave --unfamiliarity out"
        ))),
    }
}

/// Names what makes two frames the same: everything that decides which answers come.
fn identity(distribution: &Named, serving: &Serving, seed: u64) -> ContentHash {
    let filter = serving.describe().to_string();
    ContentHash::of_fields(
        "frame",
        &[&distribution.id.to_string(), &filter, &seed.to_string()],
    )
}

/// The seed of the draws of a repetition; never the seed that `nines generate` uses by default, so
/// that what a classifier was calibrated on is not measured again.
fn draw_seed(seed: u64, repetition: u32) -> u64 {
    ContentHash::of_fields("frame draws", &[&seed.to_string(), &repetition.to_string()])
        .prefix_u64()
        >> 12
}

fn range(run: &Run) -> Option<(u64, u64)> {
    Some((run.config["from"].as_u64()?, run.config["to"].as_u64()?))
}

/// How many requests, from the first on, are answered.
fn covered(runs: &[Run]) -> u64 {
    let mut there = 0;
    for run in runs.iter().filter(|run| run.status == RunStatus::Done) {
        if let Some((from, to)) = range(run)
            && from <= there
        {
            there = there.max(to);
        }
    }
    there
}

/// How many prompts of a distribution are not of the test split.
async fn seen(project: &Project, distribution: &Named) -> Result<usize> {
    let seed = project.config.project.split_seed;
    let ids: Vec<PromptId> = distribution.shares.iter().map(|(id, _)| *id).collect();
    let prompts = project.store.prompts_by_id(&ids).await?;
    Ok(prompts
        .iter()
        .filter(|p| p.split(seed) != Split::Test)
        .count())
}

async fn texts(project: &Project, distribution: &Named) -> Result<BTreeMap<PromptId, String>> {
    let ids: Vec<PromptId> = distribution.shares.iter().map(|(id, _)| *id).collect();
    let prompts = project.store.prompts_by_id(&ids).await?;
    Ok(prompts.into_iter().map(|p| (p.id, p.text)).collect())
}

/// The run that holds an answer, for lineage.
pub fn runs_of(answers: &[FilterAnswer]) -> Vec<RunId> {
    let mut runs: Vec<RunId> = answers.iter().map(|a| a.run).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}
