//! One encoder layer over a whole batch, on all cores, and its gradients.

use crate::gelu::gelu_into;
use crate::layer::{self, LayerShape, LayerWeights, Saved, SavedAttention, SavedRest};
use crate::layer_backward::{self, BackwardWeights, SavedBlock, Slopes, VectorSlopes};
use crate::norm::stretch;
use crate::packed::{Direction, LayerVectors, PackedLayer, PlainLayer};
use crate::pool::{Buffer, Pool};
use crate::relative::RelativeBias;
use crate::weights::weight_gradient;
use rayon::prelude::*;
use std::ops::Range;

/// Counts what changed scores in 32 bits; see [`crate::encoder16::REVISION`].
pub const REVISION: u32 = 1;

/// Tokens in a block, when there are enough: what a block computes stays in a core's own cache.
const BLOCK_TOKENS: usize = 128;

/// Whole rows that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its rows in the batch.
    pub rows: Range<usize>,
    /// Its tokens in the batch.
    pub tokens: Range<usize>,
}

/// Says how many tokens a block of a batch has. Results do not depend on the blocks, so a small batch is cut into
/// several for each core: the last core to end then has little left to do alone.
pub(crate) fn spread(tokens: usize, least: usize, most: usize) -> usize {
    (tokens / (4 * rayon::current_num_threads())).clamp(least, most)
}

/// Cuts a batch into blocks of whole rows, of about `target` tokens.
pub(crate) fn blocks(lengths: &[usize], target: usize) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut token = 0;
    for (row, &length) in lengths.iter().enumerate() {
        let end = token + length;
        match blocks.last_mut() {
            Some(block) if block.tokens.len() + length / 2 < target => {
                block.rows.end = row + 1;
                block.tokens.end = end;
            }
            _ => blocks.push(Block {
                rows: row..row + 1,
                tokens: token..end,
            }),
        }
        token = end;
    }
    blocks
}

/// Takes the first `count` numbers off.
pub(crate) fn take<'a, T>(from: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (first, rest) = std::mem::take(from).split_at_mut(count);
    *from = rest;
    first
}

/// What the backward pass needs of a batch's forward pass.
#[derive(Debug)]
pub struct SavedLayer {
    qkv: Buffer,
    logs: Buffer,
    context: Buffer,
    attended: Buffer,
    attended_scale: Buffer,
    wide: Buffer,
    output: Buffer,
    output_scale: Buffer,
}

impl SavedLayer {
    fn new(shape: &LayerShape, tokens: usize, pool: &Pool) -> Self {
        let narrow = || pool.take(tokens * shape.hidden);
        Self {
            qkv: pool.take(tokens * 3 * shape.hidden),
            logs: pool.take(tokens * shape.heads),
            context: narrow(),
            attended: narrow(),
            attended_scale: pool.take(tokens),
            wide: pool.take(tokens * shape.wide),
            output: narrow(),
            output_scale: pool.take(tokens),
        }
    }

    fn block(&self, shape: &LayerShape, tokens: &Range<usize>) -> SavedBlock<'_> {
        let of = |width: usize| tokens.start * width..tokens.end * width;
        SavedBlock {
            qkv: &self.qkv[of(3 * shape.hidden)],
            logs: &self.logs[of(shape.heads)],
            context: &self.context[of(shape.hidden)],
            attended: &self.attended[of(shape.hidden)],
            attended_scale: &self.attended_scale[tokens.clone()],
            wide: &self.wide[of(shape.wide)],
            output: &self.output[of(shape.hidden)],
            output_scale: &self.output_scale[tokens.clone()],
        }
    }
}

/// Cuts a buffer into the blocks' parts, `width` numbers for each token.
struct Parts<'a> {
    left: &'a mut [f32],
    width: usize,
}

impl<'a> Parts<'a> {
    fn new(left: &'a mut [f32], width: usize) -> Self {
        Self { left, width }
    }

    fn next(&mut self, block: &Block) -> &'a mut [f32] {
        take(&mut self.left, block.tokens.len() * self.width)
    }
}

