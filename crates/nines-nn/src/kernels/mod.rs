//! The encoder's arithmetic on this machine's own cores: fused, on plain slices, with every
//! gradient written by hand.
//!
//! From the inside out: [`tile`] and [`matrix`] multiply; [`gelu`], [`norm`] and [`attention`] are
//! what is between the products; [`layer`] and [`layer_backward`] run one layer over a block of
//! rows that fits a core's cache; [`packed`] lays out its weights, [`encoder`] runs it over a
//! batch, and [`weights`] sums the gradients of weights; [`embedding`] is what comes before.
//! [`crate::ops`] puts them into burn's graph.

pub(crate) mod attention;
pub(crate) mod embedding;
pub(crate) mod encoder;
pub(crate) mod gelu;
pub(crate) mod layer;
pub(crate) mod layer_backward;
pub(crate) mod matrix;
pub(crate) mod norm;
pub(crate) mod packed;
pub(crate) mod pool;
pub(crate) mod tile;
pub(crate) mod weights;
