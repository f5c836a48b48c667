//! What can be chosen from.

use super::LeftOut;
use crate::cli::{ChooseArgs, PoolArg, SplitArg};
use crate::commands::import;
use crate::data;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_measure::acquisition::{Mixture, Strategy};
use nines_store::{Origin, Snippet, SnippetFilter};

/// Snippets that can be chosen, in an order that depends on their texts alone.
pub struct Read {
    /// The snippets.
    pub snippets: Vec<Snippet>,
    /// What was left out, and why.
    pub left_out: LeftOut,
}

impl Read {
    /// Names the pool by its texts.
    pub fn digest(&self) -> String {
        let hashes: Vec<String> = self.snippets.iter().map(|s| s.hash.to_string()).collect();
        let hashes: Vec<&str> = hashes.iter().map(String::as_str).collect();
        ContentHash::of_fields("selection pool", &hashes).to_string()
    }
}

/// Reads what can be chosen from: snippets without a label, or those with one where they are labelled again.
pub async fn read(
    project: &Project,
    args: &ChooseArgs,
    mixture: &Mixture,
    output: &Output,
) -> Result<Read> {
    let seed = project.config.project.split_seed;
    let again = mixture.has(Strategy::Relabel);
    let mut snippets = match &args.from {
        Some(file) => {
            let hashes = import::snippets_of(project, file).await?;
            let mut found = project.store.snippets_by_hash(&hashes).await?;
            found.retain(|snippet| snippet.labels.is_empty() != again);
            found
        }
        None => {
            let filter = SnippetFilter {
                labelled: Some(again),
                origins: match args.pool {
                    // What has a label was mostly brought by a file.
                    None if again => vec![Origin::Generate, Origin::Import],
                    None | Some(PoolArg::Generated) => vec![Origin::Generate],
                    Some(PoolArg::Imported) => vec![Origin::Import],
                    Some(PoolArg::All) => vec![Origin::Generate, Origin::Import],
                },
                ..SnippetFilter::default()
            };
            project.store.snippets(&filter).await?
        }
    };
    let mut left_out = LeftOut::new();
    if let Some(wanted) = split(args.split) {
        leave_out(&mut snippets, &mut left_out, "of other splits", |s| {
            s.split(seed) == wanted
        });
    }
    if args.split != SplitArg::Train && mixture.is_by_score() {
        output.note(
            "caution: what a score chooses teaches in the train split, and measures in none; labels are best spent \
             there",
        );
    }
    // Finds and edits have a queue of their own.
    leave_out(
        &mut snippets,
        &mut left_out,
        "found by attacks or edited",
        |s| !matches!(s.origin, Origin::Attack | Origin::Edit),
    );
    let cut_off = project.store.unfinished_snippets().await?;
    leave_out(&mut snippets, &mut left_out, "cut off unfinished", |s| {
        s.origin != Origin::Generate || !cut_off.contains(&s.id)
    });
    if !args.again && !again {
        leave_out(&mut snippets, &mut left_out, "chosen before", |s| {
            !s.chosen.is_any()
        });
    }
    if again {
        // Nothing can be surprising about a label that says neither.
        leave_out(&mut snippets, &mut left_out, "without a verdict", |s| {
            data::broad(s).is_some()
        });
    }
    if snippets.is_empty() {
        let left = super::shown::left_out(&left_out);
        match again {
            true => bail!("no labelled snippet can be labelled again{left}"),
            false => bail!(
                "there is nothing to choose from{left}; make some: nines generate --split {}, or name a file with --from",
                split_word(args.split)
            ),
        }
    }
    snippets.sort_by_key(|snippet| snippet.hash);
    Ok(Read { snippets, left_out })
}

/// Keeps what may stay, and counts the rest.
pub fn leave_out(
    snippets: &mut Vec<Snippet>,
    left_out: &mut LeftOut,
    why: &'static str,
    stays: impl Fn(&Snippet) -> bool,
) {
    let before = snippets.len();
    snippets.retain(stays);
    let gone = (before - snippets.len()) as u64;
    if gone > 0 {
        *left_out.entry(why).or_default() += gone;
    }
}

/// The split that an argument names; none for all.
pub fn split(arg: SplitArg) -> Option<Split> {
    match arg {
        SplitArg::Train => Some(Split::Train),
        SplitArg::Validation => Some(Split::Validation),
        SplitArg::Calibration => Some(Split::Calibration),
        SplitArg::Test => Some(Split::Test),
        SplitArg::All => None,
    }
}

/// The word by which commands know a split.
pub fn split_word(arg: SplitArg) -> &'static str {
    split(arg).map_or("all", Split::as_str)
}
