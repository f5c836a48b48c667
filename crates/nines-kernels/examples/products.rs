//! Prints how fast each unit multiplies at an encoder's shapes: `products [THREADS]`.

use half::bf16;
use nines_kernels::Unit;
use nines_kernels::aligned::Aligned;
use nines_kernels::product::{Engine, Panels, View, pack_rows, packed_len};
use std::time::Instant;

fn main() {
    let threads = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(2usize);
    for (outputs, inputs) in [
        (1152, 384),
        (384, 384),
        (1536, 384),
        (384, 1536),
        (3072, 768),
        (768, 3072),
    ] {
        for rows in [128, 256] {
            for unit in Unit::ALL {
                if !unit.is_available() {
                    continue;
                }
                let weights = vec![bf16::from_f32(0.5); outputs * inputs];
                let mut panels = Aligned::default();
                let room = panels.room(packed_len(inputs, outputs));
                pack_rows(&weights, inputs, outputs, inputs, 0, room);
                let times = 200;
                let started = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| {
                            let mut left = Aligned::default();
                            left.room(rows * inputs).fill(bf16::from_f32(0.25));
                            let mut engine = Engine::start(unit);
                            let mut total = 0.0;
                            for _ in 0..times {
                                let right = Panels::new(inputs, outputs, &panels);
                                engine.multiply(View::whole(&left, rows, inputs), right, |block| {
                                    total += block.sums[0];
                                });
                            }
                            assert!(total > 0.0);
                        });
                    }
                });
                let work = 2 * rows * outputs * inputs * times * threads;
                let speed = work as f64 / started.elapsed().as_secs_f64() / 1e9;
                println!(
                    "{:<12} {rows:>4} x {outputs:>4} x {inputs:>4}: {speed:>7.0} GFLOP/s",
                    unit.as_str()
                );
            }
        }
    }
}
