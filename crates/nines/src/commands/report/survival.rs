//! How long attackers take.

use super::CONFIDENCE;
use super::rows::Rows;
use crate::commands::measure::{AttackGroup, GatheredAttacks, attack_mean, attack_ratio};
use anyhow::Result;
use nines_report::report::{AtRisk, AttackSurvival, Curve, Point, RateRatio, SurvivalGroup};
use nines_stats::attack_time::{Exposure, kaplan_meier};
use nines_stats::bootstrap::Bootstrap;

/// At how many moments the sessions still running are counted, the start included.
const MOMENTS: u32 = 6;

/// Fills the section from all sessions of people, those of the Rewrite page among them, as `nines measure
/// attack-time` does. Finds that wait for a label draw no step of a curve yet; means and ratios hold whatever
/// becomes of them.
pub fn section(rows: &Rows<'_>) -> Result<Option<AttackSurvival>> {
    let gathered = GatheredAttacks::of_people(&rows.sessions, &rows.rewriting, &rows.models);
    if gathered.is_empty() {
        return Ok(None);
    }
    let longest = gathered
        .groups
        .iter()
        .flat_map(|group| &group.sessions)
        .map(|session| session.whole)
        .fold(0.0, f64::max);
    let bootstrap = Bootstrap {
        confidence: CONFIDENCE,
        ..Bootstrap::default()
    };
    let mut ratios = Vec::new();
    for (first, second) in gathered.pairs() {
        if let Some(compared) = attack_ratio(first, second, &bootstrap)? {
            ratios.push(RateRatio {
                of: first.name.clone(),
                to: second.name.clone(),
                // The same people are usually in both arms of a task: where they can be resampled, they are.
                ratio: compared.by_attackers.unwrap_or(compared.ratio).into(),
            });
        }
    }
    Ok(Some(AttackSurvival {
        groups: gathered
            .groups
            .iter()
            .map(|of| group(of, longest))
            .collect::<Result<_>>()?,
        ratios,
        waiting: gathered.groups.iter().map(AttackGroup::waiting).sum(),
    }))
}

fn group(of: &AttackGroup, longest: f64) -> Result<SurvivalGroup> {
    let sessions = of.slowest();
    let curve = kaplan_meier(&sessions, CONFIDENCE)?;
    let exposure = Exposure::of_sessions(&sessions)?;
    let mut censored: Vec<f64> = sessions
        .iter()
        .filter(|s| !s.found)
        .map(|s| s.time)
        .collect();
    censored.sort_by(f64::total_cmp);
    let method = match curve.steps.first() {
        Some(step) => step.survival.method.clone(),
        None => curve.survival_at(0.0)?.method,
    };
    Ok(SurvivalGroup {
        at_risk: (0..MOMENTS)
            .map(|k| longest * f64::from(k) / f64::from(MOMENTS - 1))
            .map(|minutes| AtRisk {
                minutes,
                sessions: curve.at_risk(minutes),
            })
            .collect(),
        curve: Curve {
            name: of.name.clone(),
            confidence: CONFIDENCE,
            method,
            n: sessions.len() as u64,
            points: curve
                .steps
                .iter()
                .map(|step| Point {
                    x: step.time,
                    value: step.survival.value,
                    lower: step.survival.lower,
                    upper: step.survival.upper,
                })
                .collect(),
        },
        censored_minutes: censored,
        sessions: sessions.len() as u64,
        finds: exposure.finds,
        mean_minutes: Some(attack_mean(of, CONFIDENCE)?.into()),
    })
}
