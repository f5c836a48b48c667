//! Arithmetic for transformer models on CPUs, on plain slices: matrix products from AMX tiles down
//! to plain code, and what is between them, fused, with every gradient written by hand.
//!
//! From the inside out: [`lanes`] are vectors of the widest kind that the CPU has; [`tile`] and
//! [`matrix`] multiply in 32 bits, [`product`] multiplies bf16 numbers; [`gelu`], [`norm`],
//! [`attention`] and [`embedding`] are what is between products; [`layer`] and [`layer_backward`] run
//! one encoder layer over a block of rows that fits a core's cache; [`packed`] lays out its weights,
//! [`encoder`] runs it over a batch, and [`weights`] sums the gradients of weights. Dropout comes
//! from [`rng`], which depends on nothing but its key.

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
pub mod pool;
pub mod product;
pub mod rng;
mod shuffle;
mod tile;
pub mod training16;
mod weights;

pub use cpu::Unit;
