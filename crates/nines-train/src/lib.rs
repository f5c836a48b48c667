//! Training loops, losses, optimisers, checkpoints.
//!
//! - [`data`]: the rows, their splits and folds; [`config`]: the recipe, its techniques and defaults.
//! - [`mod@train`]: trains a classifier and saves its folder; [`cross_validation`]: out-of-fold scores.
//! - [`distillation`]: what a teacher says of rows as their target.
//! - [`fit`]: one run, step by step. [`loss`], [`schedule`], [`adamw`], [`batches`]: its parts.
//! - [`record`]: what a run tells an [`record::Observer`] and leaves behind; [`metrics`].
//! - [`processor`]: what training costs.
//! - [`active_learning`]: strategies of choosing labels compared at equal cost.
//! - [`sweep`]: many trainings compared on the same folds.
//! - `checkpoint`: what makes a killed run go on to the same result, bit for bit.
//! - [`export`]: the same rows, folds, batches and first weights for another program.
//!
//! - `perturbation`: how an adversary changes embeddings and hidden states.
//!
//! Tensors are touched in `network` alone. Nothing here knows of projects or databases.

pub mod active_learning;
pub mod adamw;
pub mod batches;
mod checkpoint;
pub mod config;
pub mod cross_validation;
pub mod data;
pub mod distillation;
mod encoded;
mod error;
pub mod export;
mod files;
pub mod fit;
pub mod loss;
pub mod metrics;
mod network;
mod perturbation;
pub mod processor;
pub mod record;
pub mod schedule;
pub mod sweep;
mod tensors;
pub mod train;

pub use config::{CheckpointCadence, TrainConfig};
pub use cross_validation::cross_validate;
pub use data::{Roles, TrainingData, TrainingRow};
pub use error::TrainError;
pub use fit::Job;
pub use record::{Observer, TrainingRecord};
pub use train::train;
