//! The tokenizer of a generator: text to tokens and back.

use crate::decoder::{Decoder, Piece};
use crate::error::TextError;
use crate::gguf_vocabulary::{GgufVocabulary, token_type};
use crate::tokenizer_file::TokenizerFile;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokenizers::Tokenizer;

/// Control tokens that end a text in every model that has them.
const ENDS: [&str; 12] = [
    "<|endoftext|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|eom_id|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<EOT>",
    "</s>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
];

/// No vocabulary is larger; a file that says so is damaged.
const MAX_VOCABULARY: u32 = 1 << 24;

/// Cuts text into a generator's tokens and puts tokens together again.
///
/// Control tokens written out in a text, such as `<|im_end|>`, are ordinary text.
#[derive(Debug, Clone)]
pub struct GeneratorTokenizer {
    tokenizer: Tokenizer,
    pieces: Arc<[Piece]>,
    bos: Option<u32>,
    eos: Option<u32>,
    ends: BTreeSet<u32>,
    control: BTreeSet<u32>,
    unknown: Option<u32>,
    prepend: Option<u32>,
    strips_space: bool,
}

impl GeneratorTokenizer {
    /// Builds the tokenizer that a GGUF file describes.
    ///
    /// # Errors
    /// [`TextError::UnsupportedVocabulary`] for a kind that is not known here;
    /// [`TextError::BadVocabulary`] for one that contradicts itself.
    pub fn from_gguf(vocabulary: GgufVocabulary) -> Result<Self, TextError> {
        let json = vocabulary.to_tokenizer_json()?.to_string();
        let mut tokenizer = Tokenizer::from_bytes(json.as_bytes())
            .map_err(|e| TextError::BadVocabulary(e.to_string()))?;
        tokenizer.set_encode_special_tokens(true);
        let characters = byte_level_characters();
        let pieces: Vec<Piece> = (0..vocabulary.tokens.len())
            .map(|id| {
                let token = vocabulary.tokens[id].as_str();
                match vocabulary.token_type(id) {
                    _ if vocabulary.is_special(id) => Piece::Silent,
                    token_type::USER_DEFINED => literal(token),
                    _ if vocabulary.is_sentencepiece() => sentencepiece_piece(token),
                    _ => byte_level_piece(token, &characters),
                }
            })
            .collect();
        let count = vocabulary.tokens.len() as u32;
        let control = (0..count)
            .filter(|&id| vocabulary.is_special(id as usize))
            .collect();
        let named = ENDS.iter().filter_map(|&end| {
            let id = vocabulary.tokens.iter().position(|token| token == end)?;
            vocabulary.is_special(id).then_some(id as u32)
        });
        let ends = named.chain(vocabulary.eos).chain(vocabulary.eot).collect();
        Ok(Self {
            tokenizer,
            pieces: pieces.into(),
            bos: vocabulary.bos,
            eos: vocabulary.eos,
            ends,
            control,
            unknown: vocabulary.unknown.filter(|_| vocabulary.is_sentencepiece()),
            prepend: vocabulary.bos.filter(|_| vocabulary.adds_bos()),
            strips_space: vocabulary.prefixes_space(),
        })
    }

    /// Reads the tokenizer of a model folder: `tokenizer.json`, and the ends of text named in
    /// `generation_config.json`, `config.json` and `tokenizer_config.json`. Truncation and
    /// padding are switched off.
    ///
    /// # Errors
    /// [`TextError::NoTokenizer`] without a `tokenizer.json`; [`TextError::File`] when it cannot
    /// be read; [`TextError::BadTokenizer`] when it is damaged or of a kind whose tokens cannot be
    /// turned into text one by one.
    pub fn from_folder(folder: &Path) -> Result<Self, TextError> {
        let file = TokenizerFile::open(folder)?;
        let path = file.path.clone();
        let beside = |name: &str| {
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            serde_json::from_slice::<Value>(&bytes).unwrap_or_default()
        };
        let configs = [
            beside("generation_config.json"),
            beside("config.json"),
            beside("tokenizer_config.json"),
        ];
        Self::from_file(file, &configs).map_err(TokenizerFile::bad(path))
    }

    fn from_file(file: TokenizerFile, configs: &[Value]) -> Result<Self, String> {
        let TokenizerFile {
            json, tokenizer, ..
        } = file;
        let decoder = json["decoder"].to_string();
        let characters = byte_level_characters();
        let spell = |token: &str| {
            match () {
            () if decoder.contains("\"ByteLevel\"") => Ok(byte_level_piece(token, &characters)),
            () if decoder.contains('\u{2581}') => Ok(sentencepiece_piece(token)),
            () => Err("its decoder is neither ByteLevel nor SentencePiece's, so tokens cannot be turned into text one by one".to_owned()),
        }
        };
        let mut pieces = Vec::new();
        let mut put = |id: u32, piece: Piece| {
            if id >= MAX_VOCABULARY {
                return Err(format!("token id {id} is out of range"));
            }
            if pieces.len() <= id as usize {
                pieces.resize(id as usize + 1, Piece::Silent);
            }
            pieces[id as usize] = piece;
            Ok(())
        };
        for (token, id) in tokenizer.get_vocab(false) {
            put(id, spell(&token)?)?;
        }
        let mut control = BTreeSet::new();
        for (id, token) in tokenizer.get_added_tokens_decoder() {
            if token.special {
                control.insert(id);
                put(id, Piece::Silent)?;
            } else {
                put(id, literal(&token.content))?;
            }
        }
        let named = |role: &str| -> BTreeSet<u32> {
            configs
                .iter()
                .flat_map(|config| token_ids(&config[role], &config[format!("{role}_id")]))
                .filter_map(|token| match token {
                    Ok(id) => u32::try_from(id).ok(),
                    Err(text) => tokenizer.token_to_id(&text),
                })
                .collect()
        };
        let known = ENDS.iter().filter_map(|end| tokenizer.token_to_id(end));
        let eos = named("eos_token");
        Ok(Self {
            ends: eos
                .iter()
                .copied()
                .chain(known.filter(|id| control.contains(id)))
                .collect(),
            bos: named("bos_token").first().copied(),
            eos: eos.first().copied(),
            pieces: pieces.into(),
            control,
            unknown: TokenizerFile::unknown_token(&json)
                .and_then(|token| tokenizer.token_to_id(token)),
            prepend: None,
            strips_space: decoder.contains("\"Strip\"") || json["decoder"]["type"] == "Metaspace",
            tokenizer,
        })
    }

