//! Plain-text books, cut into prompts of a few sentences.

use crate::error::IoError;
use crate::lines::Counted;
use crate::records::{LeftOut, Limits, Record, Records};
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

pub(crate) fn open(
    path: &Path,
    limits: &Limits,
    sentences_per_prompt: usize,
) -> Result<(Records, LeftOut), IoError> {
    let (file, _) = Counted::open(path)?;
    let mut bytes = Vec::new();
    file.take(limits.book_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(IoError::io("read", path))?;
    if bytes.len() as u64 > limits.book_bytes {
        let reason = format!(
            "is longer than {} bytes; cut it into parts",
            limits.book_bytes
        );
        return Err(IoError::file(path, reason));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let bad = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..bad]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        IoError::file(
            path,
            format!("is not valid UTF-8 in line {line}; save it as UTF-8"),
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut line, mut counted) = (1, 0);
    let cut = nines_text::cut_book(text, sentences_per_prompt);
    let skipped = cut.skipped.iter();
    let left_out = skipped
        .map(|(skip, n)| (skip.as_str(), *n as u64))
        .collect();
    let prompts: Vec<(u64, nines_text::BookPrompt)> = cut
        .prompts
        .into_iter()
        .map(|prompt| {
            let from = counted.min(prompt.start_byte);
            line += text.as_bytes()[from..prompt.start_byte]
                .iter()
                .filter(|b| **b == b'\n')
                .count() as u64;
            counted = prompt.start_byte;
            (line, prompt)
        })
        .collect();
    let records: Records = Box::new(prompts.into_iter().map(|(line, prompt)| {
        let mut fields = Map::new();
        fields.insert("chapter".to_owned(), prompt.chapter.into());
        fields.insert("sentence".to_owned(), prompt.sentence_index.into());
        fields.insert("prompt".to_owned(), Value::String(prompt.text));
        Ok(Record {
            line,
            fields: Ok(fields),
        })
    }));
    Ok((records, left_out))
}
