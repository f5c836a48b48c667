//! One forward pass over the new tokens of any number of sequences.

use super::super::config::LlamaConfig;
use super::super::error::LlamaError;
use super::super::names::Part;
use super::super::rope;
use super::super::weights::LlamaWeights;
use super::attention::attend;
use super::inputs::Inputs;
use super::packed::PackedMatrix;
use super::sequence::{CpuSequence, PageLayout};
use crate::precision::Precision;
use nines_kernels::lanes::{sum_of_squares, vectorised};
use rayon::prelude::*;

/// A Llama model laid out for generating on a CPU.
///
/// Weights stay quantised as the file has them. Products are f32 or bf16; the rest is f32. What a
/// row gets does not depend on the other rows of the batch, to the last bit, and not on how many
/// threads run.
#[derive(Debug)]
pub struct CpuLlama {
    weights: LlamaWeights,
    precision: Precision,
    inverse_frequencies: Vec<f32>,
    layers: Vec<Layer>,
    output_norm: Vec<f32>,
    output: PackedMatrix,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    query_key_value: PackedMatrix,
    attention_output: PackedMatrix,
    feed_forward_norm: Vec<f32>,
    gate_up: PackedMatrix,
    down: PackedMatrix,
}

/// Which logits a feed wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None: more of the prompt follows.
    Nothing,
    /// Those after its last token.
    Last,
    /// Those after each of its tokens.
    All,
}

/// New tokens for one sequence.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The sequence that they continue.
    pub sequence: &'a mut CpuSequence,
    /// The tokens.
    pub tokens: &'a [u32],
    /// Which logits to return.
    pub wanted: Wanted,
}

/// What a pass does to the residual stream beside running it. Layers count from 0; one that the model
/// does not have is never reached.
#[derive(Debug, Default)]
pub struct Residual<'a> {
    /// Adds these numbers, `[hidden]`, to every row after a layer.
    pub add: Option<(usize, &'a [f32])>,
    /// Takes a copy of every row after a layer, `[rows, hidden]`, in the order of the feeds and tokens;
    /// what was added there is in it.
    pub copy: Option<(usize, &'a mut Vec<f32>)>,
}

/// Memory that forward passes reuse.
#[derive(Debug, Default)]
pub struct Workspace {
    hidden: Vec<f32>,
    inputs: Inputs,
    query_key_value: Vec<f32>,
    logits: Vec<f32>,
}

/// Where one row of the batch belongs.
#[derive(Clone, Copy)]
struct Row {
    feed: usize,
    position: usize,
    token: u32,
    wanted: bool,
}

impl Residual<'_> {
    /// Does what is asked for after a layer. `rows` is `[rows, stride]`, the first `width` of each real.
    fn after(&mut self, layer: usize, rows: &mut [f32], stride: usize, width: usize) {
        if let Some((at, what)) = self.add
            && at == layer
        {
            for row in rows.chunks_exact_mut(stride) {
                for (x, more) in row[..width].iter_mut().zip(what) {
                    *x += more;
                }
            }
        }
        if let Some((at, copy)) = &mut self.copy
            && *at == layer
        {
            copy.clear();
            for row in rows.chunks_exact(stride) {
                copy.extend_from_slice(&row[..width]);
            }
        }
    }
}

impl CpuLlama {
    /// Lays out a model's weights, to be multiplied in a precision that this CPU has.
    ///
    /// # Errors
    /// [`LlamaError`] where a tensor is stored in a way that cannot be read, or the CPU lacks the
    /// precision.
    pub fn new(weights: LlamaWeights, precision: Precision) -> Result<Self, LlamaError> {
        if !precision.is_available() {
            return Err(LlamaError::Precision(precision));
        }
        let config = weights.config().clone();
        let stack = |parts: &[Part]| -> Result<PackedMatrix, LlamaError> {
            let matrices = parts
                .iter()
                .map(|part| weights.matrix(*part))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(PackedMatrix::stack(&matrices, precision))
        };
        let layers = (0..config.layers)
            .into_par_iter()
            .map(|i| {
                Ok(Layer {
                    attention_norm: weights.vector(Part::AttentionNorm(i))?,
                    query_key_value: stack(&[Part::Query(i), Part::Key(i), Part::Value(i)])?,
                    attention_output: stack(&[Part::AttentionOutput(i)])?,
                    feed_forward_norm: weights.vector(Part::FeedForwardNorm(i))?,
                    gate_up: PackedMatrix::alternate(
                        &weights.matrix(Part::Gate(i))?,
                        &weights.matrix(Part::Up(i))?,
                        precision,
                    ),
                    down: stack(&[Part::Down(i)])?,
                })
            })
            .collect::<Result<Vec<_>, LlamaError>>()?;
        Ok(Self {
            inverse_frequencies: rope::inverse_frequencies(&config),
            layers,
            output_norm: weights.vector(Part::OutputNorm)?,
            output: PackedMatrix::stack(&[weights.output()?], precision),
            weights,
            precision,
        })
    }

