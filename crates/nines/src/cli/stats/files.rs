//! The commands of `nines stats` that read files.

use super::{between_0_and_1, share_below_1};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The file of a command, and how sure its numbers are to be.
#[derive(Debug, Args)]
pub struct Input {
    /// CSV, JSONL (also .gz) or Parquet; - reads standard input
    pub file: PathBuf,
    /// The format, where the file's name does not tell: csv, jsonl, jsonl.gz, parquet
    #[arg(long)]
    pub format: Option<nines_io::Format>,
    /// How sure the intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = between_0_and_1)]
    pub confidence: f64,
}

/// `nines stats stratified`.
#[derive(Debug, Args)]
pub struct StratifiedArgs {
    /// What to read
    #[command(flatten)]
    pub input: Input,
    /// Rows are single labels, and the strata's weights stand in this file (stratum, weight)
    #[arg(long, value_name = "FILE", conflicts_with = "cuts")]
    pub weights: Option<PathBuf>,
    /// Rows are scored answers, and strata lie between these scores (a score on a cut belongs above)
    #[arg(long, value_name = "SCORES", value_delimiter = ',', allow_hyphen_values = true, value_parser = finite)]
    pub cuts: Option<Vec<f64>>,
    /// The share of requests on which the filter abstains: they cannot leak
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_below_1)]
    pub abstained: f64,
    /// The stratum of the file that holds the abstentions: its weight counts, labels it needs none
    #[arg(long, value_name = "STRATUM", conflicts_with_all = ["abstained", "cuts"])]
    pub abstained_stratum: Option<String>,
    /// Say how to divide so many more labels among the strata, and what to expect of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub next: Option<u64>,
}

/// `nines stats survival`.
#[derive(Debug, Args)]
pub struct SurvivalArgs {
    /// What to read
    #[command(flatten)]
    pub input: Input,
    /// Look at these groups only, in this order; two are compared
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub groups: Option<Vec<String>>,
    /// Seed of the resampling of attackers
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Plan an experiment that tells such a ratio of two rates from 1
    #[arg(long, value_name = "RATIO", value_parser = above_1)]
    pub plan_ratio: Option<f64>,
    /// How probably the experiment planned is to show the ratio
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = between_0_and_1)]
    pub power: f64,
}

/// `nines stats quality`.
#[derive(Debug, Args)]
pub struct QualityArgs {
    /// What to read
    #[command(flatten)]
    pub input: Input,
    /// The largest weight that any prompt could have had: without it nothing is guaranteed
    #[arg(long, value_name = "WEIGHT", value_parser = positive)]
    pub largest_weight: Option<f64>,
    /// Weights are known up to a factor only, all pairs were drawn until a rejection, and so often
    /// the filter rejects (what --missed-mass misses included)
    #[arg(long, value_name = "SHARE", value_parser = share_up_to_1)]
    pub rejection_rate: Option<f64>,
    /// How often a completion is rejected whose prompt could never have been drawn
    #[arg(long, value_name = "SHARE", value_parser = share_below_1)]
    pub missed_mass: Option<f64>,
}

/// `nines stats agreement`.
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// What to read
    #[command(flatten)]
    pub input: Input,
    /// How much two labels disagree
    #[arg(long, value_enum, default_value = "nominal")]
    pub metric: MetricArg,
    /// Seed of the resampling of items
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// How much two labels disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricArg {
    /// Labels are names: any two different ones disagree alike
    Nominal,
    /// Labels are ranks: the labels in between count
    Ordinal,
    /// Labels are numbers: the squared difference counts
    Interval,
}

fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(score) if f64::is_finite(score) => Ok(score),
        _ => Err("it must be a finite number".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("it must be a finite number above 0".to_owned()),
    }
}

fn above_1(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(ratio) if ratio > 1.0 && f64::is_finite(ratio) => Ok(ratio),
        _ => Err("it must be a finite number above 1".to_owned()),
    }
}

fn share_up_to_1(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("it must be a number above 0 and at most 1".to_owned()),
    }
}
