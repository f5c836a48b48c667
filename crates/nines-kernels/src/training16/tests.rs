use super::*;
use crate::encoder;
use crate::encoder16::tests::Model;
use crate::packed::{Direction as PackedDirection, PackedLayer};
use crate::rng::{DropoutKey, normal};

const LENGTHS: [usize; 6] = [1, 33, 16, 5, 70, 132];

fn units() -> impl Iterator<Item = Unit> {
    Unit::ALL.into_iter().filter(|unit| unit.is_available())
}

fn shape(model: &Model, dropout: f64) -> LayerShape {
    let key = DropoutKey { seed: 1, step: 2 };
    LayerShape {
        attention_dropout: Dropout::new(key, 1, dropout),
        attended_dropout: Dropout::new(key, 2, dropout),
        output_dropout: Dropout::new(key, 3, dropout),
        ..model.shape
    }
}

/// A layer's output, the gradient of its input, and those of its parameters.
type Found = (Vec<f32>, Vec<f32>, LayerGradients);

fn exact(model: &Model, shape: &LayerShape, x: &[f32], slope: &[f32]) -> Found {
    let (plain, vectors, pool) = (model.plain(), model.vectors(), Pool::default());
    let packed = PackedLayer::new(&plain, shape, PackedDirection::Forward, &pool);
    let mut out = vec![0.0; x.len()];
    let saved = encoder::forward(shape, &packed, &vectors, &LENGTHS, x, &mut out, Some(&pool))
        .expect("saved");
    let mut gradient = slope.to_vec();
    let found = encoder::backward(
        shape,
        &plain,
        &vectors,
        &LENGTHS,
        x,
        &saved,
        &mut gradient,
        true,
        &pool,
    );
    (out, gradient, found.expect("gradients"))
}

fn rounded(unit: Unit, model: &Model, shape: &LayerShape, x: &[f32], slope: &[f32]) -> Found {
    let (plain, vectors, pool) = (model.plain(), model.vectors(), Pool::default());
    let mut out = vec![0.0; x.len()];
    let saved = forward(unit, shape, &plain, &vectors, &LENGTHS, x, &mut out, &pool);
    let mut gradient = slope.to_vec();
    let found = backward(
        unit,
        shape,
        &plain,
        &vectors,
        &LENGTHS,
        &saved,
        &mut gradient,
        true,
        &pool,
    );
    (out, gradient, found.expect("gradients"))
}

fn all((out, gradient, found): &Found) -> Vec<(&'static str, &[f32])> {
    let vectors = &found.vectors;
    vec![
        ("output", out),
        ("input", gradient),
        ("qkv", &found.qkv),
        ("attended", &found.attended),
        ("wide", &found.wide),
        ("output weights", &found.output),
        ("qkv bias", &vectors.qkv_bias),
        ("attended bias", &vectors.attended_bias),
        ("attended gamma", &vectors.attended_gamma),
        ("attended beta", &vectors.attended_beta),
        ("wide bias", &vectors.wide_bias),
        ("output bias", &vectors.output_bias),
        ("output gamma", &vectors.output_gamma),
        ("output beta", &vectors.output_beta),
        ("bias by distance", &found.relative),
    ]
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let apart: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (apart
        / b.iter()
            .map(|&b| square(b))
            .sum::<f64>()
            .max(f64::MIN_POSITIVE))
    .sqrt()
}

#[test]
fn gradients_agree_with_those_in_32_bits_dropout_included() {
    let tokens: usize = LENGTHS.iter().sum();
    for (hidden, wide, heads, reach) in [
        (64, 128, 2, None),
        (30, 50, 3, None),
        (64, 128, 2, Some(132)),
        (30, 50, 3, Some(200)),
    ] {
        let mut model = Model::new(hidden, wide, heads);
        if let Some(reach) = reach {
            model = model.with_bias(reach);
        }
        let x = normal(3, 0, 1.0, tokens * hidden);
        let slope = normal(4, 0, 1.0, tokens * hidden);
        for dropout in [0.0, 0.2] {
            let shape = shape(&model, dropout);
            let exact = exact(&model, &shape, &x, &slope);
            for unit in units() {
                let found = rounded(unit, &model, &shape, &x, &slope);
                for ((name, found), (_, exact)) in all(&found).into_iter().zip(all(&exact)) {
                    let distance = distance(found, exact);
                    assert!(
                        distance < 0.02,
                        "{} {hidden} {name}: {distance}",
                        unit.as_str()
                    );
                }
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_cores() {
    let tokens: usize = LENGTHS.iter().sum();
    let model = Model::new(64, 96, 2).with_bias(132);
    let shape = shape(&model, 0.1);
    let (x, slope) = (
        normal(3, 0, 1.0, tokens * 64),
        normal(4, 0, 1.0, tokens * 64),
    );
    for unit in units() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| rounded(unit, &model, &shape, &x, &slope))
        };
        let (one, three) = (on(1), on(3));
        for ((name, one), (_, three)) in all(&one).into_iter().zip(all(&three)) {
            assert_eq!(one, three, "{} {name}", unit.as_str());
        }
    }
}
