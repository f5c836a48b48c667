//! Attention that weighs contents and distances apart, as in DeBERTa, in terms of burn's own operations.
//!
//! # Reference
//! He, Liu, Gao and Chen, "DeBERTa: Decoding-enhanced BERT with disentangled attention" (ICLR 2021),
//! section 3.1: contents attend to distances, and distances to contents.

use super::composed::{drop_rows, integers, linear, normalised};
use super::{Linear, Norm, PackedRows};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use nines_kernels::rng::Dropout;

/// How a layer reads distances.
#[derive(Debug, Clone)]
pub(crate) struct Disentangled {
    /// What distances look like to the layer.
    pub projected: ProjectedDistances,
    /// Which entry of the table a distance has.
    pub buckets: Buckets,
}

/// The table of distances as a layer compares contents with it, `[2 span, hidden]` each: the farthest key behind its
/// query first. Where nothing is dropped it depends on the layer alone.
#[derive(Debug, Clone)]
pub(crate) struct ProjectedDistances {
    /// What queries are compared with, where contents attend to distances.
    pub keys: Option<Tensor<2>>,
    /// What keys are compared with, where distances attend to contents.
    pub queries: Option<Tensor<2>>,
}

impl ProjectedDistances {
    /// Projects what each distance is, `[2 span, hidden]`.
    pub fn of(distances: &Tensor<2>, keys: Option<Linear>, queries: Option<Linear>) -> Self {
        let projected = |by: Linear| linear(distances.clone(), &by);
        Self {
            keys: keys.map(projected),
            queries: queries.map(projected),
        }
    }

    /// The same for a pass whose other tensors have gradients.
    pub fn in_graph(self) -> Self {
        Self {
            keys: self.keys.map(Tensor::autodiff),
            queries: self.queries.map(Tensor::autodiff),
        }
    }
}

/// Which entry of a table a distance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// Half the entries.
    pub span: usize,
    /// The farthest distance that is told from farther ones.
    pub farthest: usize,
    /// Whether far distances share buckets; else each has its own.
    pub are_logarithmic: bool,
}

impl Buckets {
    /// Returns the entry for a key that stands `distance` tokens before its query.
    pub fn entry(self, distance: isize) -> usize {
        let span = self.span as isize;
        let signed = if self.are_logarithmic {
            distance.signum() * self.bucket(distance.unsigned_abs()) as isize
        } else {
            distance
        };
        (signed + span).clamp(0, 2 * span - 1) as usize
    }

    /// The nearer half of the buckets holds one distance each, the other half grows with the logarithm.
    fn bucket(self, distance: usize) -> usize {
        let middle = self.span / 2;
        if distance <= middle {
            return distance;
        }
        // In 32 bits, step by step, as the models were trained with.
        let part = (distance as f32 / middle as f32).ln()
            / ((self.farthest - 1) as f32 / middle as f32).ln();
        (part * (middle - 1) as f32).ceil() as usize + middle
    }
}

impl Disentangled {
    /// How many kinds of score are summed up.
    pub fn kinds(&self) -> usize {
        let ProjectedDistances { keys, queries } = &self.projected;
        1 + usize::from(keys.is_some()) + usize::from(queries.is_some())
    }

    /// Adds what distances have to say to the products of queries with keys, `[batch, heads, width,
    /// width]`. `query` and `key` are `[batch, heads, width, head size]`.
    pub fn add_to(
        &self,
        scores: Tensor<4>,
        query: &Tensor<4>,
        key: &Tensor<4>,
        device: &Device,
    ) -> Tensor<4> {
        let [batch, heads, width, size] = query.dims();
        let entries = |turned: bool| {
            let all = (0..width * width).map(|at| {
                let (row, column) = (at / width, at % width);
                let (query, key) = if turned { (column, row) } else { (row, column) };
                self.buckets.entry(query as isize - key as isize) as u32
            });
            integers(all, device)
                .reshape([1, 1, width, width])
                .expand([batch, heads, width, width])
        };
        // Of each token and entry of the table, then of each token and other token.
        let compared = |of: &Tensor<4>, projected: &Tensor<2>, entries: Tensor<4, Int>| {
            let projected = projected
                .clone()
                .reshape([1, 2 * self.buckets.span, heads, size])
                .permute([0, 2, 3, 1]);
            of.clone().matmul(projected).gather(3, entries)
        };
        let mut scores = scores;
        if let Some(keys) = &self.projected.keys {
            scores = scores + compared(query, keys, entries(false));
        }
        if let Some(queries) = &self.projected.queries {
            scores = scores + compared(key, queries, entries(true)).transpose();
        }
        scores
    }
}

