//! Tables out: JSONL, CSV and Parquet, each file whole or not there.

use crate::atomic::{AtomicFile, Hashing};
use crate::columns::{self, Kind, Tabular};
use crate::error::IoError;
use crate::format::Format;
use arrow_schema::SchemaRef;
use flate2::Compression;
use flate2::write::GzEncoder;
use nines_domain::ensemble::Disagreement;
use nines_domain::label::Label;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

const BATCH_ROWS: usize = 1024;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// How many rows it holds.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// One label with its snippet, as `nines export labels` and labelling batches have it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedLabel {
    /// The snippet.
    pub text: SnippetText,
    /// The label; `None` in a labelling batch that is still to be filled in.
    pub label: Option<Label>,
}

/// One score with its snippet.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedScore {
    /// The snippet.
    pub text: SnippetText,
    /// The score.
    pub score: Score,
    /// The classifier's version.
    pub classifier: String,
    /// The path by which it was computed, such as `cpu/f32`; scores of two are never compared.
    pub path: String,
    /// Whether the threshold accepts it, where there is one.
    pub accepted: Option<bool>,
    /// Where the snippet comes from.
    pub source: Option<String>,
    /// How far an ensemble's members are apart on it, where it is an ensemble's score.
    pub disagreement: Option<Disagreement>,
}

impl Tabular for ExportedLabel {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("snippet", Kind::Text),
        ("prompt", Kind::Text),
        ("completion", Kind::Text),
        ("verdict", Kind::Text),
        ("severity", Kind::Small),
        ("labeller", Kind::Text),
        ("labeller_kind", Kind::Text),
        ("seconds", Kind::Number),
    ];

    fn cells(&self) -> Vec<Value> {
        let mut cells = vec![
            json!(self.text.hash()),
            json!(self.text.prompt),
            json!(self.text.completion),
        ];
        match &self.label {
            Some(label) => cells.extend(columns::label_cells(label)),
            None => cells.extend(std::iter::repeat_n(Value::Null, 5)),
        }
        cells
    }
}

impl Tabular for ExportedScore {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("snippet", Kind::Text),
        ("prompt", Kind::Text),
        ("completion", Kind::Text),
        ("score", Kind::Number),
        ("p", Kind::Number),
        ("accepted", Kind::Truth),
        ("classifier", Kind::Text),
        ("path", Kind::Text),
        ("source", Kind::Text),
        ("spread", Kind::Number),
        ("gap", Kind::Number),
    ];

    fn cells(&self) -> Vec<Value> {
        vec![
            json!(self.text.hash()),
            json!(self.text.prompt),
            json!(self.text.completion),
            json!(self.score.logit()),
            json!(self.score.probability()),
            json!(self.accepted),
            json!(self.classifier),
            json!(self.path),
            json!(self.source),
            json!(self.disagreement.map(|found| found.spread)),
            json!(self.disagreement.map(|found| found.gap)),
        ]
    }
}

/// Writes rows to a file in the format of its name. Until [`TableWriter::finish`] there is no file
/// of that name; a writer that is dropped leaves nothing.
pub struct TableWriter<T> {
    path: PathBuf,
    file: AtomicFile,
    sink: Sink,
    rows: u64,
    marker: PhantomData<fn(&T)>,
}

enum Sink {
    Jsonl(Hashing),
    JsonlGz(Box<GzEncoder<Hashing>>),
    Csv(Box<csv::Writer<Hashing>>),
    Parquet {
        writer: Box<ArrowWriter<Hashing>>,
        schema: SchemaRef,
        waiting: Vec<Vec<Value>>,
    },
}

impl<T: Tabular> TableWriter<T> {
    /// Starts a file.
    ///
    /// # Errors
    /// [`IoError::UnknownFormat`] when the name tells no format; [`IoError::Io`].
    pub fn create(path: &Path) -> Result<Self, IoError> {
        Self::create_as(path, Format::of(path)?)
    }

