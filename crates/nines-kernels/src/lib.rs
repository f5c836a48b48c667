//! Arithmetic for transformer models on CPUs, on plain slices: matrix products from AMX tiles down
//! to plain code, and what is between them, fused, with every gradient written by hand.
//!
//! From the inside out: [`lanes`] are vectors of the widest kind that the CPU has; `tile` and
//! [`matrix`] multiply in 32 bits, [`product`] multiplies bf16 numbers; `gelu`, `norm`, `attention`
//! (with [`relative`] biases where a model has them) and [`embedding`] are what is between products. [`encoder`] runs a layer over a batch in 32 bits,
//! forward and back ([`layer`] and [`layer_backward`] over a block that fits a core's cache,
//! [`packed`] weights). [`encoder16`] scores over bf16 products, [`training16`] trains; `finish`
//! is what becomes of their sums, and `shuffle` moves numbers to where tiles want them. Dropout
//! comes from [`rng`], which depends on nothing but its key.

pub mod aligned;
mod attention;
mod attention16;
mod cpu;
pub mod embedding;
pub mod encoder;
pub mod encoder16;
mod finish;
mod gelu;
pub mod lanes;
pub mod layer;
pub mod layer_backward;
pub mod matrix;
mod norm;
pub mod packed;
mod packed16;
pub mod pool;
pub mod product;
pub mod relative;
pub mod rng;
mod shuffle;
mod tile;
pub mod training16;
mod weights;

pub use cpu::Unit;
pub use finish::{round, round_all};
pub use gelu::gelu_in_place;
pub use norm::{standardise, stretch};
