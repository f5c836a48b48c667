//! Files that appear whole or not at all.

use crate::error::IoError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file being written beside its final place, hashed as it grows.
pub(crate) struct AtomicFile {
    path: PathBuf,
    temp: NamedTempFile,
}

/// The writing end of an [`AtomicFile`].
pub(crate) struct Hashing {
    file: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl AtomicFile {
    pub(crate) fn create(path: &Path) -> Result<(Self, Hashing), IoError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if path.is_dir() {
            return Err(IoError::file(path, "is a folder; name a file"));
        }
        std::fs::create_dir_all(folder).map_err(IoError::io("create", folder))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".nines-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As open(2) would: the process's umask takes its part away.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temp = builder
            .tempfile_in(folder)
            .map_err(IoError::io("create a file in", folder))?;
        let file = temp.reopen().map_err(IoError::io("open", temp.path()))?;
        let hashing = Hashing {
            file: BufWriter::with_capacity(1 << 16, file),
            hasher: Sha256::new(),
            bytes: 0,
        };
        let atomic = Self {
            path: path.to_owned(),
            temp,
        };
        Ok((atomic, hashing))
    }

    /// Writes everything through to the disk and gives the file its name. Returns its size and
    /// SHA-256.
    pub(crate) fn finish(self, mut hashing: Hashing) -> Result<(u64, String), IoError> {
        let path = self.path;
        hashing.file.flush().map_err(IoError::io("write", &path))?;
        self.temp
            .as_file()
            .sync_all()
            .map_err(IoError::io("write", &path))?;
        self.temp
            .persist(&path)
            .map_err(|error| IoError::io("create", &path)(error.error))?;
        sync_parent(&path)?;
        let digest = hashing.hasher.finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((hashing.bytes, hex))
    }
}

/// Writes a file's entry in its folder through to the disk.
pub(crate) fn sync_parent(path: &Path) -> Result<(), IoError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)
            .and_then(|handle| handle.sync_all())
            .map_err(IoError::io("write", folder))?;
    }
    Ok(())
}
