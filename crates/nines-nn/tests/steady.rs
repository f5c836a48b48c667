//! Scoring asks for no memory that grows with the hidden states, once it has scored before.

use nines_kernels::Unit;
use nines_nn::batch::TokenBatch;
use nines_nn::device::cpu;
use nines_nn::encoder::{Classifier, HeadConfig, Mode, Pooling};
use nines_nn::precision::Precision;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes that are asked for.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HIDDEN: usize = 384;

#[test]
fn scoring_uses_its_buffers_again() {
    let config = format!(
        r#"{{"model_type": "bert", "vocab_size": 50, "hidden_size": {HIDDEN},
        "num_hidden_layers": 2, "num_attention_heads": 12, "intermediate_size": 1536,
        "max_position_embeddings": 128, "type_vocab_size": 2}}"#
    );
    let ids: Vec<u32> = (0..100).map(|i| i % 50).collect();
    let rows: Vec<(&[u32], &[u8])> = (0..32).map(|_| (ids.as_slice(), &[0u8; 100][..])).collect();
    let batch = TokenBatch::from_rows(&rows);
    let tokens = rows.len() * ids.len();
    // Plain code takes the same way, but takes minutes.
    let rounded = Unit::with_instructions().map(Precision::Bf16);
    let precisions = [Precision::Float32].into_iter().chain(rounded);
    for pooling in [Pooling::Mean, Pooling::Pooler] {
        let head = HeadConfig {
            pooling,
            ..HeadConfig::default()
        };
        let mut model = Classifier::random(&config, &head, &cpu()).expect("a model");
        for precision in precisions.clone() {
            model.set_precision(precision);
            let score = || {
                let logits = model.logits(&batch, Mode::Evaluate).expect("scores");
                logits.into_data().try_into_vec::<f32>().expect("floats")
            };
            // Each core makes its own room the first time that it has something to do.
            let first = score();
            let fewest = (0..10).map(|_| {
                let before = ASKED.load(Ordering::Relaxed);
                assert_eq!(score(), first);
                ASKED.load(Ordering::Relaxed) - before
            });
            let per_token = fewest.min().unwrap_or(usize::MAX) / tokens;
            assert!(
                per_token < 4 * HIDDEN / 10,
                "{precision} {pooling:?}: {per_token} bytes a token"
            );
            println!("{precision} {pooling:?}: {per_token} bytes a token");
        }
    }
}
