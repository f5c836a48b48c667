//! In which fields the recipes of a sweep differ, and whether finds teach: what a reader needs to see of each.

use super::trial::Trial;
use crate::error::TrainError;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Fields that say nothing of a recipe: the seed is told apart, and the split's is the project's.
const NOT_OF_THE_RECIPE: [&str; 2] = ["seed", "split_seed"];

/// The fields of recipes that differ between trials.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences(BTreeSet<String>);

impl Differences {
    /// Compares the recipes of trials, field by field. A field that one of them leaves out, since it is off
    /// there, differs from one that is set.
    ///
    /// # Errors
    /// [`TrainError::Sweep`] for a recipe that cannot be written.
    pub fn between(trials: &[Trial]) -> Result<Self, TrainError> {
        let mut values: BTreeMap<String, (Value, usize, bool)> = BTreeMap::new();
        for trial in trials {
            for (field, value) in fields(trial)? {
                let seen = values
                    .entry(field)
                    .or_insert_with(|| (value.clone(), 0, false));
                seen.1 += 1;
                seen.2 |= seen.0 != value;
            }
        }
        let differs =
            |(_, count, differs): &(Value, usize, bool)| *differs || *count < trials.len();
        let names = values.into_iter().filter(|(_, seen)| differs(seen));
        Ok(Self(names.map(|(field, _)| field).collect()))
    }

    /// Returns a trial's values of these fields; `null` where it leaves one out.
    ///
    /// # Errors
    /// As [`Self::between`].
    pub fn of(&self, trial: &Trial) -> Result<Map<String, Value>, TrainError> {
        let mut own = fields(trial)?;
        let mut value = |field: &String| own.remove(field).unwrap_or(Value::Null);
        let names = self.0.iter();
        Ok(names.map(|field| (field.clone(), value(field))).collect())
    }
}

impl Differences {
    /// Names the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn fields(trial: &Trial) -> Result<Map<String, Value>, TrainError> {
    let value = serde_json::to_value(&trial.config).map_err(|error| TrainError::Sweep {
        problem: format!("the recipe of {}: {error}", trial.name()),
    })?;
    let Value::Object(mut fields) = value else {
        return Ok(Map::new());
    };
    for field in NOT_OF_THE_RECIPE {
        fields.remove(field);
    }
    fields.insert("finds".to_owned(), trial.finds.into());
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::SweepFile;
    use serde_json::json;

    fn trials(value: Value) -> Vec<Trial> {
        let file: SweepFile = serde_json::from_value(value).expect("a sweep file");
        file.every_trial().expect("trials")
    }

    #[test]
    fn only_what_differs_is_told_and_seeds_are_no_part_of_it() {
        let trials = trials(json!({
            "seeds": [0, 1], "recipe": {"epochs": 2},
            "cells": [
                {"name": "plain"},
                {"name": "slow", "recipe": {"learning_rate": 1e-5, "epochs": 2}},
                {"name": "heavy", "recipe": {"positive_weight": {"value": 3.0}}},
            ]
        }));
        let differences = Differences::between(&trials).expect("compared");
        let names: Vec<&str> = differences.names().collect();
        assert_eq!(names, ["learning_rate", "positive_weight"]);
        let slow = differences.of(&trials[1]).expect("told");
        assert_eq!(
            Value::Object(slow),
            json!({"learning_rate": 1e-5, "positive_weight": "square_root"})
        );
        let heavy = differences.of(&trials[2]).expect("told");
        assert_eq!(heavy["positive_weight"], json!({"value": 3.0}));
    }

    #[test]
    fn rungs_differ_in_their_epochs() {
        let trials = trials(json!({"search": {"trials": 3, "rungs": [1, 2],
            "space": {"learning_rate": {"log": [1e-5, 1e-3]}}}}));
        assert_eq!(trials.len(), 6, "every draw in both rungs");
        let differences = Differences::between(&trials).expect("compared");
        let names: Vec<&str> = differences.names().collect();
        assert_eq!(names, ["epochs", "learning_rate"]);
        let equal = Differences::between(&trials[..1]).expect("compared");
        assert_eq!(equal, Differences::default());
    }
}
