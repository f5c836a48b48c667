//! The gradients of one encoder layer, block by block.

use crate::attention::{self, fill_mask, room};
use crate::gelu::gelu_backward;
use crate::layer::{BUFFERS, LayerShape, STRETCH};
use crate::matrix::{Onto, Panels, View, multiply};
use crate::norm::{add, scale_by, standardise_backward};
use crate::relative::RelativeBias;
use crate::rng::Dropout;

/// The weights of a layer, ready for the backward pass: the right-hand sides are the weights as
/// they are, from outputs back to inputs.
#[derive(Debug, Clone, Copy)]
pub struct BackwardWeights<'a> {
    /// To queries, keys and values.
    pub qkv: Panels<'a>,
    /// After attention.
    pub attended: Panels<'a>,
    /// What the first normalisation multiplies by.
    pub attended_gamma: &'a [f32],
    /// To the feed-forward layer.
    pub wide: Panels<'a>,
    /// And back.
    pub output: Panels<'a>,
    /// What the second normalisation multiplies by.
    pub output_gamma: &'a [f32],
    /// What attention adds to scores by distance, if anything.
    pub relative: Option<&'a RelativeBias>,
}

/// What a block's backward pass finds out, beside the gradient of its input: the gradients of
/// what each product gave, `[tokens, …]` each, from which those of the weights are computed.
#[derive(Debug)]
pub struct Slopes<'a> {
    /// `[tokens, 3 hidden]`.
    pub qkv: &'a mut [f32],
    /// `[tokens, hidden]`: before the first dropout.
    pub attended: &'a mut [f32],
    /// `[tokens, wide]`: before the GELU.
    pub wide: &'a mut [f32],
    /// `[tokens, hidden]`: before the second dropout.
    pub output: &'a mut [f32],
}

/// A block's share of the gradients of vectors.
#[derive(Debug, Default, Clone)]
pub struct VectorSlopes {
    /// `[3 hidden]`.
    pub qkv_bias: Vec<f32>,
    /// `[hidden]`.
    pub attended_bias: Vec<f32>,
    /// `[hidden]`.
    pub attended_gamma: Vec<f32>,
    /// `[hidden]`.
    pub attended_beta: Vec<f32>,
    /// `[wide]`.
    pub wide_bias: Vec<f32>,
    /// `[hidden]`.
    pub output_bias: Vec<f32>,
    /// `[hidden]`.
    pub output_gamma: Vec<f32>,
    /// `[hidden]`.
    pub output_beta: Vec<f32>,
    /// Of biases by distance; empty where there are none.
    pub relative: Vec<f32>,
}

impl VectorSlopes {
    /// Returns zeros.
    pub fn zeros(shape: &LayerShape, relative: Option<&RelativeBias>) -> Self {
        let hidden = || vec![0.0; shape.hidden];
        Self {
            qkv_bias: vec![0.0; 3 * shape.hidden],
            attended_bias: hidden(),
            attended_gamma: hidden(),
            attended_beta: hidden(),
            wide_bias: vec![0.0; shape.wide],
            output_bias: hidden(),
            output_gamma: hidden(),
            output_beta: hidden(),
            relative: relative.map_or_else(Vec::new, RelativeBias::zeros),
        }
    }

    /// Adds another block's share.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.qkv_bias, &other.qkv_bias);
        add(&mut self.attended_bias, &other.attended_bias);
        add(&mut self.attended_gamma, &other.attended_gamma);
        add(&mut self.attended_beta, &other.attended_beta);
        add(&mut self.wide_bias, &other.wide_bias);
        add(&mut self.output_bias, &other.output_bias);
        add(&mut self.output_gamma, &other.output_gamma);
        add(&mut self.output_beta, &other.output_beta);
        add(&mut self.relative, &other.relative);
    }
}

fn add_rows(to: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(to.len()) {
        add(to, row);
    }
}

/// What the forward pass saved of a block; see [`super::layer::Saved`].
#[derive(Debug, Clone, Copy)]
pub struct SavedBlock<'a> {
    /// `[tokens, 3 hidden]`.
    pub qkv: &'a [f32],
    /// `[tokens, heads]`.
    pub logs: &'a [f32],
    /// `[tokens, hidden]`.
    pub context: &'a [f32],
    /// `[tokens, hidden]`.
    pub attended: &'a [f32],
    /// `[tokens]`.
    pub attended_scale: &'a [f32],
    /// `[tokens, wide]`.
    pub wide: &'a [f32],
    /// `[tokens, hidden]`.
    pub output: &'a [f32],
    /// `[tokens]`.
    pub output_scale: &'a [f32],
}

