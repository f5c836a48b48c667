//! The models of a project, found and loaded: bases, classifiers, generators.

use crate::cli::LongArg;
use crate::config::EndpointRoute;
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::simulated::{WorldGenerator, WorldScorer};
use anyhow::{Context, Result, bail};
use nines_attack::thesaurus::Thesaurus;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::endpoint::{ApiKey, EndpointConfig, EndpointGenerator, Route};
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_kernels::{Unit, encoder, encoder16};
use nines_models::{Cache, ModelFolder};
use nines_nn::precision::Precision;
use nines_store::{Calibration, Model, ModelKind};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A base model that classifiers start from.
pub struct Base {
    /// Its name.
    pub name: String,
    /// How the database names its place.
    pub path: String,
    /// The digest of its files.
    pub digest: String,
    /// Where it is.
    pub folder: PathBuf,
}

/// Finds the base model in the cache, and checks the digest of every file: a version records what
/// it was trained from.
pub fn base(project: &Project, asked: Option<&str>) -> Result<Base> {
    let name = asked.unwrap_or(&project.config.classifier.base);
    let folder = find(name)?;
    folder.verify()?;
    Ok(Base {
        name: folder.manifest.name.clone(),
        path: folder.path.display().to_string(),
        digest: folder.fingerprint(),
        folder: folder.path,
    })
}

/// Says whether the cache has a model of this name, without reading its files.
///
/// # Errors
/// As [`base`], but for files that changed.
pub fn known(name: &str) -> Result<()> {
    find(name).map(drop)
}

/// Finds a model of the cache by name. What is not in the cache and looks like a folder is named
/// in the error, with the command that brings it in.
fn find(name: &str) -> Result<ModelFolder> {
    let cache = Cache::open()?;
    let found = cache.resolve(name);
    if found.is_err() && Path::new(name).is_dir() {
        bail!(
            "{name} is a folder; bring it into the cache first, so that its digests are kept: \
             nines models pull {name} --name NAME"
        );
    }
    Ok(found?)
}

/// Finds a stored classifier: `NAME`, `NAME@VERSION`, or the newest.
pub async fn classifier(project: &Project, asked: Option<&str>) -> Result<Model> {
    let Some(asked) = asked else {
        let newest = project
            .store
            .latest_model(ModelKind::Classifier, None)
            .await?;
        return newest
            .context("the project has no classifier yet; train one: nines train classifier");
    };
    let found = match asked.rsplit_once('@') {
        Some((name, version)) => {
            let version = version.trim_start_matches('v').parse().with_context(|| {
                format!("{version:?} in {asked:?} is not a version number; write NAME@2")
            })?;
            project
                .store
                .model_version(ModelKind::Classifier, name, version)
                .await?
        }
        None => {
            project
                .store
                .latest_model(ModelKind::Classifier, Some(asked))
                .await?
        }
    };
    match found {
        Some(model) => Ok(model),
        None => {
            let known: Vec<String> = project
                .store
                .models(Some(ModelKind::Classifier))
                .await?
                .iter()
                .map(|model| format!("{}@{}", model.name, model.version))
                .collect();
            bail!(
                "the project has no classifier {asked}; it has: {}",
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            )
        }
    }
}

/// Returns the folder of a stored model.
pub fn folder_of(project: &Project, model: &Model) -> PathBuf {
    project.folder.join(&model.path)
}

/// The path by which scores are computed: a threshold is calibrated on the path that serves, and
/// scores of different paths are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScorePath {
    precision: Precision,
    long: LongPolicy,
}

impl ScorePath {
    /// The path of a project on this machine.
    pub fn of(project: &Project, long: LongArg) -> Result<Self> {
        Ok(Self {
            precision: project.config.classifier.precision.on_this_machine()?,
            long: match long {
                LongArg::Refuse => LongPolicy::Refuse,
                LongArg::Max => LongPolicy::MaxWindow,
            },
        })
    }

    /// The path of a stated precision.
    pub fn new(precision: Precision, long: LongPolicy) -> Self {
        Self { precision, long }
    }

    /// All paths, of this machine and others.
    pub fn all() -> impl Iterator<Item = Self> {
        let rounded = Unit::ALL.map(Precision::Bf16);
        [Precision::Float32]
            .into_iter()
            .chain(rounded)
            .flat_map(|precision| {
                [LongPolicy::Refuse, LongPolicy::MaxWindow].map(|long| Self { precision, long })
            })
    }
}

impl fmt::Display for ScorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = match self.precision {
            Precision::Float32 => encoder::REVISION,
            Precision::Bf16(_) => encoder16::REVISION,
        };
        write!(f, "cpu/{}", self.precision)?;
        // The first has no number.
        if revision > 1 {
            write!(f, ".{revision}")?;
        }
        match self.long {
            LongPolicy::Refuse => Ok(()),
            LongPolicy::MaxWindow => f.write_str("/max-window"),
        }
    }
}

