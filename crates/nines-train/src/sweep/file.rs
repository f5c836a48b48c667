//! What a sweep file says, and the trials that it means.

use super::attacks::AttackPlan;
use super::search::Search;
use super::trial::{Trial, TrialIdentity};
use crate::config::TrainConfig;
use crate::error::TrainError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// More trials than this are a mistake: each takes minutes.
pub const MAX_TRIALS: usize = 10_000;

/// A sweep: either named cells or a search, each trial cross-validated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// The seeds of every cell that names none of its own.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// Folds of each cross-validation.
    #[serde(default = "five")]
    pub folds: u64,
    /// The base model of every cell that names none; `None` is the project's.
    #[serde(default)]
    pub base: Option<String>,
    /// Whether labelled finds of attacks and edits teach, in the folds in which their family trains. They are
    /// never measured on.
    #[serde(default)]
    pub finds: bool,
    /// The recipe that all share: fields of [`TrainConfig`].
    #[serde(default)]
    pub recipe: Map<String, Value>,
    /// The cell that others are compared with; the first where none is named.
    #[serde(default)]
    pub baseline: Option<String>,
    /// Attacks on the first fold's classifier.
    #[serde(default)]
    pub attacks: Option<AttackPlan>,
    /// Recipes with names.
    #[serde(default)]
    pub cells: Vec<Cell>,
    /// Recipes that are drawn.
    #[serde(default)]
    pub search: Option<Search>,
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

fn five() -> u64 {
    5
}

/// A recipe with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The name: letters, digits, `-`, `_` and `.`; it names files.
    pub name: String,
    /// Its base model, where it is another.
    #[serde(default)]
    pub base: Option<String>,
    /// Its seeds, where they are others.
    #[serde(default)]
    pub seeds: Option<Vec<u64>>,
    /// Whether finds teach, where it is otherwise.
    #[serde(default)]
    pub finds: Option<bool>,
    /// What differs from the recipe that all share.
    #[serde(default)]
    pub recipe: Map<String, Value>,
}

impl SweepFile {
    /// Checks the file and lists its first trials: all of them for cells and a random search, those of the
    /// first rung for successive halving.
    ///
    /// # Errors
    /// [`TrainError::Sweep`] says what cannot be used, and where; [`TrainError::Option`] names a recipe's
    /// field.
    pub fn trials(&self) -> Result<Vec<Trial>, TrainError> {
        self.check()?;
        // Counted before anything is drawn: a file of a few bytes can ask for any number.
        let expected = self.expected();
        if expected > MAX_TRIALS as u64 {
            return Err(refused(format!(
                "it means {expected} trials, and at most {MAX_TRIALS} make one sweep"
            )));
        }
        match &self.search {
            Some(search) => search.rung(self, 0, &search.all()),
            None => self.of_cells(),
        }
    }

    /// Lists every trial that the sweep may make: of all rungs, whichever recipes go on.
    ///
    /// # Errors
    /// As [`Self::trials`].
    pub fn every_trial(&self) -> Result<Vec<Trial>, TrainError> {
        let first = self.trials()?;
        let Some(search) = &self.search else {
            return Ok(first);
        };
        let later = (1..search.rung_count()).map(|rung| search.rung(self, rung, &search.all()));
        let later: Vec<Vec<Trial>> = later.collect::<Result<_, _>>()?;
        Ok(std::iter::once(first).chain(later).flatten().collect())
    }

    /// Counts the trials that the sweep is going to make, those that successive halving leaves included.
    pub fn expected(&self) -> u64 {
        let Some(search) = &self.search else {
            let seeds = |cell: &Cell| cell.seeds.as_ref().unwrap_or(&self.seeds).len();
            return self.cells.iter().map(|cell| seeds(cell) as u64).sum();
        };
        let mut recipes = search.trials;
        let mut all = 0u64;
        for _ in 0..search.rung_count() {
            let trials = (recipes as u64).saturating_mul(self.seeds.len() as u64);
            all = all.saturating_add(trials);
            recipes = search.kept(recipes);
        }
        all
    }

    /// Returns the name of the cell that others are compared with.
    pub fn baseline(&self) -> Option<&str> {
        let first = self.cells.first().map(|cell| cell.name.as_str());
        self.baseline.as_deref().or(first)
    }

