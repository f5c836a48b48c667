//! A probe: how injurious the generator itself takes a text to be.
//!
//! A logistic regression on the mean hidden state of the completion's tokens at one layer. It is trained on
//! beginnings of completions too, with the truth of the whole, so that it can say something of a text that
//! is still being written (as FUDGE trains its predictors on partial sentences).
//!
//! [`training`] says how; what is here reads states and says log odds.
//!
//! # Reference
//! Yang & Klein, "FUDGE: Controlled text generation with future discriminators" (2021).

pub mod training;

pub use training::{Auroc, Example, ProbeRecord, ProbeSettings, beginnings};

use super::injury::InjuryHead;
use super::ridge::RidgeError;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::generator::{GenerateError, Generator};
use nines_infer::language_model::Continuation;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Unscoreable;
use nines_stats::StatsError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Texts whose hidden states are asked for together.
const STRETCH: usize = 64;

/// Gives the hidden states of a language model.
pub trait HiddenStates: Send + Sync {
    /// Names the model, precisely enough that equal names give equal states.
    fn id(&self) -> String;

    /// Returns the mean hidden state after a layer over the tokens of each completion, read behind its
    /// prompt: one answer each, all of one width.
    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>>;
}

impl HiddenStates for LocalGenerator {
    fn id(&self) -> String {
        Generator::id(self)
    }

    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        // Read as written: a blank between prompt and completion, as the generator puts it.
        let joined: Vec<String> = texts
            .iter()
            .map(|text| format!(" {}", text.completion.trim_start()))
            .collect();
        let continuations: Vec<Continuation<'_>> = texts
            .iter()
            .zip(&joined)
            .map(|(text, completion)| Continuation {
                context: text.prompt.trim_end_matches([' ', '\t']),
                text: completion,
            })
            .collect();
        self.hidden_states(&continuations, layer)
    }
}

/// Why there is no probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The settings make no sense.
    #[error("probe: {0}")]
    Settings(String),
    /// The regression cannot be fitted.
    #[error(transparent)]
    Ridge(#[from] RidgeError),
    /// Its quality cannot be said.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// No text of the examples has a hidden state.
    #[error("the generator read none of the {examples} labelled snippets: {reason}")]
    NothingRead {
        /// Snippets.
        examples: usize,
        /// What the generator said of the first.
        reason: String,
    },
    /// The file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The probe belongs to another generator.
    #[error("the probe was trained on {trained}, not on {given}; train one for this generator")]
    OtherGenerator {
        /// The generator that it was trained on.
        trained: String,
        /// The one that was given.
        given: String,
    },
}

/// A trained probe, as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjuryProbe {
    /// The generator whose states it reads.
    pub generator: String,
    /// The layer after which it reads them.
    pub layer: usize,
    /// Weights of the standardised states.
    pub weights: Vec<f64>,
    /// The log odds of an average text.
    pub bias: f64,
    /// Means of the states.
    pub means: Vec<f64>,
    /// Standard deviations of the states.
    pub scales: Vec<f64>,
    /// Mean state of injurious completions less that of safe ones.
    pub difference: Vec<f32>,
    /// What it was trained on, and how good it is.
    pub record: ProbeRecord,
}

impl InjuryProbe {
    /// Returns the log odds that a text with these mean states is injurious; `None` for states of
    /// another width.
    pub fn log_odds_of(&self, states: &[f32]) -> Option<f64> {
        if states.len() != self.weights.len() {
            return None;
        }
        let terms = states.iter().zip(&self.weights).zip(&self.means);
        let sum: f64 = terms
            .zip(&self.scales)
            .map(|(((x, weight), mean), scale)| weight * (f64::from(*x) - mean) / scale)
            .sum();
        Some(self.bias + sum).filter(|odds| odds.is_finite())
    }

    /// Returns the direction in which the probe's log odds rise fastest, as long as the difference of
    /// the class means.
    pub fn gradient(&self) -> Vec<f32> {
        let slopes = self.weights.iter().zip(&self.scales);
        let slopes: Vec<f64> = slopes.map(|(weight, scale)| weight / scale).collect();
        let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        let wanted = length(&mut self.difference.iter().map(|&x| f64::from(x)));
        let own = length(&mut slopes.iter().copied());
        let factor = if own > 0.0 { wanted / own } else { 0.0 };
        slopes.iter().map(|slope| (slope * factor) as f32).collect()
    }

