//! Rows as tokens: cut once, before the first update, and refused or windowed there.

use crate::config::LongRows;
use crate::data::TrainingData;
use crate::error::TrainError;
use nines_text::{EncodedSnippet, SnippetPart, SnippetTokenizer};
use rayon::prelude::*;

/// The tokens that a classifier reads in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub ids: Vec<u32>,
    pub type_ids: Vec<u8>,
}

impl From<EncodedSnippet> for Window {
    fn from(snippet: EncodedSnippet) -> Self {
        Self {
            ids: snippet.ids,
            type_ids: snippet.type_ids,
        }
    }
}

/// All rows of a data set as tokens; most have one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodedRows(Vec<Vec<Window>>);

impl EncodedRows {
    /// Cuts every row into tokens.
    ///
    /// # Errors
    /// The first row (in the data's order) that cannot be tokenised, has an empty completion, or
    /// is longer than `window` tokens where such rows are refused.
    pub(crate) fn encode(
        data: &TrainingData,
        tokenizer: &SnippetTokenizer,
        window: usize,
        long: LongRows,
    ) -> Result<Self, TrainError> {
        let encoded: Vec<Result<Vec<Window>, TrainError>> = (0..data.rows().len())
            .into_par_iter()
            .map(|row| encode_row(data, row, tokenizer, window, long))
            .collect();
        Ok(Self(encoded.into_iter().collect::<Result<_, _>>()?))
    }

    /// Takes windows that are already made.
    #[cfg(test)]
    pub(crate) fn of(rows: Vec<Vec<Window>>) -> Self {
        Self(rows)
    }

    /// Returns a row's windows; at least one.
    pub(crate) fn windows(&self, row: usize) -> &[Window] {
        &self.0[row]
    }

    /// Returns the tokens of a row's longest window.
    pub(crate) fn tokens(&self, row: usize) -> usize {
        self.0[row]
            .iter()
            .map(|window| window.ids.len())
            .max()
            .unwrap_or(0)
    }

    /// Pairs rows with their lengths.
    pub(crate) fn with_tokens(&self, rows: &[usize]) -> Vec<(usize, usize)> {
        rows.iter().map(|&row| (row, self.tokens(row))).collect()
    }
}

fn encode_row(
    data: &TrainingData,
    row: usize,
    tokenizer: &SnippetTokenizer,
    window: usize,
    long: LongRows,
) -> Result<Vec<Window>, TrainError> {
    let text = &data.rows()[row].text;
    let snippet = || data.hashes()[row].to_string();
    let source_name = || data.rows()[row].source.clone();
    let cannot = |cause| TrainError::Tokens {
        snippet: snippet(),
        source_name: source_name(),
        cause,
    };
    let encoded = tokenizer
        .encode(&text.prompt, &text.completion)
        .map_err(cannot)?;
    if encoded.part_len(SnippetPart::Completion) == 0 {
        return Err(TrainError::EmptyCompletion {
            snippet: snippet(),
            source_name: source_name(),
            beginning: beginning(&text.prompt),
        });
    }
    if encoded.len() <= window {
        return Ok(vec![encoded.into()]);
    }
    match long {
        LongRows::Refuse => Err(TrainError::TooLong {
            snippet: snippet(),
            source_name: source_name(),
            beginning: beginning(&text.prompt),
            tokens: encoded.len(),
            window,
        }),
        LongRows::MaxWindow => {
            let windows = encoded.windows(window).map_err(cannot)?;
            Ok(windows.into_iter().map(Window::from).collect())
        }
    }
}

/// Returns the first characters of a text, to be recognised by.
fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}
