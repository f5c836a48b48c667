//! A door before the Parquet reader: damaged and hostile files are turned away before they can ask
//! for memory, and a panic inside the library becomes an error.
//!
//! The reader trusts the sizes that page headers state. This module walks all page headers first
//! (they are in Thrift's compact form) and compares the stated sizes with bounds.

use crate::error::IoError;
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The longest footer in bytes.
const FOOTER_BYTES: u64 = 64 << 20;
/// The largest data page, unpacked, in bytes.
const PAGE_BYTES: i64 = 256 << 20;
/// The largest dictionary page, unpacked, in bytes: its values may be repeated in every row.
const DICTIONARY_BYTES: i64 = 8 << 20;
/// The most values in a page.
const PAGE_VALUES: i64 = 20_000_000;
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
        check_pages(builder.metadata(), for_pages, length)?;
        let schema = builder.schema().clone();
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder
            .with_batch_size(batch_rows)
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
    Ok(length)
}

fn check_pages(metadata: &ParquetMetaData, file: File, length: u64) -> Result<(), String> {
    let mut reader = BufReader::with_capacity(1 << 13, file);
    for (group, row_group) in metadata.row_groups().iter().enumerate() {
        for column in row_group.columns() {
            let what = format!(
                "column {:?} of row group {group}",
                column.column_path().string()
            );
            let offsets = (column.dictionary_page_offset(), column.data_page_offset());
            let start = match offsets {
                (Some(dictionary), data) if dictionary > 0 => dictionary.min(data),
                (_, data) => data,
            };
            let start = u64::try_from(start).map_err(|_| format!("{what} starts nowhere"))?;
            let size = u64::try_from(column.compressed_size())
                .map_err(|_| format!("{what} has no size"))?;
            let end = start.checked_add(size).filter(|end| *end <= length);
            let end = end.ok_or_else(|| format!("{what} lies outside the file"))?;
            let mut at = start;
            while at < end {
                reader
                    .seek(SeekFrom::Start(at))
                    .map_err(|error| error.to_string())?;
                let mut header = Thrift::new((&mut reader).take((end - at).min(HEADER_BYTES)));
                let page = header
                    .page()
                    .ok_or_else(|| format!("{what} has a broken page at byte {at}"))?;
                let most = if page.is_dictionary {
                    DICTIONARY_BYTES
                } else {
                    PAGE_BYTES
                };
                if !(0..=most).contains(&page.unpacked) {
                    return Err(format!(
                        "{what} has a page of {} bytes; at most {most} are read",
                        page.unpacked
                    ));
                }
                if !(0..=PAGE_VALUES).contains(&page.values) {
                    return Err(format!(
                        "{what} has a page of {} values; at most {PAGE_VALUES} are read",
                        page.values
                    ));
                }
                let packed = u64::try_from(page.packed)
                    .map_err(|_| format!("{what} has a broken page at byte {at}"))?;
                at = at
                    .checked_add(header.used)
                    .and_then(|at| at.checked_add(packed))
                    .ok_or_else(|| format!("{what} has a broken page"))?;
            }
        }
    }
    Ok(())
}

struct Page {
    unpacked: i64,
    packed: i64,
    values: i64,
    is_dictionary: bool,
}

/// Just enough of Thrift's compact protocol to read a page header.
struct Thrift<R> {
    reader: R,
    used: u64,
}

impl<R: Read> Thrift<R> {
    fn new(reader: R) -> Self {
        Self { reader, used: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        self.used += 1;
        Some(byte[0])
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        let copied =
            std::io::copy(&mut (&mut self.reader).take(count), &mut std::io::sink()).ok()?;
        self.used += copied;
        (copied == count).then_some(())
    }

    /// Reads a field's header: its id and type; type 0 ends the struct.
    fn field(&mut self, last: &mut i64) -> Option<(i64, u8)> {
        let byte = self.byte()?;
        let kind = byte & 0x0f;
        if kind == 0 {
            return Some((0, 0));
        }
        *last = match byte >> 4 {
            0 => self.number()?,
            delta => last.checked_add(i64::from(delta))?,
        };
        Some((*last, kind))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        if depth > 8 {
            return None;
        }
        match kind {
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let length = match head >> 4 {
                    15 => self.varint()?,
                    short => u64::from(short),
                };
                for _ in 0..length {
                    match head & 0x0f {
                        // In a list a truth value takes a byte of its own.
                        1 | 2 => self.byte().map(drop)?,
                        item => self.skip(item, depth + 1)?,
                    }
                }
                Some(())
            }
            12 => {
                let mut last = 0;
                loop {
                    match self.field(&mut last)? {
                        (_, 0) => return Some(()),
                        (_, kind) => self.skip(kind, depth + 1)?,
                    }
                }
            }
            _ => None,
        }
    }

    fn page(&mut self) -> Option<Page> {
        let mut page = Page {
            unpacked: -1,
            packed: -1,
            values: 0,
            is_dictionary: false,
        };
        let mut last = 0;
        loop {
            match self.field(&mut last)? {
                (_, 0) => return Some(page),
                (1, 5) => page.is_dictionary = self.number()? == 2,
                (2, 5) => page.unpacked = self.number()?,
                (3, 5) => page.packed = self.number()?,
                // The headers of the page kinds all state their number of values first.
                (5 | 7 | 8, 12) => {
                    let mut inner = 0;
                    loop {
                        match self.field(&mut inner)? {
                            (_, 0) => break,
                            (1, 5) => page.values = self.number()?,
                            (_, kind) => self.skip(kind, 0)?,
                        }
                    }
                }
                (_, kind) => self.skip(kind, 0)?,
            }
        }
    }
}
