//! The operations on this machine's own cores, as burn's graph sees them: one node for the
//! embeddings and one for each layer, with gradients from [`nines_kernels`].
//!
//! Each function answers `None` when its tensors are elsewhere, and the composed operations take
//! over.

use super::{Distances, Dropouts, LayerPass, LayerTensors, RelativeTable};
use crate::precision::Precision;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;
use nines_kernels::Unit;
use nines_kernels::encoder::{self, SavedLayer};
use nines_kernels::layer::{LayerShape, NormWeights};
use nines_kernels::layer_backward::VectorSlopes;
use nines_kernels::packed::{Direction, LayerVectors, PackedLayer, PlainLayer};
use nines_kernels::pool::Pool;
use nines_kernels::relative::RelativeBias;
use nines_kernels::training16::{self, Saved16};
use std::sync::Arc;

mod embeddings;
mod gradient;
mod scoring;

pub(super) use embeddings::embed;
pub(crate) use gradient::Traced;
pub(crate) use scoring::{EncoderTensors, ScoringCache, hidden_states};

type Tracked = Autodiff<Flex, NoCheckpointing>;
type TrackedTensor = FloatTensor<Tracked>;

/// Takes a tensor's numbers, contiguous and 32-bit.
fn plain<const D: usize>(tensor: Tensor<D>) -> Option<FlexTensor> {
    let tensor = tensor.try_into_primitive::<Flex>().ok()?;
    let tensor = if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    };
    tensor.as_slice::<f32>().is_some().then_some(tensor)
}

fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .unwrap_or_else(|| unreachable!("checked when it was taken"))
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// Takes a gradient's numbers for changing.
fn owned(gradient: FlexTensor) -> Vec<f32> {
    let data = gradient.into_data();
    data.try_into_vec()
        .unwrap_or_else(|error| unreachable!("gradients are 32-bit: {error}"))
}

/// A layer's parameters, in the order of [`list`].
#[derive(Debug, Clone)]
struct Parameters {
    tensors: Vec<FlexTensor>,
    /// The last of them, spread over all distances.
    relative: Option<RelativeBias>,
}

/// Parameters of a layer: weight and bias, or gamma and beta, of each of its six parts.
const PARAMETERS: usize = 12;

/// Lists a layer's parameters as burn's tensors; the table of what attention adds by distance, where
/// there is one, comes last.
fn list(layer: &LayerTensors) -> Vec<Tensor<1>> {
    let flat = |weight: &Tensor<2>| weight.clone().flatten::<1>(0, 1);
    let parts: [_; PARAMETERS] = [
        flat(&layer.qkv.weight),
        layer.qkv.bias.clone(),
        flat(&layer.attended.weight),
        layer.attended.bias.clone(),
        layer.attended_norm.gamma.clone(),
        layer.attended_norm.beta.clone(),
        flat(&layer.wide.weight),
        layer.wide.bias.clone(),
        flat(&layer.output.weight),
        layer.output.bias.clone(),
        layer.output_norm.gamma.clone(),
        layer.output_norm.beta.clone(),
    ];
    let table = bias(layer).map(|bias| flat(&bias.table));
    parts.into_iter().chain(table).collect()
}

/// What attention adds to scores by distance, if anything.
fn bias(layer: &LayerTensors) -> Option<&RelativeTable> {
    match &layer.distances {
        Distances::Biased(bias) => Some(bias),
        Distances::Unread | Distances::Disentangled(_) => None,
    }
}

impl Parameters {
    /// Takes a layer's parameters, if they are here and nothing tracks them, and the fused operations
    /// can do what the layer does.
    fn of(layer: &LayerTensors) -> Option<Self> {
        if matches!(layer.distances, Distances::Disentangled(_)) {
            return None;
        }
        let tensors = list(layer).into_iter().map(plain).collect::<Option<_>>()?;
        Some(Self::new(layer, tensors))
    }

