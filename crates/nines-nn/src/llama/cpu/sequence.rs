//! The keys and values of one sequence, in pages that sequences share.

use super::super::config::LlamaConfig;
use std::sync::Arc;

/// Positions in a page.
pub(super) const PAGE: usize = 16;

/// The keys and values of 16 positions, all layers: for each layer and key-value head the keys as
/// f32[head_dim][16], then the values as f32[16][head_dim].
#[derive(Debug, Clone)]
pub(super) struct Page(Vec<f32>);

/// Where things lie in a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLayout {
    pub(super) layers: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

impl PageLayout {
    pub(super) fn of(config: &LlamaConfig) -> Self {
        Self {
            layers: config.layers,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
        }
    }

    fn tile(self) -> usize {
        self.head_dim * PAGE
    }

    fn start(self, layer: usize, head: usize) -> usize {
        (layer * self.kv_heads + head) * 2 * self.tile()
    }
}

impl Page {
    fn empty(layout: PageLayout) -> Self {
        Self(vec![0.0; layout.start(layout.layers, 0)])
    }

    /// Returns a head's keys f32[head_dim][16] and values f32[16][head_dim].
    pub(super) fn head(&self, layout: PageLayout, layer: usize, head: usize) -> (&[f32], &[f32]) {
        let start = layout.start(layer, head);
        self.0[start..start + 2 * layout.tile()].split_at(layout.tile())
    }
}

/// One sequence's keys and values. A clone shares them, and takes its own copy of no more than the
/// last page when it goes on: a prompt is run once for all its completions.
#[derive(Debug, Clone, Default)]
pub struct CpuSequence {
    pub(super) pages: Vec<Arc<Page>>,
    pub(super) len: usize,
}

impl CpuSequence {
    /// Returns how many tokens it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says whether it holds no token.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for more positions, in pages of its own.
    pub(super) fn reserve(&mut self, more: usize, layout: PageLayout) {
        if more > 0
            && let Some(last) = self.pages.get_mut(self.len / PAGE)
        {
            Arc::make_mut(last);
        }
        while self.pages.len() * PAGE < self.len + more {
            self.pages.push(Arc::new(Page::empty(layout)));
        }
    }

    /// Writes the keys and values f32[kv_heads, head_dim] of one position and layer.
    pub(super) fn write(
        &mut self,
        layout: PageLayout,
        layer: usize,
        position: usize,
        keys: &[f32],
        values: &[f32],
    ) {
        let lane = position % PAGE;
        // `reserve` has made the page this sequence's own, so nothing is copied here.
        let page = Arc::make_mut(&mut self.pages[position / PAGE]);
        let heads = keys
            .chunks_exact(layout.head_dim)
            .zip(values.chunks_exact(layout.head_dim));
        for (head, (keys, values)) in heads.enumerate() {
            let start = layout.start(layer, head);
            let (k, v) = page.0[start..start + 2 * layout.tile()].split_at_mut(layout.tile());
            for (column, &key) in k.chunks_exact_mut(PAGE).zip(keys) {
                column[lane] = key;
            }
            v[lane * layout.head_dim..(lane + 1) * layout.head_dim].copy_from_slice(values);
        }
    }
}
