//! How a classifier is trained beyond the usual: `nines train classifier`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The techniques of training, each off unless it is asked for.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Techniques (docs/training.md)")]
pub struct TechniqueArgs {
    /// Take fields of the recipe from this table; options given here win over it
    #[arg(long, value_name = "FILE.toml")]
    pub recipe: Option<PathBuf>,
    /// Which evaluation's weights are kept
    #[arg(long, value_enum)]
    pub keep: Option<KeepArg>,
    /// What a snippet's loss is
    #[arg(long, value_enum)]
    pub loss: Option<LossArg>,
    /// How much of each target goes to the other label
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f64>,
    /// Factors of a catastrophe's weight for severity 1, 2 and 3
    #[arg(long, value_name = "A,B,C", value_parser = three)]
    pub severity_weights: Option<[f64; 3]>,
    /// Scale-invariant fine-tuning, with this weight
    #[arg(long, value_name = "WEIGHT", num_args = 0..=1, default_missing_value = "5")]
    pub sift: Option<f64>,
    /// Adversarial training on embeddings (FreeLB), with so many steps
    #[arg(long, value_name = "STEPS", num_args = 0..=1, default_missing_value = "3")]
    pub freelb: Option<u32>,
    /// Adversarial training on the output of this many encoder layers
    #[arg(long, value_name = "LAYER", num_args = 0..=1, default_missing_value = "3")]
    pub latent: Option<usize>,
    /// Two passes with different dropout must agree, with this weight
    #[arg(long, value_name = "WEIGHT")]
    pub r_drop: Option<f64>,
    /// What the learning rate is multiplied by from each layer to the one below it
    #[arg(long, value_name = "FACTOR")]
    pub layer_decay: Option<f64>,
    /// Masks of the head's dropout in each pass
    #[arg(long, value_name = "MASKS")]
    pub multi_sample_dropout: Option<usize>,
    /// Which weights are evaluated and saved
    #[arg(long, value_enum)]
    pub averaging: Option<AveragingArg>,
    /// Share of each batch drawn from finds of attacks and edits, again and again
    #[arg(long, value_name = "SHARE")]
    pub adversarial_share: Option<f64>,
    /// Learn from at most so many labels, drawn by lots
    #[arg(long, value_name = "LABELS")]
    pub label_budget: Option<usize>,
    /// Flip this share of the labels of catastrophes that are learnt from
    #[arg(long, value_name = "SHARE")]
    pub label_miss: Option<f64>,
    /// Flip this share of the labels of safe snippets that are learnt from
    #[arg(long, value_name = "SHARE")]
    pub label_false_alarm: Option<f64>,
}

/// Reads three numbers with commas between them.
fn three(text: &str) -> Result<[f64; 3], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let numbers = numbers.map_err(|error| format!("{error}: three numbers, as in 0.5,1,2"))?;
    let found = numbers.len();
    numbers
        .try_into()
        .map_err(|_| format!("{found} numbers, where three are wanted, as in 0.5,1,2"))
}

/// Which evaluation's weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepArg {
    /// Those with the lowest validation loss; the default
    Best,
    /// Those after the last update, and nothing stops early
    Last,
}

/// What a snippet's loss is, before its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LossArg {
    /// Cross-entropy
    Bce,
    /// What is right already counts less
    Focal,
    /// The rarer label gets a margin
    LogitAdjusted,
}

/// Which weights are evaluated and saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AveragingArg {
    /// Those after the last update
    None,
    /// A running mean that forgets
    Ema,
    /// The mean over the run's second half
    Last,
}
