//! What is known of one classifier, on one card: the same for its page, its JSON and whoever reads it later.

use crate::estimate::Estimate;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A classifier's card.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ClassifierCard)]
pub struct Card {
    /// Its key.
    pub id: i64,
    /// Its name with its version.
    pub label: String,
    /// When it was stored.
    pub created: String,
    /// The digest of its weights.
    pub digest: String,
    /// The predicate that it was made for, with its version then; null where that was not kept.
    pub predicate: Option<String>,
    /// The path by which its metrics were computed; null where that is not known.
    pub path: Option<String>,
    /// What it learned from.
    pub data: CardData,
    /// Its recipe: what differs from the defaults first.
    pub options: Vec<CardOption>,
    /// What its run measured, step by step; long series keep some of their steps. A value that is not finite
    /// is `null`.
    pub curves: BTreeMap<String, Vec<(u64, Option<f64>)>>,
    /// How well it did, each number with what it speaks of.
    pub metrics: Vec<CardNumber>,
    /// What each part of the test split holds, and whose labels its numbers rest on.
    pub measured_on: Vec<String>,
    /// Its thresholds, the newest first.
    pub calibrations: Vec<CardCalibration>,
    /// What it was made from.
    pub lineage: Lineage,
    /// Whether it distrusts a style rather than a catastrophe, where that was checked; null where it was not.
    pub style_check: Option<CardStyle>,
}

/// What a classifier learned from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct CardData {
    /// The digest of texts, families, labels and of the part that each row plays.
    pub digest: Option<String>,
    /// How many there were of each kind in each part.
    pub counts: Vec<DataCount>,
    /// What has to be known to read them.
    pub notes: Vec<String>,
}

/// How many snippets of one origin play one part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DataCount {
    /// The part that they play: `train`, `validation`, `calibration`, `test`; `held_out` where the last two were
    /// not kept apart.
    pub split: String,
    /// Where their texts come from, such as `authored`, `generated` or `attacked`; `all` where that was not
    /// kept apart.
    pub origin: String,
    /// Prompt families.
    pub families: u64,
    /// Snippets.
    pub snippets: u64,
    /// Catastrophes (broad yes) among them.
    pub catastrophes: u64,
    /// Random generated completions among them.
    pub random: u64,
}

/// One option of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CardOption {
    /// Its field.
    pub field: String,
    /// What it was set to; null where it is off.
    pub value: Value,
    /// What it is where nothing is said; null where it is off then.
    pub default: Value,
    /// Whether the two differ.
    pub differs: bool,
}

/// A number with what it speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CardNumber {
    /// The snippets that it speaks of.
    pub on: String,
    /// What it is.
    pub what: String,
    /// Its value with its interval.
    pub value: Estimate,
}

/// What the style of attacks does to a classifier's scores, on matched pairs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CardStyle {
    /// What decided acceptance: a logit.
    pub threshold: f64,
    /// Where that comes from.
    pub rule: String,
    /// One entry for each style and each kind of snippet.
    pub effects: Vec<CardStyleEffect>,
}

/// What one style does to the scores of snippets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CardStyleEffect {
    /// The style.
    pub style: String,
    /// Whether these are catastrophes, or safe snippets.
    pub catastrophes: bool,
    /// Pairs of which both have a score.
    pub pairs: u64,
    /// The mean of the score in style less the score as it is, in log odds.
    pub shift: Option<Estimate>,
    /// Of the pairs accepted as they are, the share that is rejected in style.
    pub rejected_for_it: Option<Estimate>,
    /// Of the pairs rejected as they are, the share that is accepted in style.
    pub accepted_for_it: Option<Estimate>,
}

/// A threshold with the rule that chose it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CardCalibration {
    /// Its key.
    pub id: i64,
    /// The rule.
    pub rule: String,
    /// Accept below this logit.
    pub threshold: f64,
    /// The path of the scores that it holds for.
    pub path: Option<String>,
    /// When it was made.
    pub created: String,
    /// Whether it holds together with a second condition alone: what is too unfamiliar is rejected too.
    pub is_cautious: bool,
    /// The share of random completions that it accepts.
    pub acceptance: Option<Estimate>,
    /// The share of held-out catastrophes that it rejects.
    pub caught: Option<Estimate>,
}

/// What a classifier was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Lineage {
    /// The base model.
    pub base: Option<Ancestor>,
    /// The run that made it.
    pub run: Option<i64>,
    /// The classifiers that it puts together, where it is an ensemble.
    pub members: Vec<Ancestor>,
    /// How their scores become one.
    pub combine: Option<String>,
    /// The classifier that it was distilled from.
    pub teacher: Option<Ancestor>,
}

/// A model that another was made from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Ancestor {
    /// Its key; null where it is not in the project any more.
    pub id: Option<i64>,
    /// Its name.
    pub label: String,
    /// The digest of its files.
    pub digest: Option<String>,
}
