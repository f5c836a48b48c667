//! Files that mean harm, or are damaged: no panic gets out, and no file makes memory grow.

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_io::{
    Format, PromptRow, ReadOptions, ScoreOptions, SnippetRow, TableWriter, read_all, score_file,
    starter, stream,
};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Remembers how much memory was held at once, of all that was asked for.
struct Watching;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn take(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both live for a moment.
        take(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// More than the readers may hold at once for the small files of these tests, all tests together.
const HUGE: usize = 600 << 20;

fn nothing_was_huge(bytes: usize) {
    let most = MOST.load(Ordering::Relaxed);
    assert!(most < HUGE, "{most} bytes held for {bytes} bytes");
}

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
    nothing_was_huge(bytes.len());
}

/// Scores bytes as a Parquet file; a damaged one leaves no output.
fn scoring_survives(folder: &Path, bytes: &[u8]) {
    let (path, out) = (folder.join("in.parquet"), folder.join("out.parquet"));
    std::fs::write(&path, bytes).expect("writable");
    let mut zero = |snippets: &[SnippetText]| {
        Ok(snippets
            .iter()
            .map(|_| {
                Score::new(0.0)
                    .map(Into::into)
                    .map_err(|error| error.to_string())
            })
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
    nothing_was_huge(bytes.len());
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

#[test]
fn a_gzip_bomb_of_many_rows_is_refused_before_it_fills_the_memory() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let text = "x".repeat(10_000);
    for i in 0..30_000 {
        writeln!(encoder, "{{\"prompt\":\"{i}\",\"x\":\"{text}\"}}").expect("written");
    }
    let bomb = encoder.finish().expect("written");
    assert!(bomb.len() < 4 << 20);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bomb.jsonl.gz");
    std::fs::write(&path, &bomb).expect("writable");
    let mut options = ReadOptions::default();
    options.limits.total_bytes = 64 << 20;
    let error = read_all::<PromptRow>(&path, &options).expect_err("too much");
    assert!(error.to_string().contains("of memory"), "{error}");
    nothing_was_huge(bomb.len());
}

/// A Thrift number: zigzag, then seven bits a byte.
fn number(value: i64) -> Vec<u8> {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    loop {
        let byte = (left & 0x7f) as u8;
        left >>= 7;
        if left == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// An element of a schema: a group with so many children, or an optional text.
fn element(children: Option<i64>) -> Vec<u8> {
    match children {
        // repetition (3) required, name (4), number of children (5)
        Some(n) => [&[0x35, 0, 0x18, 1, b'g', 0x15], &number(n)[..], &[0]].concat(),
        // type (1) byte array, repetition (3) optional, name (4), converted from UTF-8 (6)
        None => vec![0x15, 12, 0x25, 2, 0x18, 1, b'c', 0x25, 0, 0],
    }
}

/// A Parquet file that is all footer: these elements, and a list of so many row groups.
fn footer(elements: &[Vec<u8>], groups: u32) -> Vec<u8> {
    let list = |n: usize| {
        let mut head = vec![0xfc];
        let mut left = n;
        while left > 0x7f {
            head.push(left as u8 | 0x80);
            left >>= 7;
        }
        head.push(left as u8);
        head
    };
    let body = [
        &[0x15, 2, 0x19][..],
        &list(elements.len()),
        &elements.concat(),
        &[0x16, 0, 0x19],
        &list(groups as usize),
        &[0],
    ]
    .concat();
    [
        b"PAR1",
        &body[..],
        &(body.len() as u32).to_le_bytes(),
        b"PAR1",
    ]
    .concat()
}

#[test]
fn a_footer_that_states_more_than_it_holds_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |bytes: &[u8]| {
        let path = folder.path().join("hostile.parquet");
        std::fs::write(&path, bytes).expect("writable");
        let error = read_all::<SnippetRow>(&path, &ReadOptions::default()).expect_err("hostile");
        nothing_was_huge(bytes.len());
        error.to_string()
    };
    // A sound schema of the same making is read; the file only has no rows.
    let sound = refused(&footer(&[element(Some(1)), element(None)], 0));
    assert!(sound.contains("holds no rows"), "{sound}");
    for children in [2, 1 << 30, i64::from(i32::MAX), -1] {
        let error = refused(&footer(&[element(Some(children)), element(None)], 0));
        assert!(error.contains("its footer describes no table"), "{error}");
    }
    let nested: Vec<_> = (0..15_000)
        .map(|_| element(Some(1)))
        .chain([element(None)])
        .collect();
    for elements in [nested[14_000..].to_vec(), nested] {
        assert!(refused(&footer(&elements, 0)).contains("nested too deep"));
    }
    let groups = footer(&[element(Some(1)), element(None)], u32::MAX);
    assert!(refused(&groups).contains("too many columns or row groups"));
}

#[test]
fn a_long_text_in_a_dictionary_is_not_unpacked_for_all_rows_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.parquet");
    let text = "x".repeat(900_000);
    let short: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let long: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let names: Vec<String> = (0..12).map(|i| format!("m{i}")).collect();
    let columns = [("prompt", &short), ("completion", &short)].into_iter();
    let columns = columns.chain(names.iter().map(|name| (name.as_str(), &long)));
    let columns: Vec<_> = columns
        .map(|(name, array)| (name, Arc::clone(array)))
        .collect();
    let row = RecordBatch::try_from_iter(columns).expect("a row");
    let file = std::fs::File::create(&path).expect("created");
    let mut writer = ArrowWriter::try_new(file, row.schema(), None).expect("started");
    for _ in 0..70 {
        writer.write(&row).expect("written");
    }
    writer.close().expect("finished");
    let mut rows = stream::<SnippetRow>(&path, &ReadOptions::default()).expect("opened");
    assert_eq!(rows.by_ref().filter(Result::is_ok).count(), 1);
    assert_eq!(rows.report().duplicates, 69);
    nothing_was_huge(0);
}
