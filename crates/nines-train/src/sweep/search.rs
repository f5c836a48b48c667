//! Recipes drawn at random, and successive halving.

use super::file::{SweepFile, refuse_seeds, refused};
use super::trial::Trial;
use crate::error::TrainError;
use nines_kernels::rng::philox;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The purpose word that keeps these random numbers apart from others.
const PURPOSE: u32 = 0x7377_6570;

/// More rungs than this leave one recipe long before the last.
const MAX_RUNGS: usize = 16;

/// A search: recipes drawn from a space. With more than one rung, all of them get the first rung's epochs,
/// the best of those the second's, and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// How many recipes are drawn.
    pub trials: usize,
    /// Keys the draws.
    #[serde(default)]
    pub seed: u64,
    /// What is drawn, by the recipe's field; `a.b` is field b of table a.
    pub space: BTreeMap<String, Axis>,
    /// The epochs of each rung of successive halving, rising; none leaves the recipe's own and draws all
    /// once.
    #[serde(default)]
    pub rungs: Vec<u32>,
    /// The share that goes on to the next rung, rounded up.
    #[serde(default = "third")]
    pub keep: f64,
}

fn third() -> f64 {
    1.0 / 3.0
}

/// How one field is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Axis {
    /// Uniformly between two numbers.
    Uniform([f64; 2]),
    /// Uniformly in the logarithm, between two numbers above 0.
    Log([f64; 2]),
    /// A whole number, both ends included.
    Whole([u32; 2]),
    /// One of these values, each with the same chance.
    Choose(Vec<Value>),
}

impl Axis {
    /// Returns the value at a place between 0 (included) and 1.
    fn at(&self, place: f64) -> Value {
        match self {
            Self::Uniform([low, high]) => json!(low + place * (high - low)),
            Self::Log([low, high]) => json!((low.ln() + place * (high / low).ln()).exp()),
            Self::Whole([low, high]) => {
                let count = f64::from(high - low) + 1.0;
                json!(low + ((place * count) as u32).min(high - low))
            }
            Self::Choose(values) => {
                let at = ((place * values.len() as f64) as usize).min(values.len() - 1);
                values[at].clone()
            }
        }
    }

    fn check(&self, field: &str) -> Result<(), TrainError> {
        let usable = match self {
            Self::Uniform([low, high]) => low.is_finite() && high.is_finite() && low <= high,
            Self::Log([low, high]) => *low > 0.0 && high.is_finite() && low <= high,
            Self::Whole([low, high]) => low <= high,
            Self::Choose(values) => !values.is_empty(),
        };
        usable.then_some(()).ok_or_else(|| {
            refused(format!(
                "the space of {field} is empty: the first number must be at most the second (above 0 for log), \
                 and `choose` needs a value"
            ))
        })
    }
}

