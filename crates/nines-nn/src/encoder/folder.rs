//! Model folders: bases and classifiers in, classifiers out.

use super::config::{self, EncoderConfig, HeadConfig, Pooling};
use super::family::Family;
use super::model::Classifier;
use super::parameters::{self, ParameterInfo, ParameterPlace, Places, values_of};
use crate::error::NnError;
use crate::weights::files::{fill_folder, write_whole};
use crate::weights::safetensors::{self, FolderWeights, TensorToWrite};
use burn::tensor::{Device, Tensor};
use nines_kernels::rng;
use std::path::Path;

/// Spread of weights that a base does not have, as in BERT's own training.
const INITIAL_DEVIATION: f32 = 0.02;
/// What the logit is for unless a folder or the caller says otherwise.
const DEFAULT_LABEL: &str = "catastrophe";

impl Classifier {
    /// Makes a classifier on a base model: its encoder, and the head that `head` asks for.
    ///
    /// A pooler is taken from the base if it has one by the name that the family's class gives it. What the base
    /// lacks is drawn from the head's seed, and so is the last layer always: it was taught another question.
    /// [`Self::initialised`] names what was drawn.
    ///
    /// # Errors
    /// [`NnError`] when the folder is not a whole encoder of a known family.
    pub fn from_base(folder: &Path, head: &HeadConfig, device: &Device) -> Result<Self, NnError> {
        let config = EncoderConfig::from_folder(folder)?
            .with_head(head)
            .map_err(|reason| NnError::Config {
                path: folder.join(config::FILE_NAME),
                reason,
            })?;
        let weights = FolderWeights::open(folder)?;
        let mut initialised = Vec::new();
        let last = Places::of(&config).classifier;
        let values = parameters::list(&config)
            .iter()
            .enumerate()
            .map(|(index, info)| {
                let is_drawn = info.place == ParameterPlace::Head
                    && (index >= last || !has(&weights, &info.name));
                if is_drawn {
                    initialised.push(info.name.clone());
                    return Ok(initial(info, head.seed, index as u32));
                }
                read(&weights, info)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::new(
            config,
            values,
            initialised,
            DEFAULT_LABEL.to_owned(),
            device,
        ))
    }

    /// Makes a classifier with drawn weights: for tests, and for measuring speed.
    ///
    /// # Errors
    /// [`NnError::Config`] when `config_json` is not a configuration that can be run here.
    pub fn random(config_json: &str, head: &HeadConfig, device: &Device) -> Result<Self, NnError> {
        let config = EncoderConfig::from_json(config_json.as_bytes())
            .and_then(|config| config.with_head(head))
            .map_err(|reason| NnError::Config {
                path: config::FILE_NAME.into(),
                reason,
            })?;
        let infos = parameters::list(&config);
        let values = infos
            .iter()
            .enumerate()
            .map(|(index, info)| initial(info, head.seed, index as u32))
            .collect();
        let initialised = infos.into_iter().map(|info| info.name).collect();
        Ok(Self::new(
            config,
            values,
            initialised,
            DEFAULT_LABEL.to_owned(),
            device,
        ))
    }

    /// Loads a classifier's folder, as [`Self::save`] or `transformers` wrote it.
    ///
    /// # Errors
    /// [`NnError`] when the folder is not a whole classifier of one logit.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, NnError> {
        let config = EncoderConfig::from_folder(folder)?;
        let weights = FolderWeights::open(folder)?;
        let values = parameters::list(&config)
            .iter()
            .map(|info| read(&weights, info))
            .collect::<Result<_, _>>()?;
        let label = config.label().unwrap_or(DEFAULT_LABEL).to_owned();
        Ok(Self::new(config, values, Vec::new(), label, device))
    }

