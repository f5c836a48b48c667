//! The fused operations against the composed ones, whose gradients burn derives itself.

use super::*;
use crate::device::cpu;
use burn::tensor::{TensorData, Tolerance};
use nines_kernels::relative::BUCKETS;
use nines_kernels::rng::{self, DropoutKey};

const HIDDEN: usize = 36;
const WIDE: usize = 76;
const HEADS: usize = 4;

struct Numbers {
    next: u32,
}

impl Numbers {
    fn draw<const D: usize>(&mut self, shape: [usize; D], deviation: f32) -> Tensor<D> {
        self.next += 1;
        let values = rng::normal(11, self.next, deviation, shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), &cpu())
    }

    fn linear(&mut self, outputs: usize, inputs: usize) -> Linear {
        Linear {
            weight: self.draw([outputs, inputs], 0.4),
            bias: self.draw([outputs], 0.3),
        }
    }

    fn norm(&mut self) -> Norm {
        Norm {
            gamma: self.draw([HIDDEN], 0.5) + 1.0,
            beta: self.draw([HIDDEN], 0.3),
            epsilon: 1e-6,
        }
    }

    fn layer(&mut self) -> LayerTensors {
        LayerTensors {
            qkv: self.linear(3 * HIDDEN, HIDDEN),
            attended: self.linear(HIDDEN, HIDDEN),
            attended_norm: self.norm(),
            wide: self.linear(WIDE, HIDDEN),
            output: self.linear(HIDDEN, WIDE),
            output_norm: self.norm(),
            distances: Distances::Unread,
        }
    }

    fn relative(&mut self) -> RelativeTable {
        RelativeTable {
            table: self.draw([BUCKETS, HEADS], 1.0),
            reach: 140,
        }
    }
}

fn leaf<const D: usize>(tensor: &mut Tensor<D>) {
    *tensor = tensor.clone().autodiff().require_grad();
}

fn leaves(layer: &mut LayerTensors) {
    for linear in [
        &mut layer.qkv,
        &mut layer.attended,
        &mut layer.wide,
        &mut layer.output,
    ] {
        leaf(&mut linear.weight);
        leaf(&mut linear.bias);
    }
    for norm in [&mut layer.attended_norm, &mut layer.output_norm] {
        leaf(&mut norm.gamma);
        leaf(&mut norm.beta);
    }
    if let Distances::Biased(bias) = &mut layer.distances {
        leaf(&mut bias.table);
    }
}

fn rows(lengths: &[usize]) -> PackedRows {
    let tokens: usize = lengths.iter().sum();
    PackedRows {
        ids: (0..tokens as u32).map(|i| i * 7 % 50).collect(),
        types: (0..tokens as u32).map(|i| i / 3 % 2).collect(),
        positions: lengths
            .iter()
            .flat_map(|&length| 0..length as u32)
            .collect(),
        lengths: lengths.to_vec(),
    }
}

fn dropouts(p: f64) -> Dropouts {
    let key = DropoutKey { seed: 3, step: 4 };
    Dropouts {
        attention: Dropout::new(key, 1, p),
        attended: Dropout::new(key, 2, p),
        output: Dropout::new(key, 3, p),
    }
}

fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>, what: &str) {
    let (found, expected) = (found.inner().into_data(), expected.inner().into_data());
    let pairs = found
        .as_slice::<f32>()
        .expect("f32")
        .iter()
        .zip(expected.as_slice::<f32>().expect("f32"));
    let worst = pairs
        .map(|(a, b)| (a - b).abs() / (1.0 + b.abs()))
        .fold(0.0, f32::max);
    assert!(worst < 1e-4, "{what} differs by {worst}");
    found.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-2));
}

/// All gradients of a layer by name, the input's first.
fn gradients(
    x: &Tensor<2>,
    layer: &LayerTensors,
    out: Tensor<2>,
    weights: &Tensor<2>,
) -> Vec<(&'static str, Tensor<1>)> {
    let gradients = (out * weights.clone().autodiff()).sum().backward();
    let of2 = |t: &Tensor<2>| t.grad(&gradients).expect("a gradient").flatten::<1>(0, 1);
    let of1 = |t: &Tensor<1>| t.grad(&gradients).expect("a gradient");
    let table = match &layer.distances {
        Distances::Biased(bias) => Some(of2(&bias.table)),
        _ => None,
    };
    let mut all = vec![
        ("input", of2(x)),
        ("qkv weight", of2(&layer.qkv.weight)),
        ("qkv bias", of1(&layer.qkv.bias)),
        ("attended weight", of2(&layer.attended.weight)),
        ("attended bias", of1(&layer.attended.bias)),
        ("attended gamma", of1(&layer.attended_norm.gamma)),
        ("attended beta", of1(&layer.attended_norm.beta)),
        ("wide weight", of2(&layer.wide.weight)),
        ("wide bias", of1(&layer.wide.bias)),
        ("output weight", of2(&layer.output.weight)),
        ("output bias", of1(&layer.output.bias)),
        ("output gamma", of1(&layer.output_norm.gamma)),
        ("output beta", of1(&layer.output_norm.beta)),
    ];
    all.extend(table.map(|table| ("bias by distance", table)));
    all
}

fn pass<'a>(rows: &'a PackedRows, p: f64, pool: &'a Pool) -> LayerPass<'a> {
    LayerPass {
        rows,
        heads: HEADS,
        dropouts: dropouts(p),
        precision: Precision::Float32,
        pool,
    }
}

