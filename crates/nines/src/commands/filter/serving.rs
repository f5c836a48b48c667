//! What answers requests: a classifier with its threshold, and a generator.

use crate::cli::{FilterArgs, LawArg, LongArg};
use crate::commands::generate::sampling;
use crate::models::{self, ScorePath};
use crate::project::Project;
use crate::unfamiliarity::{self, cautious_path};
use anyhow::{Context, Result, bail};
use nines_domain::draw::Sampling;
use nines_domain::score::Threshold;
use nines_domain::snippet::{CalibrationId, ContentHash, RunId};
use nines_infer::cancel::CancelFlag;
use nines_infer::filter::{Filter, FilterEvent, FilterRun, Law, Step};
use nines_infer::generator::Generator;
use nines_infer::scorer::Scorer;
use nines_infer::unfamiliarity::caution::{Caution, Cautious};
use nines_measure::described::law_words;
use nines_store::{Calibration, FilterSetting, Model, NewPrompt, Sampler};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// How the rule of a threshold that somebody typed begins.
pub const TYPED: &str = "typed by hand";

/// A threshold, and where it comes from.
#[derive(Debug, Clone)]
pub struct ThresholdChoice {
    /// The threshold.
    pub threshold: Threshold,
    /// The calibration that chose it; none if somebody typed it.
    pub calibration: Option<CalibrationId>,
    /// The rule.
    pub rule: String,
    /// The generator whose draws its acceptance was measured on.
    pub generator: Option<String>,
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
    path: ScorePath,
) -> Result<ThresholdChoice> {
    threshold_by(project, model, typed, path, "--threshold").await
}

/// Finds the threshold as [`threshold_of`], for a command that takes it by a flag of another name.
pub async fn threshold_by(
    project: &Project,
    model: &Model,
    typed: Option<f64>,
    path: ScorePath,
    flag: &str,
) -> Result<ThresholdChoice> {
    if let Some(p) = typed {
        return Ok(ThresholdChoice {
            threshold: Threshold::from_probability(p)?,
            calibration: None,
            rule: format!("{TYPED}: nothing is known of it"),
            generator: None,
        });
    }
    let path = path.for_model(project, model).await?;
    let Some(calibration) = models::calibration_on(project, model, path).await? else {
        let Some(other) = project.store.latest_calibration(model.id).await? else {
            bail!(
                "{} has no threshold yet; choose one with `nines calibrate --classifier {}@{}`, or type one with \
                 {flag}",
                model.label(),
                model.name,
                model.version
            );
        };
        bail!(
            "the threshold of {} was calibrated on the scoring path {}, and this command scores \
             on {path}; calibrate on the path that serves (`nines calibrate --classifier {}@{}`), or type one with {flag}",
            model.label(),
            other.record["path"].as_str().unwrap_or_default(),
            model.name,
            model.version
        );
    };
    Ok(chosen(calibration))
}

fn chosen(calibration: Calibration) -> ThresholdChoice {
    ThresholdChoice {
        threshold: calibration.threshold,
        calibration: Some(calibration.id),
        generator: calibration.record["generator"].as_str().map(str::to_owned),
        rule: calibration.rule,
    }
}

/// The second condition of a filter.
#[derive(Debug, Clone)]
pub struct CautionChoice {
    /// The measure's name and version.
    pub unfamiliarity: String,
    /// What is this unfamiliar, or more, is rejected.
    pub limit: f64,
    /// Whether somebody typed it.
    pub typed: bool,
}

impl fmt::Display for CautionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = if self.typed { ", typed by hand" } else { "" };
        write!(f, "{} below {:.4}{typed}", self.unfamiliarity, self.limit)
    }
}

/// Finds threshold and limit of a filter with a second condition: those that were chosen together, in place of which
/// either may be typed.
async fn both_of(
    project: &Project,
    model: &Model,
    version: &Model,
    args: &FilterArgs,
    path: ScorePath,
) -> Result<(ThresholdChoice, CautionChoice)> {
    let by = cautious_path(path, version);
    let cautious = project.store.cautious_calibrations(model.id).await?;
    let mut newest_first = cautious.into_iter().rev();
    let calibration = newest_first.find(|c| c.record["path"].as_str() == Some(&by));
    let calibrated = calibration
        .as_ref()
        .and_then(|c| c.record["caution"]["limit"].as_f64());
    let typed = args.caution.unfamiliarity_limit;
    if typed.is_some_and(|limit| !limit.is_finite()) {
        bail!(crate::commands::BadUsage(
            "--unfamiliarity-limit must be a finite number".to_owned()
        ));
    }
    let missing = || {
        format!(
            "{} has no threshold with {} on the path {path}; choose both with `nines calibrate --classifier {}@{} \
             --unfamiliarity {}@{}`, or type --threshold and --unfamiliarity-limit",
            model.label(),
            version.label(),
            model.name,
            model.version,
            version.name,
            version.version
        )
    };
    let limit = typed.or(calibrated).with_context(missing)?;
    let threshold = match (args.threshold, calibration) {
        (Some(_), _) => threshold_of(project, model, args.threshold, path).await?,
        (None, Some(calibration)) => chosen(calibration),
        (None, None) => bail!(missing()),
    };
    let caution = CautionChoice {
        unfamiliarity: version.label(),
        limit,
        typed: typed.is_some(),
    };
    Ok((threshold, caution))
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
    /// The second condition, if there is one.
    pub second: Option<CautionChoice>,
    path: ScorePath,
    scorer: Arc<dyn Scorer>,
    generator: Arc<dyn Generator>,
}

