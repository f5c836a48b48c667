//! The model in burn tensors: any device, gradients, a key-value cache.

use super::config::LlamaConfig;
use super::error::LlamaError;
use super::names::Part;
use super::rope;
use super::weights::LlamaWeights;
use burn::tensor::activation::silu;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use std::path::Path;

/// A Llama model in burn tensors, f32.
#[derive(Debug, Clone)]
pub struct Llama {
    config: LlamaConfig,
    device: Device,
    /// f32[vocabulary, hidden].
    embedding: Tensor<2>,
    layers: Vec<Layer>,
    /// f32[hidden].
    norm: Tensor<1>,
    /// f32[hidden, vocabulary].
    output: Tensor<2>,
}

/// Matrices are f32[inputs, outputs].
#[derive(Debug, Clone)]
struct Layer {
    attention_norm: Tensor<1>,
    query: Tensor<2>,
    key: Tensor<2>,
    value: Tensor<2>,
    attention_output: Tensor<2>,
    feed_forward_norm: Tensor<1>,
    gate: Tensor<2>,
    up: Tensor<2>,
    down: Tensor<2>,
}

/// The keys and values of a batch of sequences, which may be of different lengths.
///
/// Shorter rows are padded on the left of each piece; padding is never attended to, and positions
/// count real tokens only.
#[derive(Debug, Clone, Default)]
pub struct LlamaCache {
    /// For each layer keys and values, f32[batch, kv_heads, columns, head_dim].
    layers: Vec<(Tensor<4>, Tensor<4>)>,
    /// For each row, which columns hold a real token.
    real: Vec<Vec<bool>>,
}

impl LlamaCache {
    /// Returns a cache whose rows are these rows of this one, repeated as often as they are named:
    /// a prompt is run once, and its row then taken once for each of its completions.
    ///
    /// # Panics
    /// When a row does not exist.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let layers = self
            .layers
            .iter()
            .map(|(keys, values)| {
                let index: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
                let index = Tensor::<1, Int>::from_data(index.as_slice(), &keys.device());
                (
                    keys.clone().select(0, index.clone()),
                    values.clone().select(0, index),
                )
            })
            .collect();
        Self {
            layers,
            real: rows.iter().map(|&row| self.real[row].clone()).collect(),
        }
    }

    /// Returns how many tokens a row holds.
    pub fn len(&self, row: usize) -> usize {
        self.real
            .get(row)
            .map_or(0, |real| real.iter().filter(|real| **real).count())
    }

    /// Says whether nothing has been run yet.
    pub fn is_empty(&self) -> bool {
        self.real.is_empty()
    }
}

impl Llama {
    /// Loads a GGUF file, dequantised.
    ///
    /// # Errors
    /// [`LlamaError`] where the file is broken, of another architecture, or incomplete.
    pub fn from_gguf(path: &Path, device: &Device) -> Result<Self, LlamaError> {
        Self::from_weights(&LlamaWeights::from_gguf(path)?, device)
    }

    /// Loads a Hugging Face folder.
    ///
    /// # Errors
    /// As [`Llama::from_gguf`].
    pub fn from_folder(folder: &Path, device: &Device) -> Result<Self, LlamaError> {
        Self::from_weights(&LlamaWeights::from_folder(folder)?, device)
    }

    /// Loads an open model.
    ///
    /// # Errors
    /// [`LlamaError`] where a tensor is stored in a way that cannot be read.
    pub fn from_weights(weights: &LlamaWeights, device: &Device) -> Result<Self, LlamaError> {
        let config = weights.config().clone();
        let stored = |part: Part| -> Result<Tensor<2>, LlamaError> {
            let matrix = weights.matrix(part)?;
            let data = TensorData::new(matrix.floats(), [matrix.rows, matrix.columns]);
            Ok(Tensor::from_data(data, device))
        };
        let matrix = |part: Part| stored(part).map(Tensor::transpose);
        let vector = |part: Part| -> Result<Tensor<1>, LlamaError> {
            Ok(Tensor::from_data(weights.vector(part)?.as_slice(), device))
        };
        let layers = (0..config.layers)
            .map(|i| {
                Ok(Layer {
                    attention_norm: vector(Part::AttentionNorm(i))?,
                    query: matrix(Part::Query(i))?,
                    key: matrix(Part::Key(i))?,
                    value: matrix(Part::Value(i))?,
                    attention_output: matrix(Part::AttentionOutput(i))?,
                    feed_forward_norm: vector(Part::FeedForwardNorm(i))?,
                    gate: matrix(Part::Gate(i))?,
                    up: matrix(Part::Up(i))?,
                    down: matrix(Part::Down(i))?,
                })
            })
            .collect::<Result<Vec<_>, LlamaError>>()?;
        let embedding = stored(Part::Embedding)?;
        let output = if config.tied_embeddings {
            embedding.clone().transpose()
        } else {
            matrix(Part::Output)?
        };
        Ok(Self {
            device: device.clone(),
            embedding,
            layers,
            norm: vector(Part::OutputNorm)?,
            output,
            config,
        })
    }

