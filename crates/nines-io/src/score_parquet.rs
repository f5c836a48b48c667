//! Scoring Parquet: columns are kept as they are, and some are added. A file appears whole at the
//! end; an interrupted call starts over, because Parquet cannot be appended to.

use crate::atomic::AtomicFile;
use crate::error::{Fault, IoError};
use crate::export::parquet_error;
use crate::fields::Fields;
use crate::parquet_guard;
use crate::parquet_rows;
use crate::records::Limits;
use crate::score::{
    RowScore, ScoreChunk, ScoreOptions, ScoreProgress, ScoreReport, Tally, ask, bad_line, bad_path,
};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use nines_domain::snippet::SnippetText;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// A chunk ends early when its rows take this much memory together.
const CHUNK_BYTES: usize = 64 << 20;

pub(crate) fn run(
    input: &Path,
    out: &Path,
    options: &ScoreOptions,
    score: &mut ScoreChunk<'_>,
    progress: &mut dyn FnMut(ScoreProgress),
) -> Result<ScoreReport, IoError> {
    let total = std::fs::metadata(input)
        .map_err(IoError::io("open", input))?
        .len();
    let parquet_guard::Opened {
        mut reader,
        schema,
        rows: stated_rows,
    } = parquet_guard::open(input, parquet_rows::BATCH_ROWS, true)?;
    parquet_rows::check_names(input, &schema)?;
    for needed in ["prompt", "completion"] {
        let field = schema.field_with_name(needed).map_err(|_| {
            let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            IoError::file(
                input,
                format!(
                    "has no column {needed:?}; its columns: {}",
                    columns.join(", ")
                ),
            )
        })?;
        let text = |data_type: &DataType| {
            matches!(
                data_type,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
        };
        let fine = match field.data_type() {
            DataType::Dictionary(_, value) => text(value),
            other => text(other),
        };
        if !fine {
            let reason = format!(
                "its column {needed:?} must be text, not {}",
                field.data_type()
            );
            return Err(IoError::file(input, reason));
        }
    }
    let kept: Vec<usize> = (0..schema.fields().len())
        .filter(|i| !options.added().contains(&schema.field(*i).name().as_str()))
        .collect();
    let out_schema = output_schema(&schema, &kept, options)?;

    let (file, hashing) = AtomicFile::create(out)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(hashing, Arc::clone(&out_schema), Some(properties))
        .map_err(|error| parquet_error(out, error))?;
    let side_path = bad_path(out);
    let (side_file, mut side) = AtomicFile::create(&side_path)?;

    let mut tally = Tally::default();
    let mut waiting: Vec<RecordBatch> = Vec::new();
    let (mut waiting_rows, mut waiting_bytes) = (0, 0);
    loop {
        let next = reader
            .next_batch(input, tally.rows + waiting_rows as u64)
            .transpose()?;
        let ended = next.is_none();
        if let Some(batch) = next {
            waiting_rows += batch.num_rows();
            waiting_bytes += batch.get_array_memory_size();
            waiting.push(batch);
        }
        let full = waiting_rows >= options.chunk_rows.max(1) || waiting_bytes > CHUNK_BYTES;
        if waiting_rows > 0 && (ended || full) {
            let broken =
                |error: ArrowError| IoError::file(input, format!("cannot be read: {error}"));
            let batch = concat_batches(&schema, &waiting).map_err(broken)?;
            waiting.clear();
            (waiting_rows, waiting_bytes) = (0, 0);
            let (scored, bad) = chunk(&batch, options, score, &mut tally)?;
            let columns = Columns {
                kept: &kept,
                schema: &out_schema,
                options,
            };
            let rows = columns.batch(&batch, &scored).map_err(broken)?;
            writer
                .write(&rows)
                .map_err(|error| parquet_error(out, error))?;
            side.write_all(bad.as_bytes())
                .map_err(IoError::io("write", &side_path))?;
            if writer.in_progress_size() > 64 << 20 {
                writer.flush().map_err(|error| parquet_error(out, error))?;
            }
            progress(ScoreProgress {
                rows: tally.rows,
                input_bytes: (total as f64 * tally.rows as f64 / stated_rows.max(1) as f64) as u64,
                input_total: total,
            });
        }
        if ended {
            break;
        }
    }
    if tally.rows == 0 {
        return Err(IoError::file(input, "holds no rows"));
    }
    let hashing = writer
        .into_inner()
        .map_err(|error| parquet_error(out, error))?;
    if tally.bad > 0 {
        side_file.finish(side)?;
    } else {
        std::fs::remove_file(&side_path).ok();
    }
    file.finish(hashing)?;
    Ok(ScoreReport {
        rows: tally.rows,
        scored: tally.scored,
        accepted: tally.accepted,
        bad: tally.bad,
        resumed: 0,
        out: out.to_owned(),
        bad_file: (tally.bad > 0).then_some(side_path),
    })
}

fn output_schema(
    schema: &Schema,
    kept: &[usize],
    options: &ScoreOptions,
) -> Result<SchemaRef, IoError> {
    let mut fields: Vec<Arc<Field>> = kept
        .iter()
        .map(|i| Arc::clone(&schema.fields()[*i]))
        .collect();
    fields.push(Arc::new(Field::new("score", DataType::Float64, false)));
    fields.push(Arc::new(Field::new("p", DataType::Float64, false)));
    if options.threshold.is_some() {
        fields.push(Arc::new(Field::new("accepted", DataType::Boolean, false)));
    }
    fields.push(Arc::new(Field::new("classifier", DataType::Utf8, false)));
    if options.disagreement {
        for name in ["spread", "gap"] {
            fields.push(Arc::new(Field::new(name, DataType::Float64, false)));
        }
    }
    Ok(Arc::new(Schema::new_with_metadata(
        fields,
        schema.metadata().clone(),
    )))
}

fn snippet(batch: &RecordBatch, row: usize, limits: &Limits) -> Result<SnippetText, Fault> {
    let mut map = Map::new();
    for name in ["prompt", "completion"] {
        if let Some(column) = batch.column_by_name(name) {
            let value = parquet_rows::value(column.as_ref(), row)
                .map_err(|reason| Fault::field(name, reason))?;
            map.insert(name.to_owned(), value);
        }
    }
    let mut fields = Fields::new(map)?;
    Ok(SnippetText::new(
        fields.text("prompt", limits)?,
        fields.text("completion", limits)?,
    ))
}

/// Scores a chunk: the score of each row, or none for a bad one, and the lines of the side file.
fn chunk(
    batch: &RecordBatch,
    options: &ScoreOptions,
    score: &mut ScoreChunk<'_>,
    tally: &mut Tally,
) -> Result<(Vec<Option<RowScore>>, String), IoError> {
    let rows: Vec<Result<SnippetText, Fault>> = (0..batch.num_rows())
        .map(|row| snippet(batch, row, &options.limits))
        .collect();
    let good: Vec<SnippetText> = rows.iter().flatten().cloned().collect();
    let mut answers = ask(score, options, &good, tally.rows)?.into_iter();
    let mut scored = Vec::with_capacity(rows.len());
    let mut side = String::new();
    for (i, row) in rows.into_iter().enumerate() {
        let answer = match row {
            Ok(_) => match answers.next() {
                Some(Ok(value)) => Ok(value),
                Some(Err(reason)) => Err(format!("cannot be scored: {reason}")),
                None => Err("cannot be scored: no answer".to_owned()),
            },
            Err(fault) => Err(fault.to_string()),
        };
        tally.rows += 1;
        match answer {
            Ok(value) => {
                tally.scored += 1;
                let accepted = options
                    .threshold
                    .is_some_and(|threshold| threshold.accepts(value.score));
                tally.accepted += u64::from(accepted);
                scored.push(Some(value));
            }
            Err(reason) => {
                tally.bad += 1;
                scored.push(None);
                side.push_str(&bad_line(tally.rows, &reason, shown(batch, i)));
            }
        }
    }
    Ok((scored, side))
}

/// Returns a row as far as JSON can hold it.
fn shown(batch: &RecordBatch, row: usize) -> Value {
    let mut map = Map::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let value = parquet_rows::value(column.as_ref(), row);
        map.insert(field.name().clone(), value.unwrap_or(Value::Null));
    }
    Value::Object(map)
}

