//! Writing that is whole or absent, even when the machine stops in the middle.

use crate::error::NnError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file whole: into a neighbour first, flushed to the disk, then renamed into place.
///
/// # Errors
/// [`NnError::Write`] when the system refuses; the neighbour is removed and `path` is as before.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), NnError> {
    let temporary = neighbour(path);
    let result = (|| {
        let file = File::create(&temporary)?;
        let mut buffered = io::BufWriter::with_capacity(1 << 20, file);
        write(&mut buffered)?;
        let file = buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    })();
    result.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        NnError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Fills a folder whole: `fill` writes into a neighbour, which is renamed into place when it is
/// done and on the disk. A folder that already holds something is filled file by file instead,
/// each of them whole.
///
/// # Errors
/// What `fill` answers, or [`NnError::Write`] when the system refuses.
pub fn fill_folder(
    folder: &Path,
    fill: impl FnOnce(&Path) -> Result<(), NnError>,
) -> Result<(), NnError> {
    let refused = |source| NnError::Write {
        path: folder.to_owned(),
        source,
    };
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return fill(folder);
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(refused)?;
    }
    let temporary = neighbour(folder);
    fs::create_dir(&temporary).map_err(refused)?;
    let result = fill(&temporary).and_then(|()| {
        fs::rename(&temporary, folder)
            .and_then(|()| sync_parent(folder))
            .map_err(refused)
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    result
}

/// Returns a name beside `path` that no other process uses.
fn neighbour(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}

/// Flushes the folder entry of `path`, where the system can.
fn sync_parent(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        File::open(parent)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_whole(&path, |file| file.write_all(b"old")).expect("written");
        let failed = write_whole(&path, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(matches!(failed, Err(NnError::Write { .. })));
        assert_eq!(fs::read(&path).expect("readable"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_failed_folder_is_not_there() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("model");
        let failed = fill_folder(&folder, |folder| {
            write_whole(&folder.join("a"), |file| file.write_all(b"a"))?;
            Err(NnError::EmptyBatch)
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 0);
        fill_folder(&folder, |folder| {
            write_whole(&folder.join("a"), |file| file.write_all(b"a"))
        })
        .expect("filled");
        fill_folder(&folder, |folder| {
            write_whole(&folder.join("b"), |file| file.write_all(b"b"))
        })
        .expect("filled further");
        assert_eq!(fs::read_dir(&folder).expect("readable").count(), 2);
    }
}
