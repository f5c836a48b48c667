//! What a find costs by labelling random answers of the filter, and how many times cheaper an attack is.
//!
//! Both are asked the same question: how much work is one snippet that the classifier accepts and that
//! labellers of one kind strictly call a catastrophe? Every price and every ratio is made of shares and means with
//! intervals of their own; it holds whenever all of those do, so that their confidences are chosen for them together
//! (Bonferroni).

mod price;
mod random;
mod words;

pub use words::markdown;

use price::{Counted, ended, inverse, mean_work, over, times, with_labels};

use super::show::Attacked;
use crate::commands::measure::whose;
use crate::data;
use crate::project::Project;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_store::Snippet;
use serde::Serialize;
use std::collections::BTreeMap;

/// How sure every price and every ratio is.
const CONFIDENCE: f64 = 0.95;

/// How sure each of the at most four shares and means is that a price or a ratio is made of, so that all
/// of them hold together.
const EACH: f64 = 1.0 - (1.0 - CONFIDENCE) / 4.0;

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
    /// Attempts whose find waits for a label: intervals hold whatever those turn out to be.
    waiting: u64,
    /// The share of the attempts that reached the goal whose find labels confirm.
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
    let counted = Counted::of(attacked, by);
    let precision = counted.precision()?;
    let success = counted.success()?;
    let each = counted.labels_each();
    let seconds = mean_work(ended(&attacked.attempts).map(|attempt| attempt.seconds))?;
    let queries = mean_work(ended(&attacked.attempts).map(|attempt| attempt.queries as f64))?;
    let labels = format!("labels of {} for one find that they confirm", whose(by));
    let per_find = |work: &Option<Estimate>, what: &str| {
        let (work, success) = (work.as_ref()?, success.as_ref()?);
        Some(over(work, success, what))
    };
    let machine = per_find(&seconds, "the machine's seconds for one find");
    let labels_per_find = precision.as_ref().map(|p| inverse(p, each, &labels));
    let both = per_label.and_then(|label| {
        let labels = labels_per_find.as_ref()?;
        Some(with_labels(machine.as_ref()?, labels, label.mean))
    });
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
    let ratio = |random: Option<&Estimate>, attack: &Option<Estimate>, what: &str| {
        Some(times(random?, attack.as_ref()?, what))
    };
    let of_random = sampled.as_ref().map(|sampled| &sampled.labels_per_find);
    let seconds_of_random = sampled.as_ref().and_then(|s| s.seconds_per_find.as_ref());
    Ok(Controls {
        by: whose(by),
        kind: by,
        without,
        waiting: counted.waiting,
        fewer_labels: ratio(of_random, &labels_per_find, "times fewer labels"),
        less_time: ratio(seconds_of_random, &both, "times less time"),
        labels_per_find,
        queries_per_find: per_find(&queries, "snippets scored for one find"),
        machine_seconds_per_find: machine,
        seconds_per_find: both,
        cost_per_find: precision.as_ref().and_then(|share| cost(share, each)),
        seconds_per_label: per_label,
        precision,
        sampled,
    })
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
