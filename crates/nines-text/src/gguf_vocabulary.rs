//! The vocabulary inside a GGUF file, and the tokenizer it describes.
//!
//! GGUF names a vocabulary's kind in two words: `tokenizer.ggml.model` (`gpt2`: byte-level BPE
//! with merges; `llama`: SentencePiece with scores) and `tokenizer.ggml.pre` (how byte-level BPE
//! cuts text into words first). The patterns here are the ones that llama.cpp defines for these
//! names. A name that is not known here is refused: a guess would give other tokens than the
//! model was trained on.

use crate::error::TextError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What GGUF metadata says of a vocabulary. Fields follow the keys under `tokenizer.ggml.`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GgufVocabulary {
    /// `model`: `gpt2` or `llama`.
    pub model: String,
    /// `pre`: how text is cut before the merges; empty for `llama`.
    pub pre: String,
    /// `tokens`, by id.
    pub tokens: Vec<String>,
    /// `token_type`, by id (1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte);
    /// empty where the file has none.
    pub token_types: Vec<i32>,
    /// `merges`, best first: two tokens with a space between. Empty for `llama`.
    pub merges: Vec<String>,
    /// `scores`, by id: `llama` only.
    pub scores: Vec<f32>,
    /// `bos_token_id`.
    pub bos: Option<u32>,
    /// `eos_token_id`.
    pub eos: Option<u32>,
    /// `eot_token_id`: end of a turn.
    pub eot: Option<u32>,
    /// `unknown_token_id`.
    pub unknown: Option<u32>,
    /// `padding_token_id`.
    pub padding: Option<u32>,
    /// `add_bos_token`: a text starts with the beginning-of-text token. Absent: see
    /// [`Self::adds_bos`].
    pub add_bos: Option<bool>,
    /// `add_space_prefix`: a space is put before a text. Absent: yes for `llama`, no for `gpt2`.
    pub add_space_prefix: Option<bool>,
}

/// The values of `token_type` that matter here.
pub(crate) mod token_type {
    pub const UNKNOWN: i32 = 2;
    pub const CONTROL: i32 = 3;
    pub const USER_DEFINED: i32 = 4;
    pub const UNUSED: i32 = 5;
}

/// How byte-level BPE cuts text into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// GPT-2's pattern.
    Gpt2,
    /// Every digit alone, then GPT-2's pattern.
    DigitsGpt2,
    /// Llama 3's pattern: numbers in threes.
    Llama3,
    /// Qwen 2's pattern: digits alone.
    Qwen2,
}

/// Names of pre-tokenizers, and what they mean.
const PRE_TOKENIZERS: [(&str, Words); 24] = [
    ("codeshell", Words::DigitsGpt2),
    ("command-r", Words::DigitsGpt2),
    ("dbrx", Words::Llama3),
    ("deepseek-r1-qwen", Words::Qwen2),
    ("exaone", Words::DigitsGpt2),
    ("exaone4", Words::Gpt2),
    ("falcon3", Words::Llama3),
    ("gigachat", Words::Gpt2),
    ("gpt-2", Words::Gpt2),
    ("jais", Words::Gpt2),
    ("llama-bpe", Words::Llama3),
    ("llama-v3", Words::Llama3),
    ("llama3", Words::Llama3),
    ("megrez", Words::Qwen2),
    ("minerva-7b", Words::DigitsGpt2),
    ("mpt", Words::Gpt2),
    ("olmo", Words::Gpt2),
    ("phi-2", Words::Gpt2),
    ("qwen2", Words::Qwen2),
    ("refact", Words::DigitsGpt2),
    ("smaug-bpe", Words::Llama3),
    ("smollm", Words::DigitsGpt2),
    ("stablelm2", Words::Qwen2),
    ("starcoder", Words::DigitsGpt2),
];

/// Pre-tokenizers whose models look a whole word up before they merge, and start texts with the
/// beginning-of-text token.
const LLAMA3: [&str; 4] = ["falcon3", "llama-bpe", "llama-v3", "llama3"];

const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Longer tokens are not taken apart into pairs of smaller ones.
const LONGEST_MERGED_BYTES: usize = 256;

impl GgufVocabulary {
    /// Says whether texts start with the beginning-of-text token: what the file says, or else what
    /// its kind of vocabulary does.
    pub fn adds_bos(&self) -> bool {
        self.add_bos
            .unwrap_or_else(|| self.is_sentencepiece() || LLAMA3.contains(&self.pre.as_str()))
    }

    /// Says whether this is a SentencePiece vocabulary with scores.
    pub(crate) fn is_sentencepiece(&self) -> bool {
        self.model == "llama"
    }

    /// Says whether a space is put before a text.
    pub(crate) fn prefixes_space(&self) -> bool {
        self.add_space_prefix
            .unwrap_or_else(|| self.is_sentencepiece())
    }

    /// Returns a token's type; normal where the file has none.
    pub(crate) fn token_type(&self, id: usize) -> i32 {
        self.token_types.get(id).copied().unwrap_or(1)
    }

    /// Writes the vocabulary as a `tokenizer.json`, which the tokenizers crate reads.
    pub(crate) fn to_tokenizer_json(&self) -> Result<Value, TextError> {
        self.check()?;
        let mut tokenizer = match self.model.as_str() {
            "gpt2" => self.byte_level()?,
            "llama" => self.sentencepiece(),
            _ => return Err(self.unsupported()),
        };
        tokenizer["version"] = "1.0".into();
        tokenizer["added_tokens"] = self.added_tokens();
        Ok(tokenizer)
    }