    /// Returns what the file asks of a trial's result. What only the project says (the split's seed, its base, its
    /// finds, the precision where the file names none) is taken from the result's own identity.
    pub fn asked(&self, trial: &Trial, rows: &str, own: &TrialIdentity) -> TrialIdentity {
        let mut asked = own.clone();
        asked.recipe = trial.config.clone();
        asked.recipe.split_seed = own.recipe.split_seed;
        if !self.names_precision(&trial.cell) {
            asked.recipe.precision = own.recipe.precision;
        }
        if let Some(base) = &trial.base {
            asked.base.clone_from(base);
        }
        rows.clone_into(&mut asked.data);
        if !trial.finds {
            rows.clone_into(&mut asked.taught);
        }
        asked.folds = self.folds;
        asked.attacks.clone_from(&self.attacks);
        asked
    }

    fn names_precision(&self, cell: &str) -> bool {
        const FIELD: &str = "precision";
        let search = self.search.as_ref();
        let mut own = self.cells.iter().filter(|own| own.name == cell);
        self.recipe.contains_key(FIELD)
            || own.any(|cell| cell.recipe.contains_key(FIELD))
            || search.is_some_and(|search| search.space.contains_key(FIELD))
    }

    /// Seed by seed, so that every cell has its first result before any has its second.
    fn of_cells(&self) -> Result<Vec<Trial>, TrainError> {
        let seeds = |cell: &Cell| cell.seeds.clone().unwrap_or_else(|| self.seeds.clone());
        let most = self.cells.iter().map(|cell| seeds(cell).len()).max();
        let mut trials = Vec::new();
        for place in 0..most.unwrap_or(0) {
            for cell in &self.cells {
                if let Some(&seed) = seeds(cell).get(place) {
                    let base = cell.base.clone().or_else(|| self.base.clone());
                    let mut trial = self.trial(&cell.name, seed, base, &cell.recipe)?;
                    trial.finds = cell.finds.unwrap_or(self.finds);
                    trials.push(trial);
                }
            }
        }
        Ok(trials)
    }

    /// Makes a trial of the shared recipe and what differs from it.
    pub(super) fn trial(
        &self,
        cell: &str,
        seed: u64,
        base: Option<String>,
        own: &Map<String, Value>,
    ) -> Result<Trial, TrainError> {
        let mut recipe = self.recipe.clone();
        recipe.extend(own.clone());
        recipe.insert("seed".to_owned(), seed.into());
        let of_cell = |error: TrainError| refused(format!("the recipe of {cell}: {error}"));
        let config = TrainConfig::default()
            .with_fields(&recipe)
            .map_err(of_cell)?;
        config.check().map_err(of_cell)?;
        if config.teacher.is_some() {
            return Err(refused(format!(
                "the recipe of {cell} has a teacher, and a sweep has none: whoever could teach has learnt the \
                 rows of every fold"
            )));
        }
        Ok(Trial {
            cell: cell.to_owned(),
            seed,
            base,
            finds: self.finds,
            config,
        })
    }

    fn check(&self) -> Result<(), TrainError> {
        let refuse = |problem: String| Err(refused(problem));
        if self.cells.is_empty() == self.search.is_none() {
            return refuse("it needs either [[cells]] or [search]".to_owned());
        }
        if self.folds < 2 {
            return refuse(format!("folds is {}, but must be at least 2", self.folds));
        }
        for (of, seeds) in self.seeds_by_place() {
            let distinct: BTreeSet<u64> = seeds.iter().copied().collect();
            if seeds.is_empty() || distinct.len() < seeds.len() {
                return refuse(format!("the seeds of {of} are none, or one comes twice"));
            }
        }
        let mut names = BTreeSet::new();
        for cell in &self.cells {
            if !is_name(&cell.name) {
                return refuse(format!(
                    "{:?} is no name of a cell: up to 64 letters, digits, '-', '_' and '.', and no '.' first",
                    cell.name
                ));
            }
            if !names.insert(cell.name.as_str()) {
                return refuse(format!("two cells are named {}", cell.name));
            }
        }
        if let Some(baseline) = &self.baseline
            && !names.contains(baseline.as_str())
        {
            return refuse(format!("its baseline {baseline:?} is none of its cells"));
        }
        for recipe in self.recipes() {
            refuse_seeds(recipe.keys())?;
        }
        if let Some(attacks) = &self.attacks {
            attacks.check()?;
        }
        self.search.as_ref().map_or(Ok(()), Search::check)
    }

