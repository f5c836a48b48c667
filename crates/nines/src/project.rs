//! A project folder, opened: its configuration, its store, its paths.

use crate::config::{Config, PrecisionChoice};
use anyhow::{Context, Result};
use nines_jobs::Attempt;
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
    /// What the command line says that models multiply in, in place of the configuration.
    pub precision: Option<PrecisionChoice>,
    /// The attempt at a job that this process is, if it is one.
    pub job: Option<Attempt>,
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
            precision: None,
            job: None,
        })
    }

    /// Names this process as the one that works on the job that it was started for, if it was. To be
    /// called before anything is done.
    pub async fn attend_job(mut self) -> Result<Self> {
        self.job = Attempt::of_this_process()?;
        if let Some(job) = self.job {
            job.attend(&self.store).await?;
        }
        Ok(self)
    }

    /// Puts what the command line says in place of what the configuration says.
    pub fn with_precision(mut self, asked: Option<PrecisionChoice>) -> Self {
        self.precision = asked;
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
