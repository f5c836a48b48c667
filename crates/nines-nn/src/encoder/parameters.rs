//! The parameters of a classifier, by name.

use super::config::{DisentangledConfig, EncoderConfig, Pooling};
use super::family::Family;
use crate::error::NnError;
use burn::tensor::{Device, Tensor, TensorData};
use nines_kernels::relative::BUCKETS;
use rayon::prelude::*;

/// Elements that one task adds.
const PIECE: usize = 1 << 16;

/// Where in the model a parameter stands, from the input up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterPlace {
    /// The embeddings and their normalisation, and tables that all layers share.
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
    /// parameter (`….qkv.weight`, in that order).
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

/// Places of a layer's parameters after the layer's first.
pub(crate) mod layer {
    pub const QKV: usize = 0;
    pub const ATTENTION_OUTPUT: usize = 2;
    pub const ATTENTION_NORM: usize = 4;
    pub const INTERMEDIATE: usize = 6;
    pub const OUTPUT: usize = 8;
    pub const OUTPUT_NORM: usize = 10;
    /// Those that every layer has.
    pub const COUNT: usize = 12;
}

/// Places of parameters in the list of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// The table of words.
    pub words: usize,
    /// The table of positions, where there is one.
    pub positions: Option<usize>,
    /// The table of segments, where there is one.
    pub types: Option<usize>,
    /// The normalisation of embeddings.
    pub norm: usize,
    /// The table of what attention adds by distance, or of what distances are, where there is one.
    pub distances: Option<usize>,
    /// The normalisation of that table, where there is one.
    pub distances_norm: Option<usize>,
    /// The convolution beside the first layer and its normalisation, where there is one.
    pub convolution: Option<usize>,
    /// The first layer.
    layers: usize,
    /// Parameters of a layer.
    layer_count: usize,
    /// The pooler's layer, where there is one.
    pub pooler: Option<usize>,
    /// To the logit.
    pub classifier: usize,
}

impl Places {
    /// Returns the places in [`list`].
    pub fn of(config: &EncoderConfig) -> Self {
        let mut next = 0;
        let mut take = |count: usize, is_there: bool| {
            let place = next;
            next += if is_there { count } else { 0 };
            is_there.then_some(place)
        };
        let disentangled = config.disentangled.as_ref();
        let words = 0;
        take(1, true);
        let positions = take(1, config.first_position.is_some());
        let types = take(1, config.type_vocab_size > 0);
        let norm = take(2, true).unwrap_or_default();
        let distances = take(1, config.family != Family::Bert);
        let distances_norm = take(2, disentangled.is_some_and(|config| config.is_normalised));
        let convolution = take(4, disentangled.is_some_and(|c| c.convolution.is_some()));
        let own = disentangled.map_or(0, |config| own_projections(config).count());
        let layer_count = layer::COUNT + 2 * own;
        let layers = take(config.layers * layer_count, true).unwrap_or_default();
        let pooler = take(2, config.pooling == Pooling::Pooler);
        let classifier = take(2, true).unwrap_or_default();
        Self {
            words,
            positions,
            types,
            norm,
            distances,
            distances_norm,
            convolution,
            layers,
            layer_count,
            pooler,
            classifier,
        }
    }

    /// Returns the place of a layer's first parameter.
    pub fn layer(&self, index: usize) -> usize {
        self.layers + index * self.layer_count
    }
}

/// What a layer projects distances with, where that is not what it projects contents with.
fn own_projections(config: &DisentangledConfig) -> impl Iterator<Item = &'static str> {
    let own = !config.shares_keys;
    let keys = (own && config.content_to_position).then_some("attention.self.pos_key_proj");
    let queries = (own && config.position_to_content).then_some("attention.self.pos_query_proj");
    keys.into_iter().chain(queries)
}

/// What the parts of a layer are called.
fn layer_names(family: Family) -> [&'static str; 6] {
    let attention = match family {
        Family::Bert => [
            "attention.self.qkv",
            "attention.output.dense",
            "attention.output.LayerNorm",
        ],
        Family::Mpnet => [
            "attention.attn.qkv",
            "attention.attn.o",
            "attention.LayerNorm",
        ],
        Family::Deberta => [
            "attention.self.qkv_proj",
            "attention.output.dense",
            "attention.output.LayerNorm",
        ],
    };
    let [qkv, output, norm] = attention;
    [
        qkv,
        output,
        norm,
        "intermediate.dense",
        "output.dense",
        "output.LayerNorm",
    ]
}

