//! What the forward pass keeps for the way back.

use crate::encoder::take;
use crate::layer::LayerShape;
use crate::pool::{Buffer, Pool, Rounded};
use half::bf16;
use std::ops::Range;

/// What the backward pass needs of a batch's forward pass.
#[derive(Debug)]
pub struct Saved16 {
    pub(crate) input: Rounded,
    pub(crate) qkv: Rounded,
    pub(crate) logs: Buffer,
    pub(crate) context: Rounded,
    pub(crate) attended: Rounded,
    pub(crate) attended_scale: Buffer,
    pub(crate) stretched: Rounded,
    pub(crate) wide: Rounded,
    pub(crate) active: Rounded,
    pub(crate) output: Rounded,
    pub(crate) output_scale: Buffer,
}

/// The part of [`Saved16`] that belongs to some tokens.
pub struct SavedBlock<'a> {
    pub(crate) input: &'a mut [bf16],
    pub(crate) qkv: &'a mut [bf16],
    pub(crate) logs: &'a mut [f32],
    pub(crate) context: &'a mut [bf16],
    pub(crate) attended: &'a mut [bf16],
    pub(crate) attended_scale: &'a mut [f32],
    pub(crate) stretched: &'a mut [bf16],
    pub(crate) wide: &'a mut [bf16],
    pub(crate) active: &'a mut [bf16],
    pub(crate) output: &'a mut [bf16],
    pub(crate) output_scale: &'a mut [f32],
}

impl Saved16 {
    pub(crate) fn new(shape: &LayerShape, tokens: usize, pool: &Pool) -> Self {
        let narrow = || pool.take_rounded(tokens * shape.hidden);
        let broad = || pool.take_rounded(tokens * shape.wide);
        Self {
            input: narrow(),
            qkv: pool.take_rounded(tokens * 3 * shape.hidden),
            logs: pool.take(tokens * shape.heads),
            context: narrow(),
            attended: narrow(),
            attended_scale: pool.take(tokens),
            stretched: narrow(),
            wide: broad(),
            active: broad(),
            output: narrow(),
            output_scale: pool.take(tokens),
        }
    }

    /// All of it, to be cut into blocks.
    pub(crate) fn whole(&mut self) -> SavedBlock<'_> {
        SavedBlock {
            input: &mut self.input,
            qkv: &mut self.qkv,
            logs: &mut self.logs,
            context: &mut self.context,
            attended: &mut self.attended,
            attended_scale: &mut self.attended_scale,
            stretched: &mut self.stretched,
            wide: &mut self.wide,
            active: &mut self.active,
            output: &mut self.output,
            output_scale: &mut self.output_scale,
        }
    }
}

impl<'a> SavedBlock<'a> {
    pub(crate) fn take(&mut self, shape: &LayerShape, tokens: usize) -> SavedBlock<'a> {
        let (narrow, broad) = (tokens * shape.hidden, tokens * shape.wide);
        SavedBlock {
            input: take(&mut self.input, narrow),
            qkv: take(&mut self.qkv, 3 * narrow),
            logs: take(&mut self.logs, tokens * shape.heads),
            context: take(&mut self.context, narrow),
            attended: take(&mut self.attended, narrow),
            attended_scale: take(&mut self.attended_scale, tokens),
            stretched: take(&mut self.stretched, narrow),
            wide: take(&mut self.wide, broad),
            active: take(&mut self.active, broad),
            output: take(&mut self.output, narrow),
            output_scale: take(&mut self.output_scale, tokens),
        }
    }
}

/// The same for reading: what the backward pass of some tokens needs.
pub struct SharedBlock<'a> {
    pub(crate) qkv: &'a [bf16],
    pub(crate) logs: &'a [f32],
    pub(crate) context: &'a [bf16],
    pub(crate) attended: &'a [bf16],
    pub(crate) attended_scale: &'a [f32],
    pub(crate) wide: &'a [bf16],
    pub(crate) output: &'a [bf16],
    pub(crate) output_scale: &'a [f32],
}

impl Saved16 {
    pub(crate) fn block(&self, shape: &LayerShape, tokens: Range<usize>) -> SharedBlock<'_> {
        let of = |width: usize| tokens.start * width..tokens.end * width;
        SharedBlock {
            qkv: &self.qkv[of(3 * shape.hidden)],
            logs: &self.logs[of(shape.heads)],
            context: &self.context[of(shape.hidden)],
            attended: &self.attended[of(shape.hidden)],
            attended_scale: &self.attended_scale[of(1)],
            wide: &self.wide[of(shape.wide)],
            output: &self.output[of(shape.hidden)],
            output_scale: &self.output_scale[of(1)],
        }
    }
}
