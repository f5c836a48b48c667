//! The guide's file and the version that the configuration names.

use crate::config::{Config, FILE_NAME};
use anyhow::{Context, Result};
use nines_io::write_atomically;
use std::path::Path;
use toml_edit::{DocumentMut, Value};

/// Reads the guide that the configuration names.
pub fn read(folder: &Path) -> Result<String> {
    let config = Config::read(folder)?;
    let guide = folder.join(&config.predicate.guide);
    std::fs::read_to_string(&guide).with_context(|| format!("cannot read {}", guide.display()))
}

/// Writes a new version of the guide: the text first, then the version in `nines.toml`, whose comments
/// and order stay. Each file is written whole or not at all.
pub fn save(folder: &Path, version: u32, text: &str) -> Result<()> {
    let config = Config::read(folder)?;
    let file = folder.join(FILE_NAME);
    let before = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let after = with_version(&before, version)
        .with_context(|| format!("{} cannot be changed", file.display()))?;
    let guide = folder.join(&config.predicate.guide);
    write_atomically(&guide, text.as_bytes())
        .with_context(|| format!("cannot write {}", guide.display()))?;
    write_atomically(&file, after.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}

/// Puts a version into a configuration.
fn with_version(text: &str, version: u32) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let place = document
        .get_mut("predicate")
        .and_then(|predicate| predicate.get_mut("version"))
        .and_then(|item| item.as_value_mut())
        .context("it has no predicate.version")?;
    let around = place.decor().clone();
    *place = Value::from(i64::from(version));
    *place.decor_mut() = around;
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_keeps_the_rest_of_the_configuration() {
        let text = "# ours\n[project]\nname = \"p\"\n\n[predicate] # what\nname = \"an injury\"\n\
                    version = 3 # see the guide\nguide = \"predicate.md\"\n";
        let found = with_version(text, 4).expect("changed");
        assert_eq!(found, text.replace("version = 3", "version = 4"));
        let inline = "predicate = { name = \"a\", version = 1, guide = \"g\" }\n";
        let found = with_version(inline, 2).expect("changed");
        assert_eq!(found, inline.replace("version = 1", "version = 2"));
        assert!(with_version("[predicate]\nname = \"a\"\n", 2).is_err());
    }

    #[test]
    fn both_files_are_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[project]\nname = \"p\"\nsplit_seed = 0\n[predicate]\nname = \"a\"\nversion = 1\n\
                    guide = \"predicate.md\"\n";
        std::fs::write(folder.path().join(FILE_NAME), text).expect("written");
        save(folder.path(), 2, "# New\n").expect("saved");
        let config = Config::read(folder.path()).expect("read");
        assert_eq!(config.predicate.version, 2);
        let guide = std::fs::read_to_string(folder.path().join("predicate.md")).expect("read");
        assert_eq!(guide, "# New\n");
    }
}