    fn check(&self) -> Result<(), TextError> {
        let bad = |reason: String| Err(TextError::BadVocabulary(reason));
        let tokens = self.tokens.len();
        if tokens == 0 || u32::try_from(tokens).is_err() {
            return bad(format!("it has {tokens} tokens"));
        }
        if !self.token_types.is_empty() && self.token_types.len() != tokens {
            let types = self.token_types.len();
            return bad(format!("it has {tokens} tokens but {types} token types"));
        }
        if self.is_sentencepiece() && self.scores.len() != tokens {
            let scores = self.scores.len();
            return bad(format!("it has {tokens} tokens but {scores} scores"));
        }
        let named = [
            ("bos_token_id", self.bos),
            ("eos_token_id", self.eos),
            ("eot_token_id", self.eot),
            ("unknown_token_id", self.unknown),
            ("padding_token_id", self.padding),
        ];
        for (key, id) in named {
            if let Some(id) = id.filter(|&id| id as usize >= tokens) {
                return bad(format!("{key} is {id}, but it has {tokens} tokens"));
            }
        }
        Ok(())
    }

    fn unsupported(&self) -> TextError {
        let names: Vec<_> = PRE_TOKENIZERS.iter().map(|(name, _)| *name).collect();
        TextError::UnsupportedVocabulary {
            model: self.model.clone(),
            pre: self.pre.clone(),
            supported: format!("llama, and gpt2 with {}", names.join(", ")),
        }
    }

    fn vocab(&self) -> Value {
        let ids: BTreeMap<&str, usize> = self
            .tokens
            .iter()
            .enumerate()
            .map(|(id, token)| (token.as_str(), id))
            .collect();
        json!(ids)
    }

    fn byte_level(&self) -> Result<Value, TextError> {
        let words = PRE_TOKENIZERS
            .iter()
            .find(|(name, _)| *name == self.pre)
            .map(|(_, words)| *words)
            .ok_or_else(|| self.unsupported())?;
        let merges = self
            .merges
            .iter()
            .map(|merge| {
                // A token may itself start with a space, so the first byte is never the separator.
                let cut = merge.bytes().skip(1).position(|b| b == b' ');
                cut.and_then(|at| Some((merge.get(..at + 1)?, merge.get(at + 2..)?)))
                    .ok_or_else(|| TextError::BadVocabulary(format!("{merge:?} is not a merge")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let steps = match words {
            Words::Gpt2 => vec![bytes(true)],
            Words::DigitsGpt2 => vec![
                json!({"type": "Digits", "individual_digits": true}),
                bytes(true),
            ],
            Words::Llama3 => vec![split(LLAMA3_WORDS), bytes(false)],
            Words::Qwen2 => vec![split(QWEN2_WORDS), bytes(false)],
        };
        Ok(json!({
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
            "decoder": bytes(true),
            "model": {
                "type": "BPE",
                "ignore_merges": LLAMA3.contains(&self.pre.as_str()),
                "vocab": self.vocab(),
                "merges": merges,
            },
        }))
    }

    fn sentencepiece(&self) -> Value {
        let ids: BTreeMap<&str, usize> = self
            .tokens
            .iter()
            .enumerate()
            .map(|(id, token)| (token.as_str(), id))
            .collect();
        let mut merges: Vec<(f32, usize, usize, &str, &str)> = Vec::new();
        for (id, token) in self.tokens.iter().enumerate() {
            if token.len() > LONGEST_MERGED_BYTES || self.is_special(id) {
                continue;
            }
            for (at, _) in token.char_indices().skip(1) {
                let (left, right) = token.split_at(at);
                if ids.contains_key(left) && ids.contains_key(right) {
                    merges.push((self.scores[id], id, at, left, right));
                }
            }
        }
        // Best score first, as SentencePiece merges; equal scores in the order of the file.
        merges.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
        });
        let merges: Vec<_> = merges.iter().map(|m| (m.3, m.4)).collect();
        let mut normalisers =
            vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"})];
        if self.prefixes_space() {
            normalisers.insert(0, json!({"type": "Prepend", "prepend": "\u{2581}"}));
        }
        let unknown = self.unknown.map(|id| &self.tokens[id as usize]);
        json!({
            "normalizer": {"type": "Sequence", "normalizers": normalisers},
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ]},
            "model": {
                "type": "BPE",
                "unk_token": unknown,
                "fuse_unk": true,
                "byte_fallback": true,
                "vocab": self.vocab(),
                "merges": merges,
            },
        })
    }

    /// Says whether a token is never part of a text.
    pub(crate) fn is_special(&self, id: usize) -> bool {
        matches!(
            self.token_type(id),
            token_type::CONTROL | token_type::UNKNOWN | token_type::UNUSED
        )
    }

    /// Lists the tokens that stand outside the merges: control tokens, which user text never
    /// becomes, and user-defined ones, which it does.
    fn added_tokens(&self) -> Value {
        self.tokens
            .iter()
            .enumerate()
            .filter_map(|(id, token)| {
                let special = match self.token_type(id) {
                    token_type::CONTROL | token_type::UNKNOWN => true,
                    token_type::USER_DEFINED => false,
                    _ => return None,
                };
                Some(json!({
                    "id": id, "content": token, "special": special, "normalized": false,
                    "single_word": false, "lstrip": false, "rstrip": false,
                }))
            })
            .collect()
    }
}