/// Computes a layer: `x` `[tokens, hidden]` to `out`. With `save`, also what the backward pass
/// needs.
pub fn forward(
    shape: &LayerShape,
    packed: &PackedLayer,
    vectors: &LayerVectors<'_>,
    lengths: &[usize],
    x: &[f32],
    out: &mut [f32],
    save: Option<&Pool>,
) -> Option<SavedLayer> {
    let weights = packed.forward(shape, vectors);
    let tokens: usize = lengths.iter().sum();
    assert_eq!(x.len(), tokens * shape.hidden, "hidden states of the batch");
    assert_eq!(out.len(), x.len(), "hidden states of the batch");
    let target = spread(tokens, 16, BLOCK_TOKENS);
    let blocks = blocks(lengths, target);
    let mut saved = save.map(|pool| SavedLayer::new(shape, tokens, pool));
    let mut outs = Parts::new(out, shape.hidden);
    let mut parts: Vec<(Block, &mut [f32], Option<Saved<'_>>)> = match &mut saved {
        None => blocks
            .into_iter()
            .map(|block| {
                let out = outs.next(&block);
                (block, out, None)
            })
            .collect(),
        Some(saved) => {
            let mut qkv = Parts::new(&mut saved.qkv, 3 * shape.hidden);
            let mut logs = Parts::new(&mut saved.logs, shape.heads);
            let mut context = Parts::new(&mut saved.context, shape.hidden);
            let mut attended = Parts::new(&mut saved.attended, shape.hidden);
            let mut attended_scale = Parts::new(&mut saved.attended_scale, 1);
            let mut wide = Parts::new(&mut saved.wide, shape.wide);
            let mut output = Parts::new(&mut saved.output, shape.hidden);
            let mut output_scale = Parts::new(&mut saved.output_scale, 1);
            blocks
                .into_iter()
                .map(|block| {
                    let saved = Saved {
                        attention: SavedAttention {
                            qkv: qkv.next(&block),
                            logs: logs.next(&block),
                            context: context.next(&block),
                        },
                        rest: SavedRest {
                            attended: attended.next(&block),
                            attended_scale: attended_scale.next(&block),
                            wide: wide.next(&block),
                            output: output.next(&block),
                            output_scale: output_scale.next(&block),
                        },
                    };
                    let out = outs.next(&block);
                    (block, out, Some(saved))
                })
                .collect()
        }
    };
    parts
        .par_iter_mut()
        .with_max_len(1)
        .for_each(|(block, out, saved)| {
            let x = &x[block.tokens.start * shape.hidden..block.tokens.end * shape.hidden];
            out.copy_from_slice(x);
            let lengths = &lengths[block.rows.clone()];
            let saved = saved.take();
            layer::forward(shape, &weights, lengths, block.tokens.start, out, saved);
        });
    drop(parts);
    saved
}

/// Takes the hidden states of a batch, `[tokens, hidden]`, through all layers in place, keeping nothing
/// for a backward pass: a block of rows goes through all of them on one core.
pub fn forward_all(
    shape: &LayerShape,
    layers: &[LayerWeights<'_>],
    lengths: &[usize],
    states: &mut [f32],
) {
    let tokens: usize = lengths.iter().sum();
    assert_eq!(
        states.len(),
        tokens * shape.hidden,
        "hidden states of the batch"
    );
    let target = spread(tokens, 16, BLOCK_TOKENS);
    let mut states = Parts::new(states, shape.hidden);
    let parts: Vec<_> = blocks(lengths, target)
        .into_iter()
        .map(|block| (states.next(&block), block))
        .collect();
    parts
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(states, block)| {
            for weights in layers {
                let lengths = &lengths[block.rows.clone()];
                layer::forward(shape, weights, lengths, block.tokens.start, states, None);
            }
        });
}

/// The gradients of a layer's weights.
#[derive(Debug)]
pub struct LayerGradients {
    /// `[3 hidden, hidden]`.
    pub qkv: Vec<f32>,
    /// `[hidden, hidden]`.
    pub attended: Vec<f32>,
    /// `[wide, hidden]`.
    pub wide: Vec<f32>,
    /// `[hidden, wide]`.
    pub output: Vec<f32>,
    /// The rest.
    pub vectors: VectorSlopes,
    /// The table of [`RelativeBias`]; empty where there is none.
    pub relative: Vec<f32>,
}

/// The gradient of a table of biases from the sums by distance.
pub(crate) fn relative_gradient(bias: Option<&RelativeBias>, sums: &VectorSlopes) -> Vec<f32> {
    bias.map_or_else(Vec::new, |bias| bias.gradient(&sums.relative))
}

/// What each token adds to the gradients of a layer's weights.
struct TokenSlopes {
    qkv: Buffer,
    attended: Buffer,
    wide: Buffer,
    output: Buffer,
}