    /// Cuts a text into tokens, after the beginning-of-text token where the model has it so.
    /// Nothing is left out, however long it is.
    ///
    /// # Errors
    /// [`TextError::Encode`] when the tokenizer fails; [`TextError::ControlTokenInText`] when part
    /// of the text would reach the model as one of its control tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let tokens = self.encode_with_ends(text)?;
        Ok(tokens.into_iter().map(|(token, _)| token).collect())
    }

    /// Cuts a text into tokens as [`Self::encode`] does, each with the byte of the text after its last;
    /// the beginning-of-text token ends at 0.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_ends(&self, text: &str) -> Result<Vec<(u32, usize)>, TextError> {
        let encoding = self
            .tokenizer
            .encode(text, true)
            .map_err(|e| TextError::Encode(e.to_string()))?;
        let added = encoding.get_special_tokens_mask();
        for (i, &id) in encoding.get_ids().iter().enumerate() {
            if added[i] == 0 && self.control.contains(&id) && Some(id) != self.unknown {
                let (start, end) = encoding.get_offsets()[i];
                let surface = text.get(start..end).unwrap_or_default();
                return Err(TextError::ControlTokenInText {
                    surface: surface.chars().take(80).collect(),
                    id,
                });
            }
        }
        let ends = encoding.get_offsets().iter().map(|&(_, end)| end);
        Ok(self
            .prepend
            .map(|token| (token, 0))
            .into_iter()
            .chain(encoding.get_ids().iter().copied().zip(ends))
            .collect())
    }

    /// Returns the bytes that a token adds to a text; `None` for control tokens and ids outside the
    /// vocabulary, which add nothing.
    pub fn bytes(&self, token: u32) -> Option<&[u8]> {
        match self.pieces.get(token as usize)? {
            Piece::Bytes(bytes) => Some(bytes),
            Piece::Silent => None,
        }
    }

    /// Turns the tokens of a whole text into text. Control tokens are left out; the space that
    /// SentencePiece puts before a text is taken away.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut decoder = self.decoder();
        for &token in tokens {
            decoder.push(token);
        }
        let text = decoder.finish();
        match text.strip_prefix(' ') {
            Some(stripped) if self.strips_space => stripped.to_owned(),
            _ => text,
        }
    }

    /// Starts to turn tokens into text one by one. The tokens are taken for the continuation of a
    /// text, so a space at their beginning is kept.
    pub fn decoder(&self) -> Decoder {
        Decoder::new(Arc::clone(&self.pieces))
    }

    /// Returns the beginning-of-text token.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// Returns the end-of-text token.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// Says whether a token ends the text.
    pub fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Lists every token that ends the text.
    pub fn ends(&self) -> impl Iterator<Item = u32> + '_ {
        self.ends.iter().copied()
    }

    /// Says whether a token is a control token, which is never part of a text.
    pub fn is_control(&self, token: u32) -> bool {
        self.control.contains(&token)
    }

    /// Returns the number of token ids, the highest id plus one.
    pub fn vocabulary_len(&self) -> usize {
        self.pieces.len()
    }
}

/// Reads tokens named by text (`"</s>"`, `{"content": "</s>"}`) or by id (`2`, `[2, 5]`).
fn token_ids(text: &Value, id: &Value) -> Vec<Result<u64, String>> {
    let named = text.as_str().or_else(|| text["content"].as_str());
    let listed = id.as_array().map(Vec::as_slice).unwrap_or_default();
    named
        .map(|text| Err(text.to_owned()))
        .into_iter()
        .chain(id.as_u64().map(Ok))
        .chain(listed.iter().filter_map(Value::as_u64).map(Ok))
        .collect()
}

fn literal(token: &str) -> Piece {
    Piece::Bytes(token.as_bytes().into())
}

/// Spells a SentencePiece token: `▁` is a space, `<0x0A>` a byte.
fn sentencepiece_piece(token: &str) -> Piece {
    let byte = token
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'))
        .filter(|digits| digits.len() == 2)
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match byte {
        Some(byte) => Piece::Bytes([byte].into()),
        None => Piece::Bytes(token.replace('\u{2581}', " ").into_bytes().into()),
    }
}

/// Spells a byte-level token. One with a character outside the table is taken literally.
fn byte_level_piece(token: &str, characters: &BTreeMap<char, u8>) -> Piece {
    let bytes: Option<Vec<u8>> = token.chars().map(|c| characters.get(&c).copied()).collect();
    bytes.map_or_else(|| literal(token), |bytes| Piece::Bytes(bytes.into()))
}

/// Builds the table in which GPT-2's vocabulary writes bytes: printable ones as themselves, the
/// others, in order, as the characters from U+0100 on.
fn byte_level_characters() -> BTreeMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let others = (0..=u8::MAX).filter(|byte| !printable(byte));
    (0..=u8::MAX)
        .filter(printable)
        .map(|byte| (char::from(byte), byte))
        .chain(('\u{100}'..).zip(others))
        .collect()
}
