//! How long attackers take.

use super::CONFIDENCE;
use super::rows::Rows;
use crate::commands::measure::GatheredAttacks;
use anyhow::Result;
use nines_measure::estimate;
use nines_report::report::{AtRisk, AttackSurvival, Curve, Point, RateRatio, SurvivalGroup};
use nines_stats::attack_time::{AttackSession, Exposure, kaplan_meier, mean_time, rate_ratio};

/// At how many moments the sessions still running are counted, the start included.
const MOMENTS: u32 = 6;

/// Fills the section from all sessions of people, those of the Rewrite page among them, as `nines measure
/// attack-time` does.
pub fn section(rows: &Rows<'_>) -> Result<Option<AttackSurvival>> {
    let gathered = GatheredAttacks::of_people(&rows.sessions, &rows.rewriting, &rows.models);
    if gathered.is_empty() {
        return Ok(None);
    }
    let longest = gathered
        .measured()
        .flat_map(|group| &group.sessions)
        .map(|s| s.time)
        .fold(0.0, f64::max);
    let ratios = gathered
        .compared()
        .into_iter()
        .map(|(first, second)| {
            let ratio = rate_ratio(
                Exposure::of_sessions(&first.sessions)?,
                Exposure::of_sessions(&second.sessions)?,
                CONFIDENCE,
            )?;
            Ok(RateRatio {
                of: first.name.clone(),
                to: second.name.clone(),
                ratio: estimate(ratio.ratio).into(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(AttackSurvival {
        groups: gathered
            .measured()
            .map(|measured| group(&measured.name, &measured.sessions, longest))
            .collect::<Result<_>>()?,
        ratios,
        waiting: gathered.waiting(),
    }))
}

fn group(name: &str, sessions: &[AttackSession], longest: f64) -> Result<SurvivalGroup> {
    let curve = kaplan_meier(sessions, CONFIDENCE)?;
    let exposure = Exposure::of_sessions(sessions)?;
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
            name: name.to_owned(),
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
        mean_minutes: Some(estimate(mean_time(exposure, CONFIDENCE)?).into()),
    })
}
