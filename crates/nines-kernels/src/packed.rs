//! The weights of one encoder layer, as they are kept and as products want them.

use crate::layer::{LayerShape, LayerWeights, NormWeights, PackedLinear};
use crate::layer_backward::BackwardWeights;
use crate::matrix::{Panels, View, pack_columns, pack_rows, packed_len};
use crate::pool::{Buffer, Pool};
use crate::relative::RelativeBias;
use crate::tile::PANEL;
use rayon::prelude::*;

/// The weights of a layer as they are kept: `[out, in]`, row-major.
#[derive(Debug, Clone, Copy)]
pub struct PlainLayer<'a> {
    /// `[3 hidden, hidden]`.
    pub qkv: &'a [f32],
    /// `[hidden, hidden]`.
    pub attended: &'a [f32],
    /// `[wide, hidden]`.
    pub wide: &'a [f32],
    /// `[hidden, wide]`.
    pub output: &'a [f32],
}

/// The biases and normalisations of a layer, those of attention scores included.
#[derive(Debug, Clone, Copy)]
pub struct LayerVectors<'a> {
    /// `[3 hidden]`.
    pub qkv_bias: &'a [f32],
    /// `[hidden]`.
    pub attended_bias: &'a [f32],
    /// After attention.
    pub attended_norm: NormWeights<'a>,
    /// `[wide]`.
    pub wide_bias: &'a [f32],
    /// `[hidden]`.
    pub output_bias: &'a [f32],
    /// At the end.
    pub output_norm: NormWeights<'a>,
    /// What attention adds to scores by distance, if anything.
    pub relative: Option<&'a RelativeBias>,
}

/// Checks that the parts of a layer have its shape.
pub fn check(
    hidden: usize,
    wide: usize,
    heads: usize,
    plain: &PlainLayer<'_>,
    vectors: &LayerVectors<'_>,
) {
    assert!(heads > 0 && hidden.is_multiple_of(heads), "whole heads");
    let matrices = [
        (plain.qkv, 3 * hidden * hidden),
        (plain.attended, hidden * hidden),
        (plain.wide, wide * hidden),
        (plain.output, wide * hidden),
    ];
    let rows = [
        (vectors.qkv_bias, 3 * hidden),
        (vectors.attended_bias, hidden),
        (vectors.attended_norm.gamma, hidden),
        (vectors.attended_norm.beta, hidden),
        (vectors.wide_bias, wide),
        (vectors.output_bias, hidden),
        (vectors.output_norm.gamma, hidden),
        (vectors.output_norm.beta, hidden),
    ];
    if let Some(relative) = vectors.relative {
        assert_eq!(relative.heads(), heads, "a bias for each head");
    }
    for (numbers, count) in matrices.into_iter().chain(rows) {
        assert_eq!(numbers.len(), count, "numbers of a layer");
    }
}

/// The four matrices of a layer, packed.
#[derive(Debug)]
pub struct PackedLayer {
    qkv: Buffer,
    attended: Buffer,
    wide: Buffer,
    output: Buffer,
}

/// Which way a layer is packed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From the gradients of outputs to those of inputs.
    Backward,
}

impl PackedLayer {
    /// Packs a layer's matrices.
    pub fn new(
        plain: &PlainLayer<'_>,
        shape: &LayerShape,
        direction: Direction,
        pool: &Pool,
    ) -> Self {
        let pack = |weights: &[f32], inputs: usize| {
            let view = View::whole(weights, inputs);
            let (into, from) = match direction {
                Direction::Forward => (inputs, view.rows),
                Direction::Backward => (view.rows, inputs),
            };
            let mut out = pool.take(packed_len(into, from));
            out.par_chunks_exact_mut(into * PANEL)
                .enumerate()
                .for_each(|(panel, out)| match direction {
                    Direction::Forward => pack_rows(view, panel, out),
                    Direction::Backward => pack_columns(view, panel, out),
                });
            out
        };
        Self {
            qkv: pack(plain.qkv, shape.hidden),
            attended: pack(plain.attended, shape.hidden),
            wide: pack(plain.wide, shape.hidden),
            output: pack(plain.output, shape.wide),
        }
    }

    /// Returns the weights for the forward pass, if that is what they were packed for.
    pub fn forward<'a>(
        &'a self,
        shape: &LayerShape,
        vectors: &LayerVectors<'a>,
    ) -> LayerWeights<'a> {
        let (hidden, wide) = (shape.hidden, shape.wide);
        let linear = |numbers: &'a Buffer, inputs, outputs, bias| PackedLinear {
            weight: Panels::new(inputs, outputs, numbers),
            bias,
        };
        LayerWeights {
            qkv: linear(&self.qkv, hidden, 3 * hidden, vectors.qkv_bias),
            attended: linear(&self.attended, hidden, hidden, vectors.attended_bias),
            attended_norm: vectors.attended_norm,
            wide: linear(&self.wide, hidden, wide, vectors.wide_bias),
            output: linear(&self.output, wide, hidden, vectors.output_bias),
            output_norm: vectors.output_norm,
            relative: vectors.relative,
        }
    }

    /// Returns the weights for the backward pass, if that is what they were packed for.
    pub fn backward<'a>(
        &'a self,
        shape: &LayerShape,
        vectors: &LayerVectors<'a>,
    ) -> BackwardWeights<'a> {
        let (hidden, wide) = (shape.hidden, shape.wide);
        BackwardWeights {
            qkv: Panels::new(3 * hidden, hidden, &self.qkv),
            attended: Panels::new(hidden, hidden, &self.attended),
            attended_gamma: vectors.attended_norm.gamma,
            wide: Panels::new(wide, hidden, &self.wide),
            output: Panels::new(hidden, wide, &self.output),
            output_gamma: vectors.output_norm.gamma,
            relative: vectors.relative,
        }
    }
}
