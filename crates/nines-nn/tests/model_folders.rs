//! Damaged and mistaken model folders: each is refused with its file, tensor and shapes named.

#[path = "support/counting.rs"]
mod counting;

use counting::asked_by;
use nines_nn::device::cpu;
use nines_nn::encoder::{Classifier, HeadConfig};
use nines_nn::error::NnError;
use nines_nn::weights::safetensors::{FolderWeights, SafetensorsFile, TensorToWrite, write};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/bert_tiny")
}

/// A copy of the tiny classifier's folder.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["config.json", "model.safetensors"] {
        fs::copy(fixture().join(name), folder.path().join(name)).expect("copied");
    }
    folder
}

fn load(folder: &Path) -> Result<Classifier, NnError> {
    Classifier::load(folder, &cpu())
}

/// Rewrites the weights of a folder.
fn rewrite(folder: &Path, change: impl Fn(&mut Vec<TensorToWrite>)) {
    let path = folder.join("model.safetensors");
    let file = SafetensorsFile::open(&path).expect("readable");
    let mut tensors: Vec<_> = file
        .names()
        .into_iter()
        .map(|name| {
            let shape = file.shape(&name).expect("there").to_vec();
            TensorToWrite {
                values: file.read(&name, &shape).expect("readable"),
                name,
                shape,
            }
        })
        .collect();
    change(&mut tensors);
    write(&path, &tensors).expect("written");
}

#[test]
fn a_truncated_or_foreign_file_is_refused_by_name() {
    let folder = copy();
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).expect("readable");
    for cut in [0, 7, 8, 100, 5000, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("written");
        let error = load(folder.path()).expect_err("truncated");
        assert!(matches!(error, NnError::Damaged { .. }), "{cut}: {error}");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
    fs::write(&path, [&whole[..], &[0]].concat()).expect("written");
    assert!(matches!(load(folder.path()), Err(NnError::Damaged { .. })));
    fs::remove_file(&path).expect("removed");
    assert!(matches!(load(folder.path()), Err(NnError::Read { .. })));
    let nowhere = folder.path().join("nowhere");
    assert!(
        load(&nowhere)
            .expect_err("missing")
            .to_string()
            .contains("config.json")
    );
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let name = "bert.encoder.layer.1.output.dense.weight";
    let folder = copy();
    rewrite(folder.path(), |tensors| {
        tensors.retain(|tensor| tensor.name != name)
    });
    match load(folder.path()).expect_err("missing") {
        NnError::MissingTensor {
            name: found,
            expected,
            ..
        } => {
            assert_eq!((found.as_str(), expected), (name, vec![20, 44]));
        }
        other => panic!("{other}"),
    }
    let folder = copy();
    rewrite(folder.path(), |tensors| {
        let tensor = tensors
            .iter_mut()
            .find(|tensor| tensor.name == name)
            .expect("there");
        tensor.shape = vec![44, 20];
    });
    match load(folder.path()).expect_err("misshapen") {
        NnError::WrongShape {
            name: found,
            expected,
            found: shape,
            ..
        } => {
            assert_eq!(
                (found.as_str(), expected, shape),
                (name, vec![20, 44], vec![44, 20])
            );
        }
        other => panic!("{other}"),
    }
    let folder = copy();
    rewrite(folder.path(), |tensors| {
        let tensor = tensors
            .iter_mut()
            .find(|tensor| tensor.name == name)
            .expect("there");
        tensor.values[7] = f32::NAN;
    });
    assert!(
        matches!(load(folder.path()), Err(NnError::NotFinite { name: found, .. }) if found == name)
    );
}

#[test]
fn a_classifier_of_several_logits_and_other_architectures_are_refused() {
    let folder = copy();
    rewrite(folder.path(), |tensors| {
        for tensor in tensors
            .iter_mut()
            .filter(|tensor| tensor.name.starts_with("classifier"))
        {
            tensor.shape[0] = 2;
            tensor.values = tensor.values.repeat(2);
        }
    });
    assert!(matches!(
        load(folder.path()),
        Err(NnError::WrongShape { .. })
    ));
    for config in [
        "",
        "{",
        "[]",
        "{\"model_type\": \"llama\"}",
        "{\"model_type\": \"bert\"}",
    ] {
        fs::write(folder.path().join("config.json"), config).expect("written");
        let error = load(folder.path()).expect_err("no BERT");
        assert!(matches!(error, NnError::Config { .. }), "{config}: {error}");
    }
}

#[test]
fn a_hostile_configuration_takes_no_memory() {
    let whole = fs::read_to_string(fixture().join("config.json")).expect("readable");
    for (key, value) in [
        ("vocab_size", 1u64 << 24),
        ("hidden_size", 1 << 24),
        ("num_hidden_layers", 1024),
        ("num_hidden_layers", 1 << 24),
        ("intermediate_size", 1 << 24),
        ("max_position_embeddings", 1 << 24),
        ("type_vocab_size", 1 << 24),
    ] {
        let mut config: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
        config[key] = value.into();
        let folder = copy();
        fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
        let base = || Classifier::from_base(folder.path(), &HeadConfig::default(), &cpu());
        for load in [&|| load(folder.path()), &base as &dyn Fn() -> _] {
            let (outcome, asked) = asked_by(load);
            let error = outcome.expect_err("refused");
            assert!(asked < 8 << 20, "{key} {value}: {asked} bytes, {error}");
        }
    }
}

