//! The forward pass for generating on a CPU.

mod attention;
mod columns;
mod forward;
mod inputs;
mod packed;
mod product;
mod product16;
mod sequence;
mod tile;
mod unpack;
mod unpack16;

pub use forward::{CpuLlama, Feed, Logits, Residual, Wanted, Workspace};
pub use sequence::CpuSequence;
