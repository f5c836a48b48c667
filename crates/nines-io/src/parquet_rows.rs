//! Parquet files as rows of JSON values.

use crate::error::{Fault, IoError};
use crate::parquet_guard;
use crate::records::{Record, Records};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde_json::{Map, Number, Value};
use std::path::Path;

/// How many rows are decoded at a time; fewer where the guard finds that they would take
/// much memory.
pub(crate) const BATCH_ROWS: usize = 64;

/// The longest list in a cell.
const LIST_ITEMS: usize = 1_000_000;

pub(crate) fn open(path: &Path) -> Result<Records, IoError> {
    let parquet_guard::Opened { reader, schema, .. } =
        parquet_guard::open(path, BATCH_ROWS, false)?;
    for field in schema.fields() {
        if !readable(field.data_type()) {
            let reason = format!(
                "its column {:?} has the type {}, which is not read; drop the column, or turn it into text or a number",
                field.name(),
                field.data_type()
            );
            return Err(IoError::file(path, reason));
        }
    }
    check_names(path, &schema)?;
    Ok(Box::new(Rows {
        reader,
        path: path.to_owned(),
        batch: None,
        at: 0,
        row: 0,
    }))
}

/// Refuses two columns of one name: which one counts would be a guess.
pub(crate) fn check_names(path: &Path, schema: &Schema) -> Result<(), IoError> {
    let mut names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(IoError::file(
            path,
            format!("it has the column {:?} twice", pair[0]),
        )),
        None => Ok(()),
    }
}

struct Rows {
    reader: parquet_guard::Guarded<ParquetRecordBatchReader>,
    path: std::path::PathBuf,
    batch: Option<RecordBatch>,
    at: usize,
    row: u64,
}

impl Iterator for Rows {
    type Item = Result<Record, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.num_rows()
            {
                let fields = object(batch, self.at);
                self.at += 1;
                self.row += 1;
                return Some(Ok(Record {
                    line: self.row,
                    fields,
                }));
            }
            match self.reader.next_batch(&self.path, self.row)? {
                Ok(batch) => {
                    self.batch = Some(batch);
                    self.at = 0;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn readable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View => true,
        DataType::List(item) | DataType::LargeList(item) => readable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| readable(field.data_type())),
        DataType::Dictionary(_, value) => readable(value),
        _ => false,
    }
}

/// Returns one row of a batch as an object; null cells are left out.
pub(crate) fn object(batch: &RecordBatch, row: usize) -> Result<Map<String, Value>, Fault> {
    let mut map = Map::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let value =
            value(column.as_ref(), row).map_err(|reason| Fault::field(field.name(), reason))?;
        if !value.is_null() {
            map.insert(field.name().clone(), value);
        }
    }
    Ok(map)
}

fn float(number: f64) -> Value {
    // JSON knows no NaN; the text keeps what it was, and numeric fields refuse it.
    Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}

/// Returns one cell as a JSON value.
pub(crate) fn value(array: &dyn Array, row: usize) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! number {
        ($type:ty) => {
            Ok(array.as_primitive::<$type>().value(row).into())
        };
    }
    let list = |items: &dyn Array| -> Result<Value, String> {
        if items.len() > LIST_ITEMS {
            return Err(format!(
                "holds a list of {} items; at most {LIST_ITEMS} are read",
                items.len()
            ));
        }
        let items: Result<Vec<Value>, String> = (0..items.len()).map(|i| value(items, i)).collect();
        Ok(Value::Array(items?))
    };
    match array.data_type() {
        DataType::Null => Ok(Value::Null),
        DataType::Boolean => Ok(Value::Bool(array.as_boolean().value(row))),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        // A float32 is kept as the shortest decimal that means it, not as its binary expansion.
        DataType::Float32 => {
            let number = array.as_primitive::<Float32Type>().value(row);
            Ok(float(number.to_string().parse().unwrap_or(f64::NAN)))
        }
        DataType::Float64 => Ok(float(array.as_primitive::<Float64Type>().value(row))),
        DataType::Utf8 => Ok(array.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Ok(array.as_string_view().value(row).into()),
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref()),
        DataType::Struct(_) => {
            let array = array.as_struct();
            let mut map = Map::new();
            for (field, column) in array.fields().iter().zip(array.columns()) {
                let cell = value(column.as_ref(), row)?;
                if !cell.is_null() {
                    map.insert(field.name().clone(), cell);
                }
            }
            Ok(Value::Object(map))
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = value(dictionary.keys(), row)?;
            let key = key.as_u64().and_then(|key| usize::try_from(key).ok());
            match key.filter(|key| *key < dictionary.values().len()) {
                Some(key) => value(dictionary.values().as_ref(), key),
                None => Err("has a broken dictionary".to_owned()),
            }
        }
        other => Err(format!("has the type {other}, which is not read")),
    }
}
