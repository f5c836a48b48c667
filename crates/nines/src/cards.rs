//! A classifier's card: put together from what is stored of it.

use crate::commands::export::{card_metrics, measured_on};
use crate::commands::train::TEACHER;
use crate::models;
use crate::project::Project;
use anyhow::Result;
use nines_domain::snippet::ModelId;
use nines_domain::split::Split;
use nines_measure::calibrate::Calibrated;
use nines_measure::style::StyleCheck;
use nines_server::card::{
    Ancestor, Card, CardCalibration, CardData, CardNumber, CardOption, CardStyle, CardStyleEffect,
    DataCount, Lineage,
};
use nines_store::{Calibration, Metric, Model};
use nines_train::data::Role;
use nines_train::distillation::SoftTarget;
use nines_train::train::RECORD_FILE;
use nines_train::{Roles, TrainConfig, TrainingData, TrainingRecord};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Steps that a series of the card keeps at most.
const MOST_STEPS: usize = 400;

/// Fields of a recipe that are no choice of whoever trained: they never count as differing.
const NO_CHOICE: [&str; 2] = ["split_seed", "precision"];

/// The origin of completions without a label, of which a teacher speaks alone.
const TAUGHT: &str = "taught, no label";

/// Where a version's metrics keep the predicate that it was made for.
pub const PREDICATE: &str = "predicate";

/// Puts a classifier's card together.
///
/// # Errors
/// Those of reading the database.
pub async fn card(project: &Project, model: &Model) -> Result<Card> {
    let mut calibrations = project.store.calibrations(Some(model.id)).await?;
    calibrations.extend(project.store.cautious_calibrations(model.id).await?);
    calibrations.sort_by_key(|calibration| calibration.id);
    let curves = match model.run {
        Some(run) => curves(&project.store.metrics(run, None).await?),
        None => BTreeMap::new(),
    };
    let numbers = card_metrics(&model.metrics)?;
    Ok(Card {
        id: model.id.0,
        label: model.label(),
        created: model.created.to_string(),
        digest: model.digest.clone(),
        predicate: predicate(model),
        path: model.metrics["path"].as_str().map(str::to_owned),
        data: data(project, model),
        options: match &model.ensemble {
            None => options(&model.config["config"]),
            // Its members have theirs.
            Some(_) => Vec::new(),
        },
        curves,
        metrics: numbers
            .into_iter()
            .map(|(what, on, value)| CardNumber {
                on,
                what,
                value: value.into(),
            })
            .collect(),
        measured_on: measured_on(&model.metrics)?,
        calibrations: calibrations.iter().rev().map(calibration).collect(),
        lineage: lineage(project, model).await?,
        style_check: style(&model.metrics["style"]),
    })
}

/// Counts what a training learns from, by the part that rows play and where their texts come from, as a
/// version's metrics keep it.
pub fn data_counts(data: &TrainingData, roles: &Roles, split_seed: u64) -> Value {
    let mut counts: BTreeMap<(Role, &str, &str), (DataCount, BTreeSet<_>)> = BTreeMap::new();
    for (place, row) in data.rows().iter().enumerate() {
        let role = roles.role(place);
        // What is held out is held out for two things.
        let split = match role {
            Role::HeldOut => Split::of_family(&row.family, split_seed).as_str(),
            _ => role.as_str(),
        };
        // What a teacher said alone is nobody's label.
        let origin = match row.soft.is_some_and(SoftTarget::is_alone) {
            true => TAUGHT,
            false => row.source.as_str(),
        };
        let key = (role, split, origin);
        let (count, families) = counts.entry(key).or_insert_with(|| {
            let none = DataCount {
                split: split.to_owned(),
                origin: origin.to_owned(),
                families: 0,
                snippets: 0,
                catastrophes: 0,
                random: 0,
            };
            (none, BTreeSet::new())
        });
        count.snippets += 1;
        count.catastrophes += u64::from(row.broad);
        count.random += u64::from(row.random);
        families.insert(row.family);
    }
    let counts = counts.into_values().map(|(mut count, families)| {
        count.families = families.len() as u64;
        count
    });
    json!(counts.collect::<Vec<_>>())
}