impl Search {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        if self.trials == 0 || self.space.is_empty() {
            return Err(refused("[search] needs trials and a space".to_owned()));
        }
        if !(self.keep > 0.0 && self.keep < 1.0) {
            return Err(refused(format!(
                "keep is {}, but must lie between 0 and 1",
                self.keep
            )));
        }
        if self.rungs.len() > MAX_RUNGS {
            return Err(refused(format!(
                "it has {} rungs, and at most {MAX_RUNGS} make one search",
                self.rungs.len()
            )));
        }
        let rising = self.rungs.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.rungs.contains(&0) {
            return Err(refused(
                "rungs are epochs: each at least 1 and more than the one before".to_owned(),
            ));
        }
        if !self.rungs.is_empty() && self.space.contains_key("epochs") {
            return Err(refused(
                "epochs cannot be drawn where rungs set them".to_owned(),
            ));
        }
        refuse_seeds(self.space.keys())?;
        self.space
            .iter()
            .try_for_each(|(field, axis)| axis.check(field))
    }

    /// Returns the number of rungs: 1 where nothing is halved.
    pub fn rung_count(&self) -> usize {
        self.rungs.len().max(1)
    }

    /// Names every recipe that is drawn.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.trials).collect()
    }

    /// Returns how many of so many recipes go on.
    pub(super) fn kept(&self, recipes: usize) -> usize {
        ((recipes as f64 * self.keep).ceil() as usize).max(1)
    }

    /// Returns which recipes go on after a rung, given each one's value (larger is better): the best share,
    /// at least one; of equals, the one drawn first. What has no value never goes on.
    pub fn survivors(&self, values: &[(usize, Option<f64>)]) -> Vec<usize> {
        let mut ranked: Vec<(usize, f64)> = values
            .iter()
            .filter_map(|&(index, value)| Some((index, value.filter(|v| v.is_finite())?)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let keep = self.kept(values.len());
        let mut kept: Vec<usize> = ranked
            .into_iter()
            .take(keep)
            .map(|(index, _)| index)
            .collect();
        kept.sort_unstable();
        kept
    }

    /// Lists a rung's trials for the recipes that reached it, each with all seeds of the sweep.
    ///
    /// # Errors
    /// As [`SweepFile::trials`], for a recipe that cannot be used.
    pub fn rung(
        &self,
        file: &SweepFile,
        rung: usize,
        recipes: &[usize],
    ) -> Result<Vec<Trial>, TrainError> {
        let mut trials = Vec::new();
        for &index in recipes {
            let mut own = self.recipe(index, &file.recipe)?;
            let mut name = format!("draw{index:03}");
            if let Some(&epochs) = self.rungs.get(rung) {
                own.insert("epochs".to_owned(), epochs.into());
                name = format!("{name}-e{epochs}");
            }
            for &seed in &file.seeds {
                trials.push(file.trial(&name, seed, file.base.clone(), &own)?);
            }
        }
        Ok(trials)
    }

    /// Draws a recipe over the one that all share: of a table that has drawn fields, the others stay. What is drawn
    /// depends on the seed, the recipe's number and the field's name alone.
    fn recipe(
        &self,
        index: usize,
        shared: &Map<String, Value>,
    ) -> Result<Map<String, Value>, TrainError> {
        let mut recipe = shared.clone();
        // Tables come before their fields, in the order of names.
        for (field, axis) in &self.space {
            let name = field.bytes().fold(0x811c_9dc5u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            });
            let key = [self.seed as u32, (self.seed >> 32) as u32];
            let [low, high, ..] = philox([index as u32, name, PURPOSE, 0], key);
            let bits = u64::from(low) | u64::from(high) << 32;
            let place = (bits >> 11) as f64 / (1u64 << 53) as f64;
            let is_set = set(&mut recipe, field, axis.at(place));
            // A table that was itself drawn may have come out as something else.
            if !is_set && !self.draws_above(field) {
                return Err(refused(format!(
                    "the space has {field}, and what [recipe] says there is no table that could have it"
                )));
            }
        }
        Ok(recipe)
    }

    /// Says whether a table that holds a field is itself drawn.
    fn draws_above(&self, field: &str) -> bool {
        let mut dots = field.match_indices('.');
        dots.any(|(at, _)| self.space.contains_key(&field[..at]))
    }
}

