//! `nines select`: what is labelled next so that a classifier learns most from it.

mod compare;
mod pool;
mod shown;
mod states;
mod waiting;
mod worth;

pub use pool::split_word;
pub use waiting::open_items;

use super::BadUsage;
use crate::cli::{ChooseArgs, SelectArgs, SelectCommand, SplitArg};
use crate::output::Output;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Result, bail};
use nines_domain::snippet::ContentHash;
use nines_measure::acquisition::{Draw, Mixture, Pool, Strategy, draw};
use nines_store::{Among, NewAcquiredItem, NewAcquisition};
use serde_json::json;
use shown::{Chosen, ChosenItem};
use std::collections::BTreeMap;

/// The kind of run that a selection is.
const KIND: &str = "select";

/// Runs `nines select`.
pub async fn run(project: &Project, args: SelectArgs, output: &Output) -> Result<()> {
    match args.command {
        None => choose(project, args.choose, output).await,
        Some(SelectCommand::List) => shown::list(project, output).await,
        Some(SelectCommand::Show { id }) => shown::show(project, id, output).await,
        Some(SelectCommand::Compare(args)) => compare::run(project, *args, output).await,
    }
}

/// Chooses, stores what was chosen, and fills its queue.
async fn choose(project: &Project, args: ChooseArgs, output: &Output) -> Result<()> {
    let mixture = args.mix.clone().unwrap_or_else(|| args.strategy.clone());
    check(&args, &mixture)?;
    let cancel = interrupt::flag()?;
    let read = pool::read(project, &args, &mixture, output).await?;
    let config = json!({ "strategy": mixture.to_string(), "n": args.n, "seed": args.seed, "focus": args.focus,
        "classifier": args.classifier, "classifiers": args.classifiers, "threshold": args.threshold,
        "out_of_fold": args.out_of_fold, "pool": read.digest() });
    let run = runs::begin(project, output, KIND, config, Some(args.seed))
        .await?
        .id;
    let work = async {
        let ranked = worth::rank(project, &args, &mixture, read, run, &cancel, output).await?;
        if cancel.is_cancelled() {
            // Another choice would come of half of the scores.
            bail!("not everything was scored");
        }
        let chosen = drawn(project, &args, mixture, ranked).await?;
        let result = json!({ "selection": chosen.selection, "queue": chosen.queue, "items": chosen.items.len() });
        Ok((chosen, result))
    };
    let chosen = runs::conclude(project, run, &cancel, work).await?;
    output.result(&chosen, || shown::words(&chosen));
    Ok(())
}

/// Refuses options that do not belong together.
fn check(args: &ChooseArgs, mixture: &Mixture) -> Result<()> {
    let disagrees = mixture.has(Strategy::Disagreement);
    let relabels = mixture.has(Strategy::Relabel);
    let by_one = match args.out_of_fold {
        Some(_) => false,
        None => mixture
            .shares()
            .any(|(strategy, _)| !matches!(strategy, Strategy::Random | Strategy::Disagreement)),
    };
    let wrong = match () {
        () if disagrees && args.classifiers.len() < 2 => {
            "disagreement needs at least two classifiers: --classifiers NAME,NAME"
        }
        () if !disagrees && !args.classifiers.is_empty() => {
            "--classifiers is for disagreement; name one classifier with --classifier"
        }
        () if args.out_of_fold.is_some() && !relabels => "--out-of-fold is for relabel",
        () if args.classifier.is_some() && !by_one => {
            "--classifier has no effect here: random asks no classifier, disagreement takes --classifiers, and \
             --out-of-fold has scores of its own; leave it out"
        }
        () if args.pool.is_some() && relabels => {
            "--pool is for what has no label; relabel chooses among all labelled snippets of the split, and --from \
             narrows them to a file's"
        }
        () if args.again && relabels => {
            "--again has no effect here: relabel chooses anew whatever was chosen before; leave it out"
        }
        () if args.split != SplitArg::Train && relabels => {
            "relabel chooses in the train split alone: in another it would correct only what counts against the \
             classifier, and metrics and thresholds would flatter it; for those splits, label again at random"
        }
        () if args.from.is_some() && args.dry_run => {
            "--dry-run stores no selection, and --from imports its file first; import it with nines import \
             snippets, and rehearse with --pool imported"
        }
        () if args.threshold.is_some() && !mixture.has(Strategy::NearThreshold) => {
            "--threshold is for near-threshold"
        }
        () if !(0.0..=20.0).contains(&args.focus) => "--focus must lie from 0 to 20",
        () => return Ok(()),
    };
    bail!(BadUsage(wrong.to_owned()))
}

