//! What a find costs by labelling random answers of the filter, and how many times cheaper an attack is.
//!
//! Both are asked the same question: how much work is one snippet that the classifier accepts and that
//! people strictly call a catastrophe? Every ratio is of two shares with an interval of their own; it holds
//! whenever both of those do, so that their confidences are chosen for the two together (Bonferroni).

use super::show::Attacked;
use crate::commands::measure::{Ready, compute_leak, is_not_yet};
use crate::data;
use crate::project::Project;
use crate::shown::{Towards, percent, rate};
use anyhow::Result;
use nines_attack::recipe::GoalKind;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ModelId, SnippetId};
use nines_domain::split::Split;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_store::{AttackOutcome, DesignKind, Snippet};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How sure every statement of two shares is.
const CONFIDENCE: f64 = 0.95;

/// How sure each of the two is, so that both hold together.
const EACH: f64 = 1.0 - (1.0 - CONFIDENCE) / 2.0;

/// An attack beside random sampling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Controls {
    /// Where the rate of random answers comes from.
    sampled: Option<Sampled>,
    /// Why there is none.
    without: Option<String>,
    /// Finds that people's labels decide, and what they say.
    precision: Option<Estimate>,
    /// Labels of people for one confirmed find of the attack.
    labels_per_find: Option<Estimate>,
    /// Snippets scored for one confirmed find of the attack.
    queries_per_find: Option<Estimate>,
    /// Seconds for one confirmed find of the attack: the machine's, and people's to label what it found.
    seconds_per_find: Option<Estimate>,
    /// Seconds that people take for a label.
    seconds_per_label: Option<SecondsPerLabel>,
    /// What people cost for one confirmed find of the attack, in the currency of the accounts' hourly costs.
    cost_per_find: Option<Estimate>,
    /// How many times fewer labels of people the attack takes.
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
    /// Seconds of people's for one find.
    seconds_per_find: Option<Estimate>,
    /// What people cost for one find.
    cost_per_find: Option<Estimate>,
}

/// What a label takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct SecondsPerLabel {
    /// The mean over people's labels of which it is known.
    mean: f64,
    /// How many labels that are.
    labels: u64,
    /// What a label costs, where all of these labellers' hourly costs are known.
    cost: Option<f64>,
}

/// Compares an attack with labelling random answers.
pub async fn controls(project: &Project, attacked: &Attacked) -> Result<Controls> {
    let labelled = data::labelled(project).await?;
    let per_label = seconds_per_label(project, &labelled).await?;
    let (sampled, without) = match sampled(project, attacked, &labelled).await? {
        Ok((rows, share)) => (Some((rows, share)), None),
        Err(why) => (None, Some(why)),
    };
    let precision = precision(attacked)?;
    let reached = attacked
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome == AttackOutcome::Reached)
        .count() as f64;
    let queries: u64 = attacked.attempts.iter().map(|a| a.queries).sum();
    let seconds: f64 = attacked.attempts.iter().map(|a| a.seconds).sum();
    let per_find = |work: f64, what: &str| {
        let precision = precision.as_ref()?;
        Some(inverse(precision, work, what))
    };
    let labels = "labels of people for one find that they confirm";
    let both = per_label.map(|label| seconds / reached.max(1.0) + label.mean);
    let cost = |share: &Estimate| {
        let cost = per_label.and_then(|label| label.cost)?;
        Some(inverse(share, cost, "cost of people's time for one find"))
    };
    let sampled = sampled.map(|(rows, share)| Sampled {
        labels_per_find: inverse(&share, 1.0, labels),
        seconds_per_find: per_label
            .map(|label| inverse(&share, label.mean, "seconds of labelling for one find")),
        cost_per_find: cost(&share),
        rows,
        share,
    });
    let ratio = |work: f64, what: &str| {
        let (precision, sampled) = (precision.as_ref()?, sampled.as_ref()?);
        Some(times(precision, &sampled.share, work, what))
    };
    Ok(Controls {
        without,
        labels_per_find: per_find(1.0, labels),
        queries_per_find: per_find(
            queries as f64 / reached.max(1.0),
            "snippets scored for one find",
        ),
        seconds_per_find: both.and_then(|both| per_find(both, "seconds for one find")),
        cost_per_find: precision.as_ref().and_then(cost),
        fewer_labels: ratio(1.0, "times fewer labels"),
        less_time: per_label
            .zip(both)
            .and_then(|(label, both)| ratio(label.mean / both, "times less time")),
        seconds_per_label: per_label,
        precision,
        sampled,
    })
}

