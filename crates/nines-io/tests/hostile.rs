//! Files that mean harm, or are damaged: no panic gets out, and no file makes memory grow.

use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_io::{
    Format, PromptRow, ReadOptions, ScoreOptions, SnippetRow, TableWriter, read_all, score_file,
    starter,
};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Remembers the largest single allocation.
struct Watching;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// More than any bound that the readers state.
const HUGE: usize = 300 << 20;

/// Reads bytes as a file of every kind of row; what comes of it does not matter, only that it comes.
fn survives(folder: &Path, format: Format, bytes: &[u8]) {
    let path = folder.join("file");
    std::fs::write(&path, bytes).expect("writable");
    for skip_bad in [false, true] {
        let options = ReadOptions {
            format: Some(format),
            skip_bad,
            ..ReadOptions::default()
        };
        let _ = read_all::<SnippetRow>(&path, &options);
        let _ = read_all::<PromptRow>(&path, &options);
    }
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(
        largest < HUGE,
        "an allocation of {largest} bytes for {} bytes",
        bytes.len()
    );
}

/// Scores bytes as a Parquet file; a damaged one leaves no output.
fn scoring_survives(folder: &Path, bytes: &[u8]) {
    let (path, out) = (folder.join("in.parquet"), folder.join("out.parquet"));
    std::fs::write(&path, bytes).expect("writable");
    let mut zero = |snippets: &[SnippetText]| {
        Ok(snippets
            .iter()
            .map(|_| Score::new(0.0).map_err(|error| error.to_string()))
            .collect())
    };
    let result = score_file(
        &path,
        &out,
        &ScoreOptions::new("v1"),
        &mut zero,
        &mut |_| {},
    );
    assert_eq!(result.is_ok(), out.exists());
    std::fs::remove_file(out).ok();
    assert!(LARGEST.load(Ordering::Relaxed) < HUGE);
}

fn parquet_file() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.parquet");
    let mut writer = TableWriter::create(&path).expect("created");
    for row in starter::snippets()
        .expect("embedded")
        .iter()
        .skip(1400)
        .take(120)
    {
        writer.write(row).expect("written");
    }
    writer.finish().expect("finished");
    std::fs::read(path).expect("readable")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let folder = tempfile::tempdir().expect("a folder");
        for format in [Format::Jsonl, Format::JsonlGz, Format::Csv, Format::Parquet, Format::Text] {
            survives(folder.path(), format, &bytes);
        }
        let framed = [b"PAR1".as_slice(), &bytes, &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat();
        survives(folder.path(), Format::Parquet, &framed);
    }

    #[test]
    fn almost_json(text in r#"(\{"(prompt|completion|labels|meta|severity)":("a"|1e9|\[\{|null|\{|\}|\\u0000)[,}\]]{0,3}){0,12}"#) {
        let folder = tempfile::tempdir().expect("a folder");
        survives(folder.path(), Format::Jsonl, text.as_bytes());
        survives(folder.path(), Format::Csv, text.as_bytes());
    }
}

#[test]
fn damaged_parquet() {
    let whole = parquet_file();
    let folder = tempfile::tempdir().expect("a folder");
    let mut rng = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    for round in 0..1500 {
        let mut bytes = whole.clone();
        // The footer is where most decisions are: half of the damage goes there.
        let from = if round % 2 == 0 {
            0
        } else {
            bytes.len().saturating_sub(3000)
        };
        for _ in 0..=(rng.next_u32() % 4) {
            let at = from + rng.next_u32() as usize % (bytes.len() - from);
            bytes[at] = match rng.next_u32() % 3 {
                0 => rng.next_u32() as u8,
                1 => bytes[at] ^ (1 << (rng.next_u32() % 8)),
                _ => 0xff,
            };
        }
        survives(folder.path(), Format::Parquet, &bytes);
        if round % 5 == 0 {
            scoring_survives(folder.path(), &bytes);
        }
    }
    for cut in (0..whole.len()).step_by(whole.len() / 50) {
        survives(folder.path(), Format::Parquet, &whole[..cut]);
    }
}

#[test]
fn a_gzip_bomb_is_one_long_line() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..512 {
        std::io::Write::write_all(&mut encoder, &zeros).expect("written");
    }
    let bomb = encoder.finish().expect("written");
    assert!(bomb.len() < 1 << 20);
    let folder = tempfile::tempdir().expect("a folder");
    survives(folder.path(), Format::JsonlGz, &bomb);
}
