//! A generator whose hidden states are pushed in a direction, and what those states are.

use super::LocalGenerator;
use super::likelihood::Cut;
use super::passes::{PASS_TOKENS, not_numbers};
use crate::generator::GenerateError;
use crate::language_model::Continuation;
use nines_nn::llama::{CpuSequence, Feed, Wanted, Workspace};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::Arc;

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

/// What a steered generator adds to every row after a layer.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) layer: usize,
    pub(super) numbers: Vec<f32>,
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
        let config = self.model.config();
        let Steering {
            layer,
            vector,
            strength,
        } = steering;
        if layer >= config.layers {
            return Err(SteeringError::NoSuchLayer {
                layer,
                layers: config.layers,
            });
        }
        if vector.len() != config.hidden {
            return Err(SteeringError::WrongWidth {
                found: vector.len(),
                hidden: config.hidden,
            });
        }
        let numbers: Vec<f32> = vector.iter().map(|x| strength * x).collect();
        if !strength.is_finite() || !numbers.iter().all(|x| x.is_finite()) {
            return Err(SteeringError::NotFinite);
        }
        let mut hasher = Sha256::new();
        for x in &vector {
            hasher.update(x.to_le_bytes());
        }
        let digest: String = hasher.finalize()[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Even zeros would turn a negative zero of the stream into a positive one.
        let is_nothing = numbers.iter().all(|&x| x == 0.0);
        Ok(Self {
            id: format!("{}+{strength}x{digest}@{layer}", self.model_id),
            steering: (!is_nothing).then(|| Arc::new(Added { layer, numbers })),
            ..self.clone()
        })
    }

    /// Computes, for each text after its context, the mean of the residual stream after a layer (counted
    /// from 0) over the tokens that hold bytes of the text: `[hidden]`. What stands beside a text changes
    /// no bit of it.
    pub fn hidden_states(
        &self,
        texts: &[Continuation<'_>],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        let layers = self.model.config().layers;
        if layer >= layers {
            let reason = SteeringError::NoSuchLayer { layer, layers }.to_string();
            let error = GenerateError::Model(reason);
            return texts.iter().map(|_| Err(error.clone())).collect();
        }
        let mut cuts: Vec<Result<Cut, GenerateError>> = texts
            .par_iter()
            .map(|text| match self.cut(text) {
                Ok(cut) if cut.first == cut.tokens.len() => {
                    Err(GenerateError::Model("the text has no token".to_owned()))
                }
                cut => cut,
            })
            .collect();
        let mut found = Vec::with_capacity(texts.len());
        while !cuts.is_empty() {
            let mut tokens = 0;
            let fitting = cuts
                .iter()
                .take_while(|cut| {
                    tokens += cut.as_ref().map_or(0, |cut| cut.tokens.len());
                    tokens <= PASS_TOKENS
                })
                .count();
            let later = cuts.split_off(fitting.max(1).min(cuts.len()));
            found.extend(self.means(std::mem::replace(&mut cuts, later), layer));
        }
        found
    }

    /// The mean states of texts that make one pass.
    fn means(
        &self,
        cuts: Vec<Result<Cut, GenerateError>>,
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        let width = self.model.config().hidden;
        let mut sequences: Vec<CpuSequence> = cuts.iter().map(|_| CpuSequence::default()).collect();
        let mut feeds: Vec<Feed<'_>> = cuts
            .iter()
            .zip(&mut sequences)
            .filter_map(|(cut, sequence)| {
                Some(Feed {
                    sequence,
                    tokens: &cut.as_ref().ok()?.tokens,
                    wanted: Wanted::Nothing,
                })
            })
            .collect();
        let (mut states, mut workspace) = (Vec::new(), Workspace::default());
        let copy = Some((layer, &mut states));
        let ran = if feeds.is_empty() {
            Ok(())
        } else {
            self.pass(&mut feeds, &mut workspace, copy).map(|_| ())
        };
        let mut rest = states.as_slice();
        cuts.into_iter()
            .map(|cut| {
                let cut = cut?;
                ran.clone()?;
                let (rows, later) = rest.split_at(cut.tokens.len() * width);
                rest = later;
                let mut sums = vec![0f64; width];
                for row in rows.chunks_exact(width).skip(cut.first) {
                    for (sum, &x) in sums.iter_mut().zip(row) {
                        *sum += f64::from(x);
                    }
                }
                let count = (cut.tokens.len() - cut.first) as f64;
                let mean: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
                if mean.iter().all(|x| x.is_finite()) {
                    Ok(mean)
                } else {
                    Err(not_numbers())
                }
            })
            .collect()
    }
}
