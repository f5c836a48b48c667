//! The tokenizer of a classifier: a prompt and its completion as a pair of segments.
//!
//! It keeps three promises that a plain `tokenizer.json` does not: nothing is truncated or padded;
//! every token knows where in the snippet it stands; and words such as `[SEP]` in a snippet are
//! ordinary text, never the model's control tokens.

use crate::encoded_snippet::{EncodedSnippet, SnippetPart, TokenSpan};
use crate::error::TextError;
use crate::tokenizer_file::TokenizerFile;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tokenizers::{Encoding, Tokenizer};

/// Files beside `tokenizer.json` that belong to a tokenizer and go where it goes.
const COMPANIONS: [&str; 6] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

/// Cuts snippets into tokens; made from a Hugging Face folder.
#[derive(Debug, Clone)]
pub struct SnippetTokenizer {
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    pad: u32,
    mask: Option<u32>,
    special: BTreeMap<u32, String>,
    companions: BTreeMap<&'static str, Vec<u8>>,
}

impl SnippetTokenizer {
    /// Reads `tokenizer.json` and what belongs to it from a model folder. The truncation and
    /// padding that the file may carry are switched off.
    ///
    /// # Errors
    /// [`TextError::NoTokenizer`] without a `tokenizer.json`; [`TextError::File`] when it cannot
    /// be read; [`TextError::BadTokenizer`] when it is damaged or does not set a pair of segments
    /// between special tokens.
    pub fn from_folder(folder: &Path) -> Result<Self, TextError> {
        let file = TokenizerFile::open(folder)?;
        let mut companions = BTreeMap::new();
        for name in COMPANIONS {
            let beside = folder.join(name);
            if beside.is_file() {
                companions.insert(name, fs::read(&beside).map_err(TextError::file(&beside))?);
            }
        }
        let path = file.path.clone();
        let tokenizer = Self::from_parts(file, companions);
        tokenizer.check_pair().map_err(TokenizerFile::bad(path))?;
        Ok(tokenizer)
    }

