//! What an attack reads: the classifiers it attacks, and models that help. One that cannot be loaded
//! keeps nobody from attacking without it; where a recipe needs it, the reason is told.

use super::judging::Judging;
use crate::cli::{AttackRunArgs, LongArg};
use crate::commands::filter::threshold_by;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, anyhow, bail};
use nines_attack::attack::Attack;
use nines_attack::guided::injury::{ClassifierHead, InjuryHead};
use nines_attack::judge::EndpointJudge;
use nines_attack::recipe::{Models, Recipe, RecipeError};
use nines_attack::victim::Victim;
use nines_domain::draw::Sampling;
use nines_domain::score::Threshold;
use nines_domain::snippet::ModelId;
use nines_infer::cancel::CancelFlag;
use nines_infer::endpoint::EndpointGenerator;
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Scorer;
use nines_infer::sentence_encoder::SentenceEncoder;
use nines_store::{Model, PromptFilter};
use serde_json::{Value, json};
use std::sync::Arc;

/// Kinds of parts that read no model beside the classifiers.
const PLAIN: [&str; 18] = [
    "greedy",
    "beam",
    "random",
    "gcg",
    "flip",
    "typos",
    "delete",
    "merge",
    "synonyms",
    "random-words",
    "hole-shapes",
    "half",
    "protect-words",
    "stop-words",
    "repeat",
    "words-changed",
    "edit-distance",
    "judge",
];

/// Searches that a judge can guide, where it is a classifier: it reads texts that are still being written.
const GUIDED_BY_JUDGE: [&str; 3] = ["guided", "prompts", "prompt-for-completion"];

/// Says whether a recipe's search must know what is injurious without asking the classifier under attack.
fn needs_head(recipe: &Recipe) -> bool {
    let search = &recipe.search;
    match search.kind.as_str() {
        "guided" | "steered" | "prompts" => true,
        "prompt-for-completion" => {
            search.settings.get("judge").and_then(toml::Value::as_bool) == Some(true)
        }
        _ => false,
    }
}

/// Lets the judge keep the label, unless the recipe or its search asks it already: a judge that is named must
/// not go unasked.
pub fn with_judge(recipe: Recipe, args: &AttackRunArgs) -> Result<Recipe, RecipeError> {
    let search = recipe.search.kind.as_str();
    let guides = args.judge.is_some() && GUIDED_BY_JUDGE.contains(&search) && needs_head(&recipe);
    if (args.judge.is_none() && args.judge_url.is_none()) || guides || search == "mcmc" {
        return Ok(recipe);
    }
    recipe.with_judge()
}

/// A classifier with its threshold, loaded.
pub struct Attacked {
    /// The classifier.
    pub model: Model,
    /// Its threshold.
    pub threshold: Threshold,
    /// Where the threshold comes from.
    rule: String,
    /// The path by which it scores.
    pub path: ScorePath,
    scorer: Arc<dyn Scorer>,
}

impl Attacked {
    /// Loads a classifier and finds its threshold, for which `flag` is the option.
    pub async fn load(
        project: &Project,
        classifier: Option<&str>,
        threshold: (Option<f64>, &str),
        path: ScorePath,
    ) -> Result<Self> {
        let model = models::classifier(project, classifier).await?;
        let (typed, flag) = threshold;
        let choice = threshold_by(project, &model, typed, path, flag).await?;
        Ok(Self {
            scorer: models::scorer(project, &model, path).await?,
            threshold: choice.threshold,
            rule: choice.rule,
            path: path.for_model(project, &model).await?,
            model,
        })
    }

    /// Loads the classifier of a run's record: the version of then with the threshold of then, whatever has become the
    /// newest since.
    pub async fn recorded(project: &Project, record: &Value, path: ScorePath) -> Result<Self> {
        let unreadable = "the run was stored by another version of nines; start it anew";
        let id = record["model"].as_i64().context(unreadable)?;
        let threshold = record["threshold"].as_f64().context(unreadable)?;
        let model = project.store.model(ModelId(id)).await.with_context(|| {
            format!(
                "{}, of which the run speaks, cannot be found",
                record["classifier"].as_str().unwrap_or("the classifier")
            )
        })?;
        Ok(Self {
            scorer: models::scorer(project, &model, path).await?,
            threshold: Threshold::new(threshold)?,
            rule: record["rule"].as_str().unwrap_or_default().to_owned(),
            path: path.for_model(project, &model).await?,
            model,
        })
    }

    /// Returns what scores.
    pub fn scorer(&self) -> Arc<dyn Scorer> {
        self.scorer.clone()
    }

    /// Says whether a trained classifier is part of both, alone or in an ensemble.
    fn shares_with(&self, other: &Self) -> bool {
        let parts = |attacked: &Self| -> Vec<ModelId> {
            let members = attacked
                .model
                .ensemble
                .iter()
                .flat_map(|record| &record.members);
            let members: Vec<ModelId> = members.map(|member| member.id).collect();
            if members.is_empty() {
                vec![attacked.model.id]
            } else {
                members
            }
        };
        let own = parts(self);
        parts(other).iter().any(|part| own.contains(part))
    }