    /// Saves the classifier as a folder: `model.safetensors` and `config.json`.
    ///
    /// A new or empty folder appears whole or not at all; in one that holds something, each of
    /// the two files is replaced whole. With the pooler, the folder is one that
    /// `AutoModelForSequenceClassification` loads; with another pooling its config.json says so
    /// by a `model_type` that `transformers` refuses.
    ///
    /// # Errors
    /// [`NnError::Write`] when the system refuses.
    pub fn save(&self, folder: &Path) -> Result<(), NnError> {
        let mut tensors = Vec::new();
        for parameter in &self.parameters {
            let values = values_of(parameter.value.clone());
            tensors.extend(to_file(&parameter.info, values));
        }
        let config = self.config.to_json(&self.label);
        fill_folder(folder, |folder| {
            safetensors::write(&folder.join(safetensors::FILE_NAME), &tensors)?;
            write_whole(&folder.join(config::FILE_NAME), |file| {
                file.write_all(config.as_bytes())
            })
        })
    }

    /// Says whether `AutoModelForSequenceClassification` of `transformers` loads what
    /// [`Self::save`] writes.
    pub fn loads_in_transformers(&self) -> bool {
        self.config.pooling == Pooling::Pooler
    }

    /// Copies the parameters to a device.
    pub fn to_device(&self, device: &Device) -> Self {
        let values = self
            .parameters
            .iter()
            .map(|p| values_of(p.value.clone()))
            .collect();
        let mut copy = Self::new(
            self.config.clone(),
            values,
            self.initialised.clone(),
            self.label.clone(),
            device,
        );
        for (new, old) in copy.parameters.iter_mut().zip(&self.parameters) {
            if old.value.is_require_grad() {
                let value = std::mem::replace(&mut new.value, Tensor::empty([0], &self.device));
                new.value = value.autodiff().require_grad();
            }
        }
        copy
    }
}

/// The parts of a parameter in a file: queries, keys and values are three tensors there.
fn file_names(info: &ParameterInfo) -> Vec<String> {
    let parts = if info.name.contains(".attn.qkv.") {
        ["q", "k", "v"]
    } else if info.name.contains(".self.qkv") {
        ["query", "key", "value"]
    } else {
        return vec![info.name.clone()];
    };
    parts.map(|part| info.name.replace("qkv", part)).to_vec()
}

fn part_shape(info: &ParameterInfo, parts: usize) -> Vec<usize> {
    let mut shape = info.shape.clone();
    shape[0] /= parts;
    shape
}

/// Finds a tensor's name in a file: with the encoder's prefix, or without as in bare bases.
fn find<'a>(weights: &FolderWeights, name: &'a str) -> Option<&'a str> {
    let bare = Family::ALL
        .into_iter()
        .filter_map(|family| name.strip_prefix(family.prefix()));
    std::iter::once(name)
        .chain(bare)
        .find(|name| weights.shape(name).is_some())
}

fn has(weights: &FolderWeights, name: &str) -> bool {
    find(weights, name).is_some()
}

fn read(weights: &FolderWeights, info: &ParameterInfo) -> Result<Vec<f32>, NnError> {
    let names = file_names(info);
    let shape = part_shape(info, names.len());
    let mut values = Vec::new();
    for name in &names {
        // Shapes are compared before anything is asked for: what the configuration says may be absurd.
        let part = weights.read(find(weights, name).unwrap_or(name), &shape)?;
        if values.is_empty() {
            values = part;
            values.reserve_exact(values.len() * (names.len() - 1));
        } else {
            values.extend(part);
        }
    }
    Ok(values)
}

fn to_file(info: &ParameterInfo, values: Vec<f32>) -> Vec<TensorToWrite> {
    let names = file_names(info);
    let shape = part_shape(info, names.len());
    let size = values.len() / names.len();
    names
        .into_iter()
        .zip(values.chunks(size))
        .map(|(name, part)| TensorToWrite {
            name,
            shape: shape.clone(),
            values: part.to_vec(),
        })
        .collect()
}

fn initial(info: &ParameterInfo, seed: u64, purpose: u32) -> Vec<f32> {
    if info.decays {
        rng::normal(seed, purpose, INITIAL_DEVIATION, info.len())
    } else if info.name.ends_with(".weight") {
        vec![1.0; info.len()]
    } else {
        vec![0.0; info.len()]
    }
}
