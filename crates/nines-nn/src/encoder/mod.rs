//! Encoders with a classifier of one logit on them.
//!
//! - [`family`]: the architectures, and what files call them.
//! - [`config`]: config.json, poolings, heads.
//! - [`parameters`]: what is trained, by name.
//! - [`model`]: [`Classifier`], its parameters and gradients.
//! - [`bare`]: an encoder alone; [`masked`]: one that predicts hidden tokens.
//! - `forward`: the arithmetic, in one place for scoring and for training; passes to which
//!   something is added ([`PerturbedPass`]).
//! - `head`: what follows the encoder when nothing learns, row by row.
//! - `folder`: model folders in and out.

pub mod bare;
pub mod config;
pub mod family;
mod folder;
mod forward;
mod head;
pub mod masked;
pub mod model;
pub mod parameters;

pub use bare::Encoder;
pub use config::{EncoderConfig, HeadConfig, Pooling};
pub use family::Family;
pub use forward::{PerturbationPlace, PerturbedLogits, PerturbedPass};
pub use masked::BertMaskedModel;
pub use model::{Classifier, HiddenStates, InputGradients, Mode};
pub use parameters::{NamedGradients, ParameterInfo, ParameterPlace, Trainable};
