//! Files that are not the Llama models they should be: each gives a message that names the file,
//! the place and what to do.

#[path = "support/gguf_writer.rs"]
mod gguf_writer;

use gguf_writer::GgufWriter;
use nines_nn::llama::{LlamaConfig, LlamaWeights, RopeScaling};
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

/// A model with a factor for each of its rotary frequencies.
fn with_factors() -> GgufWriter {
    GgufWriter::llama().ones("rope_freqs.weight", &[8])
}

#[test]
fn rotary_scaling_is_what_the_file_says() {
    let linear = RopeScaling::Linear { factor: 2.0 };
    let factors = RopeScaling::Factors(vec![1.0; 8]);
    let kind = "llama.rope.scaling.type";
    let factor = "llama.rope.scaling.factor";
    let cases = [
        (GgufWriter::llama(), RopeScaling::None),
        (GgufWriter::llama().text(kind, "none"), RopeScaling::None),
        (
            GgufWriter::llama().text(kind, "none").f32(factor, 2.0),
            RopeScaling::None,
        ),
        (
            GgufWriter::llama().text(kind, "linear").f32(factor, 2.0),
            linear.clone(),
        ),
        (GgufWriter::llama().f32(factor, 2.0), linear.clone()),
        (
            GgufWriter::llama().f32("llama.rope.scale_linear", 2.0),
            linear,
        ),
        (with_factors(), factors.clone()),
        (with_factors().text(kind, "none"), factors.clone()),
        (with_factors().text(kind, "linear"), factors.clone()),
        (with_factors().text(kind, "llama3"), factors),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    for (writer, expected) in cases {
        std::fs::write(&path, writer.bytes()).expect("writable");
        let weights = LlamaWeights::open(&path).expect("accepted");
        assert_eq!(weights.config().rope_scaling, expected);
    }
}

#[test]
fn both_names_of_a_rotary_type_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/llama_tiny/scaled");
    let whole = std::fs::read_to_string(source.join("config.json")).expect("readable");
    let read = |name: &str| {
        std::fs::write(&config, whole.replace("\"rope_type\": \"llama3\"", name)).expect("written");
        LlamaConfig::from_folder(folder.path()).map(|config| config.rope_scaling)
    };
    let expected = read("\"rope_type\": \"llama3\"").expect("accepted");
    assert!(matches!(expected, RopeScaling::Llama3 { .. }));
    for name in [
        "\"type\": \"llama3\"",
        "\"type\": \"llama3\", \"rope_type\": \"llama3\"",
        "\"rope_type\": \"llama3\", \"type\": \"yarn\"",
    ] {
        assert_eq!(read(name).expect("accepted"), expected, "{name}");
    }
    assert!(read("\"type\": \"yarn\"").is_err());
}

#[test]
fn other_models_are_refused_by_name() {
    assert_eq!(
        refusal(GgufWriter::llama().text("general.architecture", "gpt2")),
        "model.gguf: architecture gpt2 is not supported; llama is"
    );
    let cases: [(GgufWriter, &str); 15] = [
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
            with_factors().text("llama.rope.scaling.type", "yarn"),
            "llama.rope.scaling.type is yarn, which is not supported; none, linear and llama3",
        ),
        (
            with_factors()
                .text("llama.rope.scaling.type", "linear")
                .f32("llama.rope.scaling.factor", 2.0),
            "llama.rope.scaling.factor is 2 beside rope_freqs.weight, which is not supported",
        ),
        (
            with_factors().f32("llama.rope.scale_linear", 2.0),
            "llama.rope.scaling.factor is 2 beside rope_freqs.weight, which is not supported",
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
