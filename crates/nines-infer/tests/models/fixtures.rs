//! The models that these tests share.

use nines_infer::local::LocalGenerator;
use nines_kernels::Unit;
use nines_nn::precision::Precision;
use nines_nn::weights::safetensors::SafetensorsFile;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../golden/fixtures")
        .join(name)
}

/// Reads a tensor of a fixture.
pub fn tensor(file: &SafetensorsFile, name: &str) -> Vec<f32> {
    let shape = file.shape(name).expect("it is in the fixture").to_vec();
    file.read(name, &shape).expect("readable")
}

pub fn smollm2_in(precision: Precision) -> LocalGenerator {
    let model = nines_models::resolve("smollm2-135m")
        .unwrap_or_else(|error| panic!("the default generator is needed: {error}"));
    let file = model.gguf().expect("it is a GGUF file");
    LocalGenerator::open(&file, precision).unwrap_or_else(|error| panic!("{error}"))
}

/// The default generator in 32 bits.
pub fn smollm2() -> &'static LocalGenerator {
    static GENERATOR: OnceLock<LocalGenerator> = OnceLock::new();
    GENERATOR.get_or_init(|| smollm2_in(Precision::Float32))
}

/// 32 bits, and bf16 where this machine has instructions for it.
pub fn precisions() -> Vec<Precision> {
    let rounded = Unit::with_instructions().map(Precision::Bf16);
    [Precision::Float32].into_iter().chain(rounded).collect()
}

/// A tiny Llama of single letters.
pub fn letters() -> LocalGenerator {
    LocalGenerator::open(&golden("llama_tiny/plain"), Precision::Float32).expect("the fixture")
}
