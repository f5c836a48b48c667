//! Choosing what is labelled next: `nines select`.

use super::{SplitArg, share};
use clap::{Args, Subcommand, ValueEnum};
use nines_measure::acquisition::Mixture;
use std::path::PathBuf;

/// `nines select`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SelectArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<SelectCommand>,
    /// A selection
    #[command(flatten)]
    pub choose: ChooseArgs,
}

/// What else `nines select` does.
#[derive(Debug, Subcommand)]
pub enum SelectCommand {
    /// List the selections, and how many of each wait for a label
    List,
    /// Show a selection: how it was made, and every item with its probability
    Show {
        /// Its number
        id: i64,
    },
    /// Compare strategies with random at equal label cost, on snippets that are labelled already
    #[command(
        after_help = "Examples:\n  nines select compare --results active --seeds 0,1,2\n  \
nines select compare --results active --table-only --markdown\n\
Labels that are there stand for labellers: a strategy sees one only after choosing it. What is there is not\n\
trained again; the same command goes on where it was stopped."
    )]
    Compare(Box<SelectCompareArgs>),
}

/// Which snippets are chosen.
#[derive(Debug, Clone, Args)]
pub struct ChooseArgs {
    /// How many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub n: u32,
    /// How: random, near-threshold, disagreement, diverse or relabel
    #[arg(long, conflicts_with = "mix", default_value = "near-threshold")]
    pub strategy: Mixture,
    /// Several strategies at once, with their shares, such as near-threshold=0.5,random=0.5
    #[arg(long, value_name = "STRATEGY=SHARE,...")]
    pub mix: Option<Mixture>,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// The classifiers whose disagreement counts, comma-separated; at least 2
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub classifiers: Vec<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// Choose among the snippets of this file, which are imported (default: those of the project)
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Which of the project's snippets (default: generated; relabel chooses among all that are labelled)
    #[arg(long, value_enum, conflicts_with = "from")]
    pub pool: Option<PoolArg>,
    /// Only snippets of this split: what a score chose must not stand in those that measure; relabel takes train
    /// alone
    #[arg(long, value_enum, default_value = "train")]
    pub split: SplitArg,
    /// How much likelier high ranks are: the r-th weighs r^(-FOCUS); 0 is random
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub focus: f64,
    /// Scores of this run of `nines train classifier --cross-validate`, for relabel: a classifier is rarely
    /// surprised by what it was trained on
    #[arg(long, value_name = "RUN")]
    pub out_of_fold: Option<i64>,
    /// Choose anew what an earlier selection chose, although its label waits
    #[arg(long)]
    pub again: bool,
    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The name of the queue (default: how it was chosen)
    #[arg(long)]
    pub name: Option<String>,
    /// How many people are asked about each item
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub overlap: u32,
    /// Only say what would be chosen; scores that this needs are kept
    #[arg(long)]
    pub dry_run: bool,
}

/// Which of the project's snippets can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolArg {
    /// What the project's generator wrote
    Generated,
    /// What files brought
    Imported,
    /// Both
    All,
}

/// `nines select compare`.
#[derive(Debug, Clone, Args)]
pub struct SelectCompareArgs {
    /// Where results lie, one file a training
    #[arg(long, value_name = "DIR")]
    pub results: PathBuf,
    /// The strategies or mixtures, separated by semicolons; random is always among them
    #[arg(
        long,
        value_delimiter = ';',
        default_value = "random;near-threshold;diverse;disagreement;near-threshold=0.5,random=0.5"
    )]
    pub strategies: Vec<Mixture>,
    /// Labels at each step, comma-separated, rising; the first are drawn at random
    #[arg(long, value_delimiter = ',', default_value = "50,100,200,400,800")]
    pub budgets: Vec<usize>,
    /// Seeds, comma-separated: each starts from other labels
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    pub seeds: Vec<u64>,
    /// The base model (default: nines.toml)
    #[arg(long)]
    pub base: Option<String>,
    /// Passes over the labels
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub epochs: u32,
    /// Updates at least, so that few labels are passed over more often
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub steps: u64,
    /// Snippets a step
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batch: u32,
    /// Largest learning rate
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Train encoder layers from this one up; the embeddings stay as they are
    #[arg(long)]
    pub from_layer: Option<usize>,
    /// Labels that validate beside the budget, the same for all
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..))]
    pub validation: u32,
    /// Snippets that can be chosen, drawn at random from those of the training families (default: all)
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    pub pool: Option<u32>,
    /// Classifiers whose disagreement counts, trained with seeds of their own
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=16))]
    pub committee: u32,
    /// How much likelier high ranks are
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub focus: f64,
    /// The recall at 80 % acceptance for which labels are counted (default: what random reaches with the
    /// most labels)
    #[arg(long, value_parser = share)]
    pub recall: Option<f64>,
    /// Stop after so many new trainings
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Replace results of other rows, recipes or budgets that lie under the same names
    #[arg(long)]
    pub again: bool,
    /// Train nothing; compare the results that there are
    #[arg(long)]
    pub table_only: bool,
    /// Write the table as Markdown
    #[arg(long)]
    pub markdown: bool,
}
