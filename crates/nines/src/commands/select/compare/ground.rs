//! What every training of a comparison shares.

use crate::cli::SelectCompareArgs;
use crate::data;
use crate::models::{self, Base};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_measure::acquisition::Mixture;
use nines_stats::bootstrap::Bootstrap;
use nines_train::active_learning::curve::Asked;
use nines_train::active_learning::{Cell, CellIdentity, Comparison, Ground as Parts};
use nines_train::config::Keep;
use nines_train::sweep::trial::Rows;
use nines_train::{TrainConfig, TrainError, TrainingData};
use std::collections::HashMap;
use std::path::PathBuf;

/// Rows, parts, base and recipe.
pub struct Ground {
    /// The arguments.
    pub args: SelectCompareArgs,
    /// All rows but those of the test split and those that a score chose.
    pub data: TrainingData,
    /// Which can be chosen, which validate, which are measured on.
    pub parts: Parts,
    /// The base model.
    pub base: Base,
    /// Everything that decides what comes of it.
    pub identity: CellIdentity,
    /// What a classifier's logit is for.
    pub label: String,
    places: HashMap<ContentHash, usize>,
}

impl Ground {
    /// Reads the project's labelled rows and finds the base.
    pub async fn new(project: &Project, args: &SelectCompareArgs) -> Result<Self> {
        let split_seed = project.config.project.split_seed;
        let mut snippets = data::labelled(project).await?;
        // Nothing is chosen by the test split, and what a score chose is no sample of a pool.
        snippets.retain(|s| s.split(split_seed) != Split::Test && data::is_sample(s));
        let data = TrainingData::new(data::validated_rows(&snippets).rows)?;
        let pool = args.pool.map(|pool| pool as usize);
        let parts = Parts::new(&data, split_seed, args.validation as usize, pool);
        let most = args.budgets.iter().copied().max().unwrap_or_default();
        if parts.pool.len() < most {
            bail!(
                "{} labels were asked for, and the pool of labelled snippets of the train split has {}; ask for smaller \
                 --budgets",
                most,
                parts.pool.len()
            );
        }
        let base = models::base(project, args.base.as_deref())?;
        let defaults = TrainConfig::default();
        let recipe = TrainConfig {
            precision: project.config.classifier.precision.on_this_machine()?,
            seed: 0,
            split_seed,
            epochs: args.epochs,
            batch_size: args.batch as usize,
            learning_rate: args.learning_rate.unwrap_or(defaults.learning_rate),
            from_layer: args.from_layer.unwrap_or(defaults.from_layer),
            // The best of many looks at few labels is chance, and small budgets would have the most looks.
            keep: Keep::Last,
            evaluations_per_epoch: 1,
            patience: None,
            ..defaults
        };
        let of = |rows: &[usize]| -> String {
            let hashes: Vec<String> = rows
                .iter()
                .map(|&row| data.hashes()[row].to_string())
                .collect();
            let hashes: Vec<&str> = hashes.iter().map(String::as_str).collect();
            ContentHash::of_fields("active learning part", &hashes).to_string()
        };
        let digest = ContentHash::of_fields(
            "active learning",
            &[
                data.digest(),
                &of(&parts.pool),
                &of(&parts.validation),
                &of(&parts.held_out),
            ],
        );
        let identity = CellIdentity {
            recipe,
            steps: args.steps,
            base: base.name.clone(),
            base_digest: base.digest.clone(),
            data: digest.to_string(),
            budgets: args.budgets.clone(),
            focus: args.focus,
            committee: args.committee,
        };
        let hashes = data.hashes().iter().copied();
        Ok(Self {
            args: args.clone(),
            places: hashes.zip(0..).collect(),
            label: project.config.predicate.name.clone(),
            data,
            parts,
            base,
            identity,
        })
    }

    /// Returns where a cell's result lies.
    pub fn file(&self, strategy: &Mixture, seed: u64, labels: usize) -> PathBuf {
        Cell::file(&self.args.results, &strategy.to_string(), seed, labels)
    }

    /// Reads a cell's result, if it is there.
    pub fn cell(&self, strategy: &Mixture, seed: u64, labels: usize) -> Result<Option<Cell>> {
        match Cell::read(&self.file(strategy, seed, labels), &self.identity) {
            Err(TrainError::OtherTrial { .. }) if self.args.again => Ok(None),
            other => Ok(other?),
        }
    }

    /// Returns the places of snippets among the rows.
    pub fn places(&self, hashes: &[ContentHash]) -> Result<Vec<usize>> {
        let place = |hash| self.places.get(hash).copied();
        let found: Option<Vec<usize>> = hashes.iter().map(place).collect();
        found.context(
            "a result names a snippet that is not there any more; give --results another folder",
        )
    }

    /// The recipe of one training.
    pub fn recipe(&self, labels: usize, seed: u64) -> TrainConfig {
        let mut recipe = self.identity.recipe.clone();
        let steps = (labels as u64).div_ceil(recipe.batch_size as u64).max(1);
        let least = self.identity.steps.div_ceil(steps);
        recipe.epochs = recipe.epochs.max(u32::try_from(least).unwrap_or(u32::MAX));
        recipe.seed = seed;
        recipe
    }

    /// Describes the rows that are measured on.
    pub fn rows(&self) -> Rows {
        let all = Rows::of(&self.data).rows;
        Rows {
            data: self.identity.data.clone(),
            rows: self
                .parts
                .held_out
                .iter()
                .map(|&row| all[row].clone())
                .collect(),
        }
    }

    /// Compares the results that there are.
    pub fn compared(&self, strategies: &[Mixture]) -> Result<Comparison> {
        let (mut cells, mut missing) = (Vec::new(), 0);
        for strategy in strategies {
            for &seed in &self.args.seeds {
                for &labels in &self.args.budgets {
                    match self.cell(strategy, seed, labels)? {
                        Some(cell) => cells.push(cell),
                        None => missing += 1,
                    }
                }
            }
        }
        if cells.is_empty() {
            bail!(
                "{} holds no results; make some: nines select compare --results {}",
                self.args.results.display(),
                self.args.results.display()
            );
        }
        let asked = Asked {
            random: "random",
            budgets: &self.args.budgets,
            seeds: &self.args.seeds,
            recall: self.args.recall,
            missing,
        };
        let bootstrap = Bootstrap::default();
        Ok(Comparison::new(&self.rows(), &cells, &asked, &bootstrap)?)
    }
}
