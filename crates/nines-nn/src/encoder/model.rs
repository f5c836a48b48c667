//! A classifier: an encoder, a head, and their parameters.

use super::config::EncoderConfig;
use super::forward::{self, Pass, PerturbationPlace, PerturbedPass};
use super::head::Head;
use super::parameters::{
    self, NamedGradients, Parameter, ParameterInfo, Trainable, check_length, values_of,
};
use crate::batch::TokenBatch;
use crate::error::NnError;
use crate::ops::ScoringCache;
use crate::precision::Precision;
use burn::tensor::{Device, Gradients, Tensor};
use nines_kernels::pool::Pool;
use nines_kernels::rng::DropoutKey;
use std::sync::{Arc, OnceLock};

/// What a forward pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Scoring: nothing is dropped and no gradient is kept.
    Evaluate,
    /// Gradients of what scoring computes: nothing is dropped.
    Differentiate,
    /// Training: values are dropped as the key says, and gradients are kept.
    Train(DropoutKey),
}

/// The hidden states of a batch: all real tokens, row after row, without padding.
#[derive(Debug, Clone)]
pub struct HiddenStates {
    /// The embeddings, and then the output of each layer: `[tokens, hidden]` each.
    pub states: Vec<Tensor<2>>,
    /// Tokens of each row.
    pub lengths: Vec<usize>,
}

/// What each row's logit is, and how it changes with what the encoder reads.
#[derive(Debug, Clone, PartialEq)]
pub struct InputGradients {
    /// Each row's logit.
    pub logits: Vec<f32>,
    /// d logit / d word embedding of every token, row after row, without padding: `[tokens, hidden]`.
    /// Position and segment embeddings are added to it, so theirs is the same.
    pub gradients: Vec<f32>,
    /// Tokens of each row.
    pub lengths: Vec<usize>,
}

/// An encoder with a head that gives each row one logit.
#[derive(Debug, Clone)]
pub struct Classifier {
    pub(super) config: EncoderConfig,
    pub(super) parameters: Vec<Parameter>,
    pub(super) device: Device,
    pub(super) label: String,
    pub(super) initialised: Vec<String>,
    /// What scoring made of the parameters, until one changes.
    pub(super) scoring: Arc<ScoringCache>,
    /// The head packed for scoring, likewise.
    pub(super) scoring_head: Arc<OnceLock<Head>>,
    /// What passes multiply in.
    pub(super) precision: Precision,
    /// Large buffers that passes use again.
    pub(super) pool: Pool,
}

impl Classifier {
    /// Makes a classifier of a configuration and values for each parameter, in order.
    pub(super) fn new(
        config: EncoderConfig,
        values: Vec<Vec<f32>>,
        initialised: Vec<String>,
        label: String,
        device: &Device,
    ) -> Self {
        let device = device.clone().without_autodiff();
        let parameters = parameters::list(&config)
            .into_iter()
            .zip(values)
            .map(|(info, values)| Parameter::new(info, values, &device))
            .collect();
        Self {
            config,
            parameters,
            device,
            label,
            initialised,
            scoring: Arc::default(),
            scoring_head: Arc::default(),
            precision: Precision::Float32,
            pool: Pool::default(),
        }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Returns the device that the parameters are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns what the logit is for.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Says what the logit is for; written into the config.json of saved folders.
    pub fn set_label(&mut self, label: impl Into<String>) {
        self.label = label.into();
    }

    /// Chooses what passes multiply in: 32 bits until then. Parameters, their gradients and hidden
    /// states are 32-bit in any case, and so is all of DeBERTa.
    pub fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }

    /// Returns what passes multiply in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Names the parameters that the base did not have and that were drawn from the head's seed.
    pub fn initialised(&self) -> &[String] {
        &self.initialised
    }

    /// Computes each row's logit: `[batch]`.
    ///
    /// # Errors
    /// [`NnError::Batch`] for a row that the model cannot read, [`NnError::EmptyBatch`].
    pub fn logits(&self, batch: &TokenBatch, mode: Mode) -> Result<Tensor<1>, NnError> {
        Ok(Pass::new(self, batch, mode)?.logits())
    }

