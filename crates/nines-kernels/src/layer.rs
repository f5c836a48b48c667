//! One encoder layer over a few rows of tokens.
//!
//! Each call works on one block: whole rows, few enough that what passes between the products
//! stays in a core's own cache. Blocks are independent, and so are the rows in them.

use crate::attention::{self, Room, fill_mask, room};
use crate::gelu::{gelu_in_place, gelu_into};
use crate::matrix::{Onto, Panels, View, multiply};
use crate::norm::{add, scale_by, standardise, stretch};
use crate::relative::RelativeBias;
use crate::rng::Dropout;
use std::cell::RefCell;

/// Tokens that go through the products after attention together.
pub(crate) const STRETCH: usize = 96;

/// The sizes of a layer and what varies between passes.
#[derive(Debug, Clone, Copy)]
pub struct LayerShape {
    /// Width of a hidden state.
    pub hidden: usize,
    /// Width of the feed-forward layer.
    pub wide: usize,
    /// Attention heads.
    pub heads: usize,
    /// Added to variances.
    pub epsilon: f32,
    /// Dropout on attention weights.
    pub attention_dropout: Option<Dropout>,
    /// Dropout on what attention adds.
    pub attended_dropout: Option<Dropout>,
    /// Dropout on what the feed-forward layer adds.
    pub output_dropout: Option<Dropout>,
}

impl LayerShape {
    /// Describes a layer in which nothing is dropped.
    pub fn new(hidden: usize, wide: usize, heads: usize, epsilon: f32) -> Self {
        Self {
            hidden,
            wide,
            heads,
            epsilon,
            attention_dropout: None,
            attended_dropout: None,
            output_dropout: None,
        }
    }

    pub(crate) fn head_size(&self) -> usize {
        self.hidden / self.heads
    }

    pub(crate) fn attention<'a>(
        &self,
        first_token: usize,
        relative: Option<&'a RelativeBias>,
    ) -> attention::Shape<'a> {
        attention::Shape {
            heads: self.heads,
            head_size: self.head_size(),
            first_token,
            dropout: self.attention_dropout,
            relative,
        }
    }
}

/// A linear layer ready for products.
#[derive(Debug, Clone, Copy)]
pub struct PackedLinear<'a> {
    /// The weights.
    pub weight: Panels<'a>,
    /// The bias.
    pub bias: &'a [f32],
}

/// The stretch after a normalisation.
#[derive(Debug, Clone, Copy)]
pub struct NormWeights<'a> {
    /// What rows are multiplied by.
    pub gamma: &'a [f32],
    /// What is added to them.
    pub beta: &'a [f32],
}

/// The weights of a layer, ready for the forward pass.
#[derive(Debug, Clone, Copy)]
pub struct LayerWeights<'a> {
    /// To queries, keys and values.
    pub qkv: PackedLinear<'a>,
    /// After attention.
    pub attended: PackedLinear<'a>,
    /// Normalisation after attention.
    pub attended_norm: NormWeights<'a>,
    /// To the feed-forward layer.
    pub wide: PackedLinear<'a>,
    /// And back.
    pub output: PackedLinear<'a>,
    /// Normalisation at the end.
    pub output_norm: NormWeights<'a>,
    /// What attention adds to scores by distance, if anything.
    pub relative: Option<&'a RelativeBias>,
}

/// What the backward pass needs of a block's forward pass; `[tokens, …]` each.
#[derive(Debug)]
pub struct Saved<'a> {
    /// Of attention.
    pub attention: SavedAttention<'a>,
    /// Of what comes after it.
    pub rest: SavedRest<'a>,
}

/// The part of [`Saved`] that attention writes.
#[derive(Debug)]
pub struct SavedAttention<'a> {
    /// `[tokens, 3 hidden]`.
    pub qkv: &'a mut [f32],
    /// `[tokens, heads]`.
    pub logs: &'a mut [f32],
    /// `[tokens, hidden]`: the output of attention.
    pub context: &'a mut [f32],
}

/// The part of [`Saved`] that is written after attention.
#[derive(Debug)]
pub struct SavedRest<'a> {
    /// `[tokens, hidden]`: the first normalisation before its stretch.
    pub attended: &'a mut [f32],
    /// `[tokens]`: what its rows were multiplied by.
    pub attended_scale: &'a mut [f32],
    /// `[tokens, wide]`: before the GELU.
    pub wide: &'a mut [f32],
    /// `[tokens, hidden]`: the second normalisation before its stretch.
    pub output: &'a mut [f32],
    /// `[tokens]`: what its rows were multiplied by.
    pub output_scale: &'a mut [f32],
}

/// Room for intermediate numbers, kept by each thread from call to call.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub qkv: Vec<f32>,
    pub context: Vec<f32>,
    pub attended: Vec<f32>,
    pub standard: Vec<f32>,
    pub wide: Vec<f32>,
    pub mask: Vec<f32>,
    pub attention: Room,
}