    fn from_parts(file: TokenizerFile, companions: BTreeMap<&'static str, Vec<u8>>) -> Self {
        let tokenizer = file.tokenizer;
        let special: BTreeMap<u32, String> = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(_, token)| token.special)
            .map(|(id, token)| (id, token.content))
            .collect();
        let named = |name: &str| special_name(&companions, name);
        let unknown = named("unk_token")
            .or_else(|| TokenizerFile::unknown_token(&file.json).map(str::to_owned))
            .and_then(|token| tokenizer.token_to_id(&token));
        let pad = named("pad_token")
            .and_then(|token| tokenizer.token_to_id(&token))
            .or(file.padding)
            .unwrap_or(0);
        let mask = named("mask_token").unwrap_or_else(|| "[MASK]".to_owned());
        let mask = tokenizer
            .token_to_id(&mask)
            .filter(|id| special.contains_key(id));
        Self {
            tokenizer,
            unknown,
            pad,
            mask,
            special,
            companions,
        }
    }

    /// Makes sure that prompt and completion come out in this order, between special tokens.
    fn check_pair(&self) -> Result<(), String> {
        let trial = self.encode("a", "a").map_err(|e| e.to_string())?;
        let parts: Vec<_> = trial.offsets.iter().flatten().map(|s| s.part).collect();
        let ordered = parts.is_sorted() && parts.len() < trial.len();
        let both = [SnippetPart::Prompt, SnippetPart::Completion]
            .iter()
            .all(|part| parts.contains(part));
        if ordered && both {
            Ok(())
        } else {
            Err("its post-processor does not set a prompt and a completion, in this order, between special tokens".into())
        }
    }

    /// Cuts a snippet into tokens. Nothing is left out, however long it is.
    ///
    /// # Errors
    /// [`TextError::Encode`] when the tokenizer fails; [`TextError::ControlTokenInText`] when part
    /// of the text would reach the model as one of its control tokens.
    ///
    /// # Example
    /// ```no_run
    /// use nines_text::{SnippetPart, SnippetTokenizer};
    /// let tokenizer = SnippetTokenizer::from_folder("models/minilm-l6".as_ref())?;
    /// let snippet = tokenizer.encode("She ran.", "He [SEP] fell.")?;
    /// assert_eq!(snippet.offsets[0], None); // [CLS]
    /// assert_eq!(snippet.type_ids.last(), Some(&1));
    /// # Ok::<(), nines_text::TextError>(())
    /// ```
    pub fn encode(&self, prompt: &str, completion: &str) -> Result<EncodedSnippet, TextError> {
        let encoding = self
            .tokenizer
            .encode((prompt, completion), true)
            .map_err(|e| TextError::Encode(e.to_string()))?;
        self.checked(&encoding, prompt, completion)
    }

    /// Makes sure that no part of the text became a control token.
    fn checked(
        &self,
        encoding: &Encoding,
        prompt: &str,
        completion: &str,
    ) -> Result<EncodedSnippet, TextError> {
        let offsets = spans(encoding, prompt, completion);
        for (id, span) in encoding.get_ids().iter().zip(&offsets) {
            let Some(span) = span else { continue };
            if self.special.contains_key(id) && Some(*id) != self.unknown {
                let text = match span.part {
                    SnippetPart::Prompt => prompt,
                    SnippetPart::Completion => completion,
                };
                return Err(TextError::ControlTokenInText {
                    surface: text[span.range()].chars().take(80).collect(),
                    id: *id,
                });
            }
        }
        Ok(EncodedSnippet {
            ids: encoding.get_ids().to_vec(),
            type_ids: encoding
                .get_type_ids()
                .iter()
                .map(|&id| u8::try_from(id).unwrap_or(u8::MAX))
                .collect(),
            offsets,
        })
    }

    /// Cuts one text, which is no snippet, into tokens between special ones; its spans are of the first
    /// half. Nothing is left out, however long it is.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_text(&self, text: &str) -> Result<EncodedSnippet, TextError> {
        let encoding = self
            .tokenizer
            .encode(text, true)
            .map_err(|e| TextError::Encode(e.to_string()))?;
        self.checked(&encoding, text, "")
    }

    /// Cuts a text with a gap into tokens, the mask token in the gap; also returns its place. Both sides
    /// are cut for themselves, as where a word ends.
    ///
    /// # Errors
    /// As [`Self::encode`]; [`TextError::NoMask`] where the vocabulary has no mask token.
    pub fn encode_gap(
        &self,
        left: &str,
        right: &str,
    ) -> Result<(EncodedSnippet, usize), TextError> {
        let mask = self.mask.ok_or(TextError::NoMask)?;
        let (before, mut after) = (self.encode_text(left)?, self.encode_text(right)?);
        let tail = before.offsets.iter().rposition(Option::is_some);
        // Without any text, the last special token is the one that ends it.
        let tail = tail.map_or(before.len().saturating_sub(1), |last| last + 1);
        let head = after.offsets.iter().position(Option::is_some);
        let head = head.unwrap_or(after.len().saturating_sub(1));
        let mut all = before;
        all.ids.truncate(tail);
        all.type_ids.truncate(tail);
        all.offsets.truncate(tail);
        all.ids.push(mask);
        all.type_ids.push(0);
        all.offsets.push(None);
        all.ids.extend(after.ids.drain(head..));
        all.type_ids.extend(after.type_ids.drain(head..));
        all.offsets.extend(after.offsets.drain(head..).map(|span| {
            span.map(|span| TokenSpan {
                part: SnippetPart::Completion,
                ..span
            })
        }));
        Ok((all, tail))
    }

    /// Returns the id that fills rows of a batch up to equal length.
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// Returns the id that stands for what the vocabulary cannot spell, where there is one.
    pub fn unknown_id(&self) -> Option<u32> {
        self.unknown
    }

    /// Returns the spans of a snippet that the vocabulary cannot spell: the model sees that
    /// something is there, not what. WordPiece does this to emoji and to words of more than a
    /// hundred characters.
    pub fn unknown_spans(&self, snippet: &EncodedSnippet) -> Vec<TokenSpan> {
        snippet
            .ids
            .iter()
            .zip(&snippet.offsets)
            .filter(|(id, _)| Some(**id) == self.unknown)
            .filter_map(|(_, span)| *span)
            .collect()
    }

    /// Returns the number of token ids, added ones included.
    pub fn vocabulary_len(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Says whether a token is a control token, which is never part of a text.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains_key(&id)
    }

    /// Returns the text of a token as the vocabulary writes it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Says whether another tokenizer is made of the same parts: the same vocabulary, and the same ways of
    /// cutting and joining.
    pub fn reads_as(&self, other: &Self) -> bool {
        let parts = |tokenizer: &Tokenizer| tokenizer.to_string(false).ok();
        let own = parts(&self.tokenizer);
        own.is_some() && own == parts(&other.tokenizer)
    }

    /// Writes the tokenizer into a folder, without truncation and padding, so that `transformers`'
    /// `AutoTokenizer` loads it and gives the same ids.
    ///
    /// `AutoTokenizer` by default reads a `[SEP]` in a text as its control token, which
    /// [`Self::encode`] does not; with `split_special_tokens=True` it agrees there too.
    ///
    /// # Errors
    /// [`TextError::File`] when a file cannot be written.
    pub fn save_into(&self, folder: &Path) -> Result<(), TextError> {
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(TextError::file(&path))
        };
        let path: PathBuf = folder.join("tokenizer.json");
        let json = self
            .tokenizer
            .to_string(false)
            .map_err(|e| TextError::BadTokenizer {
                path,
                reason: e.to_string(),
            })?;
        write("tokenizer.json", json.as_bytes())?;
        for (name, bytes) in &self.companions {
            write(name, bytes)?;
        }
        if !self.companions.contains_key("tokenizer_config.json") {
            write("tokenizer_config.json", &self.plain_config())?;
        }
        Ok(())
    }

    /// Writes the least that `AutoTokenizer` needs to know beside `tokenizer.json`.
    fn plain_config(&self) -> Vec<u8> {
        let mut config = Map::new();
        config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
        // Without this name segments would not reach the model; one that has none would refuse them.
        let has_segments = self
            .encode("a", "a")
            .is_ok_and(|trial| trial.type_ids.iter().any(|&kind| kind > 0));
        let segments = has_segments.then_some("token_type_ids");
        let inputs: Vec<&str> = std::iter::once("input_ids")
            .chain(segments)
            .chain(["attention_mask"])
            .collect();
        config.insert("model_input_names".into(), inputs.into());
        let roles = [("unk_token", self.unknown), ("pad_token", Some(self.pad))];
        for (role, id) in roles {
            if let Some(token) = id.and_then(|id| self.tokenizer.id_to_token(id)) {
                config.insert(role.into(), token.into());
            }
        }
        Value::Object(config).to_string().into_bytes()
    }
}

