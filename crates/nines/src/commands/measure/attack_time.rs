//! `nines measure attack-time`.

mod bounds;
mod gathered;
mod group;

pub use bounds::{compared, mean};
pub use gathered::Gathered;
pub use group::Group;

use super::record::Record;
use super::shown;
use crate::cli::AttackTimeArgs;
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::{Result, bail};
use bounds::{at_least, by_attackers, median};
use group::{Source, Unit};
use nines_domain::estimate::Estimate;
use nines_stats::attack_time::Exposure;
use nines_stats::bootstrap::Bootstrap;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;

#[derive(Serialize)]
struct Found {
    groups: Vec<Told>,
    ratios: Vec<Ratio>,
    estimates: Vec<i64>,
    /// Sessions whose find nobody has verified yet; every interval holds whatever becomes of them.
    waiting: u64,
}

#[derive(Serialize)]
struct Told {
    group: String,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<bool>,
    sessions: usize,
    /// Those whose find nobody has verified yet.
    waiting: u64,
    /// Those that nobody has ended: they count up to now, as ones without a find.
    open: u64,
    attackers: usize,
    /// Finds that somebody other than their author has verified.
    finds: u64,
    /// What time is counted in.
    unit: Unit,
    /// Minutes of attack; none where time is counted in queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes: Option<f64>,
    /// Snippets scored; none where time is counted in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<f64>,
    /// Time until a find, if finds come at a constant rate.
    mean: Estimate,
    /// A lower bound on it.
    at_least: Estimate,
    /// The same with attackers resampled; none with a single attacker or too few finds.
    by_attackers: Option<Estimate>,
    /// Half of the sessions would have a find by then.
    median: Estimate,
}

#[derive(Serialize)]
struct Ratio {
    slower: String,
    faster: String,
    /// How many times longer the first takes, if each has one rate.
    times_longer: Estimate,
    /// The same with attackers resampled; none with too few of them.
    by_attackers: Option<Estimate>,
    /// Of equal rates, if each has one; none while finds wait for a label.
    p_value: Option<f64>,
    /// Whether a coin decided which session is in which group.
    by_coin: bool,
    /// Attackers who are in both groups.
    in_both: usize,
}

/// Runs `nines measure attack-time`.
pub async fn run(project: &Project, args: &AttackTimeArgs, output: &Output) -> Result<()> {
    let (confidence, seed) = (args.confidence.confidence, args.confidence.seed);
    let gathered = Gathered::read(project, &args.attack).await?;
    if gathered.is_empty() {
        bail!(
            "the project has no attack sessions; import them with `nines import sessions FILE` (attacker, group, \
             minutes, found), let people rewrite in the workbench, or name runs with --attack"
        );
    }
    let bootstrap = Bootstrap {
        seed,
        confidence,
        ..Bootstrap::default()
    };
    let groups: Vec<Told> = gathered
        .groups
        .iter()
        .map(|group| Told::of(group, &bootstrap))
        .collect::<Result<_>>()?;
    let mut ratios = Vec::new();
    for (first, second) in gathered.pairs() {
        // The rate of the first over that of the second: how many times longer the second takes.
        if let Some(compared) = compared(first, second, &bootstrap)? {
            ratios.push(Ratio {
                slower: second.name.clone(),
                faster: first.name.clone(),
                times_longer: compared.ratio,
                by_attackers: compared.by_attackers,
                p_value: compared.p_value,
                by_coin: first.source == Source::Coin,
                in_both: first.attackers().intersection(&second.attackers()).count(),
            });
        }
    }
    let stored = stored(project, &groups, &ratios, seed).await?;
    let found = Found {
        waiting: groups.iter().map(|group| group.waiting).sum(),
        groups,
        ratios,
        estimates: stored,
    };
    output.result(&found, || words(&found));
    Ok(())
}

impl Told {
    fn of(group: &Group, bootstrap: &Bootstrap) -> Result<Self> {
        let confidence = bootstrap.confidence;
        let exposure = Exposure::of_sessions(&group.slowest())?;
        let time = |unit| (group.unit == unit).then_some(exposure.time);
        Ok(Self {
            group: group.name.clone(),
            source: group.source,
            task: group.task,
            tools: group.tools,
            sessions: group.sessions.len(),
            waiting: group.waiting(),
            open: group.open,
            attackers: group.attackers().len(),
            finds: exposure.finds,
            unit: group.unit,
            minutes: time(Unit::Minutes),
            queries: time(Unit::Queries),
            mean: mean(group, confidence)?,
            at_least: at_least(group, confidence)?,
            by_attackers: by_attackers(group, bootstrap),
            median: median(group, confidence)?,
        })
    }

    fn time(&self) -> f64 {
        self.minutes.or(self.queries).unwrap_or_default()
    }
}

