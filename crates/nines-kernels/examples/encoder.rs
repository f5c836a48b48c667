//! Prints how fast six layers of MiniLM's shape score rows of real lengths, in 32 bits and in bf16,
//! and how far apart the results are: `encoder [ROWS [UNIT]]`.

use nines_kernels::Unit;
use nines_kernels::encoder;
use nines_kernels::encoder16::{self, Layer16};
use nines_kernels::layer::{LayerShape, NormWeights};
use nines_kernels::packed::{Direction, LayerVectors, PackedLayer, PlainLayer};
use nines_kernels::pool::Pool;
use nines_kernels::rng::normal;
use std::time::Instant;

fn main() {
    let rows: usize = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(128);
    for (hidden, wide, layers) in [(384, 1536, 6), (768, 3072, 12)] {
        compare(hidden, wide, layers, rows);
    }
}

fn compare(hidden: usize, wide: usize, layers: usize, rows: usize) {
    let shape = LayerShape::new(hidden, wide, 12, 1e-12);
    let plain: Vec<_> = (0..layers as u32)
        .map(|layer| {
            let draw = |purpose, count| normal(1, layer * 10 + purpose, 0.05, count);
            (
                draw(0, 3 * hidden * hidden),
                draw(1, hidden * hidden),
                draw(2, wide * hidden),
                draw(3, wide * hidden),
            )
        })
        .collect();
    let (ones, zeros) = (vec![1.0; hidden], vec![0.0; 4 * wide]);
    let norm = NormWeights {
        gamma: &ones,
        beta: &zeros[..hidden],
    };
    let vectors = LayerVectors {
        qkv_bias: &zeros[..3 * hidden],
        attended_bias: &zeros[..hidden],
        attended_norm: norm,
        wide_bias: &zeros[..wide],
        output_bias: &zeros[..hidden],
        output_norm: norm,
        relative: None,
    };
    let lengths: Vec<usize> = (0..rows).map(|row| 40 + row * 37 % 90).collect();
    let tokens: usize = lengths.iter().sum();
    let start = normal(2, 0, 1.0, tokens * hidden);
    let pool = Pool::default();
    let of = |layer: &'_ (Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>)| {
        let plain = PlainLayer {
            qkv: &layer.0,
            attended: &layer.1,
            wide: &layer.2,
            output: &layer.3,
        };
        (
            PackedLayer::new(&plain, &shape, Direction::Forward, &pool),
            Layer16::new(shape, &plain, &vectors, &pool),
        )
    };
    let (packed, rounded): (Vec<_>, Vec<_>) = plain.iter().map(of).unzip();
    println!("{layers} layers of {hidden}/{wide}, {rows} rows, {tokens} tokens");
    let mut exact = start.clone();
    let time = |name: &str, run: &mut dyn FnMut() -> Vec<f32>| {
        let mut best = f64::INFINITY;
        let mut last = Vec::new();
        for _ in 0..10 {
            let started = Instant::now();
            last = run();
            best = best.min(started.elapsed().as_secs_f64());
        }
        println!("  {name:<12} {:>7.0} rows/s", rows as f64 / best);
        last
    };
    if std::env::args().nth(2).is_none_or(|only| only == "float32") {
        exact = time("float32", &mut || {
            let mut states = start.clone();
            let layers: Vec<_> = packed
                .iter()
                .map(|packed| packed.forward(&shape, &vectors))
                .collect();
            encoder::forward_all(&shape, &layers, &lengths, &mut states);
            states
        });
    }
    let only = std::env::args().nth(2);
    for unit in Unit::ALL {
        if !unit.is_available() || only.as_deref().is_some_and(|only| only != unit.as_str()) {
            continue;
        }
        let found = time(unit.as_str(), &mut || {
            let mut states = start.clone();
            encoder16::forward(unit, &rounded, &lengths, &mut states);
            states
        });
        let worst = found
            .iter()
            .zip(&exact)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        println!("    largest difference {worst}");
    }
}