fn data(project: &Project, model: &Model) -> CardData {
    let mut notes = Vec::new();
    let mut counts: Vec<DataCount> = read_counts(&model.metrics["data"]);
    if counts.is_empty() {
        match of_record(project, model) {
            Some(found) => {
                counts = found;
                notes.push(
                    "Where its texts come from was not kept apart when it was trained.".into(),
                );
            }
            None if model.ensemble.is_none() => {
                notes.push("What it learned from is not known: its record cannot be read.".into());
            }
            None => {}
        }
    }
    let recipe = &model.config["config"];
    if let Some(budget) = recipe["label_budget"].as_u64() {
        notes.push(format!(
            "A budget of {budget} labels drew which of these trained and validated."
        ));
    }
    if recipe["label_noise"].is_object() {
        notes.push("Labels that trained and validated were turned by chance.".to_owned());
    }
    CardData {
        digest: model.config["data_digest"].as_str().map(str::to_owned),
        counts,
        notes,
    }
}

fn read_counts(stored: &Value) -> Vec<DataCount> {
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap_or(0);
    let word = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    let rows = stored.as_array().into_iter().flatten();
    rows.filter_map(|row| {
        Some(DataCount {
            split: word(row, "split")?,
            origin: word(row, "origin")?,
            families: number(row, "families"),
            snippets: number(row, "snippets"),
            catastrophes: number(row, "catastrophes"),
            random: number(row, "random"),
        })
    })
    .collect()
}

/// Returns the predicate that a version was made for, with its version then. Earlier versions of nines did not keep it.
pub fn predicate(model: &Model) -> Option<String> {
    model.metrics[PREDICATE].as_str().map(str::to_owned)
}

/// The counts that a version keeps beside its weights, if that file can be read.
fn of_record(project: &Project, model: &Model) -> Option<Vec<DataCount>> {
    let path = models::folder_of(project, model).join(RECORD_FILE);
    let record: TrainingRecord = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let counts = record.counts.into_iter();
    let counts = counts
        .map(|count| DataCount {
            split: count.role.as_str().to_owned(),
            origin: "all".to_owned(),
            families: count.families as u64,
            snippets: count.rows as u64,
            catastrophes: count.catastrophes as u64,
            random: count.random as u64,
        })
        .collect();
    Some(counts)
}

/// Lists a recipe's options, those that differ from the defaults first.
fn options(recipe: &Value) -> Vec<CardOption> {
    let Some(recipe) = recipe.as_object() else {
        return Vec::new();
    };
    let defaults = match serde_json::to_value(TrainConfig::default()) {
        Ok(Value::Object(defaults)) => defaults,
        _ => Map::new(),
    };
    let fields: BTreeSet<&String> = recipe.keys().chain(defaults.keys()).collect();
    let of = |values: &Map<String, Value>, field: &String| {
        values.get(field).cloned().unwrap_or(Value::Null)
    };
    let mut options: Vec<CardOption> = fields
        .into_iter()
        .map(|field| {
            let (value, default) = (of(recipe, field), of(&defaults, field));
            let differs = value != default && !NO_CHOICE.contains(&field.as_str());
            CardOption {
                field: field.clone(),
                value,
                default,
                differs,
            }
        })
        .collect();
    options.sort_by_key(|option| !option.differs);
    options
}

/// Groups a run's measurements by their names; of a long series some steps are kept, the first and the last
/// among them.
fn curves(metrics: &[Metric]) -> BTreeMap<String, Vec<(u64, Option<f64>)>> {
    let mut all: BTreeMap<String, Vec<(u64, Option<f64>)>> = BTreeMap::new();
    for metric in metrics {
        let value = Some(metric.value).filter(|value| value.is_finite());
        let series = all.entry(metric.name.clone()).or_default();
        series.push((metric.step, value));
    }
    for series in all.values_mut() {
        let last = series.len().saturating_sub(1);
        if last >= MOST_STEPS {
            let kept = (0..MOST_STEPS).map(|i| series[i * last / (MOST_STEPS - 1)]);
            *series = kept.collect();
        }
    }
    all
}