/// Stores what was computed. Returns the keys of the estimates.
async fn stored(
    project: &Project,
    groups: &[Told],
    ratios: &[Ratio],
    seed: u64,
) -> Result<Vec<i64>> {
    let all: usize = groups.iter().map(|group| group.sessions).sum();
    let mut record = Record::new(project, None, json!({ "sessions": all, "seed": seed }));
    // Of no time at all there is nothing to say.
    for group in groups.iter().filter(|group| group.time() > 0.0) {
        record.about = json!({ "group": group.group, "source": group.source, "task": group.task,
            "tools": group.tools, "sessions": group.sessions, "waiting": group.waiting, "open": group.open,
            "attackers": group.attackers, "finds": group.finds, "unit": group.unit,
            "minutes": group.minutes, "queries": group.queries, "seed": seed });
        let (unit, name) = (group.unit.as_str(), group.unit.quantity());
        let meaning = format!("{unit} of attack until a find, sessions without a find included");
        record.add(&format!("{name}.mean"), &group.mean, &meaning);
        let meaning = format!("a lower bound on the mean {unit} until a find");
        record.add(&format!("{name}.at_least"), &group.at_least, &meaning);
        if let Some(clustered) = &group.by_attackers {
            let meaning = format!("{unit} until a find, with attackers resampled");
            record.add(&format!("{name}.by_attackers"), clustered, &meaning);
        }
    }
    for ratio in ratios {
        record.about = json!({ "slower": ratio.slower, "faster": ratio.faster, "p_value": ratio.p_value,
            "by_coin": ratio.by_coin, "in_both": ratio.in_both, "seed": seed });
        let meaning = "how many times longer the second group takes than the first";
        record.add("attack_time.ratio", &ratio.times_longer, meaning);
        if let Some(clustered) = &ratio.by_attackers {
            let meaning = format!("{meaning}, with attackers resampled");
            record.add("attack_time.ratio_by_attackers", clustered, &meaning);
        }
    }
    let stored = record.store().await?;
    Ok(stored.iter().map(|e| e.id.0).collect())
}

fn words(found: &Found) -> String {
    let mut text = String::new();
    for g in &found.groups {
        let unit = g.unit.as_str();
        let _ = write!(
            text,
            "{}: {} finds in {} sessions of {} attackers, {:.0} {unit}",
            g.group,
            g.finds,
            g.sessions,
            g.attackers,
            g.time()
        );
        if g.waiting > 0 {
            let finds = counted(g.waiting, "find");
            let _ = write!(text, "; {finds} more, not yet verified");
        }
        if g.open > 0 {
            let _ = write!(text, "; {} still open, counted up to now", g.open);
        }
        text.push('\n');
        if g.time() <= 0.0 {
            let _ = writeln!(text, "  no time was recorded, so that nothing follows");
            continue;
        }
        let _ = writeln!(text, "  mean {unit} to a find   {}", shown(&g.mean));
        let _ = writeln!(
            text,
            "  at least                 {:.1} with {} % confidence",
            (g.at_least.lower * 10.0).floor() / 10.0,
            crate::shown::percent(g.at_least.confidence)
        );
        if let Some(clustered) = &g.by_attackers {
            let _ = writeln!(
                text,
                "  attackers resampled      {}  ({})",
                shown(clustered),
                clustered.method
            );
        }
        let _ = writeln!(text, "  median (Kaplan-Meier)    {}", shown(&g.median));
    }
    for r in &found.ratios {
        let _ = write!(
            text,
            "{} takes {} times as long as {}",
            r.slower,
            shown(&r.times_longer),
            r.faster
        );
        match r.p_value {
            Some(p) => {
                let _ = writeln!(text, " (p = {p:.2e}, if each has one rate)");
            }
            None => text.push('\n'),
        }
        if let Some(clustered) = &r.by_attackers {
            let _ = writeln!(
                text,
                "  attackers resampled      {}  ({})",
                shown(clustered),
                clustered.method
            );
        }
        if r.in_both > 0 {
            let who = match r.in_both {
                1 => "1 attacker is".to_owned(),
                n => format!("{n} attackers are"),
            };
            let coin = if r.by_coin { ", as a coin said" } else { "" };
            let _ = writeln!(
                text,
                "  {who} in both groups{coin}; only what is resampled allows for how they differ"
            );
        }
    }
    text.push_str(&notes(found));
    text
}

fn notes(found: &Found) -> String {
    let mut text = String::new();
    let alone = |group: &&Told| matches!(group.source, Source::Assigned | Source::Chosen);
    if found.groups.iter().any(|group| alone(&group)) {
        text.push_str(
            "Sessions with and without tools are compared where a coin decided between them, and nowhere else.\n",
        );
    }
    if found.waiting > 0 {
        let _ = writeln!(
            text,
            "{} for somebody else's label: lower ends count all of them as finds, upper ends none.",
            match found.waiting {
                1 => "1 find waits".to_owned(),
                n => format!("{n} finds wait"),
            }
        );
    }
    text.push_str("Means suppose a constant rate of finds; the median does not.");
    text
}
