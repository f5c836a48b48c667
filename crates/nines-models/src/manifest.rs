//! The record beside a cached model, written last: a folder that has one is whole.

use crate::digest;
use crate::error::ModelsError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file name of the record.
pub const MANIFEST_FILE: &str = "nines-manifest.json";

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An encoder that classifiers start from.
    Base,
    /// A language model that proposes completions.
    Generator,
    /// Pulled by the user: its files tell.
    Unstated,
}

/// The record of one cached model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this record's form: 1.
    pub format: u32,
    /// The model's name in the cache.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Where it came from, as the user can give it again.
    pub source: String,
    /// The exact revision it stood for at the time of the pull: a version or a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Its licence, where its source states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where the digests come from: the project's shipped manifest, or what was found at the pull.
    pub digests: DigestOrigin,
    /// Its files, in order of name.
    pub files: Vec<FileRecord>,
}

/// What the digests of a manifest rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestOrigin {
    /// They equal those that this project ships.
    Shipped,
    /// They were computed when the model was pulled, and fit the object ids that the hub stated.
    Hub,
    /// They were computed when the model was pulled; nothing was there to compare them with.
    RecordedAtPull,
}

/// One file of a cached model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads the record of a model folder.
    ///
    /// # Errors
    /// [`ModelsError::MissingFile`] when there is none, [`ModelsError::BadManifest`] when it cannot
    /// be read, [`ModelsError::Io`] when the file system refuses.
    pub fn read(folder: &Path) -> Result<Self, ModelsError> {
        let path = folder.join(MANIFEST_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ModelsError::MissingFile {
                    file: MANIFEST_FILE.to_owned(),
                    place: folder.display().to_string(),
                    advice: "nines did not make this folder: move it away and pull the model"
                        .to_owned(),
                });
            }
            Err(error) => return Err(ModelsError::io("read", &path)(error)),
        };
        let bad = |reason: String| ModelsError::BadManifest {
            path: path.clone(),
            reason,
        };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if manifest.format != 1 {
            return Err(bad(format!(
                "it has format {}, and this version of nines reads format 1",
                manifest.format
            )));
        }
        if let Some(file) = manifest
            .files
            .iter()
            .find(|file| crate::source::check_name(&file.name).is_err())
        {
            return Err(bad(format!("{:?} is not a file name", file.name)));
        }
        Ok(manifest)
    }
}

/// A model on disk, whole at the time it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// Its record.
    pub manifest: Manifest,
}

impl ModelFolder {
    /// Opens a model folder: reads its record, and checks that every file is there with its size
    /// (not its digest; see [`ModelFolder::verify`]).
    ///
    /// # Errors
    /// As [`Manifest::read`]; [`ModelsError::MissingFile`] and [`ModelsError::WrongSize`].
    pub fn open(path: &Path) -> Result<Self, ModelsError> {
        let manifest = Manifest::read(path)?;
        let advice = || advice(&manifest.source);
        for record in &manifest.files {
            let file = path.join(&record.name);
            let found = match std::fs::metadata(&file) {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(ModelsError::MissingFile {
                        file: record.name.clone(),
                        place: path.display().to_string(),
                        advice: advice(),
                    });
                }
                Err(error) => return Err(ModelsError::io("read", &file)(error)),
            };
            if found != record.bytes {
                return Err(ModelsError::WrongSize {
                    file: file.display().to_string(),
                    expected: record.bytes,
                    found,
                    advice: advice(),
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
        })
    }

    /// Reads every file again and compares its digest with the record.
    ///
    /// # Errors
    /// [`ModelsError::WrongDigest`] with the first file that differs.
    pub fn verify(&self) -> Result<(), ModelsError> {
        for record in &self.manifest.files {
            let file = self.path.join(&record.name);
            let found = digest::of_file(&file)?;
            if found != record.sha256 {
                return Err(ModelsError::WrongDigest {
                    file: file.display().to_string(),
                    expected: record.sha256.clone(),
                    found,
                    advice: advice(&self.manifest.source),
                });
            }
        }
        Ok(())
    }

    /// Returns the path of one of its files, where it has it.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.manifest
            .files
            .iter()
            .any(|record| record.name == name)
            .then(|| self.path.join(name))
    }

    /// Returns the path of its GGUF file, where it is a GGUF model.
    pub fn gguf(&self) -> Option<PathBuf> {
        self.manifest
            .files
            .iter()
            .find(|record| record.name.ends_with(".gguf"))
            .map(|record| self.path.join(&record.name))
    }

    /// Returns one digest for the whole model: the SHA-256 over its files' names and digests.
    pub fn fingerprint(&self) -> String {
        let mut lines = String::new();
        for record in &self.manifest.files {
            lines.push_str(&format!("{}  {}\n", record.sha256, record.name));
        }
        digest::of_bytes(lines.as_bytes())
    }

    /// Returns its size on disk in bytes.
    pub fn bytes(&self) -> u64 {
        self.manifest.files.iter().map(|record| record.bytes).sum()
    }
}

fn advice(source: &str) -> String {
    format!("pull it again: `nines models pull {source} --replace`")
}
