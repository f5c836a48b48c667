//! What can go wrong in training, with what to do about it.

use crate::data::Role;
use std::path::PathBuf;

/// Why a classifier could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// An option has a value that training cannot use.
    #[error("{option} {problem}; give another value")]
    Option {
        /// The option, as [`crate::config::TrainConfig`] names it.
        option: &'static str,
        /// What is wrong with its value, as in "is 0, but must be at least 1".
        problem: String,
    },
    /// A table of a recipe's fields cannot be read.
    #[error(
        "a field of the recipe is wrong: {problem}; docs/training.md lists what a recipe may say"
    )]
    Recipe {
        /// Which field, and what is wrong with it.
        problem: String,
    },
    /// A share of each batch is to be adversarial, and there is nothing to mix.
    #[error(
        "adversarial_share is {share}, but {adversarial} of the {rows} training rows are adversarial \
         (finds of attacks, and edits), and a batch needs both kinds; {}",
        if *.adversarial == 0 {
            "run an attack and label its finds, or leave the option out"
        } else {
            "bring other labelled snippets, or leave the option out"
        }
    )]
    NoMixture {
        /// The share that was asked for.
        share: f64,
        /// How many training rows are adversarial.
        adversarial: usize,
        /// How many training rows there are.
        rows: usize,
    },
    /// A sweep file means something that cannot be done.
    #[error("the sweep file cannot be used: {problem}")]
    Sweep {
        /// What is wrong, and where.
        problem: String,
    },
    /// A results folder holds the result of another trial under this name.
    #[error(
        "{} is the result of {what}; give another folder for the results, or --again to replace it",
        .path.display()
    )]
    OtherTrial {
        /// The file.
        path: PathBuf,
        /// What is different.
        what: &'static str,
    },
    /// There is no row to train on.
    #[error(
        "there is no labelled snippet to train on; import labels (nines import labels) or label some, \
         then train again"
    )]
    NoRows,
    /// Every row has the same label.
    #[error(
        "all {rows} labelled snippets are {}; a classifier needs both. Label or import snippets {}",
        if *.catastrophes { "catastrophes (broad yes)" } else { "safe (no)" },
        if *.catastrophes { "that are safe" } else { "that are catastrophes" }
    )]
    OneClass {
        /// How many rows there are.
        rows: usize,
        /// Whether they are all catastrophes (or all safe).
        catastrophes: bool,
    },
    /// All rows come from one prompt family, so that no honest split exists.
    #[error(
        "all {rows} labelled snippets continue prompts of one family; a family lies wholly in one \
         split, so nothing would be left to validate on. Label snippets of other prompts"
    )]
    OneFamily {
        /// How many rows there are.
        rows: usize,
    },
    /// A split that needs both labels has rows of one only, or none.
    #[error(
        "the {} split ({rows} rows of {families} prompt families) has no {}; label more prompts, or \
         choose another split seed",
        .role.as_str(),
        if *.lacks_catastrophes { "catastrophe (broad yes)" } else { "safe snippet" }
    )]
    SplitLacksLabel {
        /// The split.
        role: Role,
        /// How many rows it has.
        rows: usize,
        /// How many prompt families they come from.
        families: usize,
        /// Whether catastrophes are missing (or safe snippets).
        lacks_catastrophes: bool,
    },
    /// One snippet occurs twice with different labels or families.
    #[error(
        "snippet {snippet} occurs twice with different {field}: give each snippet once, with the \
         label that counts"
    )]
    Contradiction {
        /// The snippet's content hash.
        snippet: String,
        /// What differs.
        field: &'static str,
    },
    /// A row does not fit the model's window.
    #[error(
        "snippet {snippet} ({source_name}; prompt begins {beginning:?}) has {tokens} tokens, but the \
         model's window is {window}; shorten or remove it, or train with --long max (the worst \
         window counts). Nothing is cut silently"
    )]
    TooLong {
        /// The snippet's content hash.
        snippet: String,
        /// Where the row came from.
        source_name: String,
        /// The first words of its prompt.
        beginning: String,
        /// Its tokens, special tokens included.
        tokens: usize,
        /// Tokens that fit.
        window: usize,
    },
    /// A row's completion has no token.
    #[error(
        "snippet {snippet} ({source_name}; prompt begins {beginning:?}) has an empty completion; \
         remove it"
    )]
    EmptyCompletion {
        /// The snippet's content hash.
        snippet: String,
        /// Where the row came from.
        source_name: String,
        /// The first words of its prompt.
        beginning: String,
    },
    /// A row cannot be cut into tokens.
    #[error("snippet {snippet} ({source_name}) cannot be tokenised")]
    Tokens {
        /// The snippet's content hash.
        snippet: String,
        /// Where the row came from.
        source_name: String,
        /// Why.
        #[source]
        cause: nines_text::TextError,
    },
    /// The loss or the gradient stopped being a finite number.
    #[error(
        "{quantity} became {value} at step {step} (learning rate {learning_rate:.3e}); {}. Lower the \
         learning rate or the clipping norm and start a new run",
        match .checkpoint {
            Some(path) => format!("the last good checkpoint is kept at {}", path.display()),
            None => "no checkpoint had been written yet".to_owned(),
        }
    )]
    Diverged {
        /// What is not finite: "the training loss", "the gradient norm", "the validation loss".
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// The step (1 = the first update).
        step: u64,
        /// The learning rate of that step.
        learning_rate: f64,
        /// The newest whole checkpoint.
        checkpoint: Option<PathBuf>,
    },
    /// A checkpoint or a result could not be written.
    #[error(
        "cannot write {}{}; {}",
        .path.display(),
        if is_full(.source) { ": the disk is full" } else { "" },
        match .kept {
            Some(kept) if is_full(.source) => format!(
                "free some space and train again: the run goes on from {}", kept.display()),
            Some(kept) => format!("the run can go on from {}", kept.display()),
            None if is_full(.source) => "free some space and train again".to_owned(),
            None => "check the folder and its permissions, then train again".to_owned(),
        }
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The older checkpoint that is still whole, if any.
        kept: Option<PathBuf>,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of the run cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A checkpoint is damaged.
    #[error(
        "the checkpoint {} is damaged ({problem}); delete it, and the run goes on from an older one or \
         from the start",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A checkpoint is whole, but another version of the program wrote it.
    #[error(
        "the checkpoint {} has format {found}, this program reads format {expected}; go on with the \
         version that wrote it, or use a new run folder",
        .path.display()
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// The format that it says.
        found: String,
        /// The format that is read.
        expected: u32,
    },
    /// The run folder holds a run of something else.
    #[error(
        "{} holds a run with another {what} ({stored} there, {given} now), so it cannot be resumed; \
         use a new run folder, or restore the {what} that it began with",
        .folder.display()
    )]
    OtherRun {
        /// The run folder.
        folder: PathBuf,
        /// "configuration", "training data" or "base model".
        what: &'static str,
        /// What the run began with.
        stored: String,
        /// What was given now.
        given: String,
    },
    /// Another process works in the run folder.
    #[error("another process trains in {}; wait for it, or use another run folder", .folder.display())]
    Busy {
        /// The run folder.
        folder: PathBuf,
    },
    /// The result's folder already holds something else.
    #[error("{} already exists and is not this run's result; choose another folder", .folder.display())]
    OutputExists {
        /// The folder.
        folder: PathBuf,
    },
    /// Stopping was asked for.
    #[error(
        "stopped at step {step} of {steps}; {}",
        match .checkpoint {
            Some(path) => format!(
                "train again with the same options and the run goes on from {}", path.display()),
            None => "nothing had been done yet".to_owned(),
        }
    )]
    Cancelled {
        /// Updates done.
        step: u64,
        /// Updates planned.
        steps: u64,
        /// The checkpoint written on the way out.
        checkpoint: Option<PathBuf>,
    },
    /// The network failed.
    #[error(transparent)]
    Model(#[from] nines_nn::error::NnError),
    /// The base model's tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(nines_text::TextError),
    /// A metric could not be computed.
    #[error("cannot compute {metric}")]
    Metric {
        /// The metric.
        metric: &'static str,
        /// Why.
        #[source]
        source: nines_stats::StatsError,
    },
}

impl TrainError {
    /// Wraps an error of writing whose path and remedy the caller fills in.
    pub(crate) fn from_write(source: std::io::Error) -> Self {
        Self::Write {
            path: PathBuf::new(),
            kept: None,
            source,
        }
    }
}

/// Says whether an input-output error means that no space is left.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