    /// Names the probe by its generator and its numbers.
    pub fn name(&self) -> String {
        let numbers: Vec<String> = [self.bias]
            .iter()
            .chain(&self.weights)
            .chain(&self.means)
            .chain(&self.scales)
            .map(|number| format!("{:016x}", number.to_bits()))
            .collect();
        let hash = ContentHash::of_fields("probe", &[&self.generator, &numbers.concat()]);
        format!(
            "probe of {} at layer {}@{}",
            self.generator,
            self.layer,
            &hash.to_string()[..16]
        )
    }

    /// Writes the probe to a JSON file.
    ///
    /// # Errors
    /// [`ProbeError::File`].
    pub fn save(&self, path: &Path) -> Result<(), ProbeError> {
        let failed = |reason: String| ProbeError::File {
            path: path.to_owned(),
            reason,
        };
        let text = serde_json::to_string(self).map_err(|error| failed(error.to_string()))?;
        // Whole or not at all: half a probe would be found there for ever after.
        let half = path.with_extension(format!("{}.part", std::process::id()));
        let written = File::create(&half)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .and_then(|()| std::fs::rename(&half, path));
        written.map_err(|error| {
            // What is left of it says nothing; the error that kept it from being whole does.
            let _ = std::fs::remove_file(&half);
            failed(error.to_string())
        })
    }

    /// Reads a probe from a JSON file.
    ///
    /// # Errors
    /// [`ProbeError::File`] where it cannot be read, or its numbers do not belong together.
    pub fn open(path: &Path) -> Result<Self, ProbeError> {
        let failed = |reason: String| ProbeError::File {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let probe: Self = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let width = probe.weights.len();
        let widths = [
            probe.means.len(),
            probe.scales.len(),
            probe.difference.len(),
        ];
        if width == 0 || widths.iter().any(|&other| other != width) {
            return Err(failed(
                "its weights, means and directions differ in length; train it again".to_owned(),
            ));
        }
        if probe.scales.iter().any(|scale| *scale <= 0.0) {
            return Err(failed(
                "it holds a scale that is not positive; train it again".to_owned(),
            ));
        }
        Ok(probe)
    }

    /// Joins the probe with the generator whose states it reads.
    ///
    /// # Errors
    /// [`ProbeError::OtherGenerator`] where it was trained on another.
    pub fn head(self, model: Arc<dyn HiddenStates>) -> Result<ProbeHead, ProbeError> {
        let given = model.id();
        if given == self.generator {
            Ok(ProbeHead { probe: self, model })
        } else {
            Err(ProbeError::OtherGenerator {
                trained: self.generator,
                given,
            })
        }
    }
}

/// A probe with its generator: it says how injurious texts are.
#[derive(Clone)]
pub struct ProbeHead {
    probe: InjuryProbe,
    model: Arc<dyn HiddenStates>,
}

impl ProbeHead {
    /// Returns the probe.
    pub fn probe(&self) -> &InjuryProbe {
        &self.probe
    }
}

impl InjuryHead for ProbeHead {
    fn name(&self) -> String {
        self.probe.name()
    }

    fn probe(&self) -> Option<&InjuryProbe> {
        Some(&self.probe)
    }

    fn log_odds(&self, texts: &[SnippetText]) -> Vec<Result<f64, Unscoreable>> {
        let mut answers = Vec::with_capacity(texts.len());
        for stretch in texts.chunks(STRETCH) {
            let states = self.model.mean_states(stretch, self.probe.layer);
            answers.extend(stretch.iter().zip(states).map(|(text, states)| {
                if text.completion.trim().is_empty() {
                    return Err(Unscoreable::EmptyCompletion);
                }
                let states = states.map_err(|error| Unscoreable::Model(error.to_string()))?;
                self.probe.log_odds_of(&states).ok_or_else(|| {
                    Unscoreable::Model("the probe's log odds are not a number".to_owned())
                })
            }));
        }
        answers
    }
}

#[cfg(test)]
mod tests;
