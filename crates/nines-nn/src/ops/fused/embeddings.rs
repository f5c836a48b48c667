//! The embeddings as one node of burn's graph.

use super::super::{EmbeddingTables, Norm, PackedRows};
use super::{Tracked, TrackedTensor, contiguous, numbers, owned, plain, tensor};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use nines_kernels::embedding;
use nines_kernels::layer::NormWeights;
use nines_kernels::pool::{Buffer, Pool};
use nines_kernels::rng::Dropout;
use std::sync::Arc;

/// Words, positions, types, gamma and beta.
const PARAMETERS: usize = 5;
/// The same and what is added.
const WITH_DELTA: usize = PARAMETERS + 1;

/// Computes the embeddings, if the tables are here.
pub(in crate::ops) fn embed(
    tables: &EmbeddingTables,
    normalise: &Norm,
    rows: &PackedRows,
    delta: Option<&Tensor<2>>,
    dropout: Option<Dropout>,
    pool: &Pool,
) -> Option<Tensor<2>> {
    let flat = |table: &Tensor<2>| table.clone().flatten::<1>(0, 1);
    let parameters = [
        flat(&tables.words),
        flat(&tables.positions),
        flat(&tables.types),
        normalise.gamma.clone(),
        normalise.beta.clone(),
    ];
    let job = Job {
        rows,
        hidden: tables.words.dims()[1],
        epsilon: normalise.epsilon as f32,
        dropout,
        pool,
    };
    match delta {
        None => job.run::<PARAMETERS>(parameters),
        Some(delta) => {
            let [words, positions, types, gamma, beta] = parameters;
            job.run::<WITH_DELTA>([words, positions, types, gamma, beta, flat(delta)])
        }
    }
}

/// What the embeddings are computed for and with.
struct Job<'a> {
    rows: &'a PackedRows,
    hidden: usize,
    epsilon: f32,
    dropout: Option<Dropout>,
    pool: &'a Pool,
}

impl Job<'_> {
    /// Computes the embeddings, as a node where something tracks a parameter.
    fn run<const N: usize>(&self, parameters: [Tensor<1>; N]) -> Option<Tensor<2>> {
        let (rows, hidden) = (self.rows, self.hidden);
        let tokens = rows.ids.len();
        let mut out = vec![0.0; tokens * hidden];
        if !parameters[0].is_autodiff() {
            let parameters = parameters
                .into_iter()
                .map(plain)
                .collect::<Option<Vec<_>>>()?;
            self.forward(&parameters, &mut out, None);
            return Some(Tensor::from_primitive::<Flex>(tensor(
                out,
                &[tokens, hidden],
            )));
        }
        let tensors: Vec<TrackedTensor> = parameters
            .into_iter()
            .map(|tensor| tensor.try_into_primitive::<Tracked>().ok())
            .collect::<Option<_>>()?;
        let guards: [_; N] = std::array::from_fn(|index| tensors[index].node());
        let parameters = tensors
            .into_iter()
            .map(|tensor| contiguous(tensor.into_primitive()))
            .collect::<Option<Vec<_>>>()?;
        let out = match EmbeddingNode
            .prepare::<NoCheckpointing>(guards)
            .compute_bound()
            .stateful()
        {
            OpsKind::UnTracked(prepared) => {
                self.forward(&parameters, &mut out, None);
                prepared.finish(tensor(out, &[tokens, hidden]))
            }
            OpsKind::Tracked(prepared) => {
                let (mut standard, mut scales) =
                    (self.pool.take(tokens * hidden), self.pool.take(tokens));
                self.forward(&parameters, &mut out, Some((&mut standard, &mut scales)));
                let lens = [0, 1, 2].map(|index| numbers(&parameters[index]).len());
                let state = EmbeddingState {
                    rows: rows.clone(),
                    gamma: parameters[3].clone(),
                    lens,
                    standard,
                    scales,
                    dropout: self.dropout,
                };
                prepared.finish(Arc::new(state), tensor(out, &[tokens, hidden]))
            }
        };
        Some(Tensor::from_primitive::<Tracked>(out))
    }

    fn forward(
        &self,
        parameters: &[FlexTensor],
        out: &mut [f32],
        saved: Option<(&mut [f32], &mut [f32])>,
    ) {
        let (rows, hidden) = (self.rows, self.hidden);
        let [words, positions, types, gamma, beta] =
            std::array::from_fn(|index| numbers(&parameters[index]));
        let mut entries = embedding::Entries {
            tables: [words, positions, types],
            indices: [&rows.ids, &rows.positions, &rows.types],
        };
        // What is added stands in the place of the segments, one entry for each token.
        let (added, each);
        if let Some(delta) = parameters.get(PARAMETERS) {
            let mut sums = numbers(delta).to_vec();
            for (sum, &kind) in sums.chunks_exact_mut(hidden).zip(&rows.types) {
                let at = kind as usize * hidden;
                for (x, segment) in sum.iter_mut().zip(&types[at..at + hidden]) {
                    *x += segment;
                }
            }
            added = sums;
            each = (0..rows.ids.len() as u32).collect::<Vec<_>>();
            entries.tables[2] = &added;
            entries.indices[2] = &each;
        }
        let norm = NormWeights { gamma, beta };
        embedding::forward(&entries, norm, self.epsilon, self.dropout, out, saved);
    }
}

#[derive(Debug)]
struct EmbeddingState {
    rows: PackedRows,
    gamma: FlexTensor,
    lens: [usize; 3],
    standard: Buffer,
    scales: Buffer,
    dropout: Option<Dropout>,
}

#[derive(Debug)]
struct EmbeddingNode;

impl<const N: usize> Backward<Flex, N> for EmbeddingNode {
    type State = Arc<EmbeddingState>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let state = ops.state;
        let mut gradient = owned(gradients.consume::<Flex>(&ops.node));
        let (gamma, beta) = embedding::backward(
            numbers(&state.gamma),
            &state.standard,
            &state.scales,
            state.dropout,
            &mut gradient,
        );
        let hidden = gamma.len();
        let mut parents = ops.parents.into_iter();
        let indices = [&state.rows.ids, &state.rows.positions, &state.rows.types];
        for ((indices, len), node) in indices.into_iter().zip(state.lens).zip(&mut parents) {
            if let Some(node) = node {
                let sums = embedding::scatter(indices, &gradient, hidden, len);
                gradients.register::<Flex>(node.id, tensor(sums, &[len]));
            }
        }
        // Gamma, beta, and where there is one what was added to the sums: its gradient is theirs.
        for (values, node) in [gamma, beta, gradient].into_iter().zip(parents) {
            if let Some(node) = node {
                let count = values.len();
                gradients.register::<Flex>(node.id, tensor(values, &[count]));
            }
        }
    }
}
