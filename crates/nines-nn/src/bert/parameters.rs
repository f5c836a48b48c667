//! The parameters of a classifier, by name.

use super::config::{BertConfig, Pooling};
use crate::error::NnError;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// Elements that one task adds.
const PIECE: usize = 1 << 16;

/// Where in the model a parameter stands, from the input up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterPlace {
    /// The embeddings and their normalisation.
    Embeddings,
    /// An encoder layer, counted from 0.
    Layer(usize),
    /// Pooler and classifier.
    Head,
}

/// What a parameter is called, how large it is, and how it is trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Name: that of `transformers`, except that the queries, keys and values of a layer are one
    /// parameter (`….attention.self.qkv.weight`, in that order).
    pub name: String,
    /// Shape; values are row-major.
    pub shape: Vec<usize>,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Whether weight decay applies: not to biases and normalisations.
    pub decays: bool,
}

impl ParameterInfo {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Says whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the encoder layer that it belongs to, if it belongs to one.
    pub fn layer(&self) -> Option<usize> {
        match self.place {
            ParameterPlace::Layer(layer) => Some(layer),
            ParameterPlace::Embeddings | ParameterPlace::Head => None,
        }
    }
}

/// Which parameters learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trainable {
    /// None.
    None,
    /// All.
    #[default]
    All,
    /// Those of this encoder layer and above, and the head; the embeddings do not.
    FromLayer(usize),
    /// The head alone.
    Head,
}

impl Trainable {
    /// Says whether a parameter of this place learns.
    pub fn includes(self, place: ParameterPlace) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::FromLayer(first) => place >= ParameterPlace::Layer(first),
            Self::Head => place == ParameterPlace::Head,
        }
    }
}

/// A parameter with its values. They are kept flat, so that every parameter is of one type.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub info: ParameterInfo,
    /// `[len]`; a leaf of the gradient graph when it learns.
    pub value: Tensor<1>,
}

impl Parameter {
    pub fn new(info: ParameterInfo, values: Vec<f32>, device: &Device) -> Self {
        let count = values.len();
        let value = Tensor::from_data(TensorData::new(values, [count]), device);
        Self { info, value }
    }
}

/// Places of the embedding's parameters in the list.
pub(crate) mod embeddings {
    pub const WORDS: usize = 0;
    pub const POSITIONS: usize = 1;
    pub const TYPES: usize = 2;
    pub const GAMMA: usize = 3;
    pub const COUNT: usize = 5;
}

/// Places of a layer's parameters after the layer's first.
pub(crate) mod layer {
    pub const QKV: usize = 0;
    pub const ATTENTION_OUTPUT: usize = 2;
    pub const ATTENTION_NORM: usize = 4;
    pub const INTERMEDIATE: usize = 6;
    pub const OUTPUT: usize = 8;
    pub const OUTPUT_NORM: usize = 10;
    pub const COUNT: usize = 12;
}

/// Lists the parameters of a configuration, from the input up.
pub(crate) fn list(config: &BertConfig) -> Vec<ParameterInfo> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut all = Vec::new();
    let mut add = |name: String, shape: Vec<usize>, place| {
        let decays = name.ends_with(".weight") && !name.contains("LayerNorm");
        all.push(ParameterInfo {
            name,
            shape,
            place,
            decays,
        });
    };
    let pair = |add: &mut dyn FnMut(String, Vec<usize>, ParameterPlace),
                name: String,
                shape: Vec<usize>,
                place| {
        let out = shape[0];
        add(format!("{name}.weight"), shape, place);
        add(format!("{name}.bias"), vec![out], place);
    };
    for (table, entries) in [
        ("word", config.vocab_size),
        ("position", config.max_positions),
        ("token_type", config.type_vocab_size),
    ] {
        let name = format!("bert.embeddings.{table}_embeddings.weight");
        add(name, vec![entries, hidden], ParameterPlace::Embeddings);
    }
    pair(
        &mut add,
        "bert.embeddings.LayerNorm".to_owned(),
        vec![hidden],
        ParameterPlace::Embeddings,
    );
    for index in 0..config.layers {
        let place = ParameterPlace::Layer(index);
        for (name, shape) in [
            ("attention.self.qkv", vec![3 * hidden, hidden]),
            ("attention.output.dense", vec![hidden, hidden]),
            ("attention.output.LayerNorm", vec![hidden]),
            ("intermediate.dense", vec![wide, hidden]),
            ("output.dense", vec![hidden, wide]),
            ("output.LayerNorm", vec![hidden]),
        ] {
            pair(
                &mut add,
                format!("bert.encoder.layer.{index}.{name}"),
                shape,
                place,
            );
        }
    }
    if config.pooling == Pooling::Pooler {
        pair(
            &mut add,
            "bert.pooler.dense".to_owned(),
            vec![hidden, hidden],
            ParameterPlace::Head,
        );
    }
    pair(
        &mut add,
        "classifier".to_owned(),
        vec![1, hidden],
        ParameterPlace::Head,
    );
    all
}

/// The gradients of one backward pass.
#[derive(Debug, Clone, Default)]
pub struct NamedGradients {
    pub(crate) entries: Vec<(ParameterInfo, Vec<f32>)>,
}

impl NamedGradients {
    /// Goes through the gradients in the order of the parameters; values are row-major.
    pub fn iter(&self) -> impl Iterator<Item = (&ParameterInfo, &[f32])> {
        self.entries
            .iter()
            .map(|(info, values)| (info, values.as_slice()))
    }

    /// Returns the gradient of a parameter that learns.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.entries
            .iter()
            .find(|(info, _)| info.name == name)
            .map(|(_, values)| values.as_slice())
    }

    /// Adds gradients of the same model's other passes, element by element; what only they have is
    /// taken over. The sum does not depend on the number of threads.
    pub fn add(&mut self, others: Self) {
        for (info, values) in others.entries {
            let found = self
                .entries
                .iter_mut()
                .find(|(own, _)| own.name == info.name);
            match found {
                Some((_, own)) => own
                    .par_chunks_mut(PIECE)
                    .zip(values.par_chunks(PIECE))
                    .for_each(|(own, values)| {
                        own.iter_mut().zip(values).for_each(|(a, b)| *a += b);
                    }),
                None => self.entries.push((info, values)),
            }
        }
    }

    /// Returns the number of parameters that have a gradient.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Reads a tensor's values.
pub(crate) fn values_of(tensor: Tensor<1>) -> Vec<f32> {
    let data = tensor.inner().into_data();
    data.try_into_vec::<f32>().unwrap_or_else(|error| {
        unreachable!("parameters and gradients are 32-bit numbers: {error}")
    })
}

/// Checks the number of new values for a parameter.
pub(crate) fn check_length(info: &ParameterInfo, found: usize) -> Result<(), NnError> {
    if info.len() == found {
        return Ok(());
    }
    Err(NnError::WrongLength {
        name: info.name.clone(),
        expected: info.len(),
        found,
    })
}
