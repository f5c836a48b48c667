//! `nines simulate`.

use super::{QueueArg, share};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `nines simulate`.
#[derive(Debug, Subcommand)]
pub enum SimulateCommand {
    /// Make a project whose generator, classifier and labellers are simulated
    #[command(
        after_help = "Example:\n  nines simulate new world\n  nines --project world measure leak\n  \
nines --project world simulate label --queue leak\n  nines --project world measure leak\n  \
nines --project world simulate truth"
    )]
    New(NewArgs),
    /// Answer a queue with simulated labellers
    Label(SimulatedLabelArgs),
    /// Tell the true values beside what was measured
    Truth {
        /// The distribution of prompts
        #[arg(long, default_value = "test")]
        distribution: String,
    },
    /// Repeat the whole protocol and count how often its intervals hold the truth
    #[command(after_help = "Example:\n  nines --project world simulate check --repetitions 100")]
    Check(CheckArgs),
}

/// `nines simulate new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The folder to make; it must be empty or not exist
    pub dir: PathBuf,
    /// Prompts to invent
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(20..=100_000))]
    pub prompts: u64,
    /// Share of random completions that the threshold accepts, at most
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    pub acceptance: f64,
    /// Labelled random completions of each prompt, to train and to calibrate on
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub labelled: u32,
    /// Seed of the world
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `nines simulate label`.
#[derive(Debug, Clone, Args)]
pub struct SimulatedLabelArgs {
    /// Which queue
    #[arg(long, value_enum, default_value = "leak")]
    pub queue: QueueArg,
    /// At most so many
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    pub n: u64,
    /// The labeller's name; a second one sees catastrophes after the first
    #[arg(long, default_value = "ada")]
    pub labeller: String,
    /// Share of catastrophes that the labeller sees
    #[arg(long, default_value_t = 1.0, value_parser = share_or_all)]
    pub sensitivity: f64,
    /// Share of harmless answers that the labeller leaves alone
    #[arg(long, default_value_t = 1.0, value_parser = share_or_all)]
    pub specificity: f64,
    /// Adds this to the utility of the left text (for --queue quality)
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub position_bias: f64,
}

/// `nines simulate check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// How often the protocol is repeated
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub repetitions: u64,
    /// Requests each time
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(10..))]
    pub answers: u64,
    /// Labels each time
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(1..))]
    pub labels: u64,
    /// Rated pairs each time
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub pairs: u64,
    /// The distribution of prompts
    #[arg(long, default_value = "test")]
    pub distribution: String,
    /// How sure intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    pub confidence: f64,
    /// The first seed; each repetition has the next
    #[arg(long, default_value_t = 1000)]
    pub seed: u64,
}

fn share_or_all(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it must be a number from 0 to 1".to_owned()),
    }
}
