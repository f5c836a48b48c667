//! Files that are whole or absent: written beside their place, flushed, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The ending of files that are still being written.
const PARTIAL: &str = "partial";

/// Writes a file so that a reader finds the old one or the new one, never a half: a temporary
/// file in the same folder is written, flushed to the disk and renamed; then the folder is
/// flushed.
///
/// # Errors
/// Any input-output error; the temporary file is removed and an older file stays as it was.
pub(crate) fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let partial = partial_path(path);
    let written = (|| {
        let mut file = File::create(&partial)?;
        content(&mut file)?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&partial, path)
    })();
    if written.is_err() {
        // What could not be written whole is of no use; failing to remove it changes nothing.
        let _ = fs::remove_file(&partial);
        return written;
    }
    sync_folder_of(path)
}

/// Flushes the folder of a path, so that a rename in it survives a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Returns where a file is written before it is renamed into place.
pub(crate) fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(PARTIAL);
    path.with_file_name(name)
}

/// Removes what a killed process left half-written in a folder.
pub(crate) fn remove_partial(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == PARTIAL) {
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_leaves_the_older_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_whole(&path, |file| file.write_all(b"old")).expect("written");
        let error = write_whole(&path, |file| {
            file.write_all(b"new, but ")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(error.expect_err("full").kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).expect("readable"), b"old");
        assert!(!partial_path(&path).exists());
    }

    #[test]
    fn halves_are_swept_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let half = partial_path(&folder.path().join("file"));
        fs::write(&half, "ha").expect("written");
        fs::write(folder.path().join("whole"), "whole").expect("written");
        remove_partial(folder.path()).expect("removed");
        assert!(!half.exists() && folder.path().join("whole").exists());
    }
}
