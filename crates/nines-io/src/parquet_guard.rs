//! A door before the Parquet reader: damaged and hostile files are turned away before they can ask
//! for memory, and a panic inside the library becomes an error.
//!
//! The reader trusts the counts that the footer states and the sizes that page headers state. This
//! module walks the footer and all page headers first (they are in Thrift's compact form), compares
//! them with bounds, and chooses how many rows are read at a time so that they fit in memory.

use crate::error::IoError;
use crate::parquet_thrift::Thrift;
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Encoding, Type};
use parquet::column::page::PageReader;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// The longest footer in bytes.
const FOOTER_BYTES: u64 = 64 << 20;
/// The largest data page, unpacked, in bytes.
const PAGE_BYTES: u64 = 256 << 20;
/// The largest dictionary page, unpacked, in bytes: its values may be repeated in every row.
const DICTIONARY_BYTES: u64 = 8 << 20;
/// The most values in a page.
const PAGE_VALUES: u64 = 20_000_000;
/// What the rows that are read at a time may take of memory: fewer are read at a time until they
/// take less than the first; a file of which one row may take more than the second is refused.
const COMFORTABLE_BYTES: u64 = 128 << 20;
const MOST_BYTES: u64 = 1 << 30;
/// What a value of a list takes besides its bytes.
const VALUE_BYTES: u64 = 16;
/// Encodings as page headers number them.
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;
/// The longest page header in bytes (statistics included).
const HEADER_BYTES: u64 = 16 << 20;

/// A reader whose panics come out as errors; the message still reaches standard error.
pub(crate) struct Guarded<R> {
    reader: Option<R>,
}

impl<R: Iterator<Item = Result<RecordBatch, ArrowError>>> Guarded<R> {
    /// Returns the next batch; the first error ends the file.
    pub(crate) fn next_batch(
        &mut self,
        path: &Path,
        rows: u64,
    ) -> Option<Result<RecordBatch, IoError>> {
        let reader = self.reader.as_mut()?;
        let next = catch_unwind(AssertUnwindSafe(|| reader.next()));
        let reason = match next {
            Ok(None) => return None,
            Ok(Some(Ok(batch))) => return Some(Ok(batch)),
            Ok(Some(Err(error))) => error.to_string(),
            Err(_) => "its data contradict its own description".to_owned(),
        };
        self.reader = None;
        Some(Err(IoError::file(
            path,
            format!("cannot be read after row {rows}: {reason}; the file is damaged"),
        )))
    }
}

/// An open Parquet file.
pub(crate) struct Opened {
    pub(crate) reader: Guarded<ParquetRecordBatchReader>,
    pub(crate) schema: SchemaRef,
    /// How many rows it states to have.
    pub(crate) rows: u64,
}

/// Opens a Parquet file. `keep_types` reads the column types that Arrow writers leave beside
/// Parquet's own; they are an open door for damage, so only who writes the columns again asks for them.
pub(crate) fn open(path: &Path, batch_rows: usize, keep_types: bool) -> Result<Opened, IoError> {
    let damaged =
        |reason: String| IoError::file(path, format!("is not a readable Parquet file: {reason}"));
    let mut file = File::open(path).map_err(IoError::io("open", path))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(IoError::file(path, "is a folder; give the files in it"));
    }
    let length = check_footer(&mut file).map_err(damaged)?;
    let for_pages = file.try_clone().map_err(IoError::io("open", path))?;
    let built = catch_unwind(AssertUnwindSafe(|| {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(!keep_types);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|error| error.to_string())?;
        let rows_at_a_time = check_pages(builder.metadata(), for_pages, length, batch_rows)?;
        let schema = builder.schema().clone();
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder
            .with_batch_size(rows_at_a_time)
            .build()
            .map_err(|error| error.to_string())?;
        Ok::<_, String>((reader, schema, rows))
    }));
    let (reader, schema, rows) = match built {
        Ok(built) => built.map_err(damaged)?,
        Err(_) => return Err(damaged("its description contradicts itself".to_owned())),
    };
    Ok(Opened {
        reader: Guarded {
            reader: Some(reader),
        },
        schema,
        rows,
    })
}

