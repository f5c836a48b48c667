//! What transformers and torch computed, as the scripts in golden/ wrote it.

use nines_kernels::Unit;
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::{Classifier, Mode};
use nines_nn::precision::Precision;
use nines_nn::weights::safetensors::SafetensorsFile;
use std::path::{Path, PathBuf};

#[derive(serde::Deserialize)]
pub struct Row {
    pub ids: Vec<u32>,
    #[serde(default)]
    pub type_ids: Vec<u8>,
    #[serde(default)]
    pub positions: Vec<usize>,
}

pub fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../golden/fixtures")
        .join(name)
}

pub fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read(folder.join("rows.json")).expect("the fixture is there");
    let mut rows: Vec<Row> = serde_json::from_slice(&text).expect("rows");
    for row in &mut rows {
        row.type_ids.resize(row.ids.len(), 0);
    }
    rows
}

pub fn batch(rows: &[Row]) -> TokenBatch {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (&row.ids[..], &row.type_ids[..]))
        .collect();
    TokenBatch::from_rows(&rows)
}

pub fn open(folder: &Path) -> SafetensorsFile {
    SafetensorsFile::open(&folder.join("expected.safetensors")).expect("expected")
}

pub fn expected(file: &SafetensorsFile, name: &str) -> Vec<f32> {
    let shape = file
        .shape(name)
        .unwrap_or_else(|| panic!("{name} is in the fixture"))
        .to_vec();
    file.read(name, &shape).expect("readable")
}

pub fn floats(tensor: burn::tensor::Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit numbers")
}

/// The largest difference.
pub fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// How far apart, as a share of the length of what is expected.
pub fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let apart: f64 = found.iter().zip(expected).map(|(a, b)| square(a - b)).sum();
    (apart / expected.iter().map(|&x| square(x)).sum::<f64>()).sqrt()
}

pub fn score(model: &Classifier, rows: &[Row]) -> Vec<f32> {
    floats(model.logits(&batch(rows), Mode::Evaluate).expect("scored"))
}

/// Every precision that this machine has.
pub fn precisions() -> impl Iterator<Item = Precision> {
    let units = Unit::ALL.into_iter().filter(|unit| unit.is_available());
    std::iter::once(Precision::Float32).chain(units.map(Precision::Bf16))
}
