//! `nines measure attack-time`.

use super::record::Record;
use super::shown;
use crate::cli::ConfidenceArgs;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::attack_time::{
    AttackSession, Exposure, clustered_mean_time, kaplan_meier, mean_time, mean_time_lower_bound,
    rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;
use nines_store::StoredAttackSession;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[derive(Serialize)]
struct Found {
    groups: Vec<Group>,
    ratios: Vec<Ratio>,
    estimates: Vec<i64>,
}

#[derive(Serialize)]
struct Group {
    group: String,
    sessions: usize,
    attackers: usize,
    finds: u64,
    minutes: f64,
    /// Minutes until a find, if finds come at a constant rate.
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

/// The sessions of each group, in the order in which groups were first imported.
pub fn groups(sessions: &[StoredAttackSession]) -> Vec<(String, Vec<AttackSession>)> {
    let attackers: BTreeSet<&str> = sessions
        .iter()
        .map(|s| s.session.attacker.as_str())
        .collect();
    let numbers: BTreeMap<&str, u64> = attackers.into_iter().zip(0u64..).collect();
    let mut groups: Vec<(String, Vec<AttackSession>)> = Vec::new();
    for stored in sessions {
        let session = AttackSession {
            time: stored.session.seconds / 60.0,
            found: stored.session.found,
            attacker: numbers[stored.session.attacker.as_str()],
        };
        match groups
            .iter_mut()
            .find(|(name, _)| *name == stored.session.group)
        {
            Some((_, of)) => of.push(session),
            None => groups.push((stored.session.group.clone(), vec![session])),
        }
    }
    groups
}

/// Runs `nines measure attack-time`.
pub async fn run(project: &Project, args: &ConfidenceArgs, output: &Output) -> Result<()> {
    let sessions = project.store.attack_sessions().await?;
    if sessions.is_empty() {
        bail!(
            "the project has no attack sessions; import them with `nines import sessions FILE` (attacker, group, \
             minutes, found)"
        );
    }
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence: args.confidence,
        ..Bootstrap::default()
    };
    let of = groups(&sessions);
    let mut found = Vec::new();
    for (name, sessions) in &of {
        let exposure = Exposure::of_sessions(sessions)?;
        let attackers: BTreeSet<u64> = sessions.iter().map(|s| s.attacker).collect();
        found.push(Group {
            group: name.clone(),
            sessions: sessions.len(),
            attackers: attackers.len(),
            finds: exposure.finds,
            minutes: exposure.time,
            mean: estimate(mean_time(exposure, args.confidence)?),
            at_least: estimate(mean_time_lower_bound(exposure, args.confidence)?),
            by_attackers: clustered_mean_time(sessions, &bootstrap).ok().map(estimate),
            median: estimate(kaplan_meier(sessions, args.confidence)?.median()),
        });
    }
    let mut ratios = Vec::new();
    for pair in of.windows(2) {
        let [(first, a), (second, b)] = pair else {
            continue;
        };
        // The rate of the first over that of the second: how many times longer the second takes.
        let ratio = rate_ratio(
            Exposure::of_sessions(a)?,
            Exposure::of_sessions(b)?,
            args.confidence,
        )?;
        ratios.push(Ratio {
            slower: second.clone(),
            faster: first.clone(),
            times_longer: estimate(ratio.ratio),
            p_value: ratio.p_value,
        });
    }
    let mut record = Record::new(
        project,
        None,
        json!({ "sessions": sessions.len(), "seed": args.seed }),
    );
    for group in &found {
        record.about = json!({ "group": group.group, "sessions": group.sessions,
            "attackers": group.attackers, "finds": group.finds, "minutes": group.minutes,
            "seed": args.seed });
        let meaning = "minutes of attack until a find, sessions without a find included";
        record.add("attack_time.mean", &group.mean, meaning);
        record.add(
            "attack_time.at_least",
            &group.at_least,
            "a lower bound on the mean minutes until a find",
        );
        if let Some(clustered) = &group.by_attackers {
            let meaning = "minutes until a find, with attackers resampled";
            record.add("attack_time.by_attackers", clustered, meaning);
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
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let mut text = String::new();
    for g in &found.groups {
        let _ = writeln!(
            text,
            "{}: {} finds in {} sessions of {} attackers, {:.0} minutes",
            g.group, g.finds, g.sessions, g.attackers, g.minutes
        );
        let _ = writeln!(text, "  mean minutes to a find   {}", shown(&g.mean));
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
    text.push_str("Means suppose a constant rate of finds; the median does not.");
    text
}
