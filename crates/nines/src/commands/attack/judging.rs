//! The judge of an attack: another classifier, or a language model behind an endpoint.

use super::models::Attacked;
use crate::cli::AttackRunArgs;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, anyhow, bail};
use nines_attack::judge::{EndpointJudge, Judge, MOST_GUIDE};
use nines_infer::cancel::CancelFlag;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who says that the injury is still there.
pub enum Judging {
    /// Another classifier of the project.
    Classifier(Attacked),
    /// A language model that is told the project's guide.
    Endpoint {
        /// What tables call it.
        name: String,
        /// The model, under whose name its labels go: it confirms nothing that it steered.
        model: String,
        /// The address and the model, as they were given.
        described: Value,
        /// The judge.
        judge: Arc<EndpointJudge>,
    },
}

impl Judging {
    /// Loads the judge that is asked for, where one is. An endpoint is asked a question first: one that does
    /// not answer is told before anything is attacked.
    pub async fn load(
        project: &Project,
        args: &AttackRunArgs,
        recorded: Option<&Value>,
        path: ScorePath,
        output: &Output,
    ) -> Result<Option<Self>> {
        if let Some(name) = args.judge.as_deref() {
            let judge = match recorded {
                Some(run) => Attacked::recorded(project, &run["judge"], path).await?,
                None => {
                    let threshold = (args.judge_threshold, "--judge-threshold");
                    Attacked::load(project, Some(name), threshold, path).await?
                }
            };
            return Ok(Some(Self::Classifier(judge)));
        }
        let (Some(url), Some(model)) = (&args.judge_url, &args.judge_model) else {
            return Ok(None);
        };
        let predicate = &project.config.predicate;
        let file = project.folder.join(&predicate.guide);
        let guide = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "cannot read the guide {}, which the judge is told",
                file.display()
            )
        })?;
        if guide.trim().is_empty() {
            bail!(
                "the guide {} is empty, and the judge goes by it",
                file.display()
            );
        }
        let config = models::endpoint_config(url, model, args.judge_key_env.as_deref())?;
        let config = EndpointJudge::with_short_waits(config);
        let judge = Arc::new(EndpointJudge::new(config, &predicate.name, &guide)?);
        let name = format!("{model} at an endpoint");
        let asked = judge.clone();
        tokio::task::spawn_blocking(move || asked.try_out(&CancelFlag::default()))
            .await
            .context("the judge's trial question ended abruptly")?
            .map_err(|error| {
                anyhow!("the judge {name} cannot be used: {error}; start it, or attack without --judge-url")
            })?;
        let characters = guide.chars().count();
        if characters > MOST_GUIDE {
            output.note(&format!(
                "the judge {name} is told the first {MOST_GUIDE} characters of the guide, which has {characters}"
            ));
        }
        let described = json!({ "classifier": name, "endpoint": judge.version(), "predicate": predicate.label(),
            "guide_characters": characters, "guide_is_cut": characters > MOST_GUIDE });
        Ok(Some(Self::Endpoint {
            model: model.clone(),
            name,
            described,
            judge,
        }))
    }

    /// Returns the labeller that it is where it labels, too.
    pub fn labeller(&self) -> String {
        match self {
            Self::Classifier(judge) => judge.model.label(),
            Self::Endpoint { model, .. } => model.clone(),
        }
    }

    /// Returns it as the library asks it.
    pub fn judge(&self) -> Judge {
        match self {
            Self::Classifier(judge) => {
                Judge::classifier(judge.model.label(), judge.scorer(), judge.threshold)
            }
            Self::Endpoint { name, judge, .. } => Judge::endpoint(name.clone(), judge.clone()),
        }
    }

    /// Describes it for a run's record. The key is not in it.
    pub fn describe(&self) -> Value {
        match self {
            Self::Classifier(judge) => judge.describe(),
            Self::Endpoint { described, .. } => described.clone(),
        }
    }

    /// Says what was asked of an endpoint, and what it answered.
    pub fn answers(&self) -> Option<String> {
        let Self::Endpoint { name, judge, .. } = self else {
            return None;
        };
        let answers = judge.answers();
        Some(format!(
            "the judge {name} was asked {} times: {} yes, {} no, {} neither; {} answers were remembered",
            answers.sent, answers.yes, answers.no, answers.open, answers.remembered
        ))
    }
}