#[test]
fn a_bare_encoder_is_a_base_and_what_it_lacks_is_drawn_from_the_seed() {
    let folder = copy();
    rewrite(folder.path(), |tensors| {
        tensors.retain(|tensor| {
            !tensor.name.contains("pooler") && !tensor.name.contains("classifier")
        });
        for tensor in tensors {
            tensor.name = tensor.name.trim_start_matches("bert.").to_owned();
        }
    });
    let base = |seed| {
        let head = HeadConfig {
            seed,
            ..HeadConfig::default()
        };
        Classifier::from_base(folder.path(), &head, &cpu()).expect("a base")
    };
    let model = base(1);
    let lacking = [
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    ];
    assert_eq!(model.initialised(), lacking);
    for name in lacking {
        let values = |model: &Classifier| model.values(name).expect("values");
        assert_eq!(values(&model), values(&base(1)));
        let bias = name.ends_with("bias");
        assert_eq!(values(&model) == values(&base(2)), bias, "{name}");
        assert_eq!(values(&model).iter().all(|v| *v == 0.0), bias);
    }
    let whole = load(&fixture()).expect("the fixture");
    let name = "bert.encoder.layer.2.attention.self.qkv.weight";
    assert_eq!(
        model.values(name).expect("values"),
        whole.values(name).expect("values")
    );
    assert!(load(folder.path()).is_err(), "it is no classifier");
}

#[test]
fn weights_in_several_files_and_of_other_kinds_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let tensor = |name: &str, values: Vec<f32>| TensorToWrite {
        name: name.to_owned(),
        shape: vec![values.len()],
        values,
    };
    write(
        &folder.path().join("model-1.safetensors"),
        &[tensor("a", vec![1.5, -2.0])],
    )
    .expect("written");
    let header = br#"{"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"c":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"d":{"dtype":"I64","shape":[1],"data_offsets":[6,14]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend([0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3c]);
    bytes.extend([0; 8]);
    fs::write(folder.path().join("model-2.safetensors"), bytes).expect("written");
    let index = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"}}"#;
    fs::write(folder.path().join("model.safetensors.index.json"), index).expect("written");
    let weights = FolderWeights::open(folder.path()).expect("opened");
    assert_eq!(weights.read("a", &[2]).expect("read"), [1.5, -2.0]);
    assert_eq!(weights.read("b", &[2]).expect("read"), [1.0, -2.0]);
    assert_eq!(weights.read("c", &[1]).expect("read"), [1.0]);
    assert!(matches!(
        weights.read("d", &[1]),
        Err(NnError::WrongKind { .. })
    ));
    assert!(matches!(
        weights.read("e", &[1]),
        Err(NnError::MissingTensor { .. })
    ));
    let outside = r#"{"weight_map": {"a": "../model-1.safetensors"}}"#;
    fs::write(folder.path().join("model.safetensors.index.json"), outside).expect("written");
    assert!(matches!(
        FolderWeights::open(folder.path()),
        Err(NnError::Damaged { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Neither arbitrary files nor arbitrary headers panic or ask for absurd memory.
    #[test]
    fn arbitrary_bytes_are_refused_or_read(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        length in prop_oneof![any::<u64>(), 0u64..200],
        text in "[\\[\\]{}\":,a-cBF0-9_\\-]{0,80}",
        raw in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        let content = if raw { bytes } else { [&length.to_le_bytes()[..], text.as_bytes(), &bytes].concat() };
        fs::write(&path, content).expect("written");
        if let Ok(file) = SafetensorsFile::open(&path) {
            for name in file.names() {
                let shape = file.shape(&name).expect("a shape").to_vec();
                let _ = file.read(&name, &shape);
            }
        }
    }

    /// A header that describes tensors, true or not, is read or refused.
    #[test]
    fn described_tensors_are_read_or_refused(
        tensors in proptest::collection::vec(
            (any::<u32>(), 0usize..4, prop_oneof![Just(1u64 << 62), 0u64..20], 0u64..64, 0u64..64),
            0..4,
        ),
        data in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let kinds = ["F32", "F16", "I64", "F4"];
        let header: serde_json::Map<String, serde_json::Value> = tensors
            .iter()
            .map(|(name, kind, size, start, end)| {
                let info = serde_json::json!({
                    "dtype": kinds[*kind], "shape": [size, 2], "data_offsets": [start, end],
                });
                (name.to_string(), info)
            })
            .collect();
        let header = serde_json::Value::Object(header).to_string();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        let content = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
        fs::write(&path, content).expect("written");
        if let Ok(file) = SafetensorsFile::open(&path) {
            for name in file.names() {
                let shape = file.shape(&name).expect("a shape").to_vec();
                let _ = file.read(&name, &shape);
            }
        }
    }

    /// What is written comes back.
    #[test]
    fn what_is_written_comes_back(
        values in proptest::collection::vec(
            proptest::collection::vec(-1e30f32..1e30, 0..20), 0..5,
        ),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        let tensors: Vec<_> = values
            .into_iter()
            .enumerate()
            .map(|(i, values)| TensorToWrite { name: format!("t{i}"), shape: vec![1, values.len()], values })
            .collect();
        write(&path, &tensors).expect("written");
        let file = SafetensorsFile::open(&path).expect("opened");
        for tensor in &tensors {
            prop_assert_eq!(&file.read(&tensor.name, &tensor.shape).expect("read"), &tensor.values);
        }
    }
}