    /// Returns the model's settings.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Runs new tokens, one row for each sequence of the cache (or of a new batch, where the cache
    /// is empty), and returns the normalised hidden states, f32[batch, width, hidden]. Rows
    /// shorter than the widest are padded on the left, so the last column is every row's last
    /// token.
    ///
    /// # Errors
    /// [`LlamaError::Token`] and [`LlamaError::Context`]; the cache is then as before.
    ///
    /// # Panics
    /// When the number of rows is not the cache's.
    pub fn forward(
        &self,
        rows: &[&[u32]],
        cache: &mut LlamaCache,
    ) -> Result<Tensor<3>, LlamaError> {
        let config = &self.config;
        self.check(rows, cache)?;
        if cache.is_empty() {
            cache.real = vec![Vec::new(); rows.len()];
        }
        assert_eq!(rows.len(), cache.real.len(), "rows of the cache");
        let (batch, width) = (
            rows.len(),
            rows.iter().map(|row| row.len()).max().unwrap_or(0),
        );
        let before = cache.real.first().map_or(0, Vec::len);
        let (ids, angles) = self.inputs(rows, cache, width);
        for (row, real) in rows.iter().zip(&mut cache.real) {
            real.extend((0..width).map(|column| column >= width - row.len()));
        }
        let mask = self.mask(cache, before, width);
        let embedded = self.embedding.clone().select(0, ids);
        let mut hidden: Tensor<3> = embedded.reshape([batch, width, config.hidden]);
        for (index, layer) in self.layers.iter().enumerate() {
            let normed = self.normalise(hidden.clone(), &layer.attention_norm);
            let heads = |matrix: &Tensor<2>, heads: usize| {
                linear(normed.clone(), matrix)
                    .reshape([batch, width, heads, config.head_dim])
                    .swap_dims(1, 2)
            };
            let queries = rotate(heads(&layer.query, config.heads), &angles);
            let mut keys = rotate(heads(&layer.key, config.kv_heads), &angles);
            let mut values = heads(&layer.value, config.kv_heads);
            if let Some((old_keys, old_values)) = cache.layers.get(index) {
                keys = Tensor::cat(vec![old_keys.clone(), keys], 2);
                values = Tensor::cat(vec![old_values.clone(), values], 2);
            }
            let attended = attention(
                queries,
                self.repeat_heads(keys.clone()),
                self.repeat_heads(values.clone()),
                Some(mask.clone()),
                None,
                AttentionModuleOptions::default(),
            );
            match cache.layers.get_mut(index) {
                Some(slot) => *slot = (keys, values),
                None => cache.layers.push((keys, values)),
            }
            let joined =
                attended
                    .swap_dims(1, 2)
                    .reshape([batch, width, config.heads * config.head_dim]);
            hidden = hidden + linear(joined, &layer.attention_output);
            let normed = self.normalise(hidden.clone(), &layer.feed_forward_norm);
            let gated = silu(linear(normed.clone(), &layer.gate)) * linear(normed, &layer.up);
            hidden = hidden + linear(gated, &layer.down);
        }
        Ok(self.normalise(hidden, &self.norm))
    }

