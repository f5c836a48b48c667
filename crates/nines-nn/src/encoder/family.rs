//! The architectures that a classifier's encoder can have, and what each is called in files.

/// Which architecture an encoder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// BERT: positions and segments are added to the words.
    Bert,
    /// MPNet: positions are added to the words, distances to attention scores; no segments.
    Mpnet,
    /// DeBERTa-v2 and -v3: attention weighs contents and distances apart.
    Deberta,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bert, Self::Mpnet, Self::Deberta];

    /// Returns the `model_type` of folders that `transformers` reads.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Mpnet => "mpnet",
            Self::Deberta => "deberta-v2",
        }
    }

    /// Returns the `model_type` of folders whose head only this project reads. `transformers` refuses
    /// it, where it would fill in a random pooler for one of its own without one.
    pub(crate) fn own_model_type(self) -> &'static str {
        match self {
            Self::Bert => "nines-bert",
            Self::Mpnet => "nines-mpnet",
            Self::Deberta => "nines-deberta-v2",
        }
    }

    /// Finds the architecture of a `model_type`, and says whether it is one that only this project reads.
    pub(crate) fn of(model_type: &str) -> Option<(Self, bool)> {
        Self::ALL.into_iter().find_map(|family| {
            let own = model_type == family.own_model_type();
            (own || model_type == family.model_type()).then_some((family, own))
        })
    }

    /// Returns the class that reads its classifiers, in `transformers` or here.
    pub(crate) fn class(self, own: bool) -> &'static str {
        match (self, own) {
            (Self::Bert, false) => "BertForSequenceClassification",
            (Self::Bert, true) => "NinesBertClassifier",
            (Self::Mpnet, false) => "MPNetForSequenceClassification",
            (Self::Mpnet, true) => "NinesMpnetClassifier",
            (Self::Deberta, false) => "DebertaV2ForSequenceClassification",
            (Self::Deberta, true) => "NinesDebertaV2Classifier",
        }
    }

    /// Returns what is added to variances where a file does not say.
    pub(crate) fn default_epsilon(self) -> f64 {
        match self {
            Self::Bert | Self::Mpnet => 1e-12,
            Self::Deberta => 1e-7,
        }
    }

    /// Returns the key of the dropout before the last layer.
    pub(crate) fn head_dropout_key(self) -> &'static str {
        match self {
            Self::Bert | Self::Mpnet => "classifier_dropout",
            Self::Deberta => "cls_dropout",
        }
    }

    /// Returns the prefix of an encoder's tensors in a folder with a head.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert.",
            Self::Mpnet => "mpnet.",
            Self::Deberta => "deberta.",
        }
    }
}

/// The position of an MPNet row's first token: those before it belong to padding.
pub(crate) const MPNET_FIRST_POSITION: usize = 2;

/// The activation of a pooler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolerActivation {
    Tanh,
    Gelu,
}

impl Family {
    /// Returns what follows the pooler's layer.
    pub(crate) fn pooler_activation(self) -> PoolerActivation {
        match self {
            Self::Bert | Self::Mpnet => PoolerActivation::Tanh,
            Self::Deberta => PoolerActivation::Gelu,
        }
    }
}