fn calibration(stored: &Calibration) -> CardCalibration {
    let whole: Option<Calibrated> = serde_json::from_value(stored.record.clone()).ok();
    let record = whole.map(|whole| whole.record);
    let [acceptance, caught] = record.map_or([None, None], |record| {
        [record.acceptance, record.recall].map(|estimate| estimate.map(Into::into))
    });
    CardCalibration {
        id: stored.id.0,
        rule: stored.rule.clone(),
        threshold: stored.threshold.logit(),
        path: stored.record["path"].as_str().map(str::to_owned),
        created: stored.created.to_string(),
        is_cautious: stored.is_cautious(),
        acceptance,
        caught,
    }
}

/// Reads a version's style check; none where it was made before there was one.
fn style(stored: &Value) -> Option<CardStyle> {
    let check: StyleCheck = serde_json::from_value(stored.clone()).ok()?;
    let effects = check.effects.into_iter().map(|effect| CardStyleEffect {
        style: effect.style,
        catastrophes: effect.catastrophes,
        pairs: effect.pairs,
        shift: effect.shift.map(Into::into),
        rejected_for_it: effect.rejected_for_it.map(Into::into),
        accepted_for_it: effect.accepted_for_it.map(Into::into),
    });
    Some(CardStyle {
        threshold: check.threshold.logit(),
        rule: check.rule,
        effects: effects.collect(),
    })
}

async fn lineage(project: &Project, model: &Model) -> Result<Lineage> {
    let all = project.store.models(None).await?;
    let base = all.iter().find(|other| Some(other.id) == model.parent);
    let record = model.ensemble.as_ref();
    let members = record.into_iter().flat_map(|record| &record.members);
    let is_there = |id: ModelId| all.iter().any(|other| other.id == id);
    Ok(Lineage {
        base: base.map(|base| Ancestor {
            id: Some(base.id.0),
            label: base.name.clone(),
            digest: Some(base.digest.clone()),
        }),
        run: model.run.map(|run| run.0),
        members: members
            .map(|member| Ancestor {
                id: Some(member.id.0).filter(|_| is_there(member.id)),
                label: member.label.clone(),
                digest: Some(member.digest.clone()),
            })
            .collect(),
        combine: record.map(|record| record.combine.to_string()),
        teacher: ancestor(&all, &model.config[TEACHER]),
    })
}

/// Reads a model that a record names by its key, its name or its digest.
fn ancestor(all: &[Model], named: &Value) -> Option<Ancestor> {
    let word = |name: &str| named[name].as_str().map(str::to_owned);
    let digest = word("digest");
    let id = named["id"].as_i64();
    let is_it = |other: &&Model| match id {
        Some(id) => other.id.0 == id,
        None => digest.as_deref() == Some(other.digest.as_str()),
    };
    let stored = all.iter().find(is_it);
    let label = word("label").or_else(|| stored.map(Model::label))?;
    Some(Ancestor {
        id: stored.map(|model| model.id.0),
        label,
        digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_the_defaults_comes_first() {
        let config = TrainConfig {
            epochs: 9,
            seed: 5,
            ..TrainConfig::default()
        };
        let mut recipe = serde_json::to_value(config).expect("JSON");
        recipe["sift"] = json!({"weight": 1.0});
        let options = options(&recipe);
        let differing: Vec<&str> = options
            .iter()
            .take_while(|option| option.differs)
            .map(|option| option.field.as_str())
            .collect();
        assert_eq!(differing, ["epochs", "seed", "sift"]);
        let default = serde_json::to_value(TrainConfig::default()).expect("JSON")["epochs"].clone();
        assert_eq!(
            (&options[0].value, &options[0].default),
            (&json!(9), &default)
        );
        assert!(options[3..].iter().all(|option| !option.differs));
    }

    #[test]
    fn long_curves_keep_both_ends() {
        let metric = |step| Metric {
            step,
            name: "loss".into(),
            value: if step == 7 { f64::NAN } else { 0.5 },
            created: jiff::Timestamp::UNIX_EPOCH,
        };
        let all: Vec<Metric> = (1..=5000).map(metric).collect();
        let kept = &curves(&all)["loss"];
        assert_eq!(kept.len(), MOST_STEPS);
        assert_eq!((kept[0].0, kept[MOST_STEPS - 1].0), (1, 5000));
        let few = &curves(&all[..8])["loss"];
        assert_eq!((few.len(), few[6]), (8, (7, None)));
    }
}
