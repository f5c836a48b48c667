//! What a find costs by labelling random answers of the filter, and how many times cheaper an attack is.
//!
//! Both are asked the same question: how much work is one snippet that the classifier accepts and that
//! labellers of one kind strictly call a catastrophe? Every ratio is of two shares with an interval of their own; it holds
//! whenever both of those do, so that their confidences are chosen for the two together (Bonferroni).

mod random;
mod words;

pub use words::markdown;

use super::find::confirmed;
use super::show::Attacked;
use crate::commands::measure::whose;
use crate::data;
use crate::project::Project;
use crate::shown::percent;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_store::{AttackOutcome, Snippet};
use serde::Serialize;
use std::collections::BTreeMap;

/// How sure every statement of two shares is.
const CONFIDENCE: f64 = 0.95;

/// How sure each of the two is, so that both hold together.
const EACH: f64 = 1.0 - (1.0 - CONFIDENCE) / 2.0;

/// An attack beside random sampling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Controls {
    /// Whose labels say what a catastrophe is, in the attack's finds and in random answers alike.
    by: &'static str,
    #[serde(skip)]
    kind: LabellerKind,
    /// Where the rate of random answers comes from.
    sampled: Option<Sampled>,
    /// Why there is none.
    without: Option<String>,
    /// The share of the attempts that labels decide which they confirm.
    precision: Option<Estimate>,
    /// Labels for one confirmed find of the attack.
    labels_per_find: Option<Estimate>,
    /// Snippets scored for one confirmed find of the attack.
    queries_per_find: Option<Estimate>,
    /// The machine's seconds for one confirmed find of the attack, labelling left out.
    machine_seconds_per_find: Option<Estimate>,
    /// Seconds for one confirmed find of the attack: the machine's, and those of labelling what it found.
    seconds_per_find: Option<Estimate>,
    /// Seconds that a label takes.
    seconds_per_label: Option<SecondsPerLabel>,
    /// What people cost for one confirmed find of the attack, in the currency of the accounts' hourly costs.
    cost_per_find: Option<Estimate>,
    /// How many times fewer labels the attack takes.
    fewer_labels: Option<Estimate>,
    /// How many times less time the attack takes.
    less_time: Option<Estimate>,
}

/// Random sampling: what is known of the filter's accepted answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Sampled {
    /// Which rows say so.
    rows: String,
    /// The share of accepted answers that strictly are catastrophes.
    share: Estimate,
    /// Labels for one find.
    labels_per_find: Estimate,
    /// Seconds of labelling for one find.
    seconds_per_find: Option<Estimate>,
    /// What people cost for one find.
    cost_per_find: Option<Estimate>,
}

/// What a label takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct SecondsPerLabel {
    /// The mean over the labels of which it is known.
    mean: f64,
    /// How many labels that are.
    labels: u64,
    /// What a label costs, where all of these labellers' hourly costs are known.
    cost: Option<f64>,
}

/// Compares an attack with labelling random answers, both by one kind of labeller.
pub async fn controls(
    project: &Project,
    attacked: &Attacked,
    by: LabellerKind,
) -> Result<Controls> {
    let labelled = data::labelled(project).await?;
    let per_label = seconds_per_label(project, &labelled, by).await?;
    let (sampled, without) = match random::sampled(project, attacked, &labelled, by).await? {
        Ok((rows, share)) => (Some((rows, share)), None),
        Err(why) => (None, Some(why)),
    };
    let decided = Decided::of(attacked, by);
    let precision = decided.precision()?;
    let each = decided.labels_each();
    let reached = attacked
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome == AttackOutcome::Reached)
        .count() as f64;
    let queries: u64 = attacked.attempts.iter().map(|a| a.queries).sum();
    let seconds: f64 = attacked.attempts.iter().map(|a| a.seconds).sum();
    let machine = seconds / reached.max(1.0);
    let per_find = |work: f64, what: &str| {
        let precision = precision.as_ref()?;
        Some(inverse(precision, work, what))
    };
    let labels = format!("labels of {} for one find that they confirm", whose(by));
    let both = per_label.map(|label| machine + each * label.mean);
    let cost = |share: &Estimate, labels: f64| {
        let cost = per_label.and_then(|label| label.cost)?;
        let what = "cost of people's time for one find";
        Some(inverse(share, labels * cost, what))
    };
    let sampled = sampled.map(|(rows, share)| Sampled {
        labels_per_find: inverse(&share, 1.0, &labels),
        seconds_per_find: per_label
            .map(|label| inverse(&share, label.mean, "seconds of labelling for one find")),
        cost_per_find: cost(&share, 1.0),
        rows,
        share,
    });
    let ratio = |work: f64, what: &str| {
        let (precision, sampled) = (precision.as_ref()?, sampled.as_ref()?);
        Some(times(precision, &sampled.share, work, what))
    };
    Ok(Controls {
        by: whose(by),
        kind: by,
        without,
        labels_per_find: per_find(each, &labels),
        queries_per_find: per_find(
            queries as f64 / reached.max(1.0),
            "snippets scored for one find",
        ),
        machine_seconds_per_find: per_find(machine, "the machine's seconds for one find"),
        seconds_per_find: both.and_then(|both| per_find(both, "seconds for one find")),
        cost_per_find: precision.as_ref().and_then(|share| cost(share, each)),
        fewer_labels: ratio(1.0 / each, "times fewer labels"),
        less_time: per_label
            .zip(both)
            .and_then(|(label, both)| ratio(label.mean / both, "times less time")),
        seconds_per_label: per_label,
        precision,
        sampled,
    })
}

