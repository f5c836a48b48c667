//! The command line: types only. Each command's work is in [`crate::commands`].

mod attack;
mod classifier;
mod data;
mod filter;
mod measure;
mod project;
mod report;
mod select;
mod simulate;
mod stats;
mod sweep;
mod techniques;
mod unfamiliarity;
mod workbench;

pub use attack::{
    AttackArgs, AttackCommand, AttackRunArgs, AttackShowArgs, OwnSnippetArgs, SaliencyArgs,
    SaliencyMethodArg, SubstitutesArgs,
};
pub use classifier::{
    CalibrateArgs, CatastrophesArg, CombineArg, CreateEnsembleArgs, EnsembleCommand, LongArg,
    PoolingArg, ScoreArgs, TeacherArgs, TrainArgs, TrainCommand,
};
#[cfg(test)]
pub use data::LabellerKindArg;
pub use data::{ExportCommand, ImportArgs, ImportCommand, LabelCommand, QueueArg};
pub use filter::{FilterArgs, GenerateArgs, LawArg, SamplingArgs};
pub use measure::{
    AddDistributionArgs, AllocationArg, AttackTimeArgs, CompareFiltersArgs, ConfidenceArgs,
    DistributionBy, DistributionCommand, FrameArgs, LeakArgs, LeakPlanArgs, MeasureCommand,
    QualityDesignArgs, StyleArgs, TighteningArgs, UnderstandingArgs,
};
pub use project::{DemoArgs, InitArgs, ModelsCommand};
pub use report::ReportArgs;
pub use select::{ChooseArgs, PoolArg, SelectArgs, SelectCommand, SelectCompareArgs};
pub use simulate::{CheckArgs, NewArgs, SimulateCommand, SimulatedLabelArgs};
pub use stats::{
    AgreementArgs, CompareArgs, Input, IntervalArgs, MetricArg, PlanArgs, QualityArgs, SpeciesArgs,
    StatsCommand, StratifiedArgs, SurvivalArgs,
};
pub use sweep::{SweepCommand, SweepRunArgs, SweepTableArgs};
pub use techniques::{AveragingArg, KeepArg, LossArg, TechniqueArgs};
pub use unfamiliarity::{
    CautionArgs, FitArgs, MeasureUnfamiliarityArgs, UnfamiliarityCommand, UnfamiliarityKind,
};
pub use workbench::{AccountsCommand, RunRef, RunsCommand, ServeArgs};

use crate::config::PrecisionChoice;
use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where help lists the options that every command has.
const EVERYWHERE: &str = "For every command";

