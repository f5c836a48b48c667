//! The cache folder: finding, listing, checking and removing models.

use crate::catalogue::{CataloguedModel, catalogue};
use crate::error::ModelsError;
use crate::hub::HubAccess;
use crate::manifest::ModelFolder;
use crate::progress::PullEvent;
use crate::pull::{self, NameLock, PullRequest};
use crate::source::{Source, check_name};
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The model cache.
#[derive(Debug, Clone)]
pub struct Cache {
    pub(crate) root: PathBuf,
    pub(crate) python: OsString,
    pub(crate) hub: HubAccess,
    pub(crate) catalogue: Vec<CataloguedModel>,
}

/// A folder of the cache: a whole model, or what is wrong with it.
#[derive(Debug)]
pub struct CachedModel {
    /// The folder's name.
    pub name: String,
    /// The model, or what is wrong.
    pub folder: Result<ModelFolder, ModelsError>,
}

/// Finds a model in the user's cache; short for [`Cache::open`] and [`Cache::resolve`].
///
/// # Errors
/// As both.
pub fn resolve(name: &str) -> Result<ModelFolder, ModelsError> {
    Cache::open()?.resolve(name)
}

impl Cache {
    /// Opens the user's cache: `NINES_CACHE`, else `$XDG_CACHE_HOME/nines`, else `~/.cache/nines`.
    /// The folder is made by the first pull. `NINES_PYTHON` names the Python that runs pip,
    /// `HF_ENDPOINT` and `HF_TOKEN` the hub.
    ///
    /// # Errors
    /// [`ModelsError::NoCacheFolder`] when none of the variables is set.
    pub fn open() -> Result<Self, ModelsError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = variable("NINES_CACHE")
            .map(PathBuf::from)
            .or_else(|| variable("XDG_CACHE_HOME").map(|base| PathBuf::from(base).join("nines")))
            .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache/nines")))
            .ok_or(ModelsError::NoCacheFolder)?;
        let mut cache = Self::at(root);
        if let Some(python) = variable("NINES_PYTHON") {
            cache.python = python;
        }
        Ok(cache)
    }

    /// Opens a cache in a given folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            python: OsString::from("python3"),
            hub: HubAccess::default(),
            catalogue: catalogue().to_vec(),
        }
    }

    /// Uses another Python than `python3` to run pip.
    #[must_use]
    pub fn with_python(mut self, python: impl Into<OsString>) -> Self {
        self.python = python.into();
        self
    }

    /// Uses a hub at another address than `HF_ENDPOINT` (or the public hub).
    #[must_use]
    pub fn with_hub_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.hub.endpoint = Some(endpoint.into());
        self
    }

    /// Uses another token than `HF_TOKEN`.
    #[must_use]
    pub fn with_hub_token(mut self, token: impl Into<String>) -> Self {
        self.hub.token = Some(token.into());
        self
    }

    /// Uses another catalogue of named models than the one the project ships.
    #[must_use]
    pub fn with_catalogue(mut self, models: Vec<CataloguedModel>) -> Self {
        self.catalogue = models;
        self
    }

    /// Returns the cache folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the models that can be pulled by name.
    pub fn catalogue(&self) -> &[CataloguedModel] {
        &self.catalogue
    }

    /// Reads a source as users write it; see [`Source::parse`].
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn parse_source(&self, text: &str) -> Result<Source, ModelsError> {
        Source::parse(text, &self.catalogue)
    }

    /// Returns the folder a model of this name has, or would have.
    pub(crate) fn folder_of(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Finds a model by its name in the cache. Every file is there with its size; use
    /// [`ModelFolder::verify`] to check the digests as well.
    ///
    /// # Errors
    /// [`ModelsError::NotInCache`], which says how to pull it; otherwise as [`ModelFolder::open`].
    pub fn resolve(&self, name: &str) -> Result<ModelFolder, ModelsError> {
        check_name(name)?;
        let folder = self.folder_of(name);
        if !folder.exists() {
            return Err(ModelsError::NotInCache {
                name: name.to_owned(),
                cache: self.root.clone(),
            });
        }
        ModelFolder::open(&folder)
    }

    /// Finds a model and checks the digest of every file.
    ///
    /// # Errors
    /// As [`Cache::resolve`] and [`ModelFolder::verify`].
    pub fn verify(&self, name: &str) -> Result<ModelFolder, ModelsError> {
        let folder = self.resolve(name)?;
        folder.verify()?;
        Ok(folder)
    }

    /// Lists the cache in order of name, broken folders included.
    ///
    /// # Errors
    /// [`ModelsError::Io`] when the cache folder cannot be read; one that does not exist is empty.
    pub fn list(&self) -> Result<Vec<CachedModel>, ModelsError> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ModelsError::io("read", &self.root)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(ModelsError::io("read", &self.root))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if check_name(&name).is_ok() && entry.path().is_dir() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names
            .into_iter()
            .map(|name| CachedModel {
                folder: ModelFolder::open(&self.folder_of(&name)),
                name,
            })
            .collect())
    }

    /// Brings a model into the cache, or finds that it is there already. See [`PullRequest`].
    ///
    /// Two processes may pull one model at once: the second waits and uses the first one's result.
    ///
    /// # Errors
    /// Any [`ModelsError`]; whichever it is, nothing is left half-made.
    pub fn pull(
        &self,
        request: &PullRequest,
        progress: &mut dyn FnMut(PullEvent) -> ControlFlow<()>,
    ) -> Result<ModelFolder, ModelsError> {
        pull::pull(self, request, progress)
    }

    /// Removes a model from the cache.
    ///
    /// # Errors
    /// [`ModelsError::NotInCache`]; [`ModelsError::MissingFile`] for a folder that nines did not
    /// make, which is left alone; [`ModelsError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), ModelsError> {
        check_name(name)?;
        let folder = self.folder_of(name);
        if !folder.exists() {
            return Err(ModelsError::NotInCache {
                name: name.to_owned(),
                cache: self.root.clone(),
            });
        }
        pull::must_be_ours(&folder)?;
        let lock = NameLock::take(self, name, &mut |_| ControlFlow::Continue(()))?;
        let staging = lock.staging(self)?;
        pull::set_aside(&folder, staging.path())
    }
}
