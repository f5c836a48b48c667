//! GGUF files: numbers as the gguf package reads them, and nothing that a file holds can make the
//! reader panic or take much memory.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/gguf_writer.rs"]
mod gguf_writer;

use counting::asked_by;
use gguf_writer::GgufWriter;
use nines_nn::gguf::{GgufError, GgufFile, TensorKind, dequantize};
use nines_nn::llama::LlamaWeights;
use proptest::prelude::*;
use safetensors::SafeTensors;
use std::path::Path;

/// Opens a file as far as it goes: its header, its settings, every tensor. Returns whether all of
/// it could be read. Memory is bounded by a multiple of the file's size.
fn read_all(bytes: &[u8]) -> Result<(), String> {
    let (outcome, asked) = asked_by(|| try_read(bytes));
    // Every list element is a few machine words for a byte or more of the file, and tensors are
    // copied out as f32.
    let bound = 200 * bytes.len() + 100_000;
    assert!(asked < bound, "{asked} bytes asked for by {}", bytes.len());
    outcome
}

fn try_read(bytes: &[u8]) -> Result<(), String> {
    let path = Path::new("test.gguf");
    let file = GgufFile::from_bytes(path, bytes.to_vec()).map_err(|error| error.to_string())?;
    for name in file.tensor_names().map(str::to_owned).collect::<Vec<_>>() {
        file.floats(&name).map_err(|error| error.to_string())?;
    }
    LlamaWeights::from_gguf_file(file).map_err(|error| error.to_string())?;
    Ok(())
}

#[test]
fn numbers_are_those_of_the_gguf_package() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/gguf_blocks.safetensors");
    let fixture = std::fs::read(path).expect("the fixture is there");
    let fixture = SafeTensors::deserialize(&fixture).expect("the fixture is whole");
    for kind in TensorKind::ALL {
        let tensor = |part: &str| {
            fixture
                .tensor(&format!("{}.{part}", kind.name()))
                .expect("in the fixture")
        };
        let expected = tensor("numbers");
        let mut numbers = vec![0f32; expected.shape()[0]];
        dequantize(kind, tensor("bytes").data(), &mut numbers);
        let expected = expected
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        for (i, (found, expected)) in numbers.iter().zip(expected).enumerate() {
            let same = *found == expected || (found.is_nan() && expected.is_nan());
            assert!(same, "{} {i}: {found} for {expected}", kind.name());
        }
    }
}

#[test]
fn a_whole_file_is_read() {
    read_all(&GgufWriter::llama().bytes()).expect("readable");
}

#[test]
fn metadata_of_every_type_is_read() {
    let list = |kind: u32, items: &[&[u8]]| {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((items.len() as u64).to_le_bytes());
        bytes.extend(items.concat());
        bytes
    };
    let writer = GgufWriter::default()
        .set("u8", 0, vec![200])
        .set("i8", 1, vec![200])
        .set("i16", 3, (-300i16).to_le_bytes().to_vec())
        .set("bool", 7, vec![1])
        .set("f64", 12, 2.5f64.to_le_bytes().to_vec())
        .set(
            "texts",
            9,
            list(8, &[b"\x02\0\0\0\0\0\0\0ab", b"\0\0\0\0\0\0\0\0"]),
        )
        .set(
            "integers",
            9,
            list(5, &[&(-1i32).to_le_bytes(), &7i32.to_le_bytes()]),
        )
        .set("nested", 9, list(9, &[&list(0, &[b"\x01"])]));
    let file = GgufFile::from_bytes(Path::new("m.gguf"), writer.bytes()).expect("readable");
    let value = |key: &str| file.metadata(key).expect("there");
    assert_eq!(value("u8").as_u64(), Some(200));
    assert_eq!(value("i8").as_u64(), None);
    assert_eq!(value("i16").describe(), "an integer");
    assert_eq!(value("bool").as_bool(), Some(true));
    assert_eq!(value("f64").as_f64(), Some(2.5));
    assert_eq!(
        value("texts").as_texts(),
        Some(&["ab".to_owned(), String::new()][..])
    );
    assert_eq!(value("integers").as_integers(), Some(&[-1, 7][..]));
    assert_eq!(value("nested").describe(), "a list of 1 lists");
    let error = file.text("u8").expect_err("not a text").to_string();
    assert_eq!(error, "m.gguf: metadata u8 is an integer, not a text");
    let without = GgufWriter::llama().without("general.architecture");
    let error = try_read(&without.bytes()).expect_err("incomplete");
    assert!(
        error.contains("has no metadata general.architecture"),
        "{error}"
    );
}

