//! The generator and its filter: `nines generate`, `nines filter`.

use super::{CautionArgs, SplitArg, share};
use clap::{Args, ValueEnum};
use nines_infer::filter::Step;
use std::path::PathBuf;

/// How completions are sampled; what is not given comes from nines.toml.
#[derive(Debug, Clone, Default, Args)]
pub struct SamplingArgs {
    /// Divides the logits; 0 takes the likeliest token
    #[arg(long, allow_negative_numbers = true)]
    pub temperature: Option<f64>,
    /// Keep the likeliest tokens with at least this probability together
    #[arg(long)]
    pub top_p: Option<f64>,
    /// Keep this many likeliest tokens (0: all)
    #[arg(long)]
    pub top_k: Option<usize>,
    /// Push down tokens already used (1: no change)
    #[arg(long)]
    pub repetition_penalty: Option<f64>,
    /// Longest completion, in tokens
    #[arg(long)]
    pub max_tokens: Option<usize>,
    /// Seed of the random stream
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
}

/// `nines generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Completions for each prompt
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Only prompts of this split
    #[arg(long, value_enum, default_value = "all")]
    pub split: SplitArg,
    /// Only the first prompts, in the order of import
    #[arg(long)]
    pub limit: Option<usize>,
    /// Sampling
    #[command(flatten)]
    pub sampling: SamplingArgs,
}

/// A step of a threshold that tightens.
pub fn tightening(text: &str) -> Result<f64, String> {
    let logits = text
        .parse()
        .map_err(|_| "it is no number; write logits, such as 0.5".to_owned())?;
    let step = Step::new(logits).map_err(|error| error.to_string())?;
    Ok(step.logits())
}

/// Which completion counts as the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LawArg {
    /// The first accepted draw: exactly rejection sampling
    First,
    /// The lowest-scored of a batch of --budget draws, if accepted: another distribution
    Safest,
}

/// `nines filter`.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// The prompt; without it and without --file, prompts are asked for
    #[arg(conflicts_with = "file")]
    pub prompt: Option<String>,
    /// A file of prompts
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Where the answers go, as JSONL with every candidate (with --file; default: shown as text)
    #[arg(long, requires = "file")]
    pub out: Option<PathBuf>,
    /// Print every candidate with P(catastrophe) and its verdict
    #[arg(long, conflicts_with = "out")]
    pub show_all: bool,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// A second condition
    #[command(flatten)]
    pub caution: CautionArgs,
    /// Draws before the filter abstains (default: nines.toml)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub budget: Option<u32>,
    /// Which completion counts
    #[arg(long, value_enum, default_value = "first")]
    pub law: LawArg,
    /// After k draws that were not accepted, demand a score below the threshold by STEP*ln(1+k) logits
    /// (default: the threshold stays)
    #[arg(long, value_name = "STEP", value_parser = tightening)]
    pub tighten: Option<f64>,
    /// Sampling
    #[command(flatten)]
    pub sampling: SamplingArgs,
}
