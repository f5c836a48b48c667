//! Rows that come and go: `nines import`, `nines label`, `nines export`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `nines import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Prompts: JSONL, CSV, Parquet, or plain-text books cut into three-sentence prompts
    Prompts(ImportArgs),
    /// Prompts with completions, and labels where the rows carry them
    Snippets(ImportArgs),
    /// Labels of snippets
    Labels(ImportArgs),
    /// Which of two completions raters preferred
    Comparisons(ImportArgs),
    /// Timed attempts to break a filter, with and without a find
    Sessions(ImportArgs),
}

/// What every import takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Skip bad rows, listing them, instead of refusing the file
    #[arg(long)]
    pub skip_bad: bool,
    /// Where the rows come from, kept with them (default: the file's name)
    #[arg(long)]
    pub source: Option<String>,
    /// The format, where the file's name does not tell: jsonl, jsonl.gz, csv, parquet, text
    #[arg(long)]
    pub format: Option<nines_io::Format>,
    /// Who labelled, where the rows do not say
    #[arg(long)]
    pub labeller: Option<String>,
    /// What labelled, where the rows do not say
    #[arg(long, value_enum)]
    pub labeller_kind: Option<LabellerKindArg>,
}

/// A person or a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabellerKindArg {
    /// A human being
    Person,
    /// A model that labels
    Judge,
}

impl From<LabellerKindArg> for nines_domain::label::LabellerKind {
    fn from(kind: LabellerKindArg) -> Self {
        match kind {
            LabellerKindArg::Person => Self::Person,
            LabellerKindArg::Judge => Self::Judge,
        }
    }
}

/// `nines label`.
#[derive(Debug, Subcommand)]
pub enum LabelCommand {
    /// Write snippets that want a label to a file: at random, or the queue of a measurement in its order
    #[command(
        after_help = "Example:\n  nines label export --out batch.jsonl --n 200\n  \
(fill in `verdict`: yes, no or unsure, and `severity` 1 to 3 for a yes)\n  nines label import batch.jsonl --labeller ada\n  nines label export --queue leak --out leak.jsonl"
    )]
    Export {
        /// The file to write (JSONL or CSV)
        #[arg(long)]
        out: PathBuf,
        /// How many (default: 100; with --queue, all that wait)
        #[arg(long)]
        n: Option<usize>,
        /// What a measurement drew to be labelled, in its order, an attack found or `nines select` chose (default: any unlabelled snippets)
        #[arg(long, value_enum, conflicts_with_all = ["disagreements", "seed"])]
        queue: Option<QueueArg>,
        /// The design whose queue it is (with --queue; default: the newest)
        #[arg(long, requires = "queue")]
        design: Option<i64>,
        /// The run whose finds they are (with --queue attack; default: all)
        #[arg(long, requires = "queue")]
        run: Option<i64>,
        /// The selection whose queue it is (with --queue select; default: the newest)
        #[arg(long, requires = "queue")]
        selection: Option<i64>,
        /// Leave out what this labeller has labelled already (with --queue)
        #[arg(long, requires = "queue")]
        labeller: Option<String>,
        /// Whose labels are missing (with --queue): people and judges have queues of their own
        #[arg(long, value_enum, default_value = "person", requires = "queue")]
        labeller_kind: LabellerKindArg,
        /// Also snippets that have labels but ask for another
        #[arg(long)]
        disagreements: bool,
        /// Seed of the order
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Write over a file that is there
        #[arg(long)]
        replace: bool,
    },
    /// Read labels back
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Who labelled, where the rows do not say
        #[arg(long)]
        labeller: Option<String>,
        /// What labelled, where the rows do not say
        #[arg(long, value_enum, default_value = "person")]
        labeller_kind: LabellerKindArg,
        /// Skip bad rows, listing them, instead of refusing the file
        #[arg(long)]
        skip_bad: bool,
    },
}

/// A queue that a measurement filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueueArg {
    /// Answers of the newest `measure leak`
    Leak,
    /// Pairs of the newest `measure quality`
    Quality,
    /// Answers of the newest `measure compare`
    Compare,
    /// Finds of attacks, mixed
    Attack,
    /// What the newest `nines select` chose
    Select,
}

/// `nines export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Snippets with their adjudication, JSONL or Parquet, with a data card beside them
    Snippets {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Labels, one a row
    Labels {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Scores, one a row
    Scores {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// A classifier as a folder that transformers loads, with a model card
    Classifier {
        /// NAME or NAME@VERSION (default: the newest)
        #[arg(long)]
        classifier: Option<String>,
        /// The folder to make
        #[arg(long)]
        out: PathBuf,
    },
    /// A classifier's card as JSON: data, options, curves, metrics with intervals, thresholds, lineage
    Card {
        /// NAME or NAME@VERSION (default: the newest)
        classifier: Option<String>,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}
