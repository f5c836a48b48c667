//! `nines simulate check`: the whole protocol, again and again, through the database as a user runs
//! it; how often do its intervals hold the truth?

use super::label::{answer, rate};
use super::truth::{exact, values};
use crate::cli::{AllocationArg, CheckArgs, FrameArgs, LeakArgs, QualityDesignArgs, QueueArg};
use crate::commands::measure;
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use crate::shown::{Towards, rate as written};
use anyhow::{Context, Result, bail};
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::binomial::cdf;
use nines_stats::interval::clopper_pearson;
use nines_store::StoreUrl;
use nines_world::generator::World;
use nines_world::labeller::{Labeller, Rater};
use nines_world::preference::Preference;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// A promise counts as broken when chance would break it as badly once in so many checks.
const CHANCE: f64 = 1e-4;

#[derive(Serialize)]
struct Checked {
    repetitions: u64,
    confidence: f64,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    quantity: &'static str,
    truth: f64,
    /// How often the interval held the truth.
    held: Estimate,
    mean_value: f64,
    mean_width: f64,
    /// The interval held the truth so seldom that chance does not explain it.
    broken: bool,
}

/// What the repetitions found of one quantity.
#[derive(Default)]
struct Tally {
    n: u64,
    held: u64,
    value: f64,
    width: f64,
}

/// Runs `nines simulate check`.
pub async fn run(
    project: &Project,
    world: &World,
    args: &CheckArgs,
    output: &Output,
) -> Result<()> {
    // In a copy: what a check draws and labels is nobody's business afterwards, and what is there already
    // is no part of it.
    let folder = tempfile::tempdir().context("cannot make a folder for the copy")?;
    let project = &copy(project, folder.path()).await?;
    let (exact, _) = exact(project, world, &args.distribution, output).await?;
    let truths = values(&exact);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut progress = Progress::new(output, "repeat", args.repetitions);
    let silent = Output::new(false, true);
    for repetition in 0..args.repetitions {
        let before = newest(project).await?;
        protocol(project, args, args.seed + repetition, &silent).await?;
        for stored in project.store.estimates(None).await? {
            let Some((name, truth)) = truths.iter().find(|(q, _)| *q == stored.new.quantity) else {
                continue;
            };
            if stored.id.0 <= before {
                continue;
            }
            let found = &stored.new.estimate;
            let tally = tallies.entry(name).or_default();
            tally.n += 1;
            tally.held += u64::from(found.lower <= *truth && *truth <= found.upper);
            tally.value += found.value.unwrap_or(0.0);
            tally.width += found.upper - found.lower;
        }
        progress.set(repetition + 1, "repetitions");
    }
    progress.finish("all repetitions");
    let mut rows = Vec::new();
    for (quantity, truth) in truths {
        let Some(tally) = tallies.get(quantity) else {
            continue;
        };
        let n = tally.n as f64;
        rows.push(Row {
            quantity,
            truth,
            held: estimate(clopper_pearson(tally.held, tally.n, 0.95)?),
            mean_value: tally.value / n,
            mean_width: tally.width / n,
            broken: cdf(tally.held, tally.n, args.confidence)? < CHANCE,
        });
    }
    let checked = Checked {
        repetitions: args.repetitions,
        confidence: args.confidence,
        rows,
    };
    output.result(&checked, || words(&checked));
    if let Some(row) = checked.rows.iter().find(|row| row.broken) {
        bail!(
            "the intervals of {} hold the truth in {} only, and promise {}",
            row.quantity,
            written(row.held.value.unwrap_or(0.0), Towards::Nearest),
            args.confidence
        );
    }
    Ok(())
}

/// Copies a project that has its rows in a file of its own folder.
async fn copy(project: &Project, to: &Path) -> Result<Project> {
    if !matches!(project.store.url(), StoreUrl::Sqlite(_)) {
        bail!(
            "`simulate check` works in a copy of the project's database file, and this one has its rows in \
             PostgreSQL; make another with `nines simulate new DIR`"
        );
    }
    copy_folder(&project.folder, to)?;
    let copied = Project::open(to).await?;
    Ok(copied.with_precision(Some(project.config.classifier.precision)))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), &place)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

async fn newest(project: &Project) -> Result<i64> {
    let all = project.store.estimates(None).await?;
    Ok(all.last().map_or(0, |e| e.id.0))
}

/// Plans, labels and measures once, as a user would.
async fn protocol(project: &Project, args: &CheckArgs, seed: u64, silent: &Output) -> Result<()> {
    let frame = FrameArgs {
        classifier: None,
        threshold: None,
        caution: crate::cli::CautionArgs::default(),
        budget: None,
        tighten: None,
        distribution: args.distribution.clone(),
        answers: Some(args.answers),
        seed,
        confidence: args.confidence,
    };
    let leak = |labels| LeakArgs {
        frame: frame.clone(),
        leak: None,
        labels,
        strata: 5,
        allocation: AllocationArg::Mixed,
    };
    measure::draw_leak(project, &leak(Some(args.labels)), silent).await?;
    for name in ["ada", "bea"] {
        answer(project, &Labeller::perfect(name), QueueArg::Leak, u64::MAX).await?;
    }
    measure::measure_leak(project, &leak(None), silent).await?;
    let quality = QualityDesignArgs {
        frame,
        pairs: Some(args.pairs),
        curve: Vec::new(),
    };
    measure::draw_quality(project, &quality, silent).await?;
    // Taste differs from repetition to repetition, so that raters are no part of what is fixed.
    let rater = Rater::fair(&format!("rater {seed}"), Preference::default());
    rate(project, &rater, u64::MAX).await?;
    measure::measure_quality(project, &quality, silent).await?;
    Ok(())
}

fn words(checked: &Checked) -> String {
    let mut text = format!(
        "{} repetitions of the whole protocol in a copy of the project; intervals promise {} %.\n{:<28} {:>10} {:>10} {:>10}  held\n",
        checked.repetitions,
        crate::shown::percent(checked.confidence),
        "",
        "truth",
        "mean",
        "width"
    );
    for row in &checked.rows {
        let _ = writeln!(
            text,
            "{:<28} {:>10} {:>10} {:>10}  {} of {}{}",
            row.quantity,
            written(row.truth, Towards::Nearest),
            written(row.mean_value, Towards::Nearest),
            written(row.mean_width, Towards::Nearest),
            measure::shown(&row.held),
            row.held.n,
            if row.broken { "  BROKEN" } else { "" }
        );
    }
    text
}