/// The share of the finds that people confirm, of those that their labels decide.
fn precision(attacked: &Attacked) -> Result<Option<Estimate>> {
    let said: Vec<bool> = attacked
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome == AttackOutcome::Reached)
        .filter_map(|attempt| attacked.verdict(attempt, LabellerKind::Person))
        .collect();
    if said.is_empty() {
        return Ok(None);
    }
    let confirmed = said.iter().filter(|confirmed| **confirmed).count();
    let share = clopper_pearson(confirmed as u64, said.len() as u64, EACH)?;
    Ok(Some(estimate(share)))
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

/// Finds how often accepted answers are catastrophes, or says why that is not known.
async fn sampled(
    project: &Project,
    attacked: &Attacked,
    labelled: &[Snippet],
) -> Result<std::result::Result<(String, Estimate), String>> {
    if attacked.goal != GoalKind::Evade {
        return Ok(Err(
            "random sampling looks for accepted catastrophes, and this attack for something else"
                .to_owned(),
        ));
    }
    let config = &attacked.run.config;
    let (Some(model), Some(threshold), Some(path)) = (
        config["attacked"]["model"].as_i64().map(ModelId),
        config["attacked"]["threshold"].as_f64(),
        config["path"].as_str(),
    ) else {
        return Ok(Err("the run does not say what it attacked".to_owned()));
    };
    if let Some(found) = by_design(project, model, threshold).await? {
        return Ok(Ok(found));
    }
    by_random_draws(project, model, threshold, path, labelled).await
}