/// What the pooler's layer and the last one are called.
fn head_names(family: Family, pooling: Pooling) -> (&'static str, &'static str) {
    match (family, pooling) {
        (Family::Bert, _) => ("bert.pooler.dense", "classifier"),
        (Family::Mpnet, Pooling::Pooler) => ("classifier.dense", "classifier.out_proj"),
        (Family::Mpnet, _) => ("classifier.dense", "classifier"),
        (Family::Deberta, _) => ("pooler.dense", "classifier"),
    }
}

/// A list of parameters as it grows.
#[derive(Default)]
struct Listed(Vec<ParameterInfo>);

impl Listed {
    fn add(&mut self, name: String, shape: Vec<usize>, place: ParameterPlace) {
        let decays = name.ends_with(".weight") && !name.contains("LayerNorm");
        self.0.push(ParameterInfo {
            name,
            shape,
            place,
            decays,
        });
    }

    /// Adds weight and bias, or gamma and beta.
    fn pair(&mut self, name: &str, shape: &[usize], place: ParameterPlace) {
        self.add(format!("{name}.weight"), shape.to_vec(), place);
        self.add(format!("{name}.bias"), vec![shape[0]], place);
    }
}

/// Lists the parameters of a configuration, from the input up.
pub(crate) fn list(config: &EncoderConfig) -> Vec<ParameterInfo> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let prefix = config.family.prefix();
    let mut all = Listed::default();
    let input = ParameterPlace::Embeddings;
    let positions = config.first_position;
    let positions = positions.map_or(0, |first| config.max_positions + first);
    for (table, entries) in [
        ("word", config.vocab_size),
        ("position", positions),
        ("token_type", config.type_vocab_size),
    ] {
        if entries > 0 {
            let name = format!("{prefix}embeddings.{table}_embeddings.weight");
            all.add(name, vec![entries, hidden], input);
        }
    }
    all.pair(&format!("{prefix}embeddings.LayerNorm"), &[hidden], input);
    // All layers read these tables, so they stay with what is below them.
    if config.family == Family::Mpnet {
        let name = format!("{prefix}encoder.relative_attention_bias.weight");
        all.add(name, vec![BUCKETS, config.heads], input);
    }
    let disentangled = config.disentangled.as_ref();
    if let Some(disentangled) = disentangled {
        let name = format!("{prefix}encoder.rel_embeddings.weight");
        all.add(name, vec![2 * disentangled.span, hidden], input);
        if disentangled.is_normalised {
            all.pair(&format!("{prefix}encoder.LayerNorm"), &[hidden], input);
        }
        if let Some(convolution) = disentangled.convolution {
            let (place, name) = (ParameterPlace::Layer(0), format!("{prefix}encoder.conv"));
            all.pair(
                &format!("{name}.conv"),
                &[hidden, hidden, convolution.width],
                place,
            );
            all.pair(&format!("{name}.LayerNorm"), &[hidden], place);
        }
    }
    for index in 0..config.layers {
        let place = ParameterPlace::Layer(index);
        let [
            qkv,
            attended,
            attended_norm,
            intermediate,
            output,
            output_norm,
        ] = layer_names(config.family);
        for (name, shape) in [
            (qkv, &[3 * hidden, hidden][..]),
            (attended, &[hidden, hidden]),
            (attended_norm, &[hidden]),
            (intermediate, &[wide, hidden]),
            (output, &[hidden, wide]),
            (output_norm, &[hidden]),
        ] {
            all.pair(
                &format!("{prefix}encoder.layer.{index}.{name}"),
                shape,
                place,
            );
        }
        for name in disentangled.into_iter().flat_map(own_projections) {
            let name = format!("{prefix}encoder.layer.{index}.{name}");
            all.pair(&name, &[hidden, hidden], place);
        }
    }
    let (pooler, classifier) = head_names(config.family, config.pooling);
    if config.pooling == Pooling::Pooler {
        all.pair(pooler, &[hidden, hidden], ParameterPlace::Head);
    }
    all.pair(classifier, &[1, hidden], ParameterPlace::Head);
    all.0
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
