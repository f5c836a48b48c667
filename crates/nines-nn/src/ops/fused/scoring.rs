//! A whole encoder without gradients, for scoring: from tokens to the last hidden states in buffers
//! that are used again, with nothing of burn in between.

use super::super::{EmbeddingTables, LayerTensors, Norm, PackedRows};
use super::{Dropouts, Parameters, numbers, plain, shape};
use crate::precision::Precision;
use burn_flex::FlexTensor;
use nines_kernels::embedding;
use nines_kernels::encoder;
use nines_kernels::encoder16::{self, Layer16};
use nines_kernels::layer::{LayerShape, LayerWeights, NormWeights};
use nines_kernels::packed::{Direction, PackedLayer};
use nines_kernels::pool::{Buffer, Pool};
use std::sync::OnceLock;

/// An encoder's parameters as scoring reads them, made when they are first asked for and kept until
/// they change.
#[derive(Debug, Default)]
pub(crate) struct ScoringCache {
    embeddings: OnceLock<Embeddings>,
    plain: OnceLock<Vec<PlainLayers>>,
    rounded: OnceLock<Vec<Layer16>>,
}

/// What an encoder is made of.
pub(crate) struct EncoderTensors<'a> {
    /// The embeddings.
    pub embeddings: &'a dyn Fn() -> (EmbeddingTables, Norm),
    /// Each layer, from the input up.
    pub layers: &'a dyn Fn() -> Vec<LayerTensors>,
    /// Attention heads.
    pub heads: usize,
}

#[derive(Debug)]
struct Embeddings {
    /// Words, positions, types, gamma, beta.
    tensors: [FlexTensor; 5],
    epsilon: f32,
}

#[derive(Debug)]
struct PlainLayers {
    shape: LayerShape,
    packed: PackedLayer,
    parameters: Parameters,
}

impl PlainLayers {
    fn weights(&self) -> LayerWeights<'_> {
        self.packed.forward(&self.shape, &self.parameters.vectors())
    }
}

/// Computes the last hidden states, `[tokens, hidden]`, if the parameters are here.
pub(crate) fn hidden_states(
    encoder: &EncoderTensors<'_>,
    rows: &PackedRows,
    precision: Precision,
    cache: &ScoringCache,
    pool: &Pool,
) -> Option<Buffer> {
    let mut states = kept(&cache.embeddings, || Embeddings::of(encoder))?.sum(rows, pool);
    let layers = || (encoder.layers)().into_iter();
    match precision {
        Precision::Float32 => {
            let layers = kept(&cache.plain, || {
                let packed = layers().map(|layer| {
                    let shape = shape(&layer, encoder.heads, Dropouts::default());
                    let parameters = Parameters::of(&layer)?;
                    let matrices = parameters.matrices();
                    Some(PlainLayers {
                        shape,
                        packed: PackedLayer::new(&matrices, &shape, Direction::Forward, pool),
                        parameters,
                    })
                });
                packed.collect()
            })?;
            let Some(first) = layers.first() else {
                return Some(states);
            };
            let weights: Vec<_> = layers.iter().map(PlainLayers::weights).collect();
            encoder::forward_all(&first.shape, &weights, &rows.lengths, &mut states);
        }
        Precision::Bf16(unit) => {
            let layers = kept(&cache.rounded, || {
                let rounded = layers().map(|layer| {
                    let shape = shape(&layer, encoder.heads, Dropouts::default());
                    let parameters = Parameters::of(&layer)?;
                    let (matrices, vectors) = (parameters.matrices(), parameters.vectors());
                    Some(Layer16::new(shape, &matrices, &vectors, pool))
                });
                rounded.collect()
            })?;
            encoder16::forward(unit, layers, &rows.lengths, &mut states);
        }
    }
    Some(states)
}

/// Returns what is kept, made first if need be.
fn kept<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Option<T>) -> Option<&T> {
    if cell.get().is_none() {
        // Another thread may be faster: what it makes is the same.
        let _ = cell.set(make()?);
    }
    cell.get()
}

impl Embeddings {
    fn of(encoder: &EncoderTensors<'_>) -> Option<Self> {
        let (tables, norm) = (encoder.embeddings)();
        let table = |table: burn::tensor::Tensor<2>| plain(table.flatten::<1>(0, 1));
        Some(Self {
            epsilon: norm.epsilon as f32,
            tensors: [
                table(tables.words)?,
                table(tables.positions)?,
                table(tables.types)?,
                plain(norm.gamma)?,
                plain(norm.beta)?,
            ],
        })
    }

    fn sum(&self, rows: &PackedRows, pool: &Pool) -> Buffer {
        let [words, positions, types, gamma, beta] = self.tensors.each_ref().map(numbers);
        let mut out = pool.take(rows.ids.len() * gamma.len());
        let entries = embedding::Entries {
            tables: [words, positions, types],
            indices: [&rows.ids, &rows.positions, &rows.types],
        };
        let norm = NormWeights { gamma, beta };
        embedding::forward(&entries, norm, self.epsilon, None, &mut out, None);
        out
    }
}