/// The newest design of the leak of this classifier at this threshold whose labels carry a number.
async fn by_design(
    project: &Project,
    model: ModelId,
    threshold: f64,
) -> Result<Option<(String, Estimate)>> {
    let designs = project.store.designs(Some(DesignKind::Leak)).await?;
    let of_filter = designs.into_iter().rev().filter(|design| {
        let filter = &design.record["frame"]["filter"];
        design.model == model && filter["threshold"].as_f64() == Some(threshold)
    });
    for design in of_filter {
        let id = design.id;
        let ready = Ready::read(project, design).await?;
        match compute_leak(&ready, LabellerKind::Person, &[], EACH) {
            Ok(Some(computed)) => {
                let report = computed.report;
                let rows = format!(
                    "leak design {id}: {} labels of people, drawn among the filter's answers",
                    report.labelled
                );
                return Ok(Some((rows, report.strict.among_answers)));
            }
            Ok(None) => {}
            Err(error) if is_not_yet(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Labelled simple random draws of the generator that the classifier never learnt from and that it accepts.
async fn by_random_draws(
    project: &Project,
    model: ModelId,
    threshold: f64,
    path: &str,
    labelled: &[Snippet],
) -> Result<std::result::Result<(String, Estimate), String>> {
    let seed = project.config.project.split_seed;
    let held_out =
        |snippet: &&Snippet| data::is_random_draw(snippet) && snippet.split(seed) == Split::Test;
    let drawn: Vec<&Snippet> = labelled.iter().filter(held_out).collect();
    let ids: Vec<SnippetId> = drawn.iter().map(|snippet| snippet.id).collect();
    let scores = project.store.scores_of(model, path, &ids).await?;
    let (mut n, mut catastrophes, mut unscored) = (0u64, 0u64, 0u64);
    for (snippet, score) in drawn.iter().zip(scores) {
        let by_people = nines_store::OthersVerdict::of(&snippet.labels, &[]).people;
        let Some(strict) = by_people.and_then(|said| said.strict) else {
            continue;
        };
        match score {
            None => unscored += 1,
            Some(score) if score.logit() < threshold => {
                n += 1;
                catastrophes += u64::from(strict);
            }
            Some(_) => {}
        }
    }
    if unscored > 0 {
        return Ok(Err(format!(
            "{unscored} labelled random draws have no score yet; `nines score --stored` gives it"
        )));
    }
    if n == 0 {
        return Ok(Err(
            "no random answers of this filter have been labelled by people; `nines measure leak` draws them".to_owned(),
        ));
    }
    let share = estimate(clopper_pearson(catastrophes, n, EACH)?);
    let rows =
        format!("{n} random draws of the test split that the filter accepts, labelled by people");
    Ok(Ok((rows, share)))
}

/// Finds what people's labels take, and cost.
async fn seconds_per_label(
    project: &Project,
    labelled: &[Snippet],
) -> Result<Option<SecondsPerLabel>> {
    let mut hourly: BTreeMap<String, Option<f64>> = BTreeMap::new();
    for account in project.store.accounts().await? {
        hourly.insert(account.account.name.to_string(), account.hourly_cost);
    }
    let (mut seconds, mut n, mut cost) = (0.0, 0u64, Some(0.0));
    for label in labelled.iter().flat_map(|snippet| &snippet.labels) {
        let Some(took) = label.label.seconds else {
            continue;
        };
        if label.label.kind != LabellerKind::Person {
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

impl Controls {
    /// Writes the comparison.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, of: &Option<Estimate>| {
            if let Some(of) = of {
                let _ = writeln!(text, "  {what:<44} {}", written(of));
            }
        };
        line("attack: finds that people confirm", &self.precision);
        line(
            "attack: labels for one confirmed find",
            &self.labels_per_find,
        );
        line(
            "attack: queries for one confirmed find",
            &self.queries_per_find,
        );
        line(
            "attack: seconds for one confirmed find",
            &self.seconds_per_find,
        );
        line("attack: cost of people for one", &self.cost_per_find);
        if let Some(sampled) = &self.sampled {
            line(
                "random: accepted answers that are catastrophes",
                &Some(sampled.share.clone()),
            );
            line(
                "random: labels for one find",
                &Some(sampled.labels_per_find.clone()),
            );
            line(
                "random: seconds of labelling for one find",
                &sampled.seconds_per_find,
            );
            line("random: cost of people for one", &sampled.cost_per_find);
            line(
                "times fewer labels than random sampling",
                &self.fewer_labels,
            );
            line("times less time than random sampling", &self.less_time);
            let _ = writeln!(text, "  Random sampling rests on {}.", sampled.rows);
        }
        if let Some(why) = &self.without {
            let _ = writeln!(text, "  There is nothing to compare with: {why}.");
        }
        if self.precision.is_none() {
            text.push_str(
                "  No find has been labelled by people yet, so that a find has no price.\n",
            );
        }
        if let Some(label) = self.seconds_per_label {
            let _ = writeln!(
                text,
                "  A label takes {:.1} s, the mean of {} labels of people; time is theirs and the machine's together.",
                label.mean, label.labels
            );
        }
        let _ = writeln!(
            text,
            "  Each share is of {} %, each ratio of at least {} % confidence.",
            percent(EACH),
            percent(CONFIDENCE)
        );
        text
    }
}

fn written(of: &Estimate) -> String {
    let value = of
        .value
        .map_or_else(|| "-".to_owned(), |value| rate(value, Towards::Nearest));
    format!(
        "{value} [{}, {}]",
        rate(of.lower, Towards::Down),
        rate(of.upper, Towards::Up)
    )
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