#[test]
fn fused_and_composed_layers_agree() {
    for (lengths, p, by_distance) in [
        (vec![1], 0.0, false),
        (vec![5, 1, 33, 70, 2], 0.0, false),
        (vec![130, 7, 64, 3], 0.2, false),
        (vec![1], 0.0, true),
        (vec![5, 1, 33, 70, 2], 0.0, true),
        (vec![140, 7, 64, 3], 0.2, true),
    ] {
        let mut numbers = Numbers { next: 0 };
        let rows = rows(&lengths);
        let tokens = rows.ids.len();
        let (mut x, mut layer) = (numbers.draw([tokens, HIDDEN], 1.0), numbers.layer());
        if by_distance {
            layer.distances = Distances::Biased(Box::new(numbers.relative()));
        }
        let weights = numbers.draw([tokens, HIDDEN], 1.0);
        let pool = Pool::default();
        let plain = composed::encoder_layer(&x, &layer, &rows, HEADS, dropouts(p));
        let run = |x: &Tensor<2>, layer: &LayerTensors| {
            fused::encoder_layer(x, layer, &pass(&rows, p, &pool)).expect("here")
        };
        assert_close(run(&x, &layer), plain, "output");
        leaf(&mut x);
        leaves(&mut layer);
        let fused = run(&x, &layer);
        let composed = composed::encoder_layer(&x, &layer, &rows, HEADS, dropouts(p));
        assert_close(fused.clone(), composed.clone(), "tracked output");
        let found = gradients(&x, &layer, fused, &weights);
        let expected = gradients(&x, &layer, composed, &weights);
        for ((name, found), (_, expected)) in found.into_iter().zip(expected) {
            assert_close(found, expected, name);
        }
    }
}

#[test]
fn only_what_is_asked_for_gets_a_gradient() {
    let mut numbers = Numbers { next: 0 };
    let rows = rows(&[4, 9]);
    let x = numbers.draw([13, HIDDEN], 1.0).autodiff();
    let mut layer = numbers.layer();
    let pool = Pool::default();
    let run = |x: &Tensor<2>, layer: &LayerTensors| {
        fused::encoder_layer(x, layer, &pass(&rows, 0.0, &pool)).expect("here")
    };
    let leaf_x = x.clone().require_grad();
    for linear in [
        &mut layer.qkv,
        &mut layer.attended,
        &mut layer.wide,
        &mut layer.output,
    ] {
        linear.weight = linear.weight.clone().autodiff();
        linear.bias = linear.bias.clone().autodiff();
    }
    for norm in [&mut layer.attended_norm, &mut layer.output_norm] {
        norm.gamma = norm.gamma.clone().autodiff();
        norm.beta = norm.beta.clone().autodiff();
    }
    assert!(!run(&x, &layer).is_tracked());
    let gradients = run(&leaf_x, &layer).powf_scalar(3.0).sum().backward();
    let alone = leaf_x.grad(&gradients).expect("a gradient");
    assert!(layer.qkv.weight.grad(&gradients).is_none());
    leaf(&mut layer.output.bias);
    let gradients = run(&leaf_x, &layer).powf_scalar(3.0).sum().backward();
    assert!(layer.output.bias.grad(&gradients).is_some());
    assert_close(leaf_x.grad(&gradients).expect("a gradient"), alone, "input");
}

#[test]
fn fused_and_composed_embeddings_agree() {
    embeddings_agree(false);
}

#[test]
fn fused_and_composed_embeddings_agree_where_something_is_added() {
    embeddings_agree(true);
}

fn embeddings_agree(added: bool) {
    let mut numbers = Numbers { next: 0 };
    let rows = rows(&[70, 3, 1]);
    let tokens = rows.ids.len();
    let mut tables = EmbeddingTables {
        words: numbers.draw([50, HIDDEN], 1.0),
        positions: numbers.draw([70, HIDDEN], 1.0),
        types: numbers.draw([2, HIDDEN], 1.0),
    };
    let mut norm = numbers.norm();
    let weights = numbers.draw([tokens, HIDDEN], 1.0).autodiff();
    let mut delta = added.then(|| numbers.draw([tokens, HIDDEN], 0.5));
    let dropout = dropouts(0.3).output;
    let pool = Pool::default();
    let plain = fused::embed(&tables, &norm, &rows, delta.as_ref(), dropout, &pool).expect("here");
    for table in [&mut tables.words, &mut tables.positions, &mut tables.types] {
        leaf(table);
    }
    leaf(&mut norm.gamma);
    leaf(&mut norm.beta);
    delta.iter_mut().for_each(leaf);
    let fused = fused::embed(&tables, &norm, &rows, delta.as_ref(), dropout, &pool).expect("here");
    let composed = composed::embed(&tables, &norm, &rows, delta.as_ref(), dropout);
    assert_close(fused.clone(), plain, "untracked");
    assert_close(fused.clone(), composed.clone(), "output");
    let found = (fused * weights.clone()).sum().backward();
    let expected = (composed * weights).sum().backward();
    let tables = [&tables.words, &tables.positions, &tables.types];
    for table in tables.into_iter().chain(&delta) {
        let (found, expected) = (table.grad(&found), table.grad(&expected));
        assert_close(
            found.expect("a gradient"),
            expected.expect("a gradient"),
            "table",
        );
    }
    for vector in [&norm.gamma, &norm.beta] {
        let (found, expected) = (vector.grad(&found), vector.grad(&expected));
        assert_close(
            found.expect("a gradient"),
            expected.expect("a gradient"),
            "vector",
        );
    }
}