thread_local! {
    pub(crate) static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// x Wᵀ + b.
fn linear(x: &[f32], layer: &PackedLinear<'_>, out: &mut [f32]) {
    let (inputs, outputs) = (layer.weight.inputs(), layer.weight.outputs());
    multiply(
        View::whole(x, inputs),
        layer.weight,
        out,
        outputs,
        Onto::Bias(layer.bias),
    );
}

/// Adds a residual to a layer's output, drops and normalises: `standard` is overwritten with the
/// normalised rows before their stretch, `scales` with what they were multiplied by, and `out`
/// with the stretched rows. `first_token` is the index of the first row in the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddAndNorm<'a> {
    pub dropout: Option<Dropout>,
    pub epsilon: f32,
    pub norm: NormWeights<'a>,
    pub first_token: usize,
}

impl AddAndNorm<'_> {
    pub fn run(
        self,
        standard: &mut [f32],
        residual: &[f32],
        mut scales: Option<&mut [f32]>,
        mask: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let hidden = self.norm.gamma.len();
        let rows = standard
            .chunks_exact_mut(hidden)
            .zip(residual.chunks_exact(hidden));
        for (row, ((standard, residual), out)) in rows.zip(out.chunks_exact_mut(hidden)).enumerate()
        {
            if let Some(dropout) = self.dropout {
                let mask = room(mask, hidden);
                fill_mask(dropout, (self.first_token + row) as u32, mask);
                scale_by(standard, mask);
            }
            add(standard, residual);
            let scale = standardise(standard, self.epsilon);
            if let Some(scales) = &mut scales {
                scales[row] = scale;
            }
            stretch(standard, self.norm.gamma, self.norm.beta, out);
        }
    }
}

/// Computes one block in place: `states` `[tokens, hidden]`. `lengths` are the block's rows, and
/// `first_token` is the index of its first token in the batch.
pub fn forward(
    shape: &LayerShape,
    weights: &LayerWeights<'_>,
    lengths: &[usize],
    first_token: usize,
    states: &mut [f32],
    saved: Option<Saved<'_>>,
) {
    BUFFERS.with_borrow_mut(|buffers| {
        let (tokens, hidden) = (lengths.iter().sum::<usize>(), shape.hidden);
        let (attention_saved, mut saved) = saved.map_or((None, None), |saved| {
            (Some(saved.attention), Some(saved.rest))
        });
        let (qkv, context, mut logs) = match attention_saved {
            Some(saved) => (saved.qkv, saved.context, Some(saved.logs)),
            None => {
                let qkv = room(&mut buffers.qkv, tokens * 3 * hidden);
                (qkv, room(&mut buffers.context, tokens * hidden), None)
            }
        };
        linear(states, &weights.qkv, qkv);
        let mut start = 0;
        for &length in lengths {
            let end = start + length;
            let rows = View::whole(qkv, 3 * hidden).rows(start, length);
            let logs = logs
                .as_deref_mut()
                .map(|logs| &mut logs[start * shape.heads..end * shape.heads]);
            let out = &mut context[start * hidden..end * hidden];
            let row = shape.attention(first_token + start, weights.relative);
            attention::forward(rows, &row, &mut buffers.attention, out, logs);
            start = end;
        }
        for first in (0..tokens).step_by(STRETCH) {
            let end = (first + STRETCH).min(tokens);
            let narrow = first * hidden..end * hidden;
            let broad = first * shape.wide..end * shape.wide;
            let attended = room(&mut buffers.attended, narrow.len());
            let (standard, scales) = match &mut saved {
                Some(saved) => {
                    let scales = &mut saved.attended_scale[first..end];
                    (&mut saved.attended[narrow.clone()], Some(scales))
                }
                None => (room(&mut buffers.standard, narrow.len()), None),
            };
            linear(&context[narrow.clone()], &weights.attended, standard);
            let step = AddAndNorm {
                dropout: shape.attended_dropout,
                epsilon: shape.epsilon,
                norm: weights.attended_norm,
                first_token: first_token + first,
            };
            step.run(
                standard,
                &states[narrow.clone()],
                scales,
                &mut buffers.mask,
                attended,
            );

            let wide = room(&mut buffers.wide, broad.len());
            match &mut saved {
                Some(saved) => {
                    let before = &mut saved.wide[broad];
                    linear(attended, &weights.wide, before);
                    gelu_into(before, wide);
                }
                None => {
                    linear(attended, &weights.wide, wide);
                    gelu_in_place(wide);
                }
            }

            let (standard, scales) = match &mut saved {
                Some(saved) => {
                    let scales = &mut saved.output_scale[first..end];
                    (&mut saved.output[narrow.clone()], Some(scales))
                }
                None => (room(&mut buffers.standard, narrow.len()), None),
            };
            linear(wide, &weights.output, standard);
            let step = AddAndNorm {
                dropout: shape.output_dropout,
                norm: weights.output_norm,
                ..step
            };
            step.run(
                standard,
                attended,
                scales,
                &mut buffers.mask,
                &mut states[narrow],
            );
        }
    });
}
