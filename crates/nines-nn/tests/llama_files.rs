//! Files that are not the Llama models they should be: each gives a message that names the file,
//! the place and what to do.

#[path = "support/gguf_writer.rs"]
mod gguf_writer;

use gguf_writer::GgufWriter;
use nines_nn::llama::LlamaWeights;
use std::path::{Path, PathBuf};

fn refusal(writer: GgufWriter) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, writer.bytes()).expect("writable");
    let error = LlamaWeights::open(&path).expect_err("refused");
    error
        .to_string()
        .replace(&path.display().to_string(), "model.gguf")
}

#[test]
fn a_small_model_is_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, GgufWriter::llama().bytes()).expect("writable");
    let weights = LlamaWeights::open(&path).expect("accepted");
    assert!(weights.config().tied_embeddings);
    assert_eq!(weights.config().vocabulary, 48);
}

#[test]
fn other_models_are_refused_by_name() {
    assert_eq!(
        refusal(GgufWriter::llama().text("general.architecture", "gpt2")),
        "model.gguf: architecture gpt2 is not supported; llama is"
    );
    let cases: [(GgufWriter, &str); 12] = [
        (
            GgufWriter::llama().without("llama.block_count"),
            "model.gguf has no metadata llama.block_count",
        ),
        (
            GgufWriter::llama().text("llama.block_count", "two"),
            "metadata llama.block_count is a text, not a positive integer",
        ),
        (
            GgufWriter::llama().without("blk.0.ffn_up.weight"),
            "model.gguf has no tensor blk.0.ffn_up.weight",
        ),
        (
            GgufWriter::llama().ones("blk.0.ffn_up.weight", &[32, 48]),
            "tensor blk.0.ffn_up.weight has shape [48, 32], not [32, 32]",
        ),
        (
            GgufWriter::llama().ones("blk.0.attn_q.bias", &[32]),
            "tensor blk.0.attn_q.bias is not part of a plain Llama model",
        ),
        (
            GgufWriter::llama().text("llama.rope.scaling.type", "yarn"),
            "llama.rope.scaling.type is yarn, which is not supported; none, linear and llama3",
        ),
        (
            GgufWriter::llama().u32("llama.rope.dimension_count", 8),
            "llama.rope.dimension_count is 8, which is not supported",
        ),
        (
            GgufWriter::llama().u32("llama.expert_count", 8),
            "llama.expert_count is 8, which is not supported; use a model without experts",
        ),
        (
            GgufWriter::llama().u32("split.count", 3),
            "split.count is 3, which is not supported; merge the parts into one file",
        ),
        (
            GgufWriter::llama().u32("llama.attention.head_count_kv", 0),
            "key-value heads: 0 is not a possible size",
        ),
        (
            GgufWriter::llama().tensor("blk.0.ffn_up.weight", &[32, 32], 13, vec![]),
            "tensor blk.0.ffn_up.weight is stored as Q5_K, which is not supported; use a file with",
        ),
        (
            GgufWriter::llama().f32("llama.rope.freq_base", f32::NAN),
            "rope theta: NaN",
        ),
    ];
    for (writer, expected) in cases {
        let message = refusal(writer);
        assert!(message.contains(expected), "{message}");
    }
}

fn folder_with(change: impl Fn(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let source: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/llama_tiny/scaled");
    for file in std::fs::read_dir(source).expect("the fixture") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("copied");
    }
    change(folder.path());
    let error = LlamaWeights::open(folder.path()).expect_err("refused");
    error.to_string()
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("readable");
    assert!(text.contains(from), "{from} in {text}");
    std::fs::write(path, text.replace(from, to)).expect("writable");
}

#[test]
fn broken_folders_are_refused() {
    let config = |from: &'static str, to: &'static str| {
        folder_with(move |folder| edit(&folder.join("config.json"), from, to))
    };
    let cases = [
        (
            config("\"model_type\": \"llama\"", "\"model_type\": \"gpt2\""),
            "architecture gpt2 is not supported; llama is",
        ),
        (
            config("\"rope_type\": \"llama3\"", "\"rope_type\": \"yarn\""),
            "rope_type is yarn, which is not supported",
        ),
        (
            config("\"attention_bias\": false", "\"attention_bias\": true"),
            "attention_bias is true, which is not supported",
        ),
        (config("\"silu\"", "\"gelu\""), "hidden_act is gelu"),
        (
            config("\"vocab_size\": 53", "\"vocab_size\": 54"),
            "has shape [53, 24], not [54, 24]",
        ),
        (
            config(",\n  \"vocab_size\": 53", ""),
            "missing field `vocab_size`",
        ),
        (
            config("\"num_attention_heads\": 4", "\"num_attention_heads\": 0"),
            "heads: 0 is not",
        ),
        (
            folder_with(|folder| {
                let path = folder.join("model-00002-of-00004.safetensors");
                let bytes = std::fs::read(&path).expect("readable");
                std::fs::write(path, &bytes[..bytes.len() - 3]).expect("writable");
            }),
            "model-00002-of-00004.safetensors is not a whole safetensors file",
        ),
        (
            folder_with(|folder| {
                std::fs::remove_file(folder.join("model-00002-of-00004.safetensors"))
                    .expect("removed");
            }),
            "cannot read",
        ),
        (
            folder_with(|folder| {
                let index = folder.join("model.safetensors.index.json");
                edit(&index, "model-00001-of", "../model-00001-of");
            }),
            "is not the name of a file in the folder",
        ),
        (
            folder_with(|folder| {
                std::fs::remove_file(folder.join("config.json")).expect("removed")
            }),
            "config.json",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message}");
    }
}
