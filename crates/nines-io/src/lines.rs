//! Lines of a text file, never holding more of one than the limit.

use crate::error::{Fault, IoError};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that counts the bytes read of it, for progress.
pub(crate) struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn open(path: &Path) -> Result<(Self, Arc<AtomicU64>), IoError> {
        let file = File::open(path).map_err(IoError::io("open", path))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(IoError::file(path, "is a folder; give the files in it"));
        }
        let read = Arc::new(AtomicU64::new(0));
        let counted = Self {
            file,
            read: Arc::clone(&read),
        };
        Ok((counted, read))
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The lines of a file.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    limit: usize,
    line: u64,
    buffer: Vec<u8>,
}

/// One line: its number from 1, its bytes without the line end, and what is wrong with it.
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) text: Result<&'a str, Fault>,
}

impl Lines {
    pub(crate) fn open(
        path: &Path,
        gzipped: bool,
        limit: usize,
    ) -> Result<(Self, Arc<AtomicU64>), IoError> {
        let (file, read) = Counted::open(path)?;
        Ok((Self::of(file, path, gzipped, limit), read))
    }

    /// Takes the lines of what is read from elsewhere than a file, which `path` names.
    pub(crate) fn of(
        source: impl Read + Send + 'static,
        path: &Path,
        gzipped: bool,
        limit: usize,
    ) -> Self {
        let source = BufReader::with_capacity(1 << 16, source);
        let reader: Box<dyn BufRead + Send> = if gzipped {
            let plain = MultiGzDecoder::new(source);
            Box::new(BufReader::with_capacity(1 << 16, plain))
        } else {
            Box::new(source)
        };
        Self {
            reader,
            path: path.to_owned(),
            limit,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// Reads the next line that is not blank; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, IoError> {
        loop {
            let Some(too_long) = self.fill()? else {
                return Ok(None);
            };
            if too_long {
                let reason = format!(
                    "is longer than {} bytes; is it one object a line?",
                    self.limit
                );
                return Ok(Some(Line {
                    number: self.line,
                    bytes: &self.buffer,
                    text: Err(Fault::row(reason)),
                }));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|error| {
            let hint = match self.buffer.first_chunk::<2>() {
                Some([0xff, 0xfe] | [0xfe, 0xff]) => {
                    "; the file looks like UTF-16: save it as UTF-8"
                }
                _ => "",
            };
            Fault::row(format!(
                "is not valid UTF-8 (byte {} of the line){hint}",
                error.valid_up_to() + 1
            ))
        });
        Ok(Some(Line {
            number: self.line,
            bytes: &self.buffer,
            text,
        }))
    }

    /// Fills the buffer with the next line. Of a line over the limit only its start is kept.
    fn fill(&mut self) -> Result<Option<bool>, IoError> {
        self.buffer.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let reason = format!("cannot be read after line {}: {error}", self.line);
                    return Err(IoError::file(&self.path, reason));
                }
            };
            if available.is_empty() {
                break;
            }
            any = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let room = self.limit.saturating_sub(self.buffer.len());
            too_long |= part.len() > room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.line += 1;
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if self.line == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
        }
        Ok(Some(too_long))
    }
}
