//! Models from a folder (or one GGUF file) on this machine. They are copied, so that the cache
//! stays whole when the folder changes or goes; digests are recorded at the copy.

use crate::digest;
use crate::error::ModelsError;
use crate::layout;
use crate::manifest::{DigestOrigin, Role};
use crate::progress::{PullEvent, Reporter};
use crate::pull::Fetched;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(crate) fn fetch(
    path: &Path,
    into: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<Fetched, ModelsError> {
    let place = path.display().to_string();
    let not_a_model = |reason: &str| ModelsError::NotAModel {
        place: place.clone(),
        reason: reason.to_owned(),
    };
    let metadata = fs::metadata(path).map_err(ModelsError::io("open", path))?;
    let (folder, chosen): (PathBuf, Vec<String>) = if metadata.is_file() {
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) if name.ends_with(".gguf") => (
                path.parent().unwrap_or(Path::new("")).to_owned(),
                vec![name.to_owned()],
            ),
            _ => return Err(not_a_model("a single file must be a .gguf file")),
        }
    } else {
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(ModelsError::io("read", path))? {
            let entry = entry.map_err(ModelsError::io("read", path))?;
            let is_file = fs::metadata(entry.path()).is_ok_and(|m| m.is_file());
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
                names.push(name);
            }
        }
        let chosen = layout::select(&names, None, &place)?;
        (path.to_owned(), chosen)
    };
    if let Some(name) = chosen
        .iter()
        .find(|name| crate::source::check_name(name).is_err())
    {
        return Err(not_a_model(&format!(
            "{name:?} must be renamed to plain letters, digits, `-`, `_`, `.`"
        )));
    }

    let mut total = 0;
    for name in &chosen {
        let file = folder.join(name);
        total += fs::metadata(&file)
            .map_err(ModelsError::io("read", &file))?
            .len();
    }
    let mut before = 0;
    let mut files = Vec::new();
    for name in &chosen {
        let from = folder.join(name);
        reporter.say(PullEvent::Checking { file: name.clone() })?;
        let mut reader = File::open(&from).map_err(ModelsError::io("open", &from))?;
        let record = digest::copy(&mut reader, &from, &into.join(name), name, |done| {
            reporter.bytes(before + done, Some(total))
        })?;
        before += record.bytes;
        files.push(record);
    }
    Ok(Fetched {
        files,
        revision: None,
        licence: None,
        role: Role::Unstated,
        digests: DigestOrigin::RecordedAtPull,
    })
}
