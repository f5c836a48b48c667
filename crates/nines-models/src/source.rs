//! Where a model comes from, and how a source is written.

use crate::catalogue::CataloguedModel;
use crate::error::ModelsError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A Python wheel: `pypi:PACKAGE==VERSION`.
    Wheel {
        /// The package.
        package: String,
        /// The exact version.
        version: String,
    },
    /// A repository on the Hugging Face hub: `hf:OWNER/NAME[@REVISION][#FILE]`.
    Hub {
        /// Its owner; empty for the few repositories without one.
        owner: String,
        /// Its name.
        name: String,
        /// A branch, tag or commit; the hub's default branch where absent. The commit it stood
        /// for is recorded in the manifest.
        revision: Option<String>,
        /// One GGUF file, where the repository has several.
        file: Option<String>,
    },
    /// A folder (or one GGUF file) on this machine, which is copied into the cache.
    Folder(PathBuf),
}

impl Source {
    /// Reads a source as users write it: a catalogued name, `pypi:…`, `hf:…`, or a path (with a
    /// slash, or `folder:PATH`).
    ///
    /// # Errors
    /// [`ModelsError::BadSource`] when it is written wrongly, [`ModelsError::UnknownModel`] when it
    /// is a plain word that the catalogue does not have.
    ///
    /// # Example
    /// ```
    /// use nines_models::Source;
    /// let source = Source::parse("hf:HuggingFaceTB/SmolLM2-135M@main", nines_models::catalogue())?;
    /// assert_eq!(source.to_string(), "hf:HuggingFaceTB/SmolLM2-135M@main");
    /// assert!(Source::parse("pypi:numpy", nines_models::catalogue()).is_err());
    /// # Ok::<(), nines_models::ModelsError>(())
    /// ```
    pub fn parse(text: &str, catalogue: &[CataloguedModel]) -> Result<Self, ModelsError> {
        if let Some(rest) = text.strip_prefix("pypi:") {
            return parse_wheel(text, rest);
        }
        if let Some(rest) = text.strip_prefix("hf:") {
            return parse_hub(text, rest);
        }
        if let Some(rest) = text.strip_prefix("folder:") {
            return Ok(Self::Folder(rest.into()));
        }
        if let Some(model) = catalogue.iter().find(|model| model.name == text) {
            return Ok(model.source.clone());
        }
        if text.contains(['/', '\\']) || text == "." || text == ".." || text.ends_with(".gguf") {
            return Ok(Self::Folder(text.into()));
        }
        let mut known: Vec<&str> = catalogue.iter().map(|model| model.name.as_str()).collect();
        known.sort_unstable();
        Err(ModelsError::UnknownModel {
            text: text.to_owned(),
            known: known.join(", "),
        })
    }

    /// Returns the name that a model from here gets in the cache when the user gives none.
    pub fn default_name(&self, catalogue: &[CataloguedModel]) -> String {
        if let Some(model) = catalogue.iter().find(|model| model.source == *self) {
            return model.name.clone();
        }
        let raw = match self {
            Self::Wheel { package, version } => format!("{package}-{version}"),
            Self::Hub {
                owner, name, file, ..
            } => {
                let stem = file.as_deref().map(|file| {
                    let file = file.rsplit('/').next().unwrap_or(file);
                    format!("--{}", file.trim_end_matches(".gguf"))
                });
                let owner = if owner.is_empty() {
                    String::new()
                } else {
                    format!("{owner}--")
                };
                format!("{owner}{name}{}", stem.unwrap_or_default())
            }
            Self::Folder(path) => {
                let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
                let name = if whole.extension().is_some_and(|e| e == "gguf") {
                    whole.file_stem()
                } else {
                    whole.file_name()
                };
                name.map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().into_owned())
            }
        };
        tidy_name(&raw)
    }

    /// Returns the source as the manifest records it: a folder by its whole path, so that two
    /// working directories do not name two folders alike.
    pub(crate) fn recorded(&self) -> String {
        match self {
            Self::Folder(path) => {
                let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
                format!("folder:{}", whole.display())
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wheel { package, version } => write!(f, "pypi:{package}=={version}"),
            Self::Hub {
                owner,
                name,
                revision,
                file,
            } => {
                f.write_str("hf:")?;
                if !owner.is_empty() {
                    write!(f, "{owner}/")?;
                }
                f.write_str(name)?;
                if let Some(revision) = revision {
                    write!(f, "@{revision}")?;
                }
                if let Some(file) = file {
                    write!(f, "#{file}")?;
                }
                Ok(())
            }
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
        }
    }
}

/// Checks that a name can be a folder of the cache.
pub(crate) fn check_name(name: &str) -> Result<(), ModelsError> {
    let fine = !name.is_empty()
        && name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fine {
        Ok(())
    } else {
        Err(ModelsError::BadName {
            name: name.chars().take(120).collect(),
        })
    }
}

/// Checks that a path inside a source stays inside it.
pub(crate) fn is_plain_relative(path: &str) -> bool {
    !path.contains('\\')
        && Path::new(path)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn tidy_name(raw: &str) -> String {
    let tidy: String = raw
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => {
                c.to_ascii_lowercase()
            }
            _ => '-',
        })
        .take(100)
        .collect();
    let tidy = tidy.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if tidy.is_empty() {
        "model".to_owned()
    } else {
        tidy.to_owned()
    }
}

fn word(text: &str, extra: &[char]) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
}

fn parse_wheel(text: &str, rest: &str) -> Result<Source, ModelsError> {
    match rest.split_once("==") {
        Some((package, version))
            if word(package, &['-', '_', '.']) && word(version, &['.', '+', '!', '-', '_']) =>
        {
            Ok(Source::Wheel {
                package: package.to_owned(),
                version: version.to_owned(),
            })
        }
        _ => Err(ModelsError::BadSource {
            text: text.to_owned(),
            reason: "write `pypi:PACKAGE==VERSION`, with the exact version".to_owned(),
        }),
    }
}

fn parse_hub(text: &str, rest: &str) -> Result<Source, ModelsError> {
    let wrong = |reason: &str| ModelsError::BadSource {
        text: text.to_owned(),
        reason: reason.to_owned(),
    };
    let (rest, file) = match rest.split_once('#') {
        Some((rest, file)) => (rest, Some(file)),
        None => (rest, None),
    };
    let (id, revision) = match rest.split_once('@') {
        Some((id, revision)) => (id, Some(revision)),
        None => (rest, None),
    };
    let (owner, name) = id.split_once('/').unwrap_or(("", id));
    let extra = ['-', '_', '.'];
    if !word(name, &extra) || !(owner.is_empty() || word(owner, &extra)) || id.starts_with('/') {
        return Err(wrong(
            "write `hf:OWNER/NAME`, `hf:OWNER/NAME@REVISION` or `hf:OWNER/NAME#FILE.gguf`",
        ));
    }
    if revision.is_some_and(|r| r.is_empty() || r.contains("..") || r.contains(char::is_whitespace))
    {
        return Err(wrong(
            "the revision after `@` must be a branch, a tag or a commit",
        ));
    }
    if file.is_some_and(|f| !f.ends_with(".gguf") || !is_plain_relative(f)) {
        return Err(wrong(
            "what follows `#` must be the path of a .gguf file in the repository",
        ));
    }
    Ok(Source::Hub {
        owner: owner.to_owned(),
        name: name.to_owned(),
        revision: revision.map(str::to_owned),
        file: file.map(str::to_owned),
    })
}