impl TokenSlopes {
    /// Takes a gradient from a layer's output to its input, in place; also returns what each block of
    /// tokens adds to the gradients of the vectors.
    fn take(
        shape: &LayerShape,
        weights: &BackwardWeights<'_>,
        lengths: &[usize],
        saved: &SavedLayer,
        gradient: &mut [f32],
        pool: &Pool,
    ) -> (Self, Vec<VectorSlopes>) {
        let (hidden, tokens) = (shape.hidden, lengths.iter().sum::<usize>());
        let mut all = Self {
            qkv: pool.take(tokens * 3 * hidden),
            attended: pool.take(tokens * hidden),
            wide: pool.take(tokens * shape.wide),
            output: pool.take(tokens * hidden),
        };
        let mut parts: Vec<(Block, &mut [f32], Option<Slopes<'_>>)> = {
            let mut gradients = Parts::new(gradient, hidden);
            let mut qkv = Parts::new(&mut all.qkv, 3 * hidden);
            let mut attended = Parts::new(&mut all.attended, hidden);
            let mut wide = Parts::new(&mut all.wide, shape.wide);
            let mut output = Parts::new(&mut all.output, hidden);
            // The same blocks on any number of cores: sums over them are taken in their order.
            blocks(lengths, BLOCK_TOKENS)
                .into_iter()
                .map(|block| {
                    let slopes = Slopes {
                        qkv: qkv.next(&block),
                        attended: attended.next(&block),
                        wide: wide.next(&block),
                        output: output.next(&block),
                    };
                    let gradient = gradients.next(&block);
                    (block, gradient, Some(slopes))
                })
                .collect()
        };
        let shares = parts
            .par_iter_mut()
            .with_max_len(1)
            .map(|(block, gradient, slopes)| {
                let mut share = VectorSlopes::zeros(shape, weights.relative);
                if let Some(slopes) = slopes.take() {
                    layer_backward::backward(
                        shape,
                        weights,
                        &lengths[block.rows.clone()],
                        block.tokens.start,
                        saved.block(shape, &block.tokens),
                        gradient,
                        slopes,
                        &mut share,
                    );
                }
                share
            })
            .collect();
        drop(parts);
        (all, shares)
    }
}

/// Takes a gradient `[tokens, hidden]` from a layer's output to its input, in place, and computes none
/// of its parameters'. No bit of a row's gradient depends on the other rows.
pub fn backward_to_input(
    shape: &LayerShape,
    weights: &BackwardWeights<'_>,
    lengths: &[usize],
    saved: &SavedLayer,
    gradient: &mut [f32],
    pool: &Pool,
) {
    TokenSlopes::take(shape, weights, lengths, saved, gradient, pool);
}

/// Computes a layer's gradients. `gradient` `[tokens, hidden]` is that of its output, and becomes
/// that of its input `x`. Those of its parameters are computed
/// only if it `learns`.
#[expect(
    clippy::too_many_arguments,
    reason = "one for each thing that the forward pass had"
)]
pub fn backward(
    shape: &LayerShape,
    plain: &PlainLayer<'_>,
    vectors: &LayerVectors<'_>,
    lengths: &[usize],
    x: &[f32],
    saved: &SavedLayer,
    gradient: &mut [f32],
    learns: bool,
    pool: &Pool,
) -> Option<LayerGradients> {
    let packed = PackedLayer::new(plain, shape, Direction::Backward, pool);
    let weights = packed.backward(shape, vectors);
    let hidden = shape.hidden;
    let (slopes, shares) = TokenSlopes::take(shape, &weights, lengths, saved, gradient, pool);
    if !learns {
        return None;
    }
    let mut sums = VectorSlopes::zeros(shape, weights.relative);
    for share in &shares {
        sums.add(share);
    }
    let copy = |from: &[f32], width: usize, tokens: Range<usize>, out: &mut [f32]| {
        out.copy_from_slice(&from[tokens.start * width..tokens.end * width]);
    };
    let norm = vectors.attended_norm;
    Some(LayerGradients {
        qkv: weight_gradient(&slopes.qkv, 3 * hidden, hidden, pool, |at, out| {
            copy(x, hidden, at, out)
        }),
        attended: weight_gradient(&slopes.attended, hidden, hidden, pool, |at, out| {
            copy(&saved.context, hidden, at, out);
        }),
        wide: weight_gradient(&slopes.wide, shape.wide, hidden, pool, |at, out| {
            let rows = saved.attended[at.start * hidden..at.end * hidden].chunks_exact(hidden);
            for (row, out) in rows.zip(out.chunks_exact_mut(hidden)) {
                stretch(row, norm.gamma, norm.beta, out);
            }
        }),
        output: weight_gradient(&slopes.output, hidden, shape.wide, pool, |at, out| {
            gelu_into(&saved.wide[at.start * shape.wide..at.end * shape.wide], out);
        }),
        relative: relative_gradient(vectors.relative, &sums),
        vectors: sums,
    })
}
