//! How much attack tells two rates of finds apart.

use crate::shown::{Towards, percent, rate};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_stats::attack_time::{finds_needed, rate_ratio_power};
use serde::Serialize;

/// The planned experiment: as much time against either filter.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The ratio of rates to show.
    pub ratio: f64,
    /// How probable it is that the experiment shows it.
    pub power: f64,
    /// How sure the test is.
    pub confidence: f64,
    /// By the normal approximation.
    pub approximate: Needed,
    /// For the exact test; none where too many finds are needed to compute it.
    pub exact: Option<Needed>,
}

/// What a test needs.
#[derive(Debug, Serialize)]
pub struct Needed {
    /// The finds expected of the filter that is found out sooner, and of the other.
    pub finds: [f64; 2],
    /// The minutes against each, at the first group's mean time; none without a find.
    pub minutes: Option<f64>,
    /// The same at the ends of that mean's interval.
    pub minutes_between: Option<[f64; 2]>,
}

/// Plans from the mean time of the filter that is found out sooner.
pub fn plan(ratio: f64, power: f64, mean: &Estimate) -> Result<Plan> {
    let confidence = mean.confidence;
    let needed = finds_needed(ratio, 1.0, confidence, power)?;
    let at = |factor: f64| {
        let finds = [needed.first * factor, needed.second * factor];
        Needed {
            finds,
            minutes: mean.value.map(|mean| finds[0] * mean),
            minutes_between: mean
                .value
                .map(|_| [finds[0] * mean.lower, finds[0] * mean.upper]),
        }
    };
    let reaches = |factor: f64| {
        let [first, second] = at(factor).finds;
        rate_ratio_power(first, second, 1.0, confidence).map(|reached| reached >= power)
    };
    // The exact test needs a little more, and never twice as much where the approximation serves.
    let exact = (1..=100)
        .map(|step| 1.0 + f64::from(step) / 100.0)
        .map(|factor| reaches(factor).map(|enough| (factor, enough)))
        .find(|tried| !matches!(tried, Ok((_, false))))
        .and_then(Result::ok)
        .map(|(factor, _)| at(factor));
    Ok(Plan {
        ratio,
        power,
        confidence,
        approximate: at(1.0),
        exact,
    })
}

impl Plan {
    /// Says it in words; `first` names the filter whose mean time is used.
    pub fn words(&self, first: &str) -> String {
        let line = |needed: &Needed| {
            let [first, second] = needed.finds;
            let minutes = match (needed.minutes, needed.minutes_between) {
                (Some(minutes), Some([low, high])) => format!(
                    ", {} minutes against each  [{}, {}]",
                    rate(minutes, Towards::Nearest),
                    rate(low, Towards::Down),
                    rate(high, Towards::Up)
                ),
                _ => String::new(),
            };
            format!("{first:.1} and {second:.1} finds expected{minutes}")
        };
        let exact = self.exact.as_ref().map_or_else(
            || "too many finds to compute; a little more".to_owned(),
            line,
        );
        let about = match self.approximate.minutes {
            Some(_) => format!("Minutes are for the mean time of {first} and its interval."),
            None => "Before the first find, no minutes can be said.".to_owned(),
        };
        format!(
            "To tell a ratio of {} from 1 with {} % confidence and {} % power, attacking both equally long:\n  \
             Exact test: {exact}\n  \
             Normal:     {} (approximate)\n\
             {about} Attackers that differ in skill need more.\n",
            self.ratio,
            percent(self.confidence),
            percent(self.power),
            line(&self.approximate)
        )
    }
}
