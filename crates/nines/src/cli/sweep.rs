//! Many trainings compared: `nines sweep`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `nines sweep`.
#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// Cross-validate every recipe that a sweep file names or draws; what is there is not made again
    #[command(
        after_help = "Examples:\n  nines sweep run sweep.toml\n  nines sweep run techniques.toml --results results --limit 5\n\
The file has [[cells]] (recipes with names) or [search] (recipes drawn from a space); docs/training.md\n\
shows both. A sweep that was stopped goes on when the same command is given again."
    )]
    Run(SweepRunArgs),
    /// Compare the results that there are, each cell beside the baseline
    #[command(
        after_help = "Examples:\n  nines sweep table sweep.toml --results results --markdown"
    )]
    Table(SweepTableArgs),
}

/// `nines sweep run`.
#[derive(Debug, Clone, Args)]
pub struct SweepRunArgs {
    /// The sweep file (TOML)
    pub file: PathBuf,
    /// Where results lie, one file a trial (default: the run's folder)
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Stop after so many new trials (with --results, where the same command finds them and makes the next ones)
    #[arg(long, requires = "results", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Trials at the same time: useful only where one leaves cores idle
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub at_once: u32,
    /// Replace results of other recipes, bases or rows that lie under the same names
    #[arg(long)]
    pub again: bool,
}

/// `nines sweep table`.
#[derive(Debug, Clone, Args)]
pub struct SweepTableArgs {
    /// The sweep file (TOML)
    pub file: PathBuf,
    /// Where results lie
    #[arg(long, value_name = "DIR")]
    pub results: PathBuf,
    /// Write the table as Markdown
    #[arg(long)]
    pub markdown: bool,
}
