//! A folder's `tokenizer.json`, read for texts that must not be cut.

use crate::error::TextError;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// A `tokenizer.json`, as a tokenizer and as what is written there.
pub(crate) struct TokenizerFile {
    pub path: PathBuf,
    pub json: Value,
    /// Truncation and padding are off; control tokens written out in a text are text.
    pub tokenizer: Tokenizer,
    /// The id that the file pads with.
    pub padding: Option<u32>,
}

impl TokenizerFile {
    /// Reads a folder's `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::NoTokenizer`] when there is none; [`TextError::File`] when it cannot be read;
    /// [`TextError::BadTokenizer`] when it is damaged, or drops merges at random.
    pub fn open(folder: &Path) -> Result<Self, TextError> {
        let path = folder.join("tokenizer.json");
        if !path.is_file() {
            return Err(TextError::NoTokenizer {
                folder: folder.to_owned(),
            });
        }
        let bytes = fs::read(&path).map_err(TextError::file(&path))?;
        match Self::parse(&bytes) {
            Ok((json, tokenizer, padding)) => Ok(Self {
                path,
                json,
                tokenizer,
                padding,
            }),
            Err(reason) => Err(TextError::BadTokenizer { path, reason }),
        }
    }

    fn parse(bytes: &[u8]) -> Result<(Value, Tokenizer, Option<u32>), String> {
        let json: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if json["model"]["dropout"].as_f64().is_some_and(|p| p > 0.0) {
            return Err("its model drops merges at random (`dropout`), so no text has the same tokens twice; set it to null".into());
        }
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| e.to_string())?;
        let padding = tokenizer.get_padding().map(|padding| padding.pad_id);
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
        tokenizer.set_encode_special_tokens(true);
        Ok((json, tokenizer, padding))
    }

    /// Builds the error of a file that does not say what it must.
    pub fn bad(path: PathBuf) -> impl FnOnce(String) -> TextError {
        move |reason| TextError::BadTokenizer { path, reason }
    }

    /// Returns the token that the model part names for what it cannot spell.
    pub fn unknown_token(json: &Value) -> Option<&str> {
        let model = &json["model"];
        model["unk_token"].as_str().or_else(|| {
            let id = usize::try_from(model["unk_id"].as_u64()?).ok()?;
            model["vocab"][id][0].as_str()
        })
    }
}
