//! A whole encoder without gradients, for scoring: from tokens to the last hidden states in buffers
//! that are used again, with nothing of burn in between.

use super::super::{EmbeddingTables, LayerTensors, Norm, PackedRows};
use super::{Dropouts, Parameters, numbers, plain, shape};
use crate::encoder::parameters::values_of;
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
    /// For gradients with respect to embeddings.
    backward: OnceLock<Vec<PackedLayer>>,
    /// The word embeddings, where they are not on this machine's own cores.
    copied_words: OnceLock<Vec<f32>>,
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
pub(super) struct Embeddings {
    /// Words, positions, types, gamma, beta.
    pub(super) tensors: [FlexTensor; 5],
    epsilon: f32,
}

#[derive(Debug)]
pub(super) struct PlainLayers {
    pub(super) shape: LayerShape,
    pub(super) packed: PackedLayer,
    pub(super) parameters: Parameters,
}

impl ScoringCache {
    pub(super) fn embeddings(&self, encoder: &EncoderTensors<'_>) -> Option<&Embeddings> {
        kept(&self.embeddings, || Embeddings::of(encoder))
    }

    pub(super) fn plain(
        &self,
        encoder: &EncoderTensors<'_>,
        pool: &Pool,
    ) -> Option<&[PlainLayers]> {
        let layers = kept(&self.plain, || {
            let packed = (encoder.layers)().into_iter().map(|layer| {
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
        });
        layers.map(Vec::as_slice)
    }

    pub(super) fn backward(
        &self,
        encoder: &EncoderTensors<'_>,
        pool: &Pool,
    ) -> Option<&[PackedLayer]> {
        let layers = self.plain(encoder, pool)?;
        let packed = kept(&self.backward, || {
            let packed = layers.iter().map(|layer| {
                let matrices = layer.parameters.matrices();
                PackedLayer::new(&matrices, &layer.shape, Direction::Backward, pool)
            });
            Some(packed.collect())
        });
        packed.map(Vec::as_slice)
    }

    /// Returns the word embeddings, `[vocabulary, hidden]`.
    pub fn words(&self, encoder: &EncoderTensors<'_>) -> &[f32] {
        match self.embeddings(encoder) {
            Some(embeddings) => numbers(&embeddings.tensors[0]),
            None => self.copied_words.get_or_init(|| {
                let (tables, _) = (encoder.embeddings)();
                values_of(tables.words.flatten::<1>(0, 1))
            }),
        }
    }
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
    let embeddings = cache.embeddings(encoder)?;
    let mut states = pool.take(rows.ids.len() * embeddings.hidden());
    embeddings.sum(rows, &mut states, None);
    let layers = || (encoder.layers)().into_iter();
    match precision {
        Precision::Float32 => {
            let layers = cache.plain(encoder, pool)?;
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

    fn hidden(&self) -> usize {
        numbers(&self.tensors[3]).len()
    }

    /// Sums and normalises: `out` is `[tokens, hidden]`; `saved` as in [`embedding::forward`].
    pub(super) fn sum(
        &self,
        rows: &PackedRows,
        out: &mut [f32],
        saved: Option<(&mut [f32], &mut [f32])>,
    ) {
        let [words, positions, types, gamma, beta] = self.tensors.each_ref().map(numbers);
        let entries = embedding::Entries {
            tables: [words, positions, types],
            indices: [&rows.ids, &rows.positions, &rows.types],
        };
        let norm = NormWeights { gamma, beta };
        embedding::forward(&entries, norm, self.epsilon, None, out, saved);
    }
}
