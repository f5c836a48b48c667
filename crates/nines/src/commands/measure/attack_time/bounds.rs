//! What sessions say of the time until a find, whatever becomes of the finds that wait for a label.
//!
//! A find that nobody has verified yet may be one or none, and to leave its session out would choose
//! sessions by how they ended. So the lower end of a time takes all of them as finds, and the upper end none:
//! whatever the labels will say, the interval holds as often as it claims. There is no value between the two.

use super::group::Group;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::attack_time::{
    AttackSession, Exposure, clustered_mean_time, clustered_rate_ratio, kaplan_meier, mean_time,
    mean_time_lower_bound, rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;

/// The time until a find, if finds come at a constant rate.
///
/// # Errors
/// Those of the statistics, for times that are none.
pub fn mean(group: &Group, confidence: f64) -> Result<Estimate> {
    between(group, confidence, |sessions| {
        let exposure = Exposure::of_sessions(sessions)?;
        if exposure.time > 0.0 {
            return Ok(estimate(mean_time(exposure, confidence)?));
        }
        Ok(unknown(confidence))
    })
}

/// What may be claimed: the lower bound on that time, with an infinite upper end.
///
/// # Errors
/// Those of the statistics, for times that are none.
pub fn at_least(group: &Group, confidence: f64) -> Result<Estimate> {
    between(group, confidence, |sessions| {
        let exposure = Exposure::of_sessions(sessions)?;
        if exposure.time > 0.0 {
            return Ok(estimate(mean_time_lower_bound(exposure, confidence)?));
        }
        Ok(unknown(confidence))
    })
}

/// The time until a find with attackers resampled; none with a single attacker, or with too few finds.
pub fn by_attackers(group: &Group, bootstrap: &Bootstrap) -> Option<Estimate> {
    let resampled = between(group, bootstrap.confidence, |sessions| {
        Ok(estimate(clustered_mean_time(sessions, bootstrap)?))
    });
    resampled.ok()
}

/// The time by which half of the sessions have a find.
///
/// # Errors
/// Those of the statistics, for times that are none.
pub fn median(group: &Group, confidence: f64) -> Result<Estimate> {
    between(group, confidence, |sessions| {
        Ok(estimate(kaplan_meier(sessions, confidence)?.median()))
    })
}

/// How many times longer the second group takes than the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first's rate of finds over the second's, if each has one rate.
    pub ratio: Estimate,
    /// Two-sided, of equal rates, under the same assumption; none while finds wait.
    pub p_value: Option<f64>,
    /// The ratio with attackers resampled; none with too few of them.
    pub by_attackers: Option<Estimate>,
}

/// Compares two groups; `None` where one of them has no time.
///
/// # Errors
/// Those of the statistics, for times that are none.
pub fn compared(
    first: &Group,
    second: &Group,
    bootstrap: &Bootstrap,
) -> Result<Option<Comparison>> {
    let confidence = bootstrap.confidence;
    // The second takes longest where it is at its slowest while the first is at its fastest.
    let ends = [
        (first.slowest(), second.fastest()),
        (first.fastest(), second.slowest()),
    ];
    let waiting = first.waiting() + second.waiting();
    // Where nothing waits both are the same.
    let ends = &ends[..if waiting == 0 { 1 } else { 2 }];
    let mut plain = Vec::new();
    for (first, second) in ends {
        let of = [
            Exposure::of_sessions(first)?,
            Exposure::of_sessions(second)?,
        ];
        if of.iter().any(|exposure| exposure.time <= 0.0) {
            return Ok(None);
        }
        plain.push(rate_ratio(of[0], of[1], confidence)?);
    }
    let resampled: std::result::Result<Vec<_>, _> = ends
        .iter()
        .map(|(first, second)| clustered_rate_ratio(first, second, bootstrap))
        .collect();
    let joined = |mut of: Vec<Estimate>| {
        let high = of.pop()?;
        let low = of.pop().unwrap_or_else(|| high.clone());
        Some(joined(low, high, waiting))
    };
    let p_value = plain.first().map(|ratio| ratio.p_value);
    let ratio = joined(plain.into_iter().map(|r| estimate(r.ratio)).collect());
    Ok(ratio.map(|ratio| Comparison {
        ratio,
        p_value: p_value.filter(|_| waiting == 0),
        by_attackers: resampled
            .ok()
            .and_then(|of| joined(of.into_iter().map(estimate).collect())),
    }))
}

/// Computes something for the attack at its fastest and at its slowest, and joins the two.
fn between(
    group: &Group,
    confidence: f64,
    of: impl Fn(&[AttackSession]) -> Result<Estimate>,
) -> Result<Estimate> {
    if group.sessions.is_empty() {
        return Ok(unknown(confidence));
    }
    let fastest = of(&group.fastest())?;
    match group.waiting() {
        0 => Ok(fastest),
        waiting => Ok(joined(fastest, of(&group.slowest())?, waiting)),
    }
}

/// Takes the lower end of one estimate and the upper end of another.
fn joined(low: Estimate, high: Estimate, waiting: u64) -> Estimate {
    if waiting == 0 {
        return low;
    }
    Estimate {
        value: None,
        lower: low.lower,
        upper: high.upper,
        confidence: low.confidence,
        method: format!(
            "{}; finds that wait for a label ({waiting}) count at each end as what moves it further",
            high.method
        ),
        n: high.n,
    }
}

/// What no time of attack says: nothing.
fn unknown(confidence: f64) -> Estimate {
    Estimate {
        value: None,
        lower: 0.0,
        upper: f64::INFINITY,
        confidence,
        method: "no time of attack was recorded".to_owned(),
        n: 0,
    }
}

#[cfg(test)]
mod tests;
