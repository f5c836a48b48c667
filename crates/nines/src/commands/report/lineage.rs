//! Where the numbers come from.

use super::chosen::filter_of;
use super::rows::{Rows, prompts};
use crate::commands::train::TEACHER;
use crate::data;
use jiff::Timestamp;
use nines_domain::split::Split;
use nines_measure::described::in_brackets;
use nines_report::report::{
    Calibration, ClassifierVersion, DataCount, EstimateRow, Lineage, SamplingDesign,
};
use nines_store::{Model, ModelKind, Snippet, StoredEstimate};

/// Fills the section; `None` in a project without a classifier and without data.
pub fn section(rows: &Rows<'_>) -> Option<Lineage> {
    let classifiers: Vec<ClassifierVersion> = rows
        .models
        .iter()
        .filter(|m| m.kind == ModelKind::Classifier)
        .map(|model| version(rows, model))
        .collect();
    let counts = &rows.counts;
    let data: Vec<DataCount> = [
        ("prompts", counts.prompts),
        ("prompt families", counts.families),
        ("snippets", counts.snippets),
        ("labelled snippets", counts.labelled_snippets),
        ("labelled snippets: yes (broad)", counts.broad_yes),
        ("labelled snippets: no", counts.broad_no),
        ("labelled snippets left undecided", counts.excluded),
        ("labels by people", counts.labels_by_people),
        ("labels by judges (models)", counts.labels_by_judges),
        ("draws by generators", counts.generations),
        ("stored scores", counts.scores),
        ("answers of filters", counts.filter_answers),
        (
            "attack sessions",
            (rows.sessions.len() + rows.rewriting.len()) as u64,
        ),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(what, count)| DataCount {
        what: what.to_owned(),
        count,
    })
    .collect();
    let lineage = Lineage {
        classifiers,
        data,
        calibrations: rows
            .calibrations
            .iter()
            .map(|c| Calibration {
                id: number(c.id.0),
                classifier: rows.label_of(c.model),
                rule: c.rule.clone(),
                threshold: c.threshold,
                created: moment(c.created),
            })
            .collect(),
        designs: rows
            .designs
            .iter()
            .map(|d| SamplingDesign {
                id: number(d.id.0),
                what: format!(
                    "{} of {}{}, answers to {}",
                    d.kind.as_str(),
                    rows.label_of(d.model),
                    in_brackets(filter_of(d)),
                    prompts(&d.record)
                ),
                drawn: rows.drawn.get(&d.id).copied().unwrap_or_default(),
                seed: d.record["seed"].as_u64(),
                created: moment(d.created),
            })
            .collect(),
        estimates: rows.estimates.iter().map(estimate).collect(),
    };
    (lineage != Lineage::default()).then_some(lineage)
}

/// A classifier's version. What it was trained on is counted again: labelled snippets of the training
/// split with a label that is older than the version, or than the newest member of an ensemble.
fn version(rows: &Rows<'_>, model: &Model) -> ClassifierVersion {
    let seed = model.config["config"]["split_seed"]
        .as_u64()
        .unwrap_or(rows.project.config.project.split_seed);
    let record = model.ensemble.iter();
    let members: Vec<&Model> = record
        .flat_map(|record| &record.members)
        .filter_map(|member| rows.models.iter().find(|m| m.id == member.id))
        .collect();
    let newest = members.iter().map(|member| member.created).max();
    let until = newest.unwrap_or(model.created);
    let trained: Vec<&Snippet> = rows
        .labelled
        .iter()
        .filter(|s| s.split(seed) == Split::Train && data::broad(s).is_some())
        .filter(|s| s.labels.first().is_some_and(|l| l.created <= until))
        .collect();
    let yes = trained.iter().filter(|s| data::broad(s) == Some(true));
    ClassifierVersion {
        name: model.label(),
        parents: model
            .parent
            .map(|id| rows.label_of(id))
            .into_iter()
            .chain(members.iter().map(|member| member.label()))
            .chain(teacher_of(model))
            .collect(),
        trained_on: trained.len() as u64,
        catastrophes: yes.count() as u64,
        from_attacks: 0,
        seed: model.config["config"]["seed"].as_u64(),
        created: moment(model.created),
    }
}

/// The name and version of what taught a version, where something did.
fn teacher_of(model: &Model) -> Option<String> {
    let label = model.config[TEACHER]["label"].as_str()?;
    Some(format!("{label} (its teacher)"))
}

fn estimate(stored: &StoredEstimate) -> EstimateRow {
    let record = &stored.new.record;
    // What tells it from another estimate of the same quantity.
    let about: Vec<&str> = ["labels_of", "group", "slower"]
        .into_iter()
        .filter_map(|field| record[field].as_str())
        .collect();
    EstimateRow {
        id: number(stored.id.0),
        what: format!(
            "{}{}{}",
            stored.new.quantity,
            match about.is_empty() {
                true => String::new(),
                false => format!(" ({})", about.join(", ")),
            },
            in_brackets(&record["frame"]["filter"])
        ),
        estimate: stored.new.estimate.clone().into(),
        seed: record["frame"]["seed"].as_u64().or(record["seed"].as_u64()),
        created: moment(stored.created),
    }
}

fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or_default()
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