/// Reads the spans of an encoding, widened to whole characters.
fn spans(encoding: &Encoding, prompt: &str, completion: &str) -> Vec<Option<TokenSpan>> {
    let parts = encoding.get_sequence_ids();
    parts
        .into_iter()
        .zip(encoding.get_special_tokens_mask())
        .zip(encoding.get_offsets())
        .map(|((part, &special), &(start, end))| {
            let (part, text) = match part {
                Some(0) if special == 0 => (SnippetPart::Prompt, prompt),
                Some(1) if special == 0 => (SnippetPart::Completion, completion),
                _ => return None,
            };
            let start = text.floor_char_boundary(start.min(text.len()));
            let end = text.ceil_char_boundary(end.min(text.len()).max(start));
            Some(TokenSpan { part, start, end })
        })
        .collect()
}

/// Looks up a special token by its role in the files beside `tokenizer.json`.
fn special_name(companions: &BTreeMap<&'static str, Vec<u8>>, role: &str) -> Option<String> {
    ["tokenizer_config.json", "special_tokens_map.json"]
        .iter()
        .filter_map(|name| companions.get(name))
        .filter_map(|bytes| serde_json::from_slice::<Value>(bytes).ok())
        .find_map(|value| {
            let token = &value[role];
            let text = token.as_str().or_else(|| token["content"].as_str())?;
            Some(text.to_owned())
        })
}