    /// Turns normalised hidden states f32[batch, width, hidden] into logits
    /// f32[batch, width, vocabulary].
    pub fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        linear(hidden, &self.output)
    }

    fn check(&self, rows: &[&[u32]], cache: &LlamaCache) -> Result<(), LlamaError> {
        for (index, row) in rows.iter().enumerate() {
            let end = cache.len(index) + row.len();
            if end > self.config.context {
                return Err(LlamaError::Context {
                    position: end - 1,
                    context: self.config.context,
                });
            }
            let vocabulary = self.config.vocabulary;
            if let Some(&token) = row.iter().find(|token| **token as usize >= vocabulary) {
                return Err(LlamaError::Token { token, vocabulary });
            }
        }
        Ok(())
    }

    /// Returns the token ids i32[batch * width] and the cosines and sines of their positions,
    /// f32[batch, 1, width, head_dim / 2] each.
    fn inputs(
        &self,
        rows: &[&[u32]],
        cache: &LlamaCache,
        width: usize,
    ) -> (Tensor<1, Int>, (Tensor<4>, Tensor<4>)) {
        let inverse = rope::inverse_frequencies(&self.config);
        let half = inverse.len();
        let mut ids = vec![0i32; rows.len() * width];
        let mut cos = vec![1.0; rows.len() * width * half];
        let mut sin = vec![0.0; rows.len() * width * half];
        for (index, row) in rows.iter().enumerate() {
            let (first, before) = (index * width + width - row.len(), cache.len(index));
            for (i, &token) in row.iter().enumerate() {
                let at = first + i;
                ids[at] = token.cast_signed();
                let place = at * half..(at + 1) * half;
                rope::angles(
                    &inverse,
                    before + i,
                    &mut cos[place.clone()],
                    &mut sin[place],
                );
            }
        }
        let shape = [rows.len(), 1, width, half];
        let tensor = |numbers| Tensor::from_data(TensorData::new(numbers, shape), &self.device);
        let ids = Tensor::from_data(ids.as_slice(), &self.device);
        (ids, (tensor(cos), tensor(sin)))
    }

    /// Returns what must not be attended to, bool[batch, heads, width, columns]: padding and the
    /// future, but never a position itself, so that padding stays a number.
    fn mask(&self, cache: &LlamaCache, before: usize, width: usize) -> Tensor<4, Bool> {
        let columns = before + width;
        let (batch, heads) = (cache.real.len(), self.config.heads);
        let mut mask = Vec::with_capacity(batch * width * columns);
        for real in &cache.real {
            for query in before..columns {
                mask.extend((0..columns).map(|key| key != query && (key > query || !real[key])));
            }
        }
        Tensor::<4, Bool>::from_data(
            TensorData::new(mask, [batch, 1, width, columns]),
            &self.device,
        )
        .expand([batch, heads, width, columns])
    }

    /// Repeats key-value heads for the query heads that share them.
    fn repeat_heads(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, kv_heads, columns, head_dim] = x.dims();
        let group = self.config.heads / kv_heads;
        if group == 1 {
            return x;
        }
        x.reshape([batch, kv_heads, 1, columns, head_dim])
            .expand([batch, kv_heads, group, columns, head_dim])
            .reshape([batch, kv_heads * group, columns, head_dim])
    }

    fn normalise(&self, x: Tensor<3>, weights: &Tensor<1>) -> Tensor<3> {
        let mean = (x.clone() * x.clone()).mean_dim(2);
        let scale = (mean + self.config.norm_epsilon).sqrt().recip();
        x * scale * weights.clone().reshape([1, 1, self.config.hidden])
    }
}

fn linear(x: Tensor<3>, matrix: &Tensor<2>) -> Tensor<3> {
    let [batch, width, inputs] = x.dims();
    let outputs = matrix.dims()[1];
    x.reshape([batch * width, inputs])
        .matmul(matrix.clone())
        .reshape([batch, width, outputs])
}

/// Rotates heads f32[batch, heads, width, head_dim], halves against each other.
fn rotate(x: Tensor<4>, (cos, sin): &(Tensor<4>, Tensor<4>)) -> Tensor<4> {
    let half = x.dims()[3] / 2;
    let first = x.clone().narrow(3, 0, half);
    let second = x.narrow(3, half, half);
    let a = first.clone() * cos.clone() - second.clone() * sin.clone();
    let b = second * cos.clone() + first * sin.clone();
    Tensor::cat(vec![a, b], 3)
}