/// The attempts that labels decide.
#[derive(Default)]
struct Decided {
    confirmed: u64,
    attempts: u64,
    /// Finds of theirs that were labelled.
    finds: u64,
}

impl Decided {
    fn of(attacked: &Attacked, by: LabellerKind) -> Self {
        let mut decided = Self::default();
        for attempt in &attacked.attempts {
            let verdict = match attempt.outcome {
                AttackOutcome::Reached => attacked.verdict(attempt, by),
                _ => None,
            };
            let Some(verdict) = verdict else { continue };
            let said = attempt
                .finds
                .iter()
                .filter(|find| confirmed(attacked.goal, find, attempt.threshold, by).is_some());
            decided.confirmed += u64::from(verdict);
            decided.attempts += 1;
            decided.finds += said.count() as u64;
        }
        decided
    }

    /// The share of them that labels confirm.
    fn precision(&self) -> Result<Option<Estimate>> {
        if self.attempts == 0 {
            return Ok(None);
        }
        let share = clopper_pearson(self.confirmed, self.attempts, EACH)?;
        Ok(Some(estimate(share)))
    }

    /// Finds labelled for one attempt: more than one where more are asked about.
    fn labels_each(&self) -> f64 {
        match self.attempts {
            0 => 1.0,
            attempts => self.finds as f64 / attempts as f64,
        }
    }
}

/// Work for one find where each piece of work finds with this share.
fn inverse(share: &Estimate, work: f64, what: &str) -> Estimate {
    Estimate {
        value: share.value.filter(|p| *p > 0.0).map(|p| work / p),
        lower: work / share.upper,
        upper: work / share.lower,
        confidence: share.confidence,
        method: format!("{what}; inverse of {}", share.method),
        n: share.n,
    }
}

/// How many times smaller the attack's work for a find is, where one label of the attack takes `1 / work`
/// of what one random label takes.
fn times(precision: &Estimate, sampled: &Estimate, work: f64, what: &str) -> Estimate {
    let value = precision.value.zip(sampled.value.filter(|p| *p > 0.0));
    let lower = work * precision.lower / sampled.upper;
    Estimate {
        value: value.map(|(attack, sampling)| work * attack / sampling),
        lower: if lower.is_finite() { lower } else { 0.0 },
        upper: work * precision.upper / sampled.lower,
        confidence: CONFIDENCE,
        method: format!(
            "{what}; ratio of two shares, each at {} % (Bonferroni)",
            percent(EACH)
        ),
        n: precision.n + sampled.n,
    }
}

/// Finds what labels of one kind of labeller take, and cost.
async fn seconds_per_label(
    project: &Project,
    labelled: &[Snippet],
    by: LabellerKind,
) -> Result<Option<SecondsPerLabel>> {
    let mut hourly: BTreeMap<String, Option<f64>> = BTreeMap::new();
    if by == LabellerKind::Person {
        for account in project.store.accounts().await? {
            hourly.insert(account.account.name.to_string(), account.hourly_cost);
        }
    }
    let (mut seconds, mut n, mut cost) = (0.0, 0u64, Some(0.0));
    for label in labelled.iter().flat_map(|snippet| &snippet.labels) {
        let Some(took) = label.label.seconds else {
            continue;
        };
        if label.label.kind != by {
            continue;
        }
        n += 1;
        seconds += took;
        let an_hour = hourly.get(&label.label.labeller).copied().flatten();
        cost = cost
            .zip(an_hour)
            .map(|(sum, cost)| sum + cost * took / 3600.0);
    }
    Ok((n > 0 && seconds > 0.0).then(|| SecondsPerLabel {
        mean: seconds / n as f64,
        labels: n,
        cost: cost.map(|cost| cost / n as f64),
    }))
}

/// Names whose labels a number rests on; models as such.
fn named(by: LabellerKind) -> &'static str {
    match by {
        LabellerKind::Person => "people",
        LabellerKind::Judge => "judges (models)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: f64, lower: f64, upper: f64) -> Estimate {
        Estimate {
            value: Some(value),
            lower,
            upper,
            confidence: EACH,
            method: "exact".to_owned(),
            n: 10,
        }
    }

    #[test]
    fn a_find_costs_one_over_its_share() {
        let cost = inverse(&of(0.001, 0.0005, 0.002), 6.0, "seconds");
        assert_eq!(cost.value, Some(6000.0));
        assert_eq!((cost.lower, cost.upper), (3000.0, 12_000.0));
        let none = inverse(&of(0.0, 0.0, 0.01), 1.0, "labels");
        assert_eq!((none.value, none.lower), (None, 100.0));
        assert!(none.upper.is_infinite());
    }

    #[test]
    fn the_ratio_reaches_from_the_worst_pair_to_the_best() {
        let ratio = times(&of(0.8, 0.5, 0.9), &of(0.001, 0.0005, 0.002), 1.0, "labels");
        assert_eq!(ratio.value, Some(800.0));
        assert_eq!((ratio.lower, ratio.upper), (250.0, 1800.0));
        assert_eq!(ratio.confidence, 0.95);
        let unknown = times(&of(0.8, 0.5, 0.9), &of(0.0, 0.0, 0.01), 1.0, "labels");
        assert_eq!((unknown.value, unknown.lower), (None, 50.0));
        assert!(unknown.upper.is_infinite());
    }
}
