//! `nines measure attack-time`.

mod gathered;

pub use gathered::{Gathered, Unit};

use super::record::Record;
use super::shown;
use crate::cli::AttackTimeArgs;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::attack_time::{
    Exposure, clustered_mean_time, kaplan_meier, mean_time, mean_time_lower_bound, rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;

#[derive(Serialize)]
struct Found {
    groups: Vec<Group>,
    ratios: Vec<Ratio>,
    estimates: Vec<i64>,
    /// Sessions left out, since nobody has verified what they found yet.
    waiting: u64,
}

#[derive(Serialize)]
struct Group {
    group: String,
    sessions: usize,
    /// Sessions left out, since nobody has verified what they found yet.
    waiting: u64,
    attackers: usize,
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
    /// How many times longer the first takes.
    times_longer: Estimate,
    p_value: f64,
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
    let mut found = Vec::new();
    for group in gathered.measured() {
        let sessions = &group.sessions;
        let exposure = Exposure::of_sessions(sessions)?;
        let attackers: BTreeSet<u64> = sessions.iter().map(|s| s.attacker).collect();
        let time = |unit| (group.unit == unit).then_some(exposure.time);
        found.push(Group {
            group: group.name.clone(),
            sessions: sessions.len(),
            waiting: group.waiting,
            attackers: attackers.len(),
            finds: exposure.finds,
            unit: group.unit,
            minutes: time(Unit::Minutes),
            queries: time(Unit::Queries),
            mean: estimate(mean_time(exposure, confidence)?),
            at_least: estimate(mean_time_lower_bound(exposure, confidence)?),
            by_attackers: clustered_mean_time(sessions, &bootstrap).ok().map(estimate),
            median: estimate(kaplan_meier(sessions, confidence)?.median()),
        });
    }
    let mut ratios = Vec::new();
    for (first, second) in gathered.compared() {
        // The rate of the first over that of the second: how many times longer the second takes.
        let ratio = rate_ratio(
            Exposure::of_sessions(&first.sessions)?,
            Exposure::of_sessions(&second.sessions)?,
            confidence,
        )?;
        ratios.push(Ratio {
            slower: second.name.clone(),
            faster: first.name.clone(),
            times_longer: estimate(ratio.ratio),
            p_value: ratio.p_value,
        });
    }
    let all: usize = found.iter().map(|group| group.sessions).sum();
    let mut record = Record::new(project, None, json!({ "sessions": all, "seed": seed }));
    for group in &found {
        record.about = json!({ "group": group.group, "sessions": group.sessions,
            "waiting": group.waiting, "attackers": group.attackers, "finds": group.finds,
            "unit": group.unit, "minutes": group.minutes, "queries": group.queries, "seed": seed });
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
    for ratio in &ratios {
        record.about =
            json!({ "slower": ratio.slower, "faster": ratio.faster, "p_value": ratio.p_value });
        let meaning = "how many times longer the second group takes than the first";
        record.add("attack_time.ratio", &ratio.times_longer, meaning);
    }
    let stored = record.store().await?;
    let found = Found {
        groups: found,
        ratios,
        estimates: stored.iter().map(|e| e.id.0).collect(),
        waiting: gathered.waiting(),
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let mut text = String::new();
    for g in &found.groups {
        let (unit, time) = (g.unit.as_str(), g.minutes.or(g.queries).unwrap_or_default());
        let _ = writeln!(
            text,
            "{}: {} finds in {} sessions of {} attackers, {time:.0} {unit}",
            g.group, g.finds, g.sessions, g.attackers
        );
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
        let _ = writeln!(
            text,
            "{} takes {} times as long as {} (p = {:.2e})",
            r.slower,
            shown(&r.times_longer),
            r.faster,
            r.p_value
        );
    }
    if found.waiting > 0 {
        let _ = writeln!(
            text,
            "Left out: {} whose find nobody has verified yet; they make attacks look slower until then.",
            crate::output::counted(found.waiting, "session")
        );
    }
    text.push_str("Means suppose a constant rate of finds; the median does not.");
    text
}
