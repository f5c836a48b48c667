//! Rows as tables: one description of columns for JSONL, CSV and Parquet alike.

use crate::rows::label_json;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, ListBuilder, StringBuilder, StructBuilder,
    UInt8Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use serde_json::Value;
use std::sync::Arc;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A small whole number.
    Small,
    /// A floating-point number.
    Number,
    /// True or false.
    Truth,
    /// A list of labels: a nested list in Parquet, JSON text in CSV.
    Labels,
    /// Any JSON object: JSON text in CSV and Parquet.
    Json,
}

/// A row that can be written as a line of a table.
pub trait Tabular {
    /// The columns: name and kind.
    const COLUMNS: &'static [(&'static str, Kind)];

    /// Returns the cells, one for each column; `null` where there is nothing.
    fn cells(&self) -> Vec<Value>;
}

/// Returns a cell as CSV shows it.
pub(crate) fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn label_fields() -> Fields {
    vec![
        Field::new("labeller", DataType::Utf8, true),
        Field::new("labeller_kind", DataType::Utf8, true),
        Field::new("verdict", DataType::Utf8, true),
        Field::new("severity", DataType::UInt8, true),
        Field::new("seconds", DataType::Float64, true),
    ]
    .into()
}

/// Returns the Parquet schema of a table.
pub(crate) fn schema(columns: &[(&str, Kind)]) -> SchemaRef {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, kind)| {
            let data_type = match kind {
                Kind::Text | Kind::Json => DataType::Utf8,
                Kind::Small => DataType::UInt8,
                Kind::Number => DataType::Float64,
                Kind::Truth => DataType::Boolean,
                Kind::Labels => {
                    let item = Field::new_list_field(DataType::Struct(label_fields()), true);
                    DataType::List(Arc::new(item))
                }
            };
            Field::new(*name, data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Builds one Parquet batch from rows of cells.
pub(crate) fn batch(
    columns: &[(&str, Kind)],
    schema: &SchemaRef,
    rows: &[Vec<Value>],
) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .enumerate()
        .map(|(i, (_, kind))| {
            column(
                *kind,
                rows.iter().map(|row| row.get(i).unwrap_or(&Value::Null)),
            )
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), arrays)
}

fn small(value: &Value) -> Option<u8> {
    value.as_u64().and_then(|number| u8::try_from(number).ok())
}

fn column<'a>(kind: Kind, cells: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match kind {
        Kind::Text => {
            let mut builder = StringBuilder::new();
            cells.for_each(|cell| builder.append_option(cell.as_str()));
            Arc::new(builder.finish())
        }
        Kind::Json => {
            let mut builder = StringBuilder::new();
            cells.for_each(|cell| match cell {
                Value::Null => builder.append_null(),
                cell => builder.append_value(cell.to_string()),
            });
            Arc::new(builder.finish())
        }
        Kind::Small => {
            let mut builder = UInt8Builder::new();
            cells.for_each(|cell| builder.append_option(small(cell)));
            Arc::new(builder.finish())
        }
        Kind::Number => {
            let mut builder = Float64Builder::new();
            cells.for_each(|cell| builder.append_option(cell.as_f64()));
            Arc::new(builder.finish())
        }
        Kind::Truth => {
            let mut builder = BooleanBuilder::new();
            cells.for_each(|cell| builder.append_option(cell.as_bool()));
            Arc::new(builder.finish())
        }
        Kind::Labels => labels(cells),
    }
}

fn labels<'a>(cells: impl Iterator<Item = &'a Value>) -> ArrayRef {
    let fields = label_fields();
    let builders: Vec<Box<dyn ArrayBuilder>> = vec![
        Box::new(StringBuilder::new()),
        Box::new(StringBuilder::new()),
        Box::new(StringBuilder::new()),
        Box::new(UInt8Builder::new()),
        Box::new(Float64Builder::new()),
    ];
    let mut list = ListBuilder::new(StructBuilder::new(fields, builders));
    for cell in cells {
        let Value::Array(items) = cell else {
            list.append(false);
            continue;
        };
        for item in items {
            let row = list.values();
            for (i, name) in ["labeller", "labeller_kind", "verdict"].iter().enumerate() {
                if let Some(builder) = row.field_builder::<StringBuilder>(i) {
                    builder.append_option(item.get(name).and_then(Value::as_str));
                }
            }
            if let Some(builder) = row.field_builder::<UInt8Builder>(3) {
                builder.append_option(item.get("severity").and_then(small));
            }
            if let Some(builder) = row.field_builder::<Float64Builder>(4) {
                builder.append_option(item.get("seconds").and_then(Value::as_f64));
            }
            row.append(true);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}

/// Returns the cells that describe one label in a table of its own.
pub(crate) fn label_cells(label: &nines_domain::label::Label) -> Vec<Value> {
    let object = label_json(label);
    [
        "verdict",
        "severity",
        "labeller",
        "labeller_kind",
        "seconds",
    ]
    .iter()
    .map(|name| object.get(name).cloned().unwrap_or(Value::Null))
    .collect()
}