    fn new(layer: &LayerTensors, tensors: Vec<FlexTensor>) -> Self {
        let relative = bias(layer).map(|bias| {
            let [_, heads] = bias.table.dims();
            let head_size = layer.output_norm.gamma.dims()[0] / heads;
            let table = numbers(&tensors[PARAMETERS]);
            RelativeBias::new(table, heads, head_size, bias.reach)
        });
        Self { tensors, relative }
    }

    fn matrices(&self) -> PlainLayer<'_> {
        let at = |index: usize| numbers(&self.tensors[index]);
        PlainLayer {
            qkv: at(0),
            attended: at(2),
            wide: at(6),
            output: at(8),
        }
    }

    fn vectors(&self) -> LayerVectors<'_> {
        let at = |index: usize| numbers(&self.tensors[index]);
        LayerVectors {
            qkv_bias: at(1),
            attended_bias: at(3),
            attended_norm: NormWeights {
                gamma: at(4),
                beta: at(5),
            },
            wide_bias: at(7),
            output_bias: at(9),
            output_norm: NormWeights {
                gamma: at(10),
                beta: at(11),
            },
            relative: self.relative.as_ref(),
        }
    }
}

fn shape(layer: &LayerTensors, heads: usize, dropouts: Dropouts) -> LayerShape {
    let [wide, hidden] = layer.wide.weight.dims();
    LayerShape {
        hidden,
        wide,
        heads,
        epsilon: layer.output_norm.epsilon as f32,
        attention_dropout: dropouts.attention,
        attended_dropout: dropouts.attended,
        output_dropout: dropouts.output,
    }
}

/// Computes one encoder layer, if its numbers are here.
pub(super) fn encoder_layer(
    x: &Tensor<2>,
    layer: &LayerTensors,
    pass: &LayerPass<'_>,
) -> Option<Tensor<2>> {
    let shape = shape(layer, pass.heads, pass.dropouts);
    if x.is_autodiff() {
        return match layer.distances {
            Distances::Unread => tracked_layer::<{ PARAMETERS + 1 }>(x, layer, &shape, pass),
            Distances::Biased(_) => tracked_layer::<{ PARAMETERS + 2 }>(x, layer, &shape, pass),
            Distances::Disentangled(_) => None,
        };
    }
    let (rows, pool) = (pass.rows, pass.pool);
    let x = plain(x.clone())?;
    let parameters = Parameters::of(layer)?;
    let packed = PackedLayer::new(&parameters.matrices(), &shape, Direction::Forward, pool);
    let mut out = vec![0.0; numbers(&x).len()];
    let vectors = parameters.vectors();
    encoder::forward(
        &shape,
        &packed,
        &vectors,
        &rows.lengths,
        numbers(&x),
        &mut out,
        None,
    );
    let out = tensor(out, &[rows.ids.len(), shape.hidden]);
    Some(Tensor::from_primitive::<Flex>(out))
}

