//! The models of a project, found and loaded: bases, classifiers and ensembles of them, generators.

mod path;
mod scorers;

pub use path::ScorePath;
pub use scorers::{
    calibration_on, classifier, folder_of, score_all, scorer, scorer_by, scorer_of_folder,
    scorer_of_version,
};

use crate::config::EndpointRoute;
use crate::project::Project;
use crate::simulated::WorldGenerator;
use anyhow::{Context, Result, bail};
use nines_attack::thesaurus::Thesaurus;
use nines_infer::endpoint::{ApiKey, EndpointConfig, EndpointGenerator, Route};
use nines_infer::generator::Generator;
use nines_infer::local::LocalGenerator;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_models::{Cache, ModelFolder};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
