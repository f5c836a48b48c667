//! How often accepted answers are catastrophes: what labelling random ones would find.

use super::super::show::Attacked;
use super::{EACH, named};
use crate::commands::measure::{Ready, adjudicated, compute_leak, is_not_yet};
use crate::data;
use crate::project::Project;
use anyhow::Result;
use nines_attack::recipe::GoalKind;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ModelId, SnippetId};
use nines_domain::split::Split;
use nines_measure::described::is_plain;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_store::{DesignKind, Snippet};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Finds how often accepted answers are catastrophes, or says why that is not known.
pub async fn sampled(
    project: &Project,
    attacked: &Attacked,
    labelled: &[Snippet],
    by: LabellerKind,
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
    let scored = Scored {
        model,
        threshold,
        path,
    };
    if let Some(found) = by_design(project, &scored, by).await? {
        return Ok(Ok(found));
    }
    by_random_draws(project, &scored, labelled, by).await
}

/// The newest design of the leak of the plain filter with this classifier at this threshold whose labels carry a
/// number: an attack knows of no other law and no second condition.
async fn by_design(
    project: &Project,
    scored: &Scored<'_>,
    by: LabellerKind,
) -> Result<Option<(String, Estimate)>> {
    let designs = project.store.designs(Some(DesignKind::Leak)).await?;
    let of_filter = designs.into_iter().rev().filter(|design| {
        let filter = &design.record["frame"]["filter"];
        design.model == scored.model
            && filter["threshold"].as_f64() == Some(scored.threshold)
            && filter["path"].as_str() == Some(scored.path)
            && is_plain(filter)
    });
    for design in of_filter {
        let id = design.id;
        let budget = design.record["frame"]["filter"]["budget"].as_u64();
        let ready = Ready::read(project, design).await?;
        match compute_leak(&ready, by, &[], EACH) {
            Ok(Some(computed)) => {
                let report = computed.report;
                let rows = format!(
                    "leak design {id}: {} labels of {}, drawn among the answers of the filter with {} draws at most",
                    report.labelled,
                    named(by),
                    budget.unwrap_or_default()
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

/// Whose scores decide what is accepted.
struct Scored<'a> {
    model: ModelId,
    threshold: f64,
    path: &'a str,
}

/// Labelled simple random draws of the generator that the classifier never learnt from and that it accepts,
/// whether they were drawn here or imported with that word; those that a score chose for their label are left out.
async fn by_random_draws(
    project: &Project,
    scored: &Scored<'_>,
    labelled: &[Snippet],
    by: LabellerKind,
) -> Result<std::result::Result<(String, Estimate), String>> {
    let seed = project.config.project.split_seed;
    let drawn: Vec<(&Snippet, Option<bool>)> = labelled
        .iter()
        .filter(|snippet| data::is_random_sample(snippet) && snippet.split(seed) == Split::Test)
        .filter_map(|snippet| Some((snippet, adjudicated(Some(snippet), by)?.strict)))
        .collect();
    let ids: Vec<SnippetId> = drawn.iter().map(|(snippet, _)| snippet.id).collect();
    let (model, path) = (scored.model, scored.path);
    let scores = project.store.scores_of(model, path, &ids).await?;
    let (mut n, mut catastrophes, mut undecided, mut unscored) = (0u64, 0u64, 0u64, 0u64);
    let mut generators = BTreeSet::new();
    for ((snippet, strict), score) in drawn.into_iter().zip(scores) {
        match (score, strict) {
            (None, _) => unscored += 1,
            (Some(score), _) if score.logit() >= scored.threshold => {}
            (Some(_), None) => undecided += 1,
            (Some(_), Some(strict)) => {
                n += 1;
                catastrophes += u64::from(strict);
                generators.extend(snippet.meta_values("generator").filter_map(|g| g.as_str()));
            }
        }
    }
    if unscored > 0 {
        return Ok(Err(format!(
            "{unscored} labelled random draws have no score yet; `nines score --stored` gives it"
        )));
    }
    if n == 0 {
        return Ok(Err(format!(
            "no random answers of this filter have been labelled by {}; `nines measure leak` draws them",
            named(by)
        )));
    }
    let share = estimate(clopper_pearson(catastrophes, n, EACH)?);
    let mut rows = format!(
        "{n} random draws of the test split that the filter accepts, labelled by {}",
        named(by)
    );
    if undecided > 0 {
        let _ = write!(
            rows,
            " ({undecided} more that they could not decide are left out)"
        );
    }
    if !generators.is_empty() {
        let names: Vec<&str> = generators.into_iter().collect();
        let _ = write!(rows, ", drawn from {}", names.join("; "));
    }
    Ok(Ok((rows, share)))
}
