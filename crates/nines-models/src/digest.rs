//! SHA-256 of files and streams.

use crate::error::ModelsError;
use crate::manifest::FileRecord;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

const BUFFER_BYTES: usize = 1 << 18;

/// Returns a digest in hexadecimal.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the digest of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns the digest of a file.
pub(crate) fn of_file(path: &Path) -> Result<String, ModelsError> {
    let mut file = File::open(path).map_err(ModelsError::io("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file
            .read(&mut buffer)
            .map_err(ModelsError::io("read", path))?
        {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// A file being written, hashed as it grows.
pub(crate) struct HashedWriter<'a> {
    path: &'a Path,
    file: File,
    hasher: Sha256,
    bytes: u64,
}

impl<'a> HashedWriter<'a> {
    pub(crate) fn create(path: &'a Path) -> Result<Self, ModelsError> {
        Ok(Self {
            path,
            file: File::create(path).map_err(ModelsError::io("create", path))?,
            hasher: Sha256::new(),
            bytes: 0,
        })
    }

    /// Opens a file, made if need be, to write behind what it holds; only that is hashed and counted.
    pub(crate) fn append(path: &'a Path) -> Result<Self, ModelsError> {
        let file = File::options().create(true).append(true).open(path);
        Ok(Self {
            path,
            file: file.map_err(ModelsError::io("open", path))?,
            hasher: Sha256::new(),
            bytes: 0,
        })
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> Result<(), ModelsError> {
        self.file
            .write_all(chunk)
            .map_err(ModelsError::io("write", self.path))?;
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
        Ok(())
    }

    /// Writes the file through to the disk and returns its record.
    pub(crate) fn finish(self, name: &str) -> Result<FileRecord, ModelsError> {
        self.file
            .sync_all()
            .map_err(ModelsError::io("write", self.path))?;
        Ok(FileRecord {
            name: name.to_owned(),
            bytes: self.bytes,
            sha256: hex(&self.hasher.finalize()),
        })
    }
}

/// Copies a stream into a new file, hashing it, and tells how far it is after every buffer.
pub(crate) fn copy(
    reader: &mut dyn Read,
    from: &Path,
    to: &Path,
    name: &str,
    on_bytes: impl FnMut(u64) -> Result<(), ModelsError>,
) -> Result<FileRecord, ModelsError> {
    copy_to(reader, from, HashedWriter::create(to)?, name, on_bytes)
}

/// As [`copy`], to a file that is open.
pub(crate) fn copy_to(
    reader: &mut dyn Read,
    from: &Path,
    mut writer: HashedWriter<'_>,
    name: &str,
    mut on_bytes: impl FnMut(u64) -> Result<(), ModelsError>,
) -> Result<FileRecord, ModelsError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader
            .read(&mut buffer)
            .map_err(ModelsError::io("read", from))?
        {
            0 => return writer.finish(name),
            n => writer.write(&buffer[..n])?,
        }
        on_bytes(writer.bytes)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let error = copy(
            &mut &b"some bytes"[..],
            Path::new("source"),
            Path::new("/dev/full"),
            "file",
            |_| Ok(()),
        )
        .expect_err("the device is always full");
        assert!(matches!(error, ModelsError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("NINES_CACHE"), "{error}");
    }
}
