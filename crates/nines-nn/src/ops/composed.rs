//! The operations in terms of burn's own: for any device, and the oracle of the fused ones.

use super::{
    Distances, Dropouts, EmbeddingTables, LayerTensors, Linear, Norm, PackedRows, RelativeTable,
};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation, module};
use nines_kernels::relative;
use nines_kernels::rng::Dropout;

/// Multiplies `[rows, columns]` by a dropout's factors.
pub(crate) fn drop_rows(x: Tensor<2>, dropout: Option<Dropout>) -> Tensor<2> {
    let Some(dropout) = dropout else { return x };
    let [rows, columns] = x.dims();
    let mask = TensorData::new(dropout.mask(rows, columns), [rows, columns]);
    let mask = Tensor::<2>::from_data(mask, &x.device());
    x * mask
}

/// Returns a list of whole numbers as a tensor.
pub(super) fn integers(values: impl IntoIterator<Item = u32>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// Normalises each row of `[tokens, hidden]`.
pub(crate) fn normalised(x: Tensor<2>, norm: &Norm) -> Tensor<2> {
    module::layer_norm(x, norm.gamma.clone(), Some(norm.beta.clone()), norm.epsilon)
}

/// Sums the three embeddings of each token: `[tokens, hidden]`.
pub(crate) fn summed(tables: &EmbeddingTables, rows: &PackedRows) -> Tensor<2> {
    let device = tables.words.device();
    let pick = |table: &Tensor<2>, indices: &[u32]| {
        table
            .clone()
            .select(0, integers(indices.iter().copied(), &device))
    };
    pick(&tables.words, &rows.ids)
        + pick(&tables.types, &rows.types)
        + pick(&tables.positions, &rows.positions)
}

/// Sums the three embeddings of each token and what is added to them, normalises and drops:
/// `[tokens, hidden]`.
pub(super) fn embed(
    tables: &EmbeddingTables,
    normalise: &Norm,
    rows: &PackedRows,
    delta: Option<&Tensor<2>>,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let sum = summed(tables, rows);
    let sum = match delta {
        Some(delta) => sum + delta.clone(),
        None => sum,
    };
    drop_rows(normalised(sum, normalise), dropout)
}

/// x Wᵀ + b: `[tokens, in]` to `[tokens, out]`.
pub(crate) fn linear(x: Tensor<2>, layer: &Linear) -> Tensor<2> {
    x.matmul(layer.weight.clone().transpose()) + layer.bias.clone().unsqueeze()
}

/// gelu(x Wᵀ + b), with the exact error function.
fn linear_gelu(x: Tensor<2>, layer: &Linear) -> Tensor<2> {
    activation::gelu(linear(x, layer))
}

/// normalised(residual + drop(x Wᵀ + b)).
fn linear_residual_norm(
    x: Tensor<2>,
    layer: &Linear,
    residual: Tensor<2>,
    normalise: &Norm,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    normalised(residual + drop_rows(linear(x, layer), dropout), normalise)
}

/// What attention adds to the scores of every row by distance: `[1, heads, width, width]`.
fn spread(bias: &RelativeTable, width: usize, device: &Device) -> Tensor<4> {
    let [_, heads] = bias.table.dims();
    let buckets = (0..width * width).map(|at| {
        let (query, key) = (at / width, at % width);
        relative::bucket(key as isize - query as isize) as u32
    });
    bias.table
        .clone()
        .select(0, integers(buckets, device))
        .reshape([1, width, width, heads])
        .permute([0, 3, 1, 2])
}

/// Self-attention within each row: from `[tokens, 3 hidden]` (queries, keys, values) to
/// `[tokens, hidden]`.
fn attention(
    qkv: Tensor<2>,
    rows: &PackedRows,
    heads: usize,
    distances: &Distances,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let device = qkv.device();
    let hidden = qkv.dims()[1] / 3;
    let head_size = hidden / heads;
    let (batch, width) = (
        rows.lengths.len(),
        rows.lengths.iter().copied().max().unwrap_or(0),
    );
    let starts = rows.starts();
    // Places beyond a row's end repeat its first token; the mask hides them.
    let mut to_padded = Vec::with_capacity(batch * width);
    let mut from_padded = Vec::with_capacity(rows.ids.len());
    let mut hide = Vec::with_capacity(batch * width);
    for (row, (&start, &length)) in starts.iter().zip(&rows.lengths).enumerate() {
        for place in 0..width {
            to_padded.push((start + if place < length { place } else { 0 }) as u32);
            hide.push(place >= length);
            if place < length {
                from_padded.push((row * width + place) as u32);
            }
        }
    }
    let padded = qkv
        .select(0, integers(to_padded, &device))
        .reshape([batch, width, 3, heads, head_size])
        .permute([2, 0, 3, 1, 4]);
    let part = |index: usize| {
        padded
            .clone()
            .narrow(0, index, 1)
            .reshape([batch, heads, width, head_size])
    };
    let hide = Tensor::<4, Bool>::from_data(TensorData::new(hide, [batch, 1, 1, width]), &device)
        .expand([batch, heads, width, width]);
    let (query, key) = (part(0), part(1));
    let mut scores = query.clone().matmul(key.clone().transpose());
    let scale = (head_size as f64).powf(-0.5);
    scores = match distances {
        Distances::Unread => scores * scale,
        Distances::Biased(bias) => scores * scale + spread(bias, width, &device),
        Distances::Disentangled(disentangled) => {
            let scale = scale / (disentangled.kinds() as f64).sqrt();
            disentangled.add_to(scores, &query, &key, &device) * scale
        }
    };
    let mut weights = activation::softmax(scores.mask_fill(hide, f32::NEG_INFINITY), 3);
    if let Some(dropout) = dropout {
        let mut mask = vec![0f32; batch * heads * width * width];
        for (row, (&start, &length)) in starts.iter().zip(&rows.lengths).enumerate() {
            for head in 0..heads {
                for query in 0..length {
                    let at = ((row * heads + head) * width + query) * width;
                    let counter = ((start + query) * heads + head) as u32;
                    dropout.fill_row(counter, &mut mask[at..at + length]);
                }
            }
        }
        weights = weights
            * Tensor::from_data(TensorData::new(mask, [batch, heads, width, width]), &device);
    }
    weights
        .matmul(part(2))
        .permute([0, 2, 1, 3])
        .reshape([batch * width, hidden])
        .select(0, integers(from_padded, &device))
}

/// One encoder layer.
pub(super) fn encoder_layer(
    x: &Tensor<2>,
    layer: &LayerTensors,
    rows: &PackedRows,
    heads: usize,
    dropouts: Dropouts,
) -> Tensor<2> {
    let qkv = linear(x.clone(), &layer.qkv);
    let context = attention(qkv, rows, heads, &layer.distances, dropouts.attention);
    let attended = linear_residual_norm(
        context,
        &layer.attended,
        x.clone(),
        &layer.attended_norm,
        dropouts.attended,
    );
    let wide = linear_gelu(attended.clone(), &layer.wide);
    linear_residual_norm(
        wide,
        &layer.output,
        attended,
        &layer.output_norm,
        dropouts.output,
    )
}
