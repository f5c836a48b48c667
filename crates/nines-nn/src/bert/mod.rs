//! Encoders with a classifier of one logit on them.
//!
//! - [`family`]: the architectures, and what files call them.
//! - [`config`]: config.json, poolings, heads.
//! - [`parameters`]: what is trained, by name.
//! - [`model`]: [`BertClassifier`], its parameters and gradients.
//! - [`encoder`]: an encoder alone; [`masked`]: one that predicts hidden tokens.
//! - `forward`: the arithmetic, in one place for scoring and for training; passes to which
//!   something is added ([`PerturbedPass`]).
//! - `head`: what follows the encoder when nothing learns, row by row.
//! - `folder`: model folders in and out.

pub mod config;
pub mod encoder;
pub mod family;
mod folder;
mod forward;
mod head;
pub mod masked;
pub mod model;
pub mod parameters;

pub use config::{BertConfig, HeadConfig, Pooling};
pub use encoder::BertEncoder;
pub use family::Family;
pub use forward::{PerturbationPlace, PerturbedLogits, PerturbedPass};
pub use masked::BertMaskedModel;
pub use model::{BertClassifier, HiddenStates, InputGradients, Mode};
pub use parameters::{NamedGradients, ParameterInfo, ParameterPlace, Trainable};