/// Sets a field, making the tables on its way; says whether it could: what lies on the way may be no table.
fn set(recipe: &mut Map<String, Value>, field: &str, value: Value) -> bool {
    let Some((table, rest)) = field.split_once('.') else {
        recipe.insert(field.to_owned(), value);
        return true;
    };
    let inner = recipe
        .entry(table.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    match inner {
        Value::Object(inner) => set(inner, rest, value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(search: Value) -> SweepFile {
        serde_json::from_value(json!({ "search": search })).expect("a sweep file")
    }

    fn drawn(n: usize, axis: Value) -> Vec<f64> {
        let file = file(json!({"trials": n, "space": {"learning_rate": axis}}));
        let trials = file.trials().expect("trials");
        trials
            .iter()
            .map(|trial| trial.config.learning_rate)
            .collect()
    }

    #[test]
    fn draws_fill_their_space_and_are_the_same_again() {
        let rates = drawn(400, json!({"log": [1e-5, 1e-3]}));
        assert_eq!(rates, drawn(400, json!({"log": [1e-5, 1e-3]})));
        assert!(rates.iter().all(|rate| (1e-5..1e-3).contains(rate)));
        let low = rates.iter().filter(|&&rate| rate < 1e-4).count();
        assert!(
            (160..=240).contains(&low),
            "half of 400 lie below the middle: {low}"
        );
        let few = drawn(10, json!({"log": [1e-5, 1e-3]}));
        assert_eq!(
            few,
            rates[..10],
            "a longer search begins with the shorter one"
        );
    }

    #[test]
    fn fields_of_tables_and_choices_are_set() {
        let file = file(json!({"trials": 40, "space": {
            "batch_size": {"whole": [8, 10]},
            "positive_weight": {"choose": ["balanced", {"value": 2.0}]},
        }}));
        let trials = file.trials().expect("trials");
        let sizes: std::collections::BTreeSet<_> =
            trials.iter().map(|trial| trial.config.batch_size).collect();
        assert_eq!(sizes, [8, 9, 10].into());
        let mut recipe = Map::new();
        assert!(set(&mut recipe, "a.b", json!(1)) && set(&mut recipe, "a.c", json!(2)));
        assert!(!set(&mut recipe, "a.b.d", json!(3)), "a.b is no table");
        assert_eq!(Value::Object(recipe), json!({"a": {"b": 1, "c": 2}}));
    }

    fn drawn_over(recipe: Value, space: Value) -> Result<Vec<Trial>, TrainError> {
        let file = json!({"recipe": recipe, "search": {"trials": 8, "space": space}});
        let file: SweepFile = serde_json::from_value(file).expect("a sweep file");
        file.trials()
    }

    #[test]
    fn a_drawn_field_leaves_the_others_of_its_table() {
        let shared = json!({"latent": {"layer": 1, "rows": "all"}});
        let space = json!({"latent.radius": {"uniform": [0.1, 0.5]}});
        for trial in drawn_over(shared, space).expect("trials") {
            let latent = trial.config.latent.expect("it is on");
            assert_eq!(
                (latent.layer, latent.rows),
                (1, crate::config::LatentRows::All)
            );
            assert!((0.1..0.5).contains(&latent.radius) && trial.config.sift.is_none());
        }
        let below = json!({"positive_weight.value": {"uniform": [1.0, 2.0]}});
        let problem = drawn_over(json!({"positive_weight": "balanced"}), below.clone());
        let problem = problem.expect_err("refused").to_string();
        assert!(problem.contains("positive_weight.value"), "{problem}");
        // Drawn itself, it may be a table or none.
        let mut both = below;
        both["positive_weight"] = json!({"choose": ["balanced", {"value": 5.0}]});
        let trials = drawn_over(json!({}), both).expect("trials");
        let balanced =
            |trial: &Trial| trial.config.positive_weight == crate::config::PositiveWeight::Balanced;
        assert!(trials.iter().any(balanced) && !trials.iter().all(balanced));
    }

    #[test]
    fn each_rung_keeps_the_best_third() {
        let file = file(
            json!({"trials": 9, "rungs": [1, 2, 4], "space": {"learning_rate": {"log": [1e-5, 1e-3]}}}),
        );
        let search = file.search.as_ref().expect("a search");
        assert_eq!(file.trials().expect("trials").len(), 9);
        let values: Vec<_> = (0..9).map(|i| (i, Some(((i * 5) % 9) as f64))).collect();
        let kept = search.survivors(&values);
        assert_eq!(kept, [3, 5, 7], "values 6, 7 and 8");
        let next = search.rung(&file, 1, &kept).expect("trials");
        assert_eq!(next[0].name(), "draw003-e2-0");
        assert_eq!(file.expected(), 9 + 3 + 1);
        assert_eq!(file.every_trial().expect("trials").len(), 27);
        assert_eq!(next[0].config.epochs, 2);
        assert_eq!(
            search.survivors(&[(3, None), (5, Some(0.1)), (7, Some(f64::NAN))]),
            [5]
        );
    }

    #[test]
    fn an_empty_space_is_refused() {
        let problem = |search: Value| file(search).trials().expect_err("refused").to_string();
        let space = |axis: Value| json!({"trials": 2, "space": {"learning_rate": axis}});
        assert!(
            problem(space(json!({"log": [0.0, 1.0]})))
                .contains("the space of learning_rate is empty")
        );
        assert!(problem(space(json!({"choose": []}))).contains("is empty"));
        assert!(problem(json!({"trials": 0, "space": {}})).contains("needs trials"));
        for field in ["seed", "split_seed"] {
            let space = json!({"trials": 2, "space": {field: {"whole": [0, 9]}}});
            assert!(problem(space).contains(&format!("sets {field}")));
        }
        let many: Vec<u32> = (1..=17).collect();
        let many =
            json!({"trials": 2, "rungs": many, "space": {"learning_rate": {"log": [1e-5, 1e-3]}}});
        assert!(problem(many).contains("at most 16"));
        let rungs = json!({"trials": 2, "rungs": [2, 2], "space": {"learning_rate": {"log": [1e-5, 1e-3]}}});
        assert!(problem(rungs).contains("rungs are epochs"));
    }
}
