//! Whole runs of training on a model that is small enough to train in a second.

mod folds;
mod resume;
mod techniques;
mod tiny;
mod tiny_base;
mod training;
