//! `nines stats`: the estimators for people with counts of their own.

use clap::{Args, Subcommand};

/// `nines stats`.
#[derive(Debug, Subcommand)]
pub enum StatsCommand {
    /// The interval of a failure rate, and how many nines it shows
    #[command(
        after_help = "Examples:\n  nines stats interval --failures 0 --n 30000\n  \
nines stats interval --failures 3 --n 100000 --confidence 0.99 --json"
    )]
    Interval(IntervalArgs),
    /// How many labelled answers it takes to show that a leak is small
    #[command(
        after_help = "Examples:\n  nines stats plan --leak 1e-4\n  nines stats plan --leak 3e-5 --abstained 0.2"
    )]
    Plan(PlanArgs),
}

/// `nines stats interval`.
#[derive(Debug, Args)]
pub struct IntervalArgs {
    /// How many trials failed
    #[arg(long, value_name = "K")]
    pub failures: u64,
    /// How many independent trials there were
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 53))]
    pub n: u64,
    /// How sure the interval is to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = between_0_and_1)]
    pub confidence: f64,
}

/// `nines stats plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The leak to show: at most this share of requests is answered with a catastrophe
    #[arg(long, value_name = "RATE", value_parser = between_0_and_1)]
    pub leak: f64,
    /// The share of requests on which the filter abstains: those need no label
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_below_1)]
    pub abstained: f64,
    /// How sure it is to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = between_0_and_1)]
    pub confidence: f64,
}

fn between_0_and_1(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("it must be a number between 0 and 1, neither of them".to_owned()),
    }
}

fn share_below_1(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("it must be a number from 0 to below 1".to_owned()),
    }
}
