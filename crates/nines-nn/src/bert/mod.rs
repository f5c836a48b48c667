//! BERT encoders with a classifier of one logit on them.
//!
//! - [`config`]: config.json, poolings, heads.
//! - [`parameters`]: what is trained, by name.
//! - [`model`]: [`BertClassifier`], its parameters and gradients.
//! - `forward`: the arithmetic, in one place for scoring and for training.
//! - `head`: what follows the encoder when nothing learns, row by row.
//! - `folder`: model folders in and out.

pub mod config;
mod folder;
mod forward;
mod head;
pub mod model;
pub mod parameters;

pub use config::{BertConfig, HeadConfig, Pooling};
pub use model::{BertClassifier, HiddenStates, Mode};
pub use parameters::{NamedGradients, ParameterInfo, ParameterPlace, Trainable};