/// Computes a block's gradients. `gradient` `[tokens, hidden]` is that of the block's output, and
/// becomes that of its input.
#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that the forward pass had"
)]
pub fn backward(
    shape: &LayerShape,
    weights: &BackwardWeights<'_>,
    lengths: &[usize],
    first_token: usize,
    saved: SavedBlock<'_>,
    gradient: &mut [f32],
    slopes: Slopes<'_>,
    vectors: &mut VectorSlopes,
) {
    BUFFERS.with_borrow_mut(|buffers| {
        let (tokens, hidden) = (lengths.iter().sum::<usize>(), shape.hidden);
        let context_slopes = room(&mut buffers.context, tokens * hidden);
        for first in (0..tokens).step_by(STRETCH) {
            let end = (first + STRETCH).min(tokens);
            let narrow = first * hidden..end * hidden;
            let broad = first * shape.wide..end * shape.wide;
            let gradient = &mut gradient[narrow.clone()];
            let output = &mut slopes.output[narrow.clone()];
            let step = BackwardStep {
                dropout: shape.output_dropout,
                gamma: weights.output_gamma,
                first_token: first_token + first,
            };
            let scales = &saved.output_scale[first..end];
            let standard = &saved.output[narrow.clone()];
            let (gamma, beta) = (&mut vectors.output_gamma, &mut vectors.output_beta);
            step.run(
                gradient,
                standard,
                scales,
                gamma,
                beta,
                &mut buffers.mask,
                output,
            );
            add_rows(&mut vectors.output_bias, output);

            let wide = &mut slopes.wide[broad.clone()];
            let view = View::whole(output, hidden);
            multiply(view, weights.output, wide, shape.wide, Onto::Nothing);
            gelu_backward(&saved.wide[broad], wide);
            add_rows(&mut vectors.wide_bias, wide);
            let view = View::whole(wide, shape.wide);
            multiply(view, weights.wide, gradient, hidden, Onto::What);

            let attended = &mut slopes.attended[narrow.clone()];
            let step = BackwardStep {
                dropout: shape.attended_dropout,
                gamma: weights.attended_gamma,
                ..step
            };
            let scales = &saved.attended_scale[first..end];
            let standard = &saved.attended[narrow.clone()];
            let (gamma, beta) = (&mut vectors.attended_gamma, &mut vectors.attended_beta);
            step.run(
                gradient,
                standard,
                scales,
                gamma,
                beta,
                &mut buffers.mask,
                attended,
            );
            add_rows(&mut vectors.attended_bias, attended);
            let view = View::whole(attended, hidden);
            multiply(
                view,
                weights.attended,
                &mut context_slopes[narrow],
                hidden,
                Onto::Nothing,
            );
        }
        let mut start = 0;
        for &length in lengths {
            let end = start + length;
            let of = |width: usize| start * width..end * width;
            attention::backward(
                View::whole(saved.qkv, 3 * hidden).rows(start, length),
                &shape.attention(first_token + start, weights.relative),
                &saved.logs[of(shape.heads)],
                &saved.context[of(hidden)],
                &context_slopes[of(hidden)],
                &mut buffers.attention,
                &mut slopes.qkv[of(3 * hidden)],
                &mut vectors.relative,
            );
            start = end;
        }
        add_rows(&mut vectors.qkv_bias, slopes.qkv);
        let view = View::whole(slopes.qkv, 3 * hidden);
        multiply(view, weights.qkv, gradient, hidden, Onto::What);
    });
}

/// Back through a normalisation and a dropout: `gradient` becomes that of the residual (and of
/// the sum), `out` that of what was dropped.
#[derive(Debug, Clone, Copy)]
struct BackwardStep<'a> {
    dropout: Option<Dropout>,
    gamma: &'a [f32],
    first_token: usize,
}

impl BackwardStep<'_> {
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each array that it reads or writes"
    )]
    fn run(
        self,
        gradient: &mut [f32],
        standard: &[f32],
        scales: &[f32],
        gamma_slopes: &mut [f32],
        beta_slopes: &mut [f32],
        mask: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let hidden = self.gamma.len();
        let rows = gradient
            .chunks_exact_mut(hidden)
            .zip(standard.chunks_exact(hidden))
            .zip(scales);
        for (row, (((gradient, standard), &scale), out)) in
            rows.zip(out.chunks_exact_mut(hidden)).enumerate()
        {
            standardise_backward(
                gradient,
                standard,
                scale,
                self.gamma,
                gamma_slopes,
                beta_slopes,
            );
            out.copy_from_slice(gradient);
            if let Some(dropout) = self.dropout {
                let mask = room(mask, hidden);
                fill_mask(dropout, (self.first_token + row) as u32, mask);
                scale_by(out, mask);
            }
        }
    }
}
