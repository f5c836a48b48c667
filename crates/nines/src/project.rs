//! A project folder, opened: its configuration, its store, its paths.

use crate::config::{Config, PrecisionChoice};
use anyhow::{Context, Result};
use nines_store::{Store, StoreUrl};
use std::path::{Path, PathBuf};

/// An open project.
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// `nines.toml`.
    pub config: Config,
    /// The database.
    pub store: Store,
}

impl Project {
    /// Opens the project in a folder.
    pub async fn open(folder: &Path) -> Result<Self> {
        let config = Config::read(folder)?;
        let url = match config.database.url.parse()? {
            StoreUrl::Sqlite(path) => StoreUrl::Sqlite(folder.join(path)),
            server => server,
        };
        let store = Store::open(&url)
            .await
            .with_context(|| format!("cannot open the database of {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            config,
            store,
        })
    }

    /// Puts what the command line says in place of what the configuration says.
    pub fn with_precision(mut self, asked: Option<PrecisionChoice>) -> Self {
        if let Some(asked) = asked {
            self.config.classifier.precision = asked;
            self.config.generator.precision = asked;
        }
        self
    }

    /// Where trained classifiers are kept.
    pub fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// Where one run keeps its checkpoints and files.
    pub fn run_folder(&self, run: nines_domain::snippet::RunId) -> PathBuf {
        self.folder.join("runs").join(format!("{run:0>6}"))
    }
}
