//! The forward pass: one for scoring, for gradients and for training.

use super::config::Pooling;
use super::family::PoolerActivation;
use super::head;
use super::model::{Classifier, Mode};
use super::parameters::{Places, layer, values_of};
use crate::batch::TokenBatch;
use crate::error::NnError;
use crate::ops::{
    self, Dropouts, EmbeddingTables, EncoderTensors, LayerPass, LayerTensors, Linear, Norm,
    PackedRows,
};
use burn::tensor::{Int, Tensor, TensorData, activation};
use nines_kernels::gelu_in_place;
use nines_kernels::pool::Buffer;
use nines_kernels::rng::{Dropout, DropoutKey};
use rayon::prelude::*;

mod distances;
mod gradient;
mod perturbed;

pub(super) use gradient::word_embeddings;
pub use perturbed::{PerturbationPlace, PerturbedLogits, PerturbedPass};

/// The place of a dropout in the model; each has its own random numbers.
#[derive(Debug, Clone, Copy)]
enum Site {
    Embeddings,
    AttentionWeights(usize),
    AttentionOutput(usize),
    Output(usize),
    /// Before the pooler's layer.
    Pooler,
    Head,
    /// On a layer's view of distances.
    Distances(usize),
    /// On what a convolution adds.
    Convolution,
    /// The second and later masks of a head that is asked several times, counted from 1.
    HeadSample(usize),
}

impl Site {
    fn number(self) -> u32 {
        match self {
            Self::Embeddings => 0,
            Self::Head => 1,
            Self::AttentionWeights(layer) => 2 + 3 * layer as u32,
            Self::AttentionOutput(layer) => 3 + 3 * layer as u32,
            Self::Output(layer) => 4 + 3 * layer as u32,
            // Above those of every layer, below the bits that tell a step's passes apart.
            Self::Pooler => 0x4000,
            Self::Convolution => 0x4001,
            Self::Distances(layer) => 0x4002 + layer as u32,
            Self::HeadSample(sample) => 0x8000 + sample as u32,
        }
    }
}

/// One forward pass over one batch.
pub(super) struct Pass<'a> {
    model: &'a Classifier,
    rows: PackedRows,
    tracked: bool,
    /// No parameter gets a gradient, whatever learns.
    frozen: bool,
    key: Option<DropoutKey>,
}

impl<'a> Pass<'a> {
    /// Checks a batch and gets ready.
    pub fn new(model: &'a Classifier, batch: &TokenBatch, mode: Mode) -> Result<Self, NnError> {
        let config = &model.config;
        let rows = PackedRows::new(
            batch,
            config.vocab_size,
            config.type_vocab_size,
            config.max_positions,
            config.first_position,
        )?;
        let (tracked, key) = match mode {
            Mode::Evaluate => (false, None),
            Mode::Differentiate => (true, None),
            Mode::Train(key) => (true, Some(key)),
        };
        Ok(Self {
            model,
            rows,
            tracked,
            frozen: false,
            key,
        })
    }

    /// Each row's logit, `[batch]`.
    pub fn logits(&self) -> Tensor<1> {
        if self.tracked {
            return self.tracked_head(self.through(0, self.embeddings()));
        }
        match self.scoring_states() {
            Some(hidden) => self.plain_head(&hidden),
            None => self.plain_head(&self.composed_states()),
        }
    }

    /// The output of the last layer by the composed operations, `[tokens, hidden]`. A family that has
    /// no others goes row by row: products over a batch do not promise that rows do not matter to
    /// each other.
    fn composed_states(&self) -> Vec<f32> {
        if !self.goes_row_by_row() {
            return values_of(self.through(0, self.embeddings()).flatten(0, 1));
        }
        let rows = self.rows.each();
        let states: Vec<Vec<f32>> = rows
            .into_par_iter()
            .map(|rows| {
                let alone = Pass { rows, ..*self };
                values_of(alone.through(0, alone.embeddings()).flatten(0, 1))
            })
            .collect();
        states.concat()
    }

    /// The output of the last layer, `[tokens, hidden]`. For a pass that is not tracked.
    pub fn last_states(&self) -> Vec<f32> {
        match self.scoring_states() {
            Some(states) => states.to_vec(),
            None => self.composed_states(),
        }
    }

    /// Each row's logit under each of `samples` masks of the head's dropout, for a pass that is
    /// tracked: `[samples * batch]`, mask after mask. The encoder is run once.
    pub fn sampled_logits(&self, samples: usize) -> Tensor<1> {
        let hidden = self.through(0, self.embeddings());
        self.sampled_head(hidden, samples)
    }

    /// Runs the encoder's layers from one on.
    fn through(&self, first: usize, hidden: Tensor<2>) -> Tensor<2> {
        (first..self.model.config.layers).fold(hidden, |hidden, index| self.layer(index, &hidden))
    }

