//! `nines stats`: the estimators for people with counts of their own.

mod files;

pub use files::{AgreementArgs, Input, MetricArg, QualityArgs, StratifiedArgs, SurvivalArgs};

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
    /// The leak from labels by stratum, and where to spend the next ones
    #[command(
        after_help = "Examples:\n  nines stats stratified strata.csv --abstained 0.38 --next 1000\n  \
nines stats stratified labels.jsonl --weights weights.csv\n  \
nines stats stratified scored.jsonl --cuts=-9,-7,-5\n\
strata.csv has one row a stratum:      stratum,weight,n,failures\n\
labels.jsonl has one row a label:      {\"stratum\": \"near\", \"failed\": 0}\n\
scored.jsonl has one row an answer:    {\"score\": -8.3, \"label\": 1}   (label: 1, 0 or nothing)"
    )]
    Stratified(StratifiedArgs),
    /// How long attackers need for a find, when some sessions end without one
    #[command(after_help = "Examples:\n  nines stats survival sessions.csv\n  \
nines stats survival sessions.csv --groups old,new --plan-ratio 2\n\
sessions.csv has one row a session: minutes,found (where known: group,attacker)")]
    Survival(SurvivalArgs),
    /// How often the filtered completion is preferred, from pairs of which few need a label
    #[command(after_help = "Examples:\n  nines stats quality pairs.csv\n  \
nines stats quality weighted.csv --largest-weight 4 --missed-mass 0.01\n\
pairs.csv has one row a pair: rejected,preferred (where known: prompt,rater,side,weight)\n  \
rejected   1 where the filter rejects the unfiltered completion: only such pairs need preferred\n  \
preferred  filtered, unfiltered or tie\n  \
side       left or right: where the filtered completion was shown")]
    Quality(QualityArgs),
    /// How far labellers agree beyond chance
    #[command(after_help = "Example:\n  nines stats agreement labels.csv\n\
labels.csv has one row a label: item,labeller,label")]
    Agreement(AgreementArgs),
    /// Two classifiers from labels on what only one of them accepts
    #[command(after_help = "Example:\n  nines stats compare --n 200000 \\\n    \
--old-only 3000 --old-labelled 600 --old-failures 9 \\\n    \
--new-only 2500 --new-labelled 500 --new-failures 2")]
    Compare(CompareArgs),
    /// Failure modes that nobody has found yet
    #[command(
        after_help = "Example:\n  nines stats species --counts 12,5,4,3,2,1,1,1,1 --finds 86\n  \
(12 modes were found once, 5 twice, 4 three times, and so on: 86 finds)"
    )]
    Species(SpeciesArgs),
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

/// `nines stats compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// How many completions both classifiers looked at
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 53))]
    pub n: u64,
    /// How many of them only the old classifier accepts
    #[arg(long, value_name = "N")]
    pub old_only: u64,
    /// How many of these, drawn at random, were labelled
    #[arg(long, value_name = "N")]
    pub old_labelled: u64,
    /// How many of the labelled are catastrophes
    #[arg(long, value_name = "K")]
    pub old_failures: u64,
    /// How many only the new classifier accepts
    #[arg(long, value_name = "N")]
    pub new_only: u64,
    /// How many of these, drawn at random, were labelled
    #[arg(long, value_name = "N")]
    pub new_labelled: u64,
    /// How many of the labelled are catastrophes
    #[arg(long, value_name = "K")]
    pub new_failures: u64,
    /// How sure the intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = between_0_and_1)]
    pub confidence: f64,
}

/// `nines stats species`.
#[derive(Debug, Args)]
pub struct SpeciesArgs {
    /// How many modes were found once, twice, three times and so on
    #[arg(long, value_name = "MODES", value_delimiter = ',', required = true)]
    pub counts: Vec<u64>,
    /// How many finds that makes: a check of what was typed
    #[arg(long, value_name = "N")]
    pub finds: Option<u64>,
    /// How sure the intervals are to be
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