    /// Computes each row's logit under each of `samples` masks of the head's dropout, for training:
    /// `[samples * batch]`, mask after mask. The encoder runs once, so that more masks cost next to
    /// nothing; the first is that of [`Self::logits`] in [`Mode::Train`].
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn sampled_logits(
        &self,
        batch: &TokenBatch,
        key: DropoutKey,
        samples: usize,
    ) -> Result<Tensor<1>, NnError> {
        Ok(Pass::new(self, batch, Mode::Train(key))?.sampled_logits(samples))
    }

    /// Gets ready for passes in which something is added to what the encoder reads or to a hidden
    /// state, and has its gradient. Values are dropped as `key` says, or not at all. With `learning`
    /// the parameters that learn get gradients too; without, none does, which costs less.
    ///
    /// # Errors
    /// As [`Self::logits`]; [`NnError::Perturbation`] for a place that the model does not have.
    pub fn perturbed(
        &self,
        batch: &TokenBatch,
        key: Option<DropoutKey>,
        place: PerturbationPlace,
        learning: bool,
    ) -> Result<PerturbedPass<'_>, NnError> {
        PerturbedPass::new(self, batch, key, place, learning)
    }

    /// Computes the hidden states of a batch, from the embeddings up.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn hidden_states(&self, batch: &TokenBatch, mode: Mode) -> Result<HiddenStates, NnError> {
        let pass = Pass::new(self, batch, mode)?;
        Ok(HiddenStates {
            states: pass.hidden_states(),
            lengths: batch.lengths.clone(),
        })
    }

    /// Computes the mean of each row's last hidden states, as scoring computes them: `[rows, hidden]`. No bit
    /// depends on the other rows.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn mean_states(&self, batch: &TokenBatch) -> Result<Vec<f32>, NnError> {
        let pass = Pass::new(self, batch, Mode::Evaluate)?;
        Ok(pass.means_of(&pass.last_states()))
    }

    /// Computes each row's logit as scoring does, in 32 bits whatever the model multiplies in, and its
    /// gradient with respect to the word embedding of each of the row's tokens. Nothing is dropped, and
    /// no bit depends on the other rows.
    ///
    /// # Errors
    /// As [`Self::logits`].
    pub fn input_gradients(&self, batch: &TokenBatch) -> Result<InputGradients, NnError> {
        Ok(Pass::new(self, batch, Mode::Evaluate)?.input_gradients())
    }

    /// Returns the word embeddings, `[vocabulary, hidden]`. They are kept until a parameter changes.
    pub fn word_embeddings(&self) -> &[f32] {
        forward::word_embeddings(self)
    }

    /// Lists the parameters, from the input up.
    pub fn parameters(&self) -> impl Iterator<Item = &ParameterInfo> {
        self.parameters.iter().map(|parameter| &parameter.info)
    }

    /// Returns the values of a parameter, row-major.
    ///
    /// # Errors
    /// [`NnError::UnknownParameter`].
    pub fn values(&self, name: &str) -> Result<Vec<f32>, NnError> {
        Ok(values_of(self.parameters[self.find(name)?].value.clone()))
    }

    /// Replaces the values of a parameter.
    ///
    /// # Errors
    /// [`NnError::UnknownParameter`], [`NnError::WrongLength`].
    pub fn set_values(&mut self, name: &str, values: Vec<f32>) -> Result<(), NnError> {
        let index = self.find(name)?;
        check_length(&self.parameters[index].info, values.len())?;
        self.replace(index, values);
        Ok(())
    }

    /// Chooses which parameters learn. A model that was just loaded has none that do.
    pub fn set_trainable(&mut self, trainable: Trainable) {
        for parameter in &mut self.parameters {
            let plain = parameter.value.clone().inner();
            parameter.value = if trainable.includes(parameter.info.place) {
                plain.autodiff().require_grad()
            } else {
                plain
            };
        }
    }

    /// Says whether a parameter learns.
    ///
    /// # Errors
    /// [`NnError::UnknownParameter`].
    pub fn is_trainable(&self, name: &str) -> Result<bool, NnError> {
        Ok(self.parameters[self.find(name)?].value.is_require_grad())
    }

    /// Computes the gradients of a loss made of this model's logits, for all parameters that
    /// learn. The pass behind the loss is used up.
    ///
    /// # Errors
    /// [`NnError::NoGradient`] when no parameter has a part in the loss.
    pub fn gradients(&self, loss: Tensor<1>) -> Result<NamedGradients, NnError> {
        let mut gradients = backward(loss)?;
        let entries = self.entries(&mut gradients);
        if entries.is_empty() {
            return Err(NnError::NoGradient);
        }
        Ok(NamedGradients { entries })
    }

    /// Computes the gradients of a loss made of a perturbed pass's logits: those of all parameters
    /// that learn (none, where the pass was not learning) and that of what was added,
    /// `[tokens, hidden]`. The pass behind the loss is used up.
    ///
    /// # Errors
    /// [`NnError::NoGradient`] when what was added has no part in the loss.
    pub fn perturbed_gradients(
        &self,
        loss: Tensor<1>,
        delta: &Tensor<2>,
    ) -> Result<(NamedGradients, Vec<f32>), NnError> {
        let mut gradients = backward(loss)?;
        let of_delta = delta
            .grad_remove(&mut gradients)
            .ok_or(NnError::NoGradient)?;
        let entries = self.entries(&mut gradients);
        Ok((
            NamedGradients { entries },
            values_of(of_delta.flatten(0, 1)),
        ))
    }

    fn entries(&self, gradients: &mut Gradients) -> Vec<(ParameterInfo, Vec<f32>)> {
        self.parameters
            .iter()
            .filter_map(|parameter| {
                let gradient = parameter.value.grad_remove(gradients)?;
                Some((parameter.info.clone(), values_of(gradient)))
            })
            .collect()
    }

    /// Changes the values of every parameter that learns, in order; in place where they are on
    /// the processor and no pass over them is kept.
    pub fn update(&mut self, mut change: impl FnMut(&ParameterInfo, &mut [f32])) {
        self.forget_scoring();
        for index in 0..self.parameters.len() {
            if !self.parameters[index].value.is_require_grad() {
                continue;
            }
            let nothing = Tensor::empty([0], &self.device);
            let value = std::mem::replace(&mut self.parameters[index].value, nothing);
            let mut values = values_of(value);
            change(&self.parameters[index].info, &mut values);
            let parameter =
                Parameter::new(self.parameters[index].info.clone(), values, &self.device);
            self.parameters[index].value = parameter.value.autodiff().require_grad();
        }
    }

    fn find(&self, name: &str) -> Result<usize, NnError> {
        self.parameters
            .iter()
            .position(|parameter| parameter.info.name == name)
            .ok_or_else(|| NnError::UnknownParameter {
                name: name.to_owned(),
            })
    }

    /// Drops what was made of parameters that now change.
    fn forget_scoring(&mut self) {
        self.scoring = Arc::default();
        self.scoring_head = Arc::default();
    }

    fn replace(&mut self, index: usize, values: Vec<f32>) {
        self.forget_scoring();
        let learns = self.parameters[index].value.is_require_grad();
        let info = self.parameters[index].info.clone();
        let mut parameter = Parameter::new(info, values, &self.device);
        if learns {
            parameter.value = parameter.value.autodiff().require_grad();
        }
        self.parameters[index] = parameter;
    }
}

/// Goes back through the pass behind a loss, and lets go of it.
fn backward(loss: Tensor<1>) -> Result<Gradients, NnError> {
    if !loss.is_autodiff() || !loss.is_tracked() {
        return Err(NnError::NoGradient);
    }
    Ok(loss.backward())
}