struct Columns<'a> {
    kept: &'a [usize],
    schema: &'a SchemaRef,
    options: &'a ScoreOptions,
}

impl Columns<'_> {
    /// Drops the bad rows and adds the columns.
    fn batch(
        &self,
        batch: &RecordBatch,
        scored: &[Option<RowScore>],
    ) -> Result<RecordBatch, ArrowError> {
        let mask: BooleanArray = scored.iter().map(|score| Some(score.is_some())).collect();
        let good = filter_record_batch(&batch.project(self.kept)?, &mask)?;
        let scores: Vec<RowScore> = scored.iter().flatten().copied().collect();
        let numbers = |number: fn(&RowScore) -> Option<f64>| -> ArrayRef {
            Arc::new(scores.iter().map(number).collect::<Float64Array>())
        };
        let mut columns = good.columns().to_vec();
        columns.push(numbers(|row| Some(row.score.logit())));
        columns.push(numbers(|row| Some(row.score.probability())));
        if let Some(threshold) = self.options.threshold {
            let accepted: BooleanArray = scores
                .iter()
                .map(|row| Some(threshold.accepts(row.score)))
                .collect();
            columns.push(Arc::new(accepted));
        }
        let classifier = std::iter::repeat_n(Some(self.options.classifier.as_str()), scores.len());
        columns.push(Arc::new(classifier.collect::<StringArray>()));
        if self.options.disagreement {
            columns.push(numbers(|row| row.disagreement.map(|found| found.spread)));
            columns.push(numbers(|row| row.disagreement.map(|found| found.gap)));
        }
        RecordBatch::try_new(Arc::clone(self.schema), columns)
    }
}
