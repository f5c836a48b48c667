//! The models that this project knows by name, with the digest of every file they consist of.

use crate::error::ModelsError;
use crate::manifest::Role;
use crate::source::Source;
use serde::Deserialize;
use std::sync::LazyLock;

/// A model known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguedModel {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// What it is for.
    pub role: Role,
    /// Where it comes from.
    pub source: Source,
    /// Its licence (SPDX).
    pub licence: String,
    /// Where the licence is stated.
    pub licence_note: String,
    /// The size of the download in bytes.
    pub download_bytes: u64,
    /// The parts of its archive, in order, where that is split over several wheels; else none.
    pub parts: Vec<CataloguedPart>,
    /// The files it consists of.
    pub files: Vec<CataloguedFile>,
}

/// One part of an archive that is split over several wheels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguedPart {
    /// The wheel that it lies in.
    pub source: Source,
    /// Its path inside the wheel.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// One file of a catalogued model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CataloguedFile {
    /// Its path inside the wheel.
    pub path: String,
    /// Its name in the cache.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    role: Role,
    source: String,
    licence: String,
    licence_note: String,
    download_bytes: u64,
    #[serde(default)]
    parts: Vec<Part>,
    files: Vec<CataloguedFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    source: String,
    path: String,
    bytes: u64,
    sha256: String,
}

impl CataloguedModel {
    /// Reads a manifest as the project ships them (TOML; see `manifests/` in this crate).
    ///
    /// # Errors
    /// [`ModelsError::BadSource`] when it is not such a manifest.
    pub fn from_toml(text: &str) -> Result<Self, ModelsError> {
        let wrong = |reason: String| ModelsError::BadSource {
            text: "a shipped model manifest".to_owned(),
            reason,
        };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for entry in &file.files {
            crate::source::check_name(&entry.name)?;
            if !is_sha256(&entry.sha256) {
                return Err(wrong(format!("{} has no SHA-256", entry.name)));
            }
        }
        let mut parts = Vec::new();
        for part in file.parts {
            if !is_sha256(&part.sha256) {
                return Err(wrong(format!("{} has no SHA-256", part.path)));
            }
            parts.push(CataloguedPart {
                source: Source::parse(&part.source, &[])?,
                path: part.path,
                bytes: part.bytes,
                sha256: part.sha256,
            });
        }
        crate::source::check_name(&file.name)?;
        Ok(Self {
            source: Source::parse(&file.source, &[])?,
            name: file.name,
            title: file.title,
            role: file.role,
            licence: file.licence,
            licence_note: file.licence_note,
            download_bytes: file.download_bytes,
            parts,
            files: file.files,
        })
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Returns the models that this project knows by name, in order of name: `minilm-l6`, the default
/// classifier base; `mpnet-base`, a stronger one at eight times the cost; `smollm2-135m`, the default
/// generator.
pub fn catalogue() -> &'static [CataloguedModel] {
    static CATALOGUE: LazyLock<Vec<CataloguedModel>> = LazyLock::new(|| {
        [
            include_str!("../manifests/minilm-l6.toml"),
            include_str!("../manifests/mpnet-base.toml"),
            include_str!("../manifests/smollm2-135m.toml"),
        ]
        .iter()
        .map(|text| CataloguedModel::from_toml(text).expect("a test reads every shipped manifest"))
        .collect()
    });
    &CATALOGUE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifests_are_sound() {
        let names: Vec<_> = catalogue()
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        assert_eq!(names, ["minilm-l6", "mpnet-base", "smollm2-135m"]);
        for model in catalogue() {
            assert_eq!(model.licence, "Apache-2.0");
            let files: Vec<_> = model.files.iter().map(|file| file.name.clone()).collect();
            crate::layout::select(&files, None, &model.name).expect("usable");
        }
    }

    #[test]
    fn a_manifest_with_a_path_for_a_name_is_refused() {
        let text = include_str!("../manifests/minilm-l6.toml")
            .replace("name = \"vocab.txt\"", "name = \"../vocab.txt\"");
        assert!(CataloguedModel::from_toml(&text).is_err());
    }
}