/// Finds a classifier's newest calibration on a path.
pub async fn calibration_on(
    project: &Project,
    model: &Model,
    path: ScorePath,
) -> Result<Option<Calibration>> {
    let path = path.to_string();
    let calibrations = project.store.calibrations(Some(model.id)).await?;
    let mut newest_first = calibrations.into_iter().rev();
    Ok(newest_first.find(|c| c.record["path"].as_str() == Some(&path)))
}

/// Loads the scorer of a stored classifier.
pub fn scorer(project: &Project, model: &Model, path: ScorePath) -> Result<Arc<dyn Scorer>> {
    let folder = folder_of(project, model);
    let load = || -> Result<Arc<dyn Scorer>> {
        if let Some(known) = WorldScorer::read(&folder)? {
            return Ok(Arc::new(known));
        }
        Ok(scorer_of_folder(&folder, path)?)
    };
    load().with_context(|| format!("cannot load the classifier {}", model.label()))
}

/// Loads the scorer in a classifier folder.
pub fn scorer_of_folder(folder: &Path, path: ScorePath) -> Result<Arc<ClassifierScorer>> {
    let scorer = ClassifierScorer::load(folder, path.long)?;
    Ok(Arc::new(scorer.with_precision(path.precision)))
}

/// Scores snippets on a thread of their own, with a progress bar.
pub async fn score_all(
    scorer: Arc<dyn Scorer>,
    texts: Vec<SnippetText>,
    what: &str,
    output: &Output,
) -> Result<Vec<Result<Score, Unscoreable>>> {
    let total = texts.len() as u64;
    let (sender, mut done) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        scorer.score(&texts, &mut |n| {
            let _ = sender.send(n as u64);
        })
    });
    let mut progress = Progress::new(output, what, total);
    while let Some(n) = done.recv().await {
        progress.set(n, "");
    }
    let scores = thread.await.context("scoring ended abruptly")?;
    progress.finish(&counted(total, "snippet"));
    Ok(scores)
}

/// Loads the project's generator.
pub fn generator(project: &Project) -> Result<Arc<dyn Generator>> {
    let section = &project.config.generator;
    if let Some(settings) = section.simulated {
        return Ok(Arc::new(WorldGenerator::new(settings)?));
    }
    if let Some(endpoint) = &section.endpoint {
        let key = match &endpoint.key_env {
            None => None,
            Some(variable) => Some(std::env::var(variable).with_context(|| {
                format!("the environment variable {variable}, named by generator.endpoint.key_env, is not set")
            })?),
        };
        let route = match endpoint.route {
            EndpointRoute::Completions => Route::Completions,
            EndpointRoute::Chat => Route::Chat,
        };
        let mut config = EndpointConfig::new(&endpoint.base_url, &endpoint.model, route);
        config.key = key.as_deref().map(ApiKey::new).transpose()?;
        config.concurrency = endpoint.concurrency;
        config.timeout = Duration::from_secs(endpoint.timeout_seconds);
        config.retries = endpoint.retries;
        return Ok(Arc::new(EndpointGenerator::new(config)?));
    }
    let local: Arc<dyn Generator> = local_generator(project, &section.model)?;
    Ok(local)
}

/// Loads a language model that runs here: a model of the cache, or a GGUF file (relative to the project
/// folder).
pub fn local_generator(project: &Project, name: &str) -> Result<Arc<LocalGenerator>> {
    let path = project.folder.join(name);
    let path = if path.is_file() {
        path
    } else {
        let folder = find(name)?;
        folder.gguf().unwrap_or(folder.path)
    };
    let precision = project.config.generator.precision.on_this_machine()?;
    Ok(Arc::new(LocalGenerator::open(&path, precision)?))
}

/// Makes a generator of an OpenAI-compatible chat endpoint; its key is read from an environment variable.
pub fn endpoint_of(url: &str, model: &str, key_env: Option<&str>) -> Result<Arc<dyn Generator>> {
    let config = endpoint_config(url, model, key_env)?;
    Ok(Arc::new(EndpointGenerator::new(config)?))
}

/// Describes a chat endpoint, with the key of an environment variable.
pub fn endpoint_config(url: &str, model: &str, key_env: Option<&str>) -> Result<EndpointConfig> {
    let key = match key_env {
        None => None,
        Some(variable) => Some(
            std::env::var(variable)
                .with_context(|| format!("the environment variable {variable} is not set"))?,
        ),
    };
    let mut config = EndpointConfig::new(url, model, Route::Chat);
    config.key = key.as_deref().map(ApiKey::new).transpose()?;
    Ok(config)
}

/// Loads a masked language model from a folder that somebody named: it must be there.
pub fn masked_language_model(folder: &Path) -> Result<Arc<MaskedLanguageModel>> {
    let masked = MaskedLanguageModel::load(folder).with_context(|| {
        format!(
            "cannot load a masked language model from {}",
            folder.display()
        )
    })?;
    Ok(Arc::new(masked))
}

/// Reads the thesaurus that is installed on this machine.
pub fn thesaurus() -> Result<Thesaurus> {
    Ok(Thesaurus::find()?)
}
