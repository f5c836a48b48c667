//! The forward pass for generating on a CPU.

mod attention;
mod forward;
mod packed;
mod product;
mod sequence;
mod tile;
mod unpack;

pub use forward::{CpuLlama, Feed, Logits, Wanted, Workspace};
pub use sequence::CpuSequence;