fn check_footer(file: &mut File) -> Result<u64, String> {
    let length = file
        .seek(SeekFrom::End(0))
        .map_err(|error| error.to_string())?;
    if length < 12 {
        return Err(format!("it has only {length} bytes"));
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))
        .and_then(|_| file.read_exact(&mut tail))
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .map_err(|error| error.to_string())?;
    let [a, b, c, d, magic @ ..] = tail;
    if &magic != b"PAR1" {
        return Err("it does not end as one; was it written or copied to the end?".to_owned());
    }
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if footer > FOOTER_BYTES || footer + 12 > length {
        return Err(format!("its footer cannot have {footer} bytes"));
    }
    file.seek(SeekFrom::Start(length - 8 - footer))
        .map_err(|error| error.to_string())?;
    let bytes = BufReader::new(&mut *file).take(footer);
    Thrift::new(bytes).footer().ok_or(
        "its footer describes no table that can be read: it is damaged, nested too deep or has too \
         many columns or row groups",
    )?;
    file.seek(SeekFrom::Start(0))
        .map_err(|error| error.to_string())?;
    Ok(length)
}

/// What a number of rows in a row can take of memory: for each stretch of the file, how many rows it
/// has at least, and how many bytes.
#[derive(Default)]
struct Stretches {
    all: Vec<(u64, u64)>,
}

impl Stretches {
    /// Returns the most bytes of any stretches that so many rows can lie in.
    fn most(&self, rows: usize) -> u64 {
        let window = |from: usize| {
            let (_, mut bytes) = self.all[from];
            let mut covered = 1;
            for (rows_here, bytes_here) in &self.all[from + 1..] {
                if covered >= rows as u64 {
                    break;
                }
                covered += rows_here;
                bytes = bytes.saturating_add(*bytes_here);
            }
            bytes
        };
        (0..self.all.len()).map(window).max().unwrap_or_default()
    }
}

/// What a column can take of memory.
#[derive(Default)]
struct Column {
    /// Pages of a column with one value a row.
    pages: Stretches,
    /// Row groups of a column of lists, where one row may hold all values of a group.
    lists: Stretches,
    /// The largest dictionary, unpacked.
    dictionary: u64,
    /// The widest value that is stored once and may be repeated in every row.
    widest: u64,
}

/// Checks what the page headers state, and returns how many rows can be read at a time, at most
/// `rows`, within the bounds on memory.
fn check_pages(
    metadata: &ParquetMetaData,
    file: File,
    length: u64,
    rows: usize,
) -> Result<usize, String> {
    let file = Arc::new(file);
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let mut found: Vec<Column> = Vec::with_capacity(columns);
    found.resize_with(columns, Column::default);
    for (group, row_group) in metadata.row_groups().iter().enumerate() {
        for (chunk, column) in row_group.columns().iter().zip(&mut found) {
            let what = format!(
                "column {:?} of row group {group}",
                chunk.column_path().string()
            );
            check_chunk(&file, length, chunk, column).map_err(|why| format!("{what} {why}"))?;
        }
    }
    let flat = |rows: usize| -> u64 {
        let cost = |column: &Column| {
            let repeated = column.widest.saturating_mul(rows as u64);
            (column.pages.most(rows) + column.dictionary).saturating_add(repeated)
        };
        found.iter().map(cost).fold(0, u64::saturating_add)
    };
    let lists = |rows: usize| -> u64 {
        let costs = found.iter().map(|column| column.lists.most(rows));
        costs.fold(0, u64::saturating_add)
    };
    let mut at_a_time = rows.max(1);
    loop {
        let (flat, lists) = (flat(at_a_time), lists(at_a_time));
        if flat <= COMFORTABLE_BYTES && lists <= MOST_BYTES {
            return Ok(at_a_time);
        }
        if at_a_time == 1 {
            let bytes = flat.saturating_add(lists);
            return if bytes <= MOST_BYTES {
                Ok(1)
            } else {
                Err(format!(
                    "one row may take {bytes} bytes of memory, and at most {MOST_BYTES} are given; \
                     write it with smaller pages and row groups"
                ))
            };
        }
        at_a_time /= 4;
        at_a_time = at_a_time.max(1);
    }
}