    /// Returns the model's settings.
    pub fn config(&self) -> &LlamaConfig {
        self.weights.config()
    }

    /// Returns what it multiplies in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the weights that it was made of.
    pub fn weights(&self) -> &LlamaWeights {
        &self.weights
    }

    /// Runs new tokens of any number of sequences, appends their keys and values, and returns the
    /// wanted logits, f32[wanted rows, vocabulary], in the order of the feeds and tokens.
    ///
    /// # Errors
    /// [`LlamaError::Token`] and [`LlamaError::Context`]; the sequences are then as before.
    pub fn forward<'w>(
        &self,
        feeds: &mut [Feed<'_>],
        workspace: &'w mut Workspace,
    ) -> Result<Logits<'w>, LlamaError> {
        self.forward_with(feeds, workspace, Residual::default())
    }

    /// The same, and changes or copies the residual stream on the way. Without a change the logits are
    /// the same to the last bit.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_with<'w>(
        &self,
        feeds: &mut [Feed<'_>],
        workspace: &'w mut Workspace,
        residual: Residual<'_>,
    ) -> Result<Logits<'w>, LlamaError> {
        // Inside the pool, its threads share each product without waking one another up.
        rayon::scope(|_| self.forward_in_pool(feeds, workspace, residual))
    }

    fn forward_in_pool<'w>(
        &self,
        feeds: &mut [Feed<'_>],
        workspace: &'w mut Workspace,
        mut residual: Residual<'_>,
    ) -> Result<Logits<'w>, LlamaError> {
        let config = self.config();
        let rows = self.rows(feeds)?;
        let layout = PageLayout::of(config);
        for feed in feeds.iter_mut() {
            feed.sequence.reserve(feed.tokens.len(), layout);
        }
        let Workspace {
            hidden,
            inputs,
            query_key_value,
            logits,
        } = workspace;
        let embedding = self.weights.matrix(Part::Embedding)?;
        resize(hidden, rows.len() * self.padded_hidden());
        hidden
            .par_chunks_mut(self.padded_hidden())
            .zip(&rows)
            .for_each(|(hidden, row)| {
                hidden.fill(0.0);
                embedding.row_into(row.token as usize, &mut hidden[..config.hidden]);
            });
        let angles = self.angles(&rows);
        let queries = config.heads * config.head_dim;
        for (index, layer) in self.layers.iter().enumerate() {
            self.take_normed(inputs, hidden, &layer.attention_norm, |row| row, rows.len());
            resize(
                query_key_value,
                rows.len() * layer.query_key_value.padded_outputs(),
            );
            inputs.write(self.precision, &layer.query_key_value, query_key_value);
            let width = layer.query_key_value.padded_outputs();
            self.append(index, feeds, query_key_value, width, &angles);
            let (feeds, projected) = (&*feeds, &*query_key_value);
            inputs.take_each(self.precision, rows.len(), queries, |index_of_row, out| {
                let row = rows[index_of_row];
                let pages = &feeds[row.feed].sequence.pages;
                let queries = &projected[index_of_row * width..][..queries];
                attend(layout, index, queries, pages, row.position + 1, out);
            });
            inputs.add(self.precision, &layer.attention_output, hidden);

            self.take_normed(
                inputs,
                hidden,
                &layer.feed_forward_norm,
                |row| row,
                rows.len(),
            );
            let width = config.feed_forward;
            inputs.gate(self.precision, &layer.gate_up, width);
            inputs.add(self.precision, &layer.down, hidden);
            residual.after(index, hidden, self.padded_hidden(), config.hidden);
        }
        for feed in feeds.iter_mut() {
            feed.sequence.len += feed.tokens.len();
        }
        let wanted: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].wanted).collect();
        self.take_normed(
            inputs,
            hidden,
            &self.output_norm,
            |row| wanted[row],
            wanted.len(),
        );
        let stride = self.output.padded_outputs();
        resize(logits, wanted.len() * stride);
        inputs.write(self.precision, &self.output, logits);
        Ok(Logits {
            numbers: logits,
            stride,
            vocabulary: config.vocabulary,
        })
    }

    fn padded_hidden(&self) -> usize {
        self.config().hidden.next_multiple_of(super::packed::PANEL)
    }

    fn rows(&self, feeds: &[Feed<'_>]) -> Result<Vec<Row>, LlamaError> {
        let config = self.config();
        let mut rows = Vec::new();
        for (index, feed) in feeds.iter().enumerate() {
            let end = feed.sequence.len() + feed.tokens.len();
            if end > config.context {
                return Err(LlamaError::Context {
                    position: end - 1,
                    context: config.context,
                });
            }
            for (i, &token) in feed.tokens.iter().enumerate() {
                if token as usize >= config.vocabulary {
                    return Err(LlamaError::Token {
                        token,
                        vocabulary: config.vocabulary,
                    });
                }
                rows.push(Row {
                    feed: index,
                    position: feed.sequence.len() + i,
                    token,
                    wanted: match feed.wanted {
                        Wanted::Nothing => false,
                        Wanted::Last => i + 1 == feed.tokens.len(),
                        Wanted::All => true,
                    },
                });
            }
        }
        Ok(rows)
    }

    /// Returns the cosines, then the sines, of each row's position.
    fn angles(&self, rows: &[Row]) -> Vec<Vec<f32>> {
        let half = self.inverse_frequencies.len();
        rows.iter()
            .map(|row| {
                let mut angles = vec![0.0; 2 * half];
                let (cos, sin) = angles.split_at_mut(half);
                rope::angles(&self.inverse_frequencies, row.position, cos, sin);
                angles
            })
            .collect()
    }

    /// Rotates queries and keys of one layer by the positions of their rows, and appends keys and
    /// values to the sequences.
    fn append(
        &self,
        layer: usize,
        feeds: &mut [Feed<'_>],
        projected: &mut [f32],
        width: usize,
        angles: &[Vec<f32>],
    ) {
        projected
            .par_chunks_mut(width)
            .zip(angles)
            .with_min_len(8)
            .for_each(|(row, angles)| self.rotate(row, angles));
        let layout = PageLayout::of(self.config());
        let queries = self.config().heads * layout.head_dim;
        let keys = layout.kv_heads * layout.head_dim;
        let mut parts = Vec::with_capacity(feeds.len());
        let mut left = &*projected;
        for feed in feeds {
            let (rows, rest) = left.split_at(feed.tokens.len() * width);
            parts.push((feed, rows));
            left = rest;
        }
        parts
            .into_par_iter()
            .with_min_len(4)
            .for_each(|(feed, rows)| {
                let first = feed.sequence.len();
                for (offset, row) in rows.chunks_exact(width).enumerate() {
                    let (k, v) = row[queries..queries + 2 * keys].split_at(keys);
                    feed.sequence.write(layout, layer, first + offset, k, v);
                }
            });
    }

    /// Rotates the queries and keys of one row, and scales the queries.
    fn rotate(&self, row: &mut [f32], angles: &[f32]) {
        let config = self.config();
        let (cos, sin) = angles.split_at(angles.len() / 2);
        let scale = 1.0 / (config.head_dim as f32).sqrt();
        let heads = config.heads + config.kv_heads;
        for (head, numbers) in row
            .chunks_exact_mut(config.head_dim)
            .take(heads)
            .enumerate()
        {
            let scale = if head < config.heads { scale } else { 1.0 };
            let (first, second) = numbers.split_at_mut(config.head_dim / 2);
            for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                let (x, y) = (*a, *b);
                *a = (x * cos - y * sin) * scale;
                *b = (y * cos + x * sin) * scale;
            }
        }
    }

    /// Takes rows of the residual stream, normalised and weighted.
    fn take_normed(
        &self,
        inputs: &mut Inputs,
        hidden: &[f32],
        weights: &[f32],
        source: impl Fn(usize) -> usize + Sync,
        rows: usize,
    ) {
        let (width, stride) = (self.config().hidden, self.padded_hidden());
        let epsilon = self.config().norm_epsilon;
        inputs.take(self.precision, rows, width, |row, out| {
            let start = source(row) * stride;
            normalise(&hidden[start..start + width], weights, epsilon, out);
        });
    }
}

/// Wanted logits of one forward pass.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'w> {
    numbers: &'w [f32],
    stride: usize,
    vocabulary: usize,
}

impl<'w> Logits<'w> {
    /// Iterates over the rows, f32`[vocabulary]` each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'w [f32]> + use<'w> {
        let vocabulary = self.vocabulary;
        self.numbers
            .chunks_exact(self.stride)
            .map(move |row| &row[..vocabulary])
    }
}

fn resize(buffer: &mut Vec<f32>, len: usize) {
    buffer.resize(len, 0.0);
}

vectorised! {
    /// Writes x over its root mean square, weighted.
    fn normalise(x: &[f32], weights: &[f32], epsilon: f32, out: &mut [f32]) {
        let mean = sum_of_squares(x) / x.len() as f32;
        let scale = 1.0 / (mean + epsilon).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weights) {
            *out = x * scale * weight;
        }
    }
}
