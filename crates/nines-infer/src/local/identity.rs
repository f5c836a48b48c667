//! The name of a local model: precise enough that equal names give equal draws.

use super::LoadGeneratorError;
use nines_nn::gguf::GgufFile;
use nines_nn::precision::Precision;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;

/// Digits of the digest in the name.
const DIGITS: usize = 16;
/// Follows the precision. A change of the arithmetic that changes texts changes this too (`.2`), so
/// that draws of the old are not taken for draws of the new.
const REVISION: &str = "";

/// Names a model by its file's name and content and by its arithmetic:
/// `SmolLM2-135M-Instruct.Q4_1@0123456789abcdef-f32`.
pub(super) fn of(
    path: &Path,
    gguf: Option<&GgufFile>,
    precision: Precision,
) -> Result<String, LoadGeneratorError> {
    let mut hasher = Sha256::new();
    match gguf {
        Some(file) => hasher.update(file.as_bytes()),
        None => {
            for name in names(path)? {
                hasher.update((name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
                let read = |source| LoadGeneratorError::Read {
                    path: path.join(&name),
                    source,
                };
                let mut file = File::open(path.join(&name)).map_err(read)?;
                let length = file.metadata().map_err(read)?.len();
                hasher.update(length.to_le_bytes());
                std::io::copy(&mut file, &mut hasher).map_err(read)?;
            }
        }
    }
    let digest = hasher.finalize();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let stem = if gguf.is_some() {
        path.file_stem()
    } else {
        path.file_name()
    };
    let stem = stem.map_or("model".into(), |stem| stem.to_string_lossy());
    Ok(format!(
        "{stem}@{}-{precision}{REVISION}",
        &digits[..DIGITS]
    ))
}

/// Lists the files of a folder that decide what the model writes.
fn names(folder: &Path) -> Result<Vec<String>, LoadGeneratorError> {
    let read = |source| LoadGeneratorError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry
            .map_err(read)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".safetensors") || name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