fn check_chunk(
    file: &Arc<File>,
    length: u64,
    chunk: &ColumnChunkMetaData,
    column: &mut Column,
) -> Result<(), String> {
    let mut reader = BufReader::with_capacity(1 << 13, &**file);
    let offsets = (chunk.dictionary_page_offset(), chunk.data_page_offset());
    let start = match offsets {
        (Some(dictionary), data) if dictionary > 0 => dictionary.min(data),
        (_, data) => data,
    };
    let start = u64::try_from(start).map_err(|_| "starts nowhere")?;
    let size = u64::try_from(chunk.compressed_size()).map_err(|_| "has no size")?;
    let end = start.checked_add(size).filter(|end| *end <= length);
    let end = end.ok_or("lies outside the file")?;
    let is_list = chunk.column_descr().max_rep_level() > 0;
    let is_text = chunk.column_type() == Type::BYTE_ARRAY;
    let (mut at, mut unpacked, mut values) = (start, 0, 0);
    let (mut has_dictionary, mut states_lengths) = (false, false);
    while at < end {
        let broken = || format!("has a broken page at byte {at}");
        reader
            .seek(SeekFrom::Start(at))
            .map_err(|error| error.to_string())?;
        let mut header = Thrift::new((&mut reader).take((end - at).min(HEADER_BYTES)));
        let page = header.page().ok_or_else(broken)?;
        let most = if page.is_dictionary {
            DICTIONARY_BYTES
        } else {
            PAGE_BYTES
        };
        let bytes = u64::try_from(page.unpacked).ok().filter(|n| *n <= most);
        let bytes = bytes.ok_or_else(|| {
            let unpacked = page.unpacked;
            format!("has a page of {unpacked} bytes; at most {most} are read")
        })?;
        let count = u64::try_from(page.values).ok();
        let count = count.filter(|n| *n <= PAGE_VALUES).ok_or_else(|| {
            let values = page.values;
            format!("has a page of {values} values; at most {PAGE_VALUES} are read")
        })?;
        if page.is_dictionary {
            has_dictionary = true;
            column.dictionary = column.dictionary.max(bytes);
        } else {
            if is_text && page.encoding == DELTA_BYTE_ARRAY {
                return Err(
                    "has the encoding DELTA_BYTE_ARRAY, by which few bytes make many, and \
                     which is not read; write it plain or with a dictionary"
                        .to_owned(),
                );
            }
            states_lengths |= page.encoding == DELTA_LENGTH_BYTE_ARRAY;
            if count > 0 && !is_list {
                column.pages.all.push((count, bytes));
            }
            unpacked += bytes;
            values += count;
        }
        let packed = u64::try_from(page.packed).map_err(|_| broken())?;
        at = at
            .checked_add(header.used)
            .and_then(|at| at.checked_add(packed))
            .ok_or_else(broken)?;
    }
    let widest = match chunk.column_type() {
        Type::BYTE_ARRAY if has_dictionary || states_lengths => check_texts(file, chunk)?,
        Type::FIXED_LEN_BYTE_ARRAY => {
            u64::try_from(chunk.column_descr().type_length()).unwrap_or(0)
        }
        _ => 0,
    };
    if is_list {
        // A value takes its bytes, its place in the array and its levels.
        let each = widest + VALUE_BYTES;
        let bytes = values.saturating_mul(each).saturating_add(unpacked);
        column.lists.all.push((1, bytes));
    } else {
        column.widest = column.widest.max(widest);
    }
    Ok(())
}

/// Unpacks the pages of texts whose headers do not tell how much memory their values take: the
/// dictionary, and pages that state lengths first. Returns the longest value of the dictionary.
fn check_texts(file: &Arc<File>, chunk: &ColumnChunkMetaData) -> Result<u64, String> {
    let rows = usize::try_from(chunk.num_values()).unwrap_or(0);
    let mut pages = SerializedPageReader::new(Arc::clone(file), chunk, rows, None)
        .map_err(|error| error.to_string())?;
    let descriptor = chunk.column_descr();
    let mut widest = 0;
    while let Some(page) = pages.get_next_page().map_err(|error| error.to_string())? {
        let data = page.buffer();
        let values = match &page {
            parquet::column::page::Page::DictionaryPage { .. } => {
                widest = longest(data);
                continue;
            }
            parquet::column::page::Page::DataPage { .. } => {
                let levels = [descriptor.max_rep_level(), descriptor.max_def_level()];
                levels
                    .iter()
                    .filter(|most| **most > 0)
                    .try_fold(&data[..], |rest, _| {
                        let (length, rest) = rest.split_first_chunk()?;
                        rest.get(u32::from_le_bytes(*length) as usize..)
                    })
            }
            parquet::column::page::Page::DataPageV2 {
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => data.get(*def_levels_byte_len as usize + *rep_levels_byte_len as usize..),
        };
        if page.encoding() != Encoding::DELTA_LENGTH_BYTE_ARRAY {
            continue;
        }
        // The size of a block, its parts, and how many lengths there are.
        let mut header = Thrift::new(values.ok_or("has a broken page")?);
        let stated = (header.varint(), header.varint(), header.varint()).2;
        if stated.is_none_or(|stated| stated > u64::from(page.num_values())) {
            return Err("has a page with other lengths than values".to_owned());
        }
    }
    Ok(widest)
}

/// Returns the longest of plainly encoded texts.
fn longest(mut rest: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, tail)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length).min(tail.len() as u64));
        rest = tail.get(length as usize..).unwrap_or_default();
    }
    longest
}