/// Makes a text generator never do one thing, and says honestly how sure that is.
#[derive(Debug, Parser)]
#[command(name = "nines", version, max_term_width = 100)]
#[command(
    after_help = "Start with `nines demo`, or with `nines init my-project`.\n\
Exit status: 0 done, 1 failed, 2 bad usage, 130 interrupted (what is done is kept)."
)]
pub struct Cli {
    /// The project folder (default: the current one)
    #[arg(long, global = true, env = "NINES_PROJECT", hide_env_values = true)]
    #[arg(value_name = "DIR", help_heading = EVERYWHERE)]
    pub project: Option<PathBuf>,
    /// Print the result as JSON on standard output, for machines
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
    /// No progress bars
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
    /// What models multiply in: fastest, f32 or bf16 (default: nines.toml)
    #[arg(long, global = true, env = "NINES_PRECISION", hide_env_values = true)]
    #[arg(value_enum, hide_possible_values = true, value_name = "PRECISION", help_heading = EVERYWHERE)]
    pub precision: Option<PrecisionChoice>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new project: predicate, configuration, empty database
    #[command(after_help = "Example:\n  nines init my-project\n  nines init my-project --starter")]
    Init(InitArgs),
    /// Bring models into the cache that projects share
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Bring prompts, snippets or labels into the project
    #[command(subcommand)]
    Import(ImportCommand),
    /// Draw completions for prompts
    #[command(after_help = "Example:\n  nines generate --n 4 --split calibration\n\
An interrupted run goes on when the same command is given again.")]
    Generate(GenerateArgs),
    /// Train models
    #[command(subcommand)]
    Train(TrainCommand),
    /// Join several classifiers into one scorer
    #[command(subcommand)]
    Ensemble(EnsembleCommand),
    /// Measure how far snippets lie from what is known: a second condition of the filter
    #[command(subcommand)]
    Unfamiliarity(UnfamiliarityCommand),
    /// Compare many ways of training on the same folds
    #[command(subcommand)]
    Sweep(SweepCommand),
    /// Choose a threshold from held-out data, by a stated rule
    #[command(
        after_help = "Examples:\n  nines calibrate\n  nines calibrate --recall 0.9 --confidence 0\n  nines calibrate --acceptance 0.5"
    )]
    Calibrate(CalibrateArgs),
    /// Draw until the classifier accepts one completion, or abstain
    #[command(
        after_help = "Examples:\n  nines filter --show-all \"The knight raised his sword.\"\n  \
nines filter --file prompts.jsonl --out answers.jsonl\n  nines filter            (asks for prompts)"
    )]
    Filter(FilterArgs),
    /// Score a file of snippets, or those of the project
    #[command(
        after_help = "Examples:\n  nines score corpus.jsonl --out scored.jsonl\n  nines score --stored\n\
Rows come back in their order with `score` (logit), `p`, `accepted` and `classifier`; rows that\n\
cannot be scored go to scored.jsonl.bad.jsonl, with the reason."
    )]
    Score(ScoreArgs),
    /// Choose what to label next so that a classifier learns most from it
    #[command(
        after_help = "Examples:\n  nines select --n 200\n  nines select --strategy disagreement --classifiers first@1,second@1\n  \
nines select --mix near-threshold=0.5,random=0.5 --n 400 --seed 1\n  nines select --strategy relabel --out-of-fold 7\n\
The queue is stored before anybody labels it, with the probability of every item; label it in the browser\n\
(nines serve) or with nines label export --queue select."
    )]
    Select(Box<SelectArgs>),
    /// Move labelling batches out and in
    #[command(subcommand)]
    Label(LabelCommand),
    /// Measure leak, quality, attacks and labels, each number with its interval
    #[command(subcommand)]
    Measure(MeasureCommand),
    /// Attack a classifier: look for catastrophes that it accepts, by recipe
    #[command(
        after_help = "Examples:\n  nines attack recipes\n  nines attack hotflip --limit 50\n  nines attack show 12\n\
An attack tells what it tried, what it cost and what it found; only labels by others say what of \
that is a success."
    )]
    Attack(Box<AttackArgs>),
    /// Write all that is known of the project to one page, each number with its interval
    #[command(
        after_help = "Examples:\n  nines report\n  nines report --out report.html --json-out report.json --replace\n\
The page needs nothing else: no network, no script. It loads no model and changes nothing."
    )]
    Report(ReportArgs),
    /// Write snippets, labels, scores or a classifier to files that other tools read
    #[command(subcommand)]
    Export(ExportCommand),
    /// Rehearse measuring in a synthetic world where the truth is known
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Intervals and plans for counts of your own; needs no project
    #[command(subcommand)]
    Stats(StatsCommand),
    /// Serve the workbench to browsers: play, label, compare, data, people, runs, reliability
    #[command(
        after_help = "Examples:\n  nines serve\n  nines serve --listen 127.0.0.1:8000\n  \
nines serve --listen 0.0.0.0:7420 --origin https://nines.example.org\n\
It listens on this machine alone unless told otherwise. The first start prints a link, good once, \
that makes the first account."
    )]
    Serve(ServeArgs),
    /// Let somebody in again who forgot their password
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Do the main job on the starter project, from nothing to a filtered generator
    #[command(after_help = "Example:\n  nines demo --project demo --no-serve")]
    Demo(DemoArgs),
    /// List what has run and runs, stop it
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Say what works on this machine and what to do about the rest
    Doctor,
}

/// A share that leaves something on both sides.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        Ok(_) => Err("it must lie between 0 and 1, ends excluded".to_owned()),
        Err(_) => Err("it is no number; write a share such as 0.15".to_owned()),
    }
}

/// A confidence: a share, or 0 for none.
fn confidence(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(0.0) => Ok(0.0),
        _ => share(text),
    }
}

/// A name that is also a file's name, and leaves `@` to the version.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.chars().all(is_plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(
            "a name begins with a letter or a digit and has only letters, digits, '-', '_' and '.'"
                .to_owned(),
        )
    }
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitArg {
    /// 60 % of the prompt families
    Train,
    /// 10 %
    Validation,
    /// 15 %
    Calibration,
    /// 15 %
    Test,
    /// Every prompt
    All,
}
