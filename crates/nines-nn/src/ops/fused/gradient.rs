//! Gradients with respect to embeddings, of an encoder that is only scored: nothing of burn in
//! between, and weights packed once.

use super::scoring::{PlainLayers, ScoringCache};
use super::{EncoderTensors, numbers};
use crate::ops::PackedRows;
use nines_kernels::embedding;
use nines_kernels::encoder::{self, SavedLayer};
use nines_kernels::packed::PackedLayer;
use nines_kernels::pool::{Buffer, Pool};

/// A forward pass over a batch that can be gone back.
pub(crate) struct Traced<'a> {
    /// The last hidden states, `[tokens, hidden]`.
    pub states: Buffer,
    rows: &'a PackedRows,
    gamma: &'a [f32],
    standard: Buffer,
    scales: Buffer,
    layers: &'a [PlainLayers],
    backward: &'a [PackedLayer],
    saved: Vec<SavedLayer>,
    pool: &'a Pool,
}

impl<'a> Traced<'a> {
    /// Runs an encoder in 32 bits, without dropout, if its parameters are here.
    pub fn forward(
        encoder: &EncoderTensors<'_>,
        rows: &'a PackedRows,
        cache: &'a ScoringCache,
        pool: &'a Pool,
    ) -> Option<Self> {
        let embeddings = cache.embeddings(encoder)?;
        let layers = cache.plain(encoder, pool)?;
        let backward = cache.backward(encoder, pool)?;
        let [_, _, _, gamma, _] = embeddings.tensors.each_ref().map(numbers);
        let (tokens, hidden) = (rows.ids.len(), gamma.len());
        let (mut standard, mut scales) = (pool.take(tokens * hidden), pool.take(tokens));
        let mut states = pool.take(tokens * hidden);
        embeddings.sum(rows, &mut states, Some((&mut standard, &mut scales)));
        let mut saved = Vec::with_capacity(layers.len());
        for layer in layers {
            let mut out = pool.take(tokens * hidden);
            let vectors = layer.parameters.vectors();
            saved.push(encoder::forward(
                &layer.shape,
                &layer.packed,
                &vectors,
                &rows.lengths,
                &states,
                &mut out,
                Some(pool),
            )?);
            states = out;
        }
        Some(Self {
            states,
            rows,
            gamma,
            standard,
            scales,
            layers,
            backward,
            saved,
            pool,
        })
    }

    /// Takes a gradient with respect to the last hidden states, `[tokens, hidden]`, in place to that with
    /// respect to each token's embedding.
    pub fn backward(mut self, gradient: &mut [f32]) {
        let layers = self.layers.iter().zip(self.backward);
        for ((layer, packed), saved) in layers.zip(self.saved.drain(..)).rev() {
            let weights = packed.backward(&layer.shape, &layer.parameters.vectors());
            let lengths = &self.rows.lengths;
            encoder::backward_to_input(
                &layer.shape,
                &weights,
                lengths,
                &saved,
                gradient,
                self.pool,
            );
        }
        embedding::backward(self.gamma, &self.standard, &self.scales, None, gradient);
    }
}