#[test]
fn every_truncation_is_an_error_that_says_so() {
    let whole = GgufWriter::llama().bytes();
    for length in (0..whole.len()).step_by(7) {
        let error = read_all(&whole[..length]).expect_err("truncated");
        assert!(
            error.contains("truncated") || error.contains("does not start"),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_truncated_file_on_disk_names_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("half.gguf");
    let whole = GgufWriter::llama().bytes();
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("writable");
    let error = GgufFile::open(&path).expect_err("truncated");
    assert!(matches!(&error, GgufError::Truncated { path: p, .. } if *p == path));
    let message = error.to_string();
    assert!(
        message.contains("half.gguf is truncated: tensor blk.0.ffn_down.weight"),
        "{message}"
    );
    std::fs::write(&path, b"").expect("writable");
    let message = GgufFile::open(&path).expect_err("empty").to_string();
    assert!(
        message.contains("does not start with the letters GGUF"),
        "{message}"
    );
}

#[test]
fn huge_counts_and_lengths_take_no_memory() {
    let huge = [
        u64::MAX,
        u64::MAX / 8,
        1 << 62,
        1 << 40,
        u64::from(u32::MAX),
    ];
    for huge in huge {
        let mut counts = GgufWriter::llama().bytes();
        counts[8..16].copy_from_slice(&huge.to_le_bytes());
        read_all(&counts).expect_err("too many tensors");
        let mut counts = GgufWriter::llama().bytes();
        counts[16..24].copy_from_slice(&huge.to_le_bytes());
        read_all(&counts).expect_err("too many values");
        for element in [0u32, 4, 6, 7, 8, 9, 12] {
            let mut list = element.to_le_bytes().to_vec();
            list.extend(huge.to_le_bytes());
            let bytes = GgufWriter::llama().set("list", 9, list).bytes();
            read_all(&bytes).expect_err("too long a list");
        }
        let bytes = GgufWriter::llama()
            .set("text", 8, huge.to_le_bytes().to_vec())
            .bytes();
        read_all(&bytes).expect_err("too long a text");
        for shape in [vec![huge], vec![huge, huge], vec![32, huge], vec![huge; 4]] {
            let bytes = GgufWriter::llama()
                .tensor("large", &shape, 0, vec![0; 32])
                .bytes();
            read_all(&bytes).expect_err("too large a tensor");
        }
    }
    for key in [
        "block_count",
        "embedding_length",
        "attention.head_count",
        "context_length",
    ] {
        let bytes = GgufWriter::llama()
            .u32(&format!("llama.{key}"), u32::MAX)
            .bytes();
        let outcome = read_all(&bytes);
        assert_eq!(
            outcome.is_ok(),
            key == "context_length",
            "{key}: {outcome:?}"
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        if head {
            let header = b"GGUF\x03\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0";
            let len = header.len().min(bytes.len());
            bytes[..len].copy_from_slice(&header[..len]);
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn changed_bytes_are_survived(changes in prop::collection::vec((0usize..1400, any::<u8>()), 1..8)) {
        let mut bytes = GgufWriter::llama().bytes();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn any_block_is_some_numbers(bytes in prop::collection::vec(any::<u8>(), 210)) {
        for kind in TensorKind::ALL {
            let mut numbers = vec![0.0; kind.block_len()];
            dequantize(kind, &bytes[..kind.block_bytes()], &mut numbers);
        }
    }
}
