use super::*;
use nines_nn::encoder::{Classifier, HeadConfig};

const BERT: &str = r#"{"model_type": "bert", "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16, "type_vocab_size": 2}"#;
const DEBERTA: &str = r#"{"model_type": "deberta-v2", "vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16, "relative_attention": true,
    "position_buckets": 4, "share_att_key": true, "pos_att_type": "p2c|c2p", "position_biased_input": false}"#;

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Classifier::random(config, &HeadConfig::default(), &nines_nn::device::cpu());
    model.expect("a model").save(folder.path()).expect("saved");
    folder
}

#[test]
fn fused_families_keep_the_paths_that_they_had() {
    let bert = folder(BERT);
    let named = |precision, long| {
        let path = ScorePath::new(precision, long);
        assert_eq!(path, path.for_folder(bert.path()));
        path.to_string()
    };
    assert_eq!(named(Precision::Float32, LongPolicy::Refuse), "cpu/f32");
    assert_eq!(
        named(Precision::Float32, LongPolicy::MaxWindow),
        "cpu/f32/max-window"
    );
    for unit in Unit::ALL {
        let path = named(Precision::Bf16(unit), LongPolicy::Refuse);
        let known = format!("cpu/bf16/{}.{}", unit.as_str(), encoder16::REVISION);
        assert_eq!(path, known.trim_end_matches(".1"));
    }
    // What is no model has no arithmetic of its own.
    let nothing = tempfile::tempdir().expect("a folder");
    let path = ScorePath::new(Precision::Float32, LongPolicy::Refuse);
    assert_eq!(path, path.for_folder(nothing.path()));
}

#[test]
fn a_composed_family_has_a_path_that_precision_does_not_change() {
    let deberta = folder(DEBERTA);
    let named = |precision| {
        let path = ScorePath::new(precision, LongPolicy::MaxWindow);
        path.for_folder(deberta.path()).to_string()
    };
    let path = named(Precision::Float32);
    let here = Vectors::of_this_machine();
    assert_eq!(path, format!("cpu/composed-f32/{here}/max-window"));
    for unit in Unit::ALL {
        assert_eq!(named(Precision::Bf16(unit)), path);
    }
}

#[test]
fn every_path_is_named_once() {
    let all: Vec<String> = ScorePath::all().map(|path| path.to_string()).collect();
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());
    for known in [
        "cpu/f32",
        "cpu/composed-f32/avx2",
        "cpu/f32+composed-f32/avx512/max-window",
    ] {
        assert!(all.iter().any(|path| path == known), "{known}: {all:?}");
    }
}
