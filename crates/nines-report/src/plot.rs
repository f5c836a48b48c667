//! Plots: scales, axes and the five kinds of drawing that a report needs.
//!
//! Every plot is drawn twice, wide and narrow, and the style sheet shows the one that fits. A plot
//! never sees a number that it cannot place: scales answer `None` for those.

pub(crate) mod axis;
pub(crate) mod curve;
pub(crate) mod dots;
pub(crate) mod figure;
pub(crate) mod histogram;
pub(crate) mod matrix;
pub(crate) mod scale;
pub(crate) mod survival;
mod thinning;

pub(crate) use axis::Axis;
pub(crate) use figure::{Drawing, Key, Size, figure};
pub(crate) use scale::Scale;