/// As [`encoder_layer`], with a node of `NODES` parents: the hidden states and the layer's parameters.
fn tracked_layer<const NODES: usize>(
    x: &Tensor<2>,
    layer: &LayerTensors,
    shape: &LayerShape,
    pass: &LayerPass<'_>,
) -> Option<Tensor<2>> {
    let (rows, pool) = (pass.rows, pass.pool);
    let mut tensors: Vec<TrackedTensor> = vec![x.clone().try_into_primitive::<Tracked>().ok()?];
    for parameter in list(layer) {
        tensors.push(parameter.try_into_primitive::<Tracked>().ok()?);
    }
    let guards: [_; NODES] = std::array::from_fn(|index| tensors[index].node());
    let mut inner = tensors
        .into_iter()
        .map(|tensor| contiguous(tensor.into_primitive()));
    let x = inner.next()??;
    let parameters = Parameters::new(layer, inner.collect::<Option<Vec<_>>>()?);
    let mut out = vec![0.0; numbers(&x).len()];
    let run = |out: &mut [f32]| {
        let (plain, vectors) = (parameters.matrices(), parameters.vectors());
        let (lengths, x) = (&rows.lengths, numbers(&x));
        match pass.precision {
            Precision::Float32 => {
                let packed = PackedLayer::new(&plain, shape, Direction::Forward, pool);
                encoder::forward(shape, &packed, &vectors, lengths, x, out, Some(pool))
                    .map(Saved::Float32)
            }
            Precision::Bf16(unit) => {
                let saved =
                    training16::forward(unit, shape, &plain, &vectors, lengths, x, out, pool);
                Some(Saved::Bf16(unit, saved))
            }
        }
    };
    let out_shape = [rows.ids.len(), shape.hidden];
    let prepared = LayerNode::<NODES>
        .prepare::<NoCheckpointing>(guards)
        .compute_bound()
        .stateful();
    let out = match prepared {
        OpsKind::UnTracked(prepared) => {
            run(&mut out);
            prepared.finish(tensor(out, &out_shape))
        }
        OpsKind::Tracked(prepared) => {
            let saved = run(&mut out)?;
            let state = LayerState {
                shape: *shape,
                lengths: rows.lengths.clone(),
                x: x.clone(),
                parameters: parameters.clone(),
                saved,
                pool: pool.clone(),
            };
            prepared.finish(Arc::new(state), tensor(out, &out_shape))
        }
    };
    Some(Tensor::from_primitive::<Tracked>(out))
}

fn contiguous(tensor: FlexTensor) -> Option<FlexTensor> {
    let tensor = if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    };
    tensor.as_slice::<f32>().is_some().then_some(tensor)
}

/// What the backward pass needs of the forward pass.
#[derive(Debug)]
enum Saved {
    Float32(SavedLayer),
    Bf16(Unit, Saved16),
}

#[derive(Debug)]
struct LayerState {
    shape: LayerShape,
    lengths: Vec<usize>,
    x: FlexTensor,
    parameters: Parameters,
    saved: Saved,
    pool: Pool,
}

#[derive(Debug)]
struct LayerNode<const NODES: usize>;

impl<const NODES: usize> Backward<Flex, NODES> for LayerNode<NODES> {
    type State = Arc<LayerState>;

    fn backward(
        self,
        ops: Ops<Self::State, NODES>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let state = ops.state;
        let mut gradient = owned(gradients.consume::<Flex>(&ops.node));
        let learns = ops.parents[1..].iter().any(Option::is_some);
        let (plain, vectors) = (state.parameters.matrices(), state.parameters.vectors());
        let found = match &state.saved {
            Saved::Float32(saved) => encoder::backward(
                &state.shape,
                &plain,
                &vectors,
                &state.lengths,
                numbers(&state.x),
                saved,
                &mut gradient,
                learns,
                &state.pool,
            ),
            Saved::Bf16(unit, saved) => training16::backward(
                *unit,
                &state.shape,
                &plain,
                &vectors,
                &state.lengths,
                saved,
                &mut gradient,
                learns,
                &state.pool,
            ),
        };
        let tokens = gradient.len() / state.shape.hidden;
        let mut parents = ops.parents.into_iter();
        if let Some(node) = parents.next().flatten() {
            gradients.register::<Flex>(node.id, tensor(gradient, &[tokens, state.shape.hidden]));
        }
        let Some(found) = found else { return };
        let VectorSlopes {
            qkv_bias,
            attended_bias,
            attended_gamma,
            attended_beta,
            wide_bias,
            output_bias,
            output_gamma,
            output_beta,
            relative: _,
        } = found.vectors;
        let values = [
            found.qkv,
            qkv_bias,
            found.attended,
            attended_bias,
            attended_gamma,
            attended_beta,
            found.wide,
            wide_bias,
            found.output,
            output_bias,
            output_gamma,
            output_beta,
            found.relative,
        ];
        for (node, values) in parents.zip(values) {
            if let Some(node) = node {
                let count = values.len();
                gradients.register::<Flex>(node.id, tensor(values, &[count]));
            }
        }
    }
}
