//! Reading what a job's process has said.

use crate::error::JobError;
use std::io::{ErrorKind, SeekFrom};
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Bytes of the longest piece that is read at once.
pub const LONGEST_PIECE: u64 = 64 * 1024;

/// Bytes of the last words that an error quotes.
const LAST_WORDS: u64 = 2_000;

/// Lines of the last words that an error quotes.
const LAST_LINES: usize = 8;

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// The words; bytes that are no text are marked as such.
    pub text: String,
    /// The byte at which to read on.
    pub next: u64,
    /// There is more already.
    pub more: bool,
}

/// Reads a piece of a log from a byte on; a log that is not there yet is empty.
pub(crate) async fn read(path: &Path, from: u64) -> Result<LogPiece, JobError> {
    let piece = async {
        let mut file = match File::open(path).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(LogPiece {
                    text: String::new(),
                    next: 0,
                    more: false,
                });
            }
            file => file?,
        };
        let length = file.metadata().await?.len();
        let from = from.min(length);
        file.seek(SeekFrom::Start(from)).await?;
        let mut bytes = Vec::new();
        file.take(LONGEST_PIECE).read_to_end(&mut bytes).await?;
        bytes.truncate(whole_characters(&bytes));
        let next = from + bytes.len() as u64;
        Ok::<_, std::io::Error>(LogPiece {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            next,
            more: next < length && !bytes.is_empty(),
        })
    };
    piece.await.map_err(|source| JobError::Log {
        path: path.to_owned(),
        source,
    })
}

/// Says how many bytes remain when a character that is cut at the end is left for the next piece.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => cut_in_text_with_errors(bytes),
    }
}

/// The same where an earlier byte is no text, so that the end has to be looked at by itself.
fn cut_in_text_with_errors(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(3);
    for start in last..bytes.len() {
        if let Err(error) = std::str::from_utf8(&bytes[start..])
            && error.valid_up_to() == 0
            && error.error_len().is_none()
        {
            return start;
        }
    }
    bytes.len()
}

/// Returns the last lines that were said since a byte, for an error.
pub(crate) async fn last_words(path: &Path, since: u64) -> String {
    let words = async {
        let mut file = File::open(path).await?;
        let length = file.metadata().await?.len();
        let from = since.max(length.saturating_sub(LAST_WORDS));
        file.seek(SeekFrom::Start(from)).await?;
        let mut bytes = Vec::new();
        file.take(LAST_WORDS).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    // What cannot be read must not hide that the job failed.
    let words = words.await.unwrap_or_default();
    let lines: Vec<&str> = words.lines().map(str::trim_end).collect();
    let lines = &lines[lines.len().saturating_sub(LAST_LINES)..];
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_make_the_whole_and_cut_no_character() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.log");
        let absent = read(&path, 7).await.expect("read");
        assert_eq!(
            (absent.text.as_str(), absent.next, absent.more),
            ("", 0, false)
        );
        let whole = "a".to_owned() + &"é€😀".repeat(20_000);
        std::fs::write(&path, &whole).expect("written");
        let (mut from, mut text) = (0, String::new());
        loop {
            let piece = read(&path, from).await.expect("read");
            assert!(piece.text.len() as u64 <= LONGEST_PIECE);
            text.push_str(&piece.text);
            from = piece.next;
            if !piece.more {
                break;
            }
        }
        assert!(text == whole);
        let beyond = read(&path, u64::MAX).await.expect("read");
        assert_eq!(
            (beyond.text.as_str(), beyond.next),
            ("", whole.len() as u64)
        );
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hold_the_reader_up() {
        assert_eq!(whole_characters(b"\xff\xfeab"), 4);
        assert_eq!(whole_characters(b"\xffab\xe2\x82"), 3);
        assert_eq!(whole_characters(b"ab\xe2\x82"), 2);
        assert_eq!(whole_characters(b""), 0);
    }

    #[tokio::test]
    async fn last_words_are_those_of_this_attempt() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.log");
        let before = "--- attempt 1\nold\n";
        std::fs::write(&path, format!("{before}new\nerror: no\n\n")).expect("written");
        let words = last_words(&path, before.len() as u64).await;
        assert_eq!(words, "new\nerror: no");
    }
}