/// The convolution beside the first layer.
#[derive(Debug, Clone)]
pub(crate) struct ConvolutionTensors {
    /// `[hidden, hidden, width]`.
    pub weight: Tensor<3>,
    /// `[hidden]`.
    pub bias: Tensor<1>,
    /// After the residual.
    pub norm: Norm,
    /// Whether a GELU follows; else a tanh.
    pub is_gelu: bool,
}

/// normalised(residual + activation(drop(convolution of each row of `x`))); what is beyond a row is
/// zeros.
pub(crate) fn convolved(
    x: &Tensor<2>,
    residual: Tensor<2>,
    layer: &ConvolutionTensors,
    rows: &PackedRows,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let device = x.device();
    let [tokens, hidden] = x.dims();
    let [_, _, width] = layer.weight.dims();
    let mut sum = layer.bias.clone().unsqueeze::<2>().expand([tokens, hidden]);
    for part in 0..width {
        let weight = layer
            .weight
            .clone()
            .narrow(2, part, 1)
            .reshape([hidden, hidden]);
        let (from, inside) = neighbours(rows, part as isize - (width / 2) as isize);
        let inside = Tensor::<2>::from_data(TensorData::new(inside, [tokens, 1]), &device);
        let moved = x.clone().select(0, integers(from, &device)) * inside;
        sum = sum + moved.matmul(weight.transpose());
    }
    let dropped = drop_rows(sum, dropout);
    let active = if layer.is_gelu {
        activation::gelu(dropped)
    } else {
        activation::tanh(dropped)
    };
    normalised(residual + active, &layer.norm)
}

/// The token that stands `offset` behind each token, and 1 where that is in the same row, else 0.
fn neighbours(rows: &PackedRows, offset: isize) -> (Vec<u32>, Vec<f32>) {
    let starts = rows.starts().into_iter().zip(&rows.lengths);
    starts
        .flat_map(|(start, &length)| {
            (0..length).map(move |place| {
                let at = place as isize + offset;
                let inside = (0..length as isize).contains(&at);
                let from = if inside { start + at as usize } else { start };
                (from as u32, f32::from(u8::from(inside)))
            })
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::SafetensorsFile;
    use std::path::Path;

    #[test]
    fn buckets_are_those_of_transformers() {
        let path = "../../golden/fixtures/deberta_tiny/expected.safetensors";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let file = SafetensorsFile::open(&path).expect("the fixture is there");
        for (span, farthest) in [(256, 512), (16, 144), (32, 1024)] {
            let buckets = Buckets {
                span,
                farthest,
                are_logarithmic: true,
            };
            let name = format!("buckets.{span}.{farthest}");
            let expected = file.read(&name, &[2 * farthest - 1]).expect("readable");
            for (at, expected) in expected.into_iter().enumerate() {
                let distance = at as isize + 1 - farthest as isize;
                let found = buckets.entry(distance) as isize;
                let expected = (expected as isize + span as isize).clamp(0, 2 * span as isize - 1);
                assert_eq!(found, expected, "{name} {distance}");
            }
        }
    }

    #[test]
    fn without_logarithms_each_distance_has_its_own_entry() {
        let buckets = Buckets {
            span: 3,
            farthest: 3,
            are_logarithmic: false,
        };
        let found: Vec<usize> = (-4..=4).map(|distance| buckets.entry(distance)).collect();
        assert_eq!(found, [0, 0, 1, 2, 3, 4, 5, 5, 5]);
    }
}