/// Draws from a ranked pool, and stores the selection unless it is only a rehearsal.
async fn drawn(
    project: &Project,
    args: &ChooseArgs,
    mixture: Mixture,
    ranked: worth::Ranked,
) -> Result<Chosen> {
    let asked = Draw {
        n: args.n as usize,
        mixture,
        focus: args.focus,
        seed: args.seed,
    };
    let size = ranked.snippets.len();
    let by_score = asked.mixture.is_by_score();
    let pool = Pool {
        size,
        worths: ranked.worths,
        states: ranked.states,
        labelled: ranked.labelled,
    };
    if asked.n > size {
        bail!(
            "{} were asked for, and {} can be chosen{}; ask for fewer, or make more with nines generate --split {}",
            args.n,
            size,
            shown::left_out(&ranked.left_out),
            pool::split_word(args.split)
        );
    }
    let found = draw(&asked, &pool)?;
    let worth_of = |place: usize| {
        let first = pool.worths.values().next();
        first.map(|worths| worths[place])
    };
    let mut items: Vec<ChosenItem> = found
        .iter()
        .map(|drawn| {
            let snippet = &ranked.snippets[drawn.place];
            ChosenItem {
                snippet: snippet.id.0,
                hash: snippet.hash,
                probability: drawn.probability,
                worth: worth_of(drawn.place),
                why: ranked.why[drawn.place].clone(),
                text: snippet.text.clone(),
            }
        })
        .collect();
    // Mixed, so that nobody who labels sees which were wanted most, and every beginning is a draw of the same kind.
    let seed = args.seed.to_string();
    items.sort_by_cached_key(|item| {
        ContentHash::of_fields("selection order", &[&seed, &item.hash.to_string()])
    });
    let strategy = asked.mixture.to_string();
    let mut chosen = Chosen {
        selection: None,
        queue: None,
        name: args
            .name
            .clone()
            .unwrap_or_else(|| format!("Chosen by {strategy}")),
        strategy,
        by_score,
        size: size as u64,
        left_out: ranked.left_out,
        focus: args.focus,
        seed: args.seed,
        about: ranked.about,
        items,
    };
    if !args.dry_run {
        let among = match () {
            () if asked.mixture.has(Strategy::Relabel) => Among::All,
            () if args.again => Among::Unlabelled,
            () => Among::Untouched,
        };
        store(project, args, among, &mut chosen).await?;
    }
    Ok(chosen)
}

async fn store(
    project: &Project,
    args: &ChooseArgs,
    among: Among,
    chosen: &mut Chosen,
) -> Result<()> {
    let record = json!({ "about": chosen.about, "pool": chosen.size, "left_out": chosen.left_out,
        "focus": chosen.focus, "seed": chosen.seed });
    let items = chosen.items.iter().map(|item| NewAcquiredItem {
        snippet: nines_domain::snippet::SnippetId(item.snippet),
        probability: item.probability,
        worth: item.worth,
    });
    let stored = project
        .store
        .acquire(&NewAcquisition {
            strategy: chosen.strategy.clone(),
            by_score: chosen.by_score,
            record,
            name: chosen.name.clone(),
            overlap: args.overlap,
            among,
            items: items.collect(),
        })
        .await?;
    (chosen.selection, chosen.queue) = (Some(stored.id), Some(stored.queue));
    Ok(())
}

/// How many snippets were left out of a pool, by reason.
pub type LeftOut = BTreeMap<&'static str, u64>;