    /// Starts a file in a given format.
    ///
    /// # Errors
    /// [`IoError::BadFile`] for [`Format::Text`]; [`IoError::Io`].
    pub fn create_as(path: &Path, format: Format) -> Result<Self, IoError> {
        if format == Format::Text {
            return Err(IoError::file(
                path,
                "tables are not written as plain text; use .jsonl, .csv or .parquet",
            ));
        }
        let (file, hashing) = AtomicFile::create(path)?;
        let sink = match format {
            Format::JsonlGz => {
                Sink::JsonlGz(Box::new(GzEncoder::new(hashing, Compression::default())))
            }
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(hashing);
                writer
                    .write_record(T::COLUMNS.iter().map(|(name, _)| name))
                    .map_err(|error| csv_error(path, error))?;
                Sink::Csv(Box::new(writer))
            }
            Format::Parquet => {
                let schema = columns::schema(T::COLUMNS);
                let properties = WriterProperties::builder()
                    .set_compression(Codec::ZSTD(ZstdLevel::default()))
                    .build();
                let writer = ArrowWriter::try_new(hashing, schema.clone(), Some(properties))
                    .map_err(|error| parquet_error(path, error))?;
                Sink::Parquet {
                    writer: Box::new(writer),
                    schema,
                    waiting: Vec::new(),
                }
            }
            Format::Jsonl | Format::Text => Sink::Jsonl(hashing),
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            sink,
            rows: 0,
            marker: PhantomData,
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`IoError::DiskFull`], [`IoError::Io`].
    pub fn write(&mut self, row: &T) -> Result<(), IoError> {
        let cells = row.cells();
        self.rows += 1;
        match &mut self.sink {
            Sink::Jsonl(writer) => writer
                .write_all(json_line(T::COLUMNS, &cells).as_bytes())
                .map_err(IoError::io("write", &self.path)),
            Sink::JsonlGz(writer) => writer
                .write_all(json_line(T::COLUMNS, &cells).as_bytes())
                .map_err(IoError::io("write", &self.path)),
            Sink::Csv(writer) => writer
                .write_record(cells.iter().map(columns::csv_cell))
                .map_err(|error| csv_error(&self.path, error)),
            Sink::Parquet {
                writer,
                schema,
                waiting,
            } => {
                waiting.push(cells);
                if waiting.len() < BATCH_ROWS {
                    return Ok(());
                }
                flush_parquet::<T>(&self.path, writer, schema, waiting)
            }
        }
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// [`IoError::DiskFull`], [`IoError::Io`]; then there is no file.
    pub fn finish(self) -> Result<Written, IoError> {
        let path = self.path;
        let hashing = match self.sink {
            Sink::Jsonl(writer) => writer,
            Sink::JsonlGz(writer) => writer.finish().map_err(IoError::io("write", &path))?,
            Sink::Csv(writer) => writer
                .into_inner()
                .map_err(|error| IoError::io("write", &path)(error.into_error()))?,
            Sink::Parquet {
                mut writer,
                schema,
                mut waiting,
            } => {
                flush_parquet::<T>(&path, &mut writer, &schema, &mut waiting)?;
                writer
                    .into_inner()
                    .map_err(|error| parquet_error(&path, error))?
            }
        };
        let (bytes, sha256) = self.file.finish(hashing)?;
        Ok(Written {
            path,
            rows: self.rows,
            bytes,
            sha256,
        })
    }
}

fn flush_parquet<T: Tabular>(
    path: &Path,
    writer: &mut ArrowWriter<Hashing>,
    schema: &SchemaRef,
    waiting: &mut Vec<Vec<Value>>,
) -> Result<(), IoError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let batch = columns::batch(T::COLUMNS, schema, waiting)
        .map_err(|error| IoError::file(path, format!("cannot be laid out: {error}")))?;
    waiting.clear();
    writer
        .write(&batch)
        .map_err(|error| parquet_error(path, error))
}

/// Returns one line of JSON with the columns in their order; what is empty is `null`, so that a
/// labelling batch shows the fields to fill in.
fn json_line(columns: &[(&str, Kind)], cells: &[Value]) -> String {
    let fields: Vec<String> = columns
        .iter()
        .zip(cells)
        .map(|((name, _), cell)| format!("\"{name}\":{cell}"))
        .collect();
    format!("{{{}}}\n", fields.join(","))
}

pub(crate) fn csv_error(path: &Path, error: csv::Error) -> IoError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => IoError::io("write", path)(error),
        other => IoError::file(path, format!("cannot be written: {other:?}")),
    }
}

pub(crate) fn parquet_error(path: &Path, error: parquet::errors::ParquetError) -> IoError {
    if let parquet::errors::ParquetError::External(cause) = error {
        return match cause.downcast::<std::io::Error>() {
            Ok(error) => IoError::io("write", path)(*error),
            Err(other) => IoError::file(path, format!("cannot be written: {other}")),
        };
    }
    IoError::file(path, format!("cannot be written: {error}"))
}

/// Writes a small text file whole or not at all, such as a card or a configuration.
///
/// # Errors
/// [`IoError::DiskFull`], [`IoError::Io`].
pub fn write_atomically(path: &Path, text: &[u8]) -> Result<Written, IoError> {
    let (file, mut hashing) = AtomicFile::create(path)?;
    hashing
        .write_all(text)
        .map_err(IoError::io("write", path))?;
    let (bytes, sha256) = file.finish(hashing)?;
    Ok(Written {
        path: path.to_owned(),
        rows: 0,
        bytes,
        sha256,
    })
}
