//! Reads the golden fixtures.

use flate2::read::GzDecoder;
use nines_text::{GgufVocabulary, SnippetTokenizer};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

/// Reads a compressed fixture.
pub fn bytes(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/fixtures/tokens");
    let path = PathBuf::from(folder).join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("a gzip file");
    bytes
}

/// Reads a compressed JSON fixture.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).expect("JSON")
}

/// Reads a list.
pub fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).expect("a list of the right type")
}

/// Makes the folder of the default classifier base, tokenizer only, and loads it.
pub fn minilm() -> (tempfile::TempDir, SnippetTokenizer) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokenizer.json");
    fs::write(path, bytes("minilm-tokenizer.json.gz")).expect("written");
    let tokenizer = SnippetTokenizer::from_folder(folder.path()).expect("a tokenizer");
    (folder, tokenizer)
}

/// Reads a vocabulary as the fixtures write it.
pub fn vocabulary(value: &Value) -> GgufVocabulary {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let id = |key: &str| value[key].as_u64().map(|id| id as u32);
    let listed = |key: &str| {
        if value[key].is_null() {
            Value::Array(vec![])
        } else {
            value[key].clone()
        }
    };
    GgufVocabulary {
        model: text("model"),
        pre: text("pre"),
        tokens: list(&listed("tokens")),
        token_types: list(&listed("token_types")),
        merges: list(&listed("merges")),
        scores: list(&listed("scores")),
        bos: id("bos"),
        eos: id("eos"),
        eot: None,
        unknown: id("unknown"),
        padding: id("padding"),
        add_bos: value["add_bos"].as_bool(),
        add_space_prefix: value["add_space_prefix"].as_bool(),
    }
}