    fn seeds_by_place(&self) -> impl Iterator<Item = (&str, &Vec<u64>)> {
        let own = |cell: &'_ Cell| cell.seeds.is_some();
        let cells = self.cells.iter().filter(move |cell| own(cell));
        let cells = cells.filter_map(|cell| Some((cell.name.as_str(), cell.seeds.as_ref()?)));
        std::iter::once(("the sweep", &self.seeds)).chain(cells)
    }

    fn recipes(&self) -> impl Iterator<Item = &Map<String, Value>> {
        std::iter::once(&self.recipe).chain(self.cells.iter().map(|cell| &cell.recipe))
    }
}

/// Says whether a text may name a cell, and so a file.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('.')
}

/// Refuses fields that are not the recipe's to say.
pub(super) fn refuse_seeds<'a>(fields: impl Iterator<Item = &'a String>) -> Result<(), TrainError> {
    let mut fields = fields.filter(|field| ["seed", "split_seed"].contains(&field.as_str()));
    fields.next().map_or(Ok(()), |field| {
        Err(refused(format!(
            "a recipe sets {field}; seeds are named by `seeds`, and the project keeps the split's"
        )))
    })
}

pub(super) fn refused(problem: String) -> TrainError {
    TrainError::Sweep { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(value: Value) -> SweepFile {
        serde_json::from_value(value).expect("a sweep file")
    }

    #[test]
    fn cells_come_seed_by_seed_with_the_shared_recipe_under_their_own() {
        let file = file(json!({
            "seeds": [0, 1], "recipe": {"epochs": 2, "learning_rate": 5e-5},
            "cells": [
                {"name": "plain"},
                {"name": "slow", "recipe": {"learning_rate": 1e-5}, "seeds": [0, 1, 2]},
            ]
        }));
        let trials = file.trials().expect("trials");
        let names: Vec<_> = trials.iter().map(Trial::name).collect();
        assert_eq!(names, ["plain-0", "slow-0", "plain-1", "slow-1", "slow-2"]);
        assert_eq!(
            (trials[1].config.epochs, trials[1].config.learning_rate),
            (2, 1e-5)
        );
        assert_eq!(
            (trials[2].config.seed, trials[2].config.learning_rate),
            (1, 5e-5)
        );
        assert_eq!(file.baseline(), Some("plain"));
        assert_eq!(file.expected(), 5);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let problem = |value: Value| file(value).trials().expect_err("refused").to_string();
        assert!(problem(json!({})).contains("either [[cells]] or [search]"));
        let search = |trials: u64| {
            let space = json!({"learning_rate": {"log": [1e-5, 1e-3]}});
            json!({"seeds": [0, 1], "search": {"trials": trials, "space": space}})
        };
        for trials in [5_001, 1 << 40, i64::MAX as u64] {
            assert!(
                problem(search(trials)).contains("at most 10000"),
                "{trials}"
            );
        }
        let cell = |name: &str| json!({"cells": [{"name": name}]});
        for name in ["", "../up", "a b", ".hidden", "a/b"] {
            assert!(problem(cell(name)).contains("no name of a cell"), "{name}");
        }
        assert!(problem(json!({"cells": [{"name": "a"}, {"name": "a"}]})).contains("two cells"));
        assert!(
            problem(json!({"cells": [{"name": "a"}], "seeds": [1, 1]})).contains("comes twice")
        );
        assert!(
            problem(json!({"cells": [{"name": "a", "recipe": {"seed": 3}}]})).contains("sets seed")
        );
        assert!(
            problem(json!({"cells": [{"name": "a", "recipe": {"epoch": 3}}]}))
                .contains("unknown field `epoch`")
        );
        assert!(
            problem(json!({"cells": [{"name": "a"}], "baseline": "b"}))
                .contains("none of its cells")
        );
        assert!(
            problem(json!({"cells": [{"name": "a", "recipe": {"epochs": 0}}]}))
                .contains("epochs is 0")
        );
        assert!(
            problem(json!({"cells": [{"name": "a"}], "attacks": {"recipes": []}}))
                .contains("[attacks]")
        );
        let teacher = json!({"name": "a", "recipe": {"teacher": {"weight": 0.5}}});
        assert!(problem(json!({ "cells": [teacher] })).contains("the recipe of a has a teacher"));
        let drawn = json!({"teacher.weight": {"uniform": [0.1, 1.0]}});
        assert!(
            problem(json!({"search": {"trials": 2, "space": drawn}})).contains("has a teacher")
        );
    }
}
