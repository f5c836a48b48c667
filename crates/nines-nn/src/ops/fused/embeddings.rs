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

/// Computes the embeddings, if the tables are here.
pub(in crate::ops) fn embed(
    tables: &EmbeddingTables,
    normalise: &Norm,
    rows: &PackedRows,
    dropout: Option<Dropout>,
    pool: &Pool,
) -> Option<Tensor<2>> {
    let [_, hidden] = tables.words.dims();
    let flat = |table: &Tensor<2>| table.clone().flatten::<1>(0, 1);
    let tensors = [
        flat(&tables.words),
        flat(&tables.positions),
        flat(&tables.types),
        normalise.gamma.clone(),
        normalise.beta.clone(),
    ];
    let job =
        |parameters: &[FlexTensor], out: &mut [f32], saved: Option<(&mut [f32], &mut [f32])>| {
            let [words, positions, types, gamma, beta] =
                std::array::from_fn(|index| numbers(&parameters[index]));
            let entries = embedding::Entries {
                tables: [words, positions, types],
                indices: [&rows.ids, &rows.positions, &rows.types],
            };
            let norm = NormWeights { gamma, beta };
            embedding::forward(
                &entries,
                norm,
                normalise.epsilon as f32,
                dropout,
                out,
                saved,
            );
        };
    let tokens = rows.ids.len();
    let mut out = vec![0.0; tokens * hidden];
    if !tables.words.is_autodiff() {
        let parameters = tensors.into_iter().map(plain).collect::<Option<Vec<_>>>()?;
        job(&parameters, &mut out, None);
        return Some(Tensor::from_primitive::<Flex>(tensor(
            out,
            &[tokens, hidden],
        )));
    }
    let tensors: Vec<TrackedTensor> = tensors
        .into_iter()
        .map(|tensor| tensor.try_into_primitive::<Tracked>().ok())
        .collect::<Option<_>>()?;
    let guards: [_; 5] = std::array::from_fn(|index| tensors[index].node());
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
            job(&parameters, &mut out, None);
            prepared.finish(tensor(out, &[tokens, hidden]))
        }
        OpsKind::Tracked(prepared) => {
            let (mut standard, mut scales) = (pool.take(tokens * hidden), pool.take(tokens));
            job(&parameters, &mut out, Some((&mut standard, &mut scales)));
            let lens = [0, 1, 2].map(|index| numbers(&parameters[index]).len());
            let state = EmbeddingState {
                rows: rows.clone(),
                gamma: parameters[3].clone(),
                lens,
                standard,
                scales,
                dropout,
            };
            prepared.finish(Arc::new(state), tensor(out, &[tokens, hidden]))
        }
    };
    Some(Tensor::from_primitive::<Tracked>(out))
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

impl Backward<Flex, 5> for EmbeddingNode {
    type State = Arc<EmbeddingState>;

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
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
        let [words, positions, types, gamma_node, beta_node] = ops.parents;
        let indices = [&state.rows.ids, &state.rows.positions, &state.rows.types];
        for ((node, indices), len) in [words, positions, types]
            .into_iter()
            .zip(indices)
            .zip(state.lens)
        {
            if let Some(node) = node {
                let sums = embedding::scatter(indices, &gradient, numbers(&state.gamma).len(), len);
                gradients.register::<Flex>(node.id, tensor(sums, &[len]));
            }
        }
        for (node, values) in [(gamma_node, gamma), (beta_node, beta)] {
            if let Some(node) = node {
                let count = values.len();
                gradients.register::<Flex>(node.id, tensor(values, &[count]));
            }
        }
    }
}
