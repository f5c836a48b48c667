use super::*;
use crate::encoder;
use crate::layer::{LayerShape, NormWeights};
use crate::packed::{Direction, PackedLayer};
use crate::pool::Pool;
use crate::rng::normal;

/// A layer with weights of its own.
pub(crate) struct Model {
    pub shape: EncoderShape,
    numbers: Vec<Vec<f32>>,
}

impl Model {
    pub fn new(hidden: usize, wide: usize, heads: usize) -> Self {
        let shape = EncoderShape {
            hidden,
            wide,
            heads,
            epsilon: 1e-12,
        };
        let counts = [
            3 * hidden * hidden,
            hidden * hidden,
            wide * hidden,
            wide * hidden,
            3 * hidden,
            hidden,
            wide,
            hidden,
            hidden,
            hidden,
        ];
        let numbers = counts.iter().enumerate();
        let numbers = numbers
            .map(|(i, &count)| normal(1, i as u32, 0.2, count))
            .collect();
        Self { shape, numbers }
    }

    pub fn plain(&self) -> PlainLayer<'_> {
        let [qkv, attended, wide, output, ..] = self.numbers.as_slice() else {
            panic!("ten parts");
        };
        PlainLayer {
            qkv,
            attended,
            wide,
            output,
        }
    }

    pub fn vectors(&self) -> LayerVectors<'_> {
        let norm = NormWeights {
            gamma: &self.numbers[8],
            beta: &self.numbers[9],
        };
        LayerVectors {
            qkv_bias: &self.numbers[4],
            attended_bias: &self.numbers[5],
            attended_norm: norm,
            wide_bias: &self.numbers[6],
            output_bias: &self.numbers[7],
            output_norm: norm,
        }
    }

    fn exact(&self, lengths: &[usize], states: &[f32]) -> Vec<f32> {
        let EncoderShape {
            hidden,
            wide,
            heads,
            epsilon,
        } = self.shape;
        let shape = LayerShape {
            hidden,
            wide,
            heads,
            epsilon,
            attention_dropout: None,
            attended_dropout: None,
            output_dropout: None,
        };
        let packed = PackedLayer::new(&self.plain(), &shape, Direction::Forward, &Pool::default());
        let mut out = vec![0.0; states.len()];
        encoder::forward(
            &shape,
            &packed,
            &self.vectors(),
            lengths,
            states,
            &mut out,
            None,
        );
        out
    }
}

#[test]
fn layers_agree_with_those_in_32_bits_on_odd_sizes() {
    let lengths = [1, 33, 16, 5, 70, 32];
    let tokens: usize = lengths.iter().sum();
    for (hidden, wide, heads) in [(64, 128, 2), (30, 50, 3), (40, 33, 1)] {
        let model = Model::new(hidden, wide, heads);
        let layer = Layer16::new(
            model.shape,
            &model.plain(),
            &model.vectors(),
            &Pool::default(),
        );
        let start = normal(3, 0, 1.0, tokens * hidden);
        let exact = model.exact(&lengths, &start);
        let spread = exact.iter().map(|x| x * x).sum::<f32>() / exact.len() as f32;
        for unit in Unit::ALL.into_iter().filter(|unit| unit.is_available()) {
            let mut found = start.clone();
            forward(unit, std::slice::from_ref(&layer), &lengths, &mut found);
            let error = found
                .iter()
                .zip(&exact)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
                / exact.len() as f32;
            let relative = (error / spread).sqrt();
            assert!(relative < 0.01, "{} {hidden}: {relative}", unit.as_str());
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let lengths = [20, 300, 7, 64, 129];
    let model = Model::new(64, 96, 2);
    let layers = [0, 1].map(|_| {
        Layer16::new(
            model.shape,
            &model.plain(),
            &model.vectors(),
            &Pool::default(),
        )
    });
    let start = normal(3, 0, 1.0, lengths.iter().sum::<usize>() * 64);
    for unit in Unit::ALL.into_iter().filter(|unit| unit.is_available()) {
        let mut all = start.clone();
        forward(unit, &layers, &lengths, &mut all);
        let mut first = 0;
        for length in lengths {
            let mut alone = start[first * 64..(first + length) * 64].to_vec();
            forward(unit, &layers, &[length], &mut alone);
            assert_eq!(
                alone,
                all[first * 64..(first + length) * 64],
                "{}",
                unit.as_str()
            );
            first += length;
        }
    }
}
