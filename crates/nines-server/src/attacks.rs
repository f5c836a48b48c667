//! The closing table of an attack, as the page of its run shows it.

use crate::estimate::Estimate;
use serde::Serialize;
use utoipa::ToSchema;

/// A classifier with the threshold under which it accepts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackedClassifier {
    /// Its name and version.
    pub name: String,
    /// Its threshold, as log odds.
    pub threshold: f64,
}

/// In which unit a line of the table counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttackUnit {
    /// A share of attempts, of finds or of words.
    Share,
    /// Log odds, queries or seconds.
    Number,
}

/// A line of the closing table.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackLine {
    /// What it says.
    pub what: String,
    /// In which unit.
    pub unit: AttackUnit,
    /// The estimate; null where no interval follows.
    pub estimate: Option<Estimate>,
    /// The value alone, for where no interval follows: of one attempt, or of equal values.
    pub alone: Option<f64>,
}

/// How many attempts had succeeded, before labels, by so many queries.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackAtBudget {
    /// The budget.
    pub queries: u64,
    /// The share of the attempts.
    pub share: Estimate,
}

/// What somebody reading the table should know.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackNote {
    /// `skipped`, `broken` or `note`.
    pub kind: String,
    /// What there is to know.
    pub text: String,
    /// Of how many attempts it is said.
    pub count: u64,
    /// Those attempts, counted from 1; empty where they are not named.
    pub attempts: Vec<u64>,
}

/// A find.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackFindRow {
    /// The attempt, counted from 1.
    pub attempt: u64,
    /// The snippet.
    pub snippet: i64,
    /// Its score by the classifier under attack, as log odds.
    pub score: f64,
    /// Its score by the second classifier, where there is one.
    pub second_score: Option<f64>,
    /// `confirmed`, `refuted`, `waiting` or `not asked about`.
    pub said: String,
}

/// The closing table of an attack with the labels of now, as `nines attack show` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttackTable {
    /// The recipe's name.
    pub recipe: String,
    /// What it was after.
    pub goal: String,
    /// The classifier that was attacked.
    pub classifier: AttackedClassifier,
    /// The second one, where there was one.
    pub second: Option<AttackedClassifier>,
    /// The judge, where there was one.
    pub judge: Option<String>,
    /// The path by which scores were computed.
    pub path: String,
    /// Attempts, skipped ones not among them.
    pub tried: u64,
    /// Attempts that met the goal.
    pub reached: u64,
    /// Starts that were skipped.
    pub skipped: u64,
    /// Searches that ended in vain.
    pub failed: u64,
    /// Attempts whose budget was spent.
    pub spent: u64,
    /// Those of them that the clock ended.
    pub timed_out: u64,
    /// Attempts that a failing model or judge ended.
    pub broken: u64,
    /// Attempts whose find people's labels confirm.
    pub confirmed: u64,
    /// Attempts whose find they refute.
    pub refuted: u64,
    /// Attempts whose find is open.
    pub waiting: u64,
    /// Finds of one attempt that people are asked about.
    pub asked: u64,
    /// Shares and means.
    pub lines: Vec<AttackLine>,
    /// Success before labels by so many queries.
    pub at_budgets: Vec<AttackAtBudget>,
    /// How the table is to be read.
    pub captions: Vec<String>,
    /// What was skipped, what broke, and what searches tell.
    pub notes: Vec<AttackNote>,
    /// The finds, the first few hundred of many.
    pub finds: Vec<AttackFindRow>,
    /// How many finds there are.
    pub found: u64,
    /// The recipe with every setting, as TOML.
    pub toml: String,
}