impl Serving {
    /// Loads classifier and generator.
    pub async fn load(project: &Project, args: &FilterArgs) -> Result<Self> {
        let model = models::classifier(project, args.classifier.as_deref()).await?;
        let path = ScorePath::of(project, LongArg::Refuse)?;
        let path = path.for_model(project, &model).await?;
        let mut scorer = models::scorer(project, &model, path).await?;
        let (threshold, second) = match args.caution.unfamiliarity.as_deref() {
            None => (
                threshold_of(project, &model, args.threshold, path).await?,
                None,
            ),
            Some(name) => {
                let version = unfamiliarity::find(project, Some(name)).await?;
                let (threshold, second) = both_of(project, &model, &version, args, path).await?;
                let caution = Caution {
                    measure: unfamiliarity::load(project, &version, &model, path).await?,
                    limit: second.limit,
                };
                scorer = Arc::new(Cautious::new(scorer, caution, Some(threshold.threshold))?);
                (threshold, Some(second))
            }
        };
        let budget = args.budget.unwrap_or(project.config.filter.budget);
        let law = match (args.law, args.tighten) {
            (LawArg::First, None) => Law::FirstAccepted,
            (LawArg::First, Some(step)) => Law::Tightening {
                step: Step::new(step)?,
            },
            (LawArg::Safest, None) => Law::PickSafest { of: budget },
            (LawArg::Safest, Some(_)) => bail!(crate::commands::BadUsage(
                "--tighten lowers the threshold from draw to draw, and --law safest looks at all draws at once; \
                 choose one"
                    .to_owned()
            )),
        };
        let serving = Self {
            scorer,
            second,
            generator: models::generator(project)?,
            sampling: sampling(project, &args.sampling),
            model,
            threshold,
            budget,
            law,
            path,
        };
        Filter::new(&*serving.scorer, serving.threshold.threshold, budget, law)?;
        Ok(serving)
    }

    /// Describes the filter: everything that decides what it answers, but for the seed.
    pub fn describe(&self) -> Value {
        let mut sampling = json!(self.sampling);
        if let Some(fields) = sampling.as_object_mut() {
            fields.remove("seed");
        }
        let described = json!({
            "classifier": self.model.label(), "model": self.model.id,
            "threshold": self.threshold.threshold, "rule": self.threshold.rule,
            "budget": self.budget, "law": self.law,
            "path": self.path.to_string(), "generator": self.generator.id(), "sampling": sampling,
        });
        self.with_second(described)
    }

    /// Adds the second condition to a description, where there is one: without it, descriptions are as they were.
    fn with_second(&self, mut described: Value) -> Value {
        if let Some(second) = &self.second {
            described["caution"] =
                json!({ "unfamiliarity": second.unfamiliarity, "limit": second.limit });
        }
        described
    }

    /// Returns what scores, with the second condition where there is one.
    pub fn scorer(&self) -> Arc<dyn Scorer> {
        self.scorer.clone()
    }

    /// Returns the same filter with draws from another random stream.
    pub fn with_seed(&self, seed: u64) -> Self {
        let mut other = self.clone();
        other.sampling.seed = seed;
        other
    }

    /// Says what it accepts.
    pub fn condition(&self) -> String {
        let mut condition = self.threshold.to_string();
        if let Some(law) = law_words(self.law) {
            condition.push_str(&format!("; {law}"));
        }
        if let Some(second) = &self.second {
            condition.push_str(&format!("; {second}"));
        }
        condition
    }

    /// Returns the path by which it scores.
    pub fn path(&self) -> ScorePath {
        self.path
    }

    /// Says so where the threshold's acceptance was measured on another generator's draws.
    pub fn caution(&self) -> Option<String> {
        let (measured, serving) = (self.threshold.generator.as_ref()?, self.generator.id());
        (*measured != serving).then(|| {
            format!(
                "caution: what this threshold accepts was measured on draws of {measured}, and \
                 {serving} draws now; `nines calibrate` measures it again"
            )
        })
    }

    /// Describes a run on these prompts for its record.
    pub(super) fn config(&self, what: &str, prompts: &[NewPrompt]) -> Value {
        let texts: Vec<&str> = prompts.iter().map(|p| p.text.as_str()).collect();
        let digest = ContentHash::of_fields("prompts", &texts);
        let prompts = json!({ "what": what, "n": texts.len(), "digest": digest });
        self.with_second(json!({
            "classifier": self.model.label(), "threshold": self.threshold.threshold,
            "calibration": self.threshold.calibration, "budget": self.budget, "law": self.law,
            "path": self.path.to_string(),
            "generator": self.generator.id(), "sampling": self.sampling, "prompts": prompts,
        }))
    }

    pub(super) fn setting(&self, run: RunId) -> FilterSetting {
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
    pub(super) async fn answer(
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