    /// The mean token of each row of `hidden` `[tokens, hidden]`: `[rows, hidden]`.
    pub fn means_of(&self, hidden: &[f32]) -> Vec<f32> {
        head::Rows::new(hidden, self.model.config.hidden_size, &self.rows.lengths).means()
    }

    /// Whether rows are passed one by one, so that none changes a bit of another.
    fn goes_row_by_row(&self) -> bool {
        self.model.config.is_composed()
    }

    /// The output of the last layer for scoring, `[tokens, hidden]`, if the parameters are on this
    /// machine's own cores and the fused operations can do what the layers do.
    fn scoring_states(&self) -> Option<Buffer> {
        let model = self.model;
        if self.goes_row_by_row() {
            return None;
        }
        let (cache, pool) = (&model.scoring, &model.pool);
        self.with_encoder(|encoder| {
            ops::hidden_states(encoder, &self.rows, model.precision, cache, pool)
        })
    }

    /// Hands out the encoder's tensors.
    fn with_encoder<T>(&self, use_it: impl FnOnce(&EncoderTensors<'_>) -> T) -> T {
        let config = &self.model.config;
        use_it(&EncoderTensors {
            embeddings: &|| (self.tables(), self.norm(self.places().norm)),
            layers: &|| {
                let layers = 0..config.layers;
                layers.map(|index| self.layer_tensors(index)).collect()
            },
            heads: config.heads,
        })
    }

    /// The embeddings and the output of each layer, `[tokens, hidden]` each.
    pub fn hidden_states(&self) -> Vec<Tensor<2>> {
        let mut states = vec![self.embeddings()];
        for index in 0..self.model.config.layers {
            let next = self.layer(index, &states[index]);
            states.push(next);
        }
        states
    }

    fn tables(&self) -> EmbeddingTables {
        let places = self.places();
        EmbeddingTables {
            words: self.matrix(places.words),
            positions: match places.positions {
                Some(positions) => self.matrix(positions),
                None => self.nothing(),
            },
            types: match places.types {
                Some(types) => self.matrix(types),
                None => self.nothing(),
            },
        }
    }

    /// A table of one entry that changes nothing.
    fn nothing(&self) -> Tensor<2> {
        let zeros = Tensor::zeros([1, self.model.config.hidden_size], &self.model.device);
        if self.tracked {
            zeros.autodiff()
        } else {
            zeros
        }
    }

    pub(super) fn places(&self) -> Places {
        Places::of(&self.model.config)
    }

    fn embeddings(&self) -> Tensor<2> {
        self.embeddings_of(&self.tables(), &self.rows, None)
    }

    /// The embeddings of given tables, with something added to each token's sum.
    fn embeddings_of(
        &self,
        tables: &EmbeddingTables,
        rows: &PackedRows,
        delta: Option<&Tensor<2>>,
    ) -> Tensor<2> {
        let norm = self.norm(self.places().norm);
        let dropout = self.dropout(Site::Embeddings, self.model.config.hidden_dropout);
        ops::embed(tables, &norm, rows, delta, dropout, &self.model.pool)
    }

    fn layer_tensors(&self, index: usize) -> LayerTensors {
        let places = self.places();
        let first = places.layer(index);
        LayerTensors {
            qkv: self.linear(first + layer::QKV),
            attended: self.linear(first + layer::ATTENTION_OUTPUT),
            attended_norm: self.norm(first + layer::ATTENTION_NORM),
            wide: self.linear(first + layer::INTERMEDIATE),
            output: self.linear(first + layer::OUTPUT),
            output_norm: self.norm(first + layer::OUTPUT_NORM),
            distances: self.distances(index),
        }
    }

    fn layer(&self, index: usize, hidden: &Tensor<2>) -> Tensor<2> {
        let config = &self.model.config;
        let tensors = self.layer_tensors(index);
        let dropouts = Dropouts {
            attention: self.dropout(Site::AttentionWeights(index), config.attention_dropout),
            attended: self.dropout(Site::AttentionOutput(index), config.hidden_dropout),
            output: self.dropout(Site::Output(index), config.hidden_dropout),
        };
        let pass = LayerPass {
            rows: &self.rows,
            heads: config.heads,
            dropouts,
            precision: self.model.precision,
            pool: &self.model.pool,
        };
        let out = ops::encoder_layer(hidden, &tensors, &pass);
        if index == 0 {
            self.convolved(hidden, out)
        } else {
            out
        }
    }

    /// The head without gradients, as a tensor.
    fn plain_head(&self, hidden: &[f32]) -> Tensor<1> {
        let logits = self.head().logits(&self.pooled(hidden));
        let count = logits.len();
        Tensor::from_data(TensorData::new(logits, [count]), &self.model.device)
    }

    /// The head packed for scoring: no bit of a row's logit depends on the rows beside it, which
    /// products over a whole batch do not promise.
    fn head(&self) -> &'a head::Head {
        self.model.scoring_head.get_or_init(|| self.packed_head())
    }