    /// Describes it for a run's record.
    pub fn describe(&self) -> Value {
        json!({ "classifier": self.model.label(), "model": self.model.id, "digest": self.model.digest,
            "threshold": self.threshold, "rule": self.rule, "version": self.scorer.version() })
    }
}

/// All that an attack reads, loaded.
pub struct Loaded {
    /// The classifier under attack.
    pub first: Attacked,
    /// The second one, where two are compared.
    pub second: Option<Attacked>,
    /// The judge that must still see the catastrophe.
    pub judge: Option<Judging>,
    models: Models,
    /// The probe that says what is injurious, and how good it is, where there is one.
    probe: Option<Value>,
    /// Why other models are not there.
    absent: Vec<String>,
}

impl Loaded {
    /// Loads what a recipe may read; of a run that goes on, the classifiers that its record names.
    pub async fn load(
        project: &Project,
        args: &AttackRunArgs,
        recipe: &Recipe,
        recorded: Option<&Value>,
        output: &Output,
    ) -> Result<Self> {
        let path = ScorePath::of(project, LongArg::Refuse)?;
        let name = args.classifier.as_deref();
        let first = match recorded {
            Some(run) => Attacked::recorded(project, &run["attacked"], path).await?,
            None => Attacked::load(project, name, (args.threshold, "--threshold"), path).await?,
        };
        let second = match (args.against.as_deref(), recorded) {
            (None, _) => None,
            (_, Some(run)) => Some(Attacked::recorded(project, &run["against"], path).await?),
            (name, None) => {
                let threshold = (args.against_threshold, "--against-threshold");
                Some(Attacked::load(project, name, threshold, path).await?)
            }
        };
        let judge = Judging::load(project, args, recorded, path, output).await?;
        let judging = match &judge {
            Some(Judging::Classifier(judge)) => Some(judge),
            _ => None,
        };
        for other in [second.as_ref(), judging].into_iter().flatten() {
            if other.model.id == first.model.id {
                bail!(crate::commands::BadUsage(format!(
                    "{} is the classifier under attack; it says nothing about itself: name another one",
                    first.model.label()
                )));
            }
        }
        let attacked: Vec<&Attacked> = [Some(&first), second.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        if let Some(judge) = judging
            && let Some(of) = attacked.iter().find(|of| judge.shares_with(of))
        {
            bail!(crate::commands::BadUsage(format!(
                "{} and {}, which is under attack, share a classifier; a judge must not be fooled by what fools \
                 the attacked: name another one",
                judge.model.label(),
                of.model.label()
            )));
        }
        let scorers: Vec<Arc<dyn Scorer>> = attacked.iter().map(|a| a.scorer.clone()).collect();
        let thresholds = attacked.iter().map(|a| a.threshold).collect();
        let mut models = Models::of(Arc::new(Victim::new(scorers.clone())), thresholds);
        models.judge = judge.as_ref().map(Judging::judge);
        // A classifier that is not under attack may say what is injurious.
        if let Some(judging) =
            judging.filter(|_| GUIDED_BY_JUDGE.contains(&recipe.search.kind.as_str()))
        {
            let threshold = judging.threshold.logit();
            let head = ClassifierHead::new(judging.scorer.clone(), threshold, &scorers)?;
            models.injury = Some(Arc::new(head.called(judging.model.label())));
        }
        let mut loaded = Self {
            first,
            second,
            judge,
            models,
            probe: None,
            absent: Vec::new(),
        };
        loaded.add_thesaurus();
        let prompts = project.store.prompts(&PromptFilter::default()).await?;
        loaded.models.prompts = Arc::new(prompts.into_iter().map(|prompt| prompt.text).collect());
        if reads_models(recipe) {
            loaded.add_models(project, args, recipe).await?;
        }
        if needs_head(recipe) && loaded.models.injury.is_none() {
            let kept = recorded.and_then(|run| run["probe"]["file"].as_str());
            loaded.add_probe(project, kept, output).await;
        }
        Ok(loaded)
    }

    /// Puts the attack together.
    pub fn attack(&self, recipe: &Recipe, seed: u64) -> Result<Attack> {
        recipe.build(&self.models, seed).map_err(|error| {
            let is_missing = matches!(error, RecipeError::Missing { .. });
            let error = anyhow!("the recipe {}: {error}", recipe.name);
            match self.absent.is_empty() || !is_missing {
                true => error,
                false => error.context(format!("not loaded: {}", self.absent.join("; "))),
            }
        })
    }

    /// Describes the classifiers for a run's record. Its path is that of the first; another one that scores by
    /// another says so.
    pub fn describe(&self) -> Value {
        let with_path = |mut described: Value, path: ScorePath| {
            if path != self.first.path {
                described["path"] = json!(path.to_string());
            }
            described
        };
        let against = self.second.as_ref();
        let against = against.map(|second| with_path(second.describe(), second.path));
        let judge = self.judge.as_ref().map(|judge| match judge {
            Judging::Classifier(other) => with_path(judge.describe(), other.path),
            _ => judge.describe(),
        });
        json!({ "attacked": self.first.describe(), "against": against, "judge": judge,
            "probe": self.probe, "path": self.first.path.to_string() })
    }

    /// Lets a probe of the generator say what is injurious, since nobody else does.
    async fn add_probe(&mut self, project: &Project, kept: Option<&str>, output: &Output) {
        let Some(generator) = self.models.local_generator.clone() else {
            return;
        };
        match super::probe::head(project, generator, kept, output).await {
            Ok((head, file)) => {
                self.probe = Some(
                    json!({ "name": head.name(), "record": head.probe().record, "file": file }),
                );
                self.models.injury = Some(Arc::new(head));
            }
            Err(why) => self
                .absent
                .push(format!("probe of the generator ({why:#})")),
        }
    }

    fn add_thesaurus(&mut self) {
        match crate::models::thesaurus() {
            Ok(thesaurus) => self.models.thesaurus = Some(Arc::new(thesaurus)),
            Err(why) => self.absent.push(format!("thesaurus ({why:#})")),
        }
    }

    async fn add_models(
        &mut self,
        project: &Project,
        args: &AttackRunArgs,
        recipe: &Recipe,
    ) -> Result<()> {
        let section = &project.config.generator;
        let is_local = section.simulated.is_none() && section.endpoint.is_none();
        let local = match &args.lm {
            // What is named must be there.
            Some(name) => Some(Ok(local(project, name)?)),
            None => is_local.then(|| local(project, &section.model)),
        };
        match local {
            Some(Ok(local)) => {
                self.models.language_model = Some(local.clone());
                self.models.generator = Some(local.clone());
                self.models.paraphraser = Some(local.clone());
                self.models.local_generator = Some(local);
            }
            Some(Err(why)) => self.absent.push(format!("language model ({why:#})")),
            None => match models::generator(project) {
                Ok(generator) => {
                    self.models.paraphraser = Some(generator.clone());
                    self.models.generator = Some(generator);
                    let why = "the project's generator does not run here; name one with --lm";
                    self.absent.push(format!("language model ({why})"));
                }
                Err(why) => self.absent.push(format!("generator ({why:#})")),
            },
        }
        let paraphrases = recipe
            .transformations
            .iter()
            .any(|part| part.kind == "paraphrase");
        if let Some(paraphraser) = paraphraser(project, args, paraphrases).await? {
            self.models.paraphraser = Some(paraphraser);
        }
        if let Some(folder) = &args.masked {
            self.models.masked = Some(models::masked_language_model(folder)?);
        }
        let encoder = models::base(project, None).and_then(|base| {
            SentenceEncoder::load(&base.folder).with_context(|| {
                format!(
                    "{}, the base of [classifier] in nines.toml, cannot say how alike sentences are",
                    base.name
                )
            })
        });
        match encoder {
            Ok(encoder) => self.models.encoder = Some(Arc::new(encoder)),
            Err(why) => self.absent.push(format!("sentence encoder ({why:#})")),
        }
        Ok(())
    }
}

/// Says whether any part of a recipe may read a model beside the classifiers.
fn reads_models(recipe: &Recipe) -> bool {
    let parts = std::iter::once(&recipe.search)
        .chain(&recipe.transformations)
        .chain(&recipe.constraints);
    parts
        .into_iter()
        .any(|part| !PLAIN.contains(&part.kind.as_str()))
}

fn local(project: &Project, name: &str) -> Result<Arc<LocalGenerator>> {
    models::local_generator(project, name)
}

/// Returns what paraphrases, where it is named. An endpoint that a recipe will ask is tried first: one that does not
/// answer is told before anything is attacked.
async fn paraphraser(
    project: &Project,
    args: &AttackRunArgs,
    is_asked: bool,
) -> Result<Option<Arc<dyn Generator>>> {
    if let (Some(url), Some(model)) = (&args.paraphraser_url, &args.paraphraser_model) {
        let key = args.paraphraser_key_env.as_deref();
        if is_asked {
            let hurried =
                EndpointJudge::with_short_waits(models::endpoint_config(url, model, key)?);
            let asked = EndpointGenerator::new(hurried)?;
            tokio::task::spawn_blocking(move || try_out(&asked))
                .await
                .context("the paraphraser's trial ended abruptly")?
                .map_err(|error| {
                    anyhow!(
                        "the paraphraser {model} cannot be used: {error}; start it, or name a local model with --paraphraser"
                    )
                })?;
        }
        return Ok(Some(models::endpoint_of(url, model, key)?));
    }
    Ok(match &args.paraphraser {
        None => None,
        Some(name) => Some(local(project, name)?),
    })
}

/// Asks a generator for one short draw.
fn try_out(generator: &dyn Generator) -> Result<(), GenerateError> {
    let request = PromptRequest {
        prompt: "It was a warm evening.".to_owned(),
        draws: 0..1,
    };
    let sampling = Sampling {
        max_tokens: 8,
        ..Sampling::default()
    };
    let mut answer = Ok(());
    generator.generate(
        &[request],
        &sampling,
        &mut |_, draw| answer = draw.map(|_| ()),
        &CancelFlag::default(),
    )?;
    answer
}
