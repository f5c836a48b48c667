//! Measures of unfamiliarity: `nines unfamiliarity`.

use super::{name, share};
use clap::{Args, Subcommand, ValueEnum};

/// `nines unfamiliarity`.
#[derive(Debug, Subcommand)]
pub enum UnfamiliarityCommand {
    /// Learn what is familiar, and keep it as a version
    #[command(
        after_help = "Examples:\n  nines unfamiliarity fit far\n  nines unfamiliarity fit apart --kind spread --classifier five\n  \
nines unfamiliarity fit odd --kind surprise"
    )]
    Fit(FitArgs),
    /// Measure what a limit buys at equal acceptance, on held-out snippets
    #[command(
        after_help = "Example:\n  nines unfamiliarity measure far --classifier five\n\
Both filters accept the same share of random completions: one by its threshold alone, the other by a higher\n\
threshold and the limit."
    )]
    Measure(MeasureUnfamiliarityArgs),
    /// List the measures, newest first
    List,
}

/// `nines unfamiliarity fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// The measure's name; each fit makes its next version
    #[arg(value_parser = name)]
    pub name: String,
    /// What is measured
    #[arg(long, value_enum, default_value = "distance")]
    pub kind: UnfamiliarityKind,
    /// The classifier whose hidden state is looked at, or the ensemble whose members are: NAME or NAME@VERSION
    /// (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// Which of the nearest training rows counts, for neighbours
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub k: u32,
}

/// What unfamiliarity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnfamiliarityKind {
    /// How many standard deviations the classifier's hidden state lies from those of its training rows
    Distance,
    /// How far it lies from the nearest of them
    Neighbours,
    /// How far an ensemble's members are apart
    Spread,
    /// How improbable the completion is by the project's generator
    Surprise,
}

/// `nines unfamiliarity measure`.
#[derive(Debug, Args)]
pub struct MeasureUnfamiliarityArgs {
    /// The measure: NAME or NAME@VERSION (default: the newest)
    pub unfamiliarity: Option<String>,
    /// The classifier or ensemble of the filter: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// Limits to try: the share of random completions that each leaves; may be given several times
    #[arg(long, value_name = "SHARE", value_parser = share, default_values_t = [0.95, 0.9])]
    pub familiar: Vec<f64>,
    /// Random completions drawn for each held-out prompt
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub fresh: u32,
    /// Count only catastrophes of severity 2 or more
    #[arg(long)]
    pub strict: bool,
}

/// The second condition of a filter.
#[derive(Debug, Clone, Default, Args)]
pub struct CautionArgs {
    /// Accept only what is familiar by this measure, too: NAME or NAME@VERSION. The threshold and the limit are those of
    /// `nines calibrate --unfamiliarity NAME`
    #[arg(long, value_name = "NAME")]
    pub unfamiliarity: Option<String>,
    /// A limit of your own: accept only below it (default: the calibrated one)
    #[arg(
        long,
        value_name = "LIMIT",
        allow_negative_numbers = true,
        requires = "unfamiliarity"
    )]
    pub unfamiliarity_limit: Option<f64>,
}