    /// What the head is asked about, `[rows, hidden]`: the pooler's output where there is one.
    fn pooled(&self, hidden: &[f32]) -> Vec<f32> {
        let config = &self.model.config;
        let rows = head::Rows::new(hidden, config.hidden_size, &self.rows.lengths);
        let mut pooled = match config.pooling {
            Pooling::Pooler | Pooling::Cls => rows.first_tokens(),
            Pooling::Mean => rows.means(),
        };
        if let Some(dense) = &self.head().dense {
            pooled = dense.of(&pooled);
            match config.family.pooler_activation() {
                PoolerActivation::Tanh => pooled.iter_mut().for_each(|x| *x = x.tanh()),
                PoolerActivation::Gelu => gelu_in_place(&mut pooled),
            }
        }
        pooled
    }

    fn packed_head(&self) -> head::Head {
        let places = self.places();
        let values = |index: usize| values_of(self.vector(index));
        let linear = |index: usize| head::Linear::new(&values(index), values(index + 1));
        head::Head {
            dense: places.pooler.map(linear),
            classifier: linear(places.classifier),
        }
    }

    fn tracked_head(&self, hidden: Tensor<2>) -> Tensor<1> {
        self.sampled_head(hidden, 1)
    }

    fn sampled_head(&self, hidden: Tensor<2>, samples: usize) -> Tensor<1> {
        let config = &self.model.config;
        let places = self.places();
        let mut pooled = match config.pooling {
            Pooling::Pooler | Pooling::Cls => self.first_tokens(hidden),
            Pooling::Mean => self.means(hidden),
        };
        if let Some(dense) = places.pooler {
            let dropout = self.dropout(Site::Pooler, config.pooler_dropout());
            pooled = ops::linear(ops::drop_rows(pooled, dropout), &self.linear(dense));
            pooled = match config.family.pooler_activation() {
                PoolerActivation::Tanh => activation::tanh(pooled),
                PoolerActivation::Gelu => activation::gelu(pooled),
            };
        }
        let dropped = |site| {
            let dropout = self.dropout(site, config.head_dropout());
            ops::drop_rows(pooled.clone(), dropout)
        };
        let mut rows = dropped(Site::Head);
        if samples > 1 {
            let others = (1..samples).map(|sample| dropped(Site::HeadSample(sample)));
            rows = Tensor::cat(std::iter::once(rows).chain(others).collect(), 0);
        }
        let count = rows.dims()[0];
        ops::linear(rows, &self.linear(places.classifier)).reshape([count])
    }

    /// The first token of each row, `[batch, hidden]`.
    fn first_tokens(&self, hidden: Tensor<2>) -> Tensor<2> {
        let starts: Vec<i32> = self
            .rows
            .starts()
            .into_iter()
            .map(|start| start as i32)
            .collect();
        let count = starts.len();
        let starts =
            Tensor::<1, Int>::from_data(TensorData::new(starts, [count]), &self.model.device);
        hidden.select(0, starts)
    }

    /// The mean token of each row, `[batch, hidden]`.
    fn means(&self, hidden: Tensor<2>) -> Tensor<2> {
        let (batch, tokens) = (self.rows.lengths.len(), self.rows.ids.len());
        let mut shares = vec![0f32; batch * tokens];
        for (row, (start, &length)) in self
            .rows
            .starts()
            .into_iter()
            .zip(&self.rows.lengths)
            .enumerate()
        {
            let at = row * tokens + start;
            shares[at..at + length].fill(1.0 / length as f32);
        }
        let shares = TensorData::new(shares, [batch, tokens]);
        Tensor::<2>::from_data(shares, &hidden.device()).matmul(hidden)
    }

    fn dropout(&self, site: Site, p: f64) -> Option<Dropout> {
        Dropout::new(self.key?, site.number(), p)
    }

    fn vector(&self, index: usize) -> Tensor<1> {
        let value = self.model.parameters[index].value.clone();
        match (self.tracked, self.frozen) {
            (true, false) => value.autodiff(),
            (true, true) => value.inner().autodiff(),
            (false, _) => value.inner(),
        }
    }

    fn matrix(&self, index: usize) -> Tensor<2> {
        let shape = &self.model.parameters[index].info.shape;
        self.vector(index).reshape([shape[0], shape[1]])
    }

    fn linear(&self, index: usize) -> Linear {
        Linear {
            weight: self.matrix(index),
            bias: self.vector(index + 1),
        }
    }

    fn norm(&self, index: usize) -> Norm {
        Norm {
            gamma: self.vector(index),
            beta: self.vector(index + 1),
            epsilon: self.model.config.layer_norm_eps,
        }
    }
}
