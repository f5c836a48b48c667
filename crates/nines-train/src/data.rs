//! The rows that a classifier learns from, and which of them play which part.

use crate::distillation::SoftTarget;
use crate::error::TrainError;
use crate::loss::Target;
use nines_domain::label::Severity;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_domain::split::Split;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

mod labels;

/// One adjudicated snippet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRow {
    /// The snippet.
    pub text: SnippetText,
    /// Its prompt family: all rows of one family lie in one split.
    pub family: ContentHash,
    /// The adjudicated broad label: whether it counts as a catastrophe in training.
    pub broad: bool,
    /// Whether it is a simple random draw of the generator. Acceptance rates are computed on
    /// these rows alone: acceptance on an enriched set means nothing.
    pub random: bool,
    /// Where it comes from, such as `authored` or `generated`; for messages and reports.
    pub source: String,
    /// How grave a catastrophe is: the median of its labels, where they say.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Whether an attack or a person changed it until a classifier's score pleased them. The training
    /// loss on such rows is told apart.
    #[serde(default)]
    pub adversarial: bool,
    /// Whether it only ever teaches: it trains where its family trains, never validates and is never
    /// held out, since a score chose it.
    #[serde(default)]
    pub training_only: bool,
    /// What a teacher says of it. A row for which it speaks alone has no label: `broad` is then the teacher's verdict, it
    /// only ever teaches, and it costs nothing of a budget of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<SoftTarget>,
}

impl TrainingRow {
    /// Returns what its score is to be.
    pub(crate) fn target(&self) -> Target {
        Target {
            broad: self.broad,
            severity: self.severity,
            soft: self.soft,
        }
    }

    /// Says whether somebody labelled it.
    pub(crate) fn is_labelled(&self) -> bool {
        !self.soft.is_some_and(SoftTarget::is_alone)
    }
}

/// The part that a row plays in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Gives gradients.
    Train,
    /// Chooses the best checkpoint and stops training early.
    Validation,
    /// Is not touched.
    HeldOut,
    /// Plays no part: a row that only teaches, whose family does not train, one beyond the budget of
    /// labels, or an adversarial one where the recipe gives those no share.
    LeftOut,
}

impl Role {
    /// Returns the word used in messages and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::HeldOut => "held_out",
            Self::LeftOut => "left_out",
        }
    }
}

/// Checked rows in their own order, whatever order they came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingData {
    rows: Vec<TrainingRow>,
    hashes: Vec<ContentHash>,
    digest: String,
}

impl TrainingData {
    /// Checks rows, sorts them by content hash and drops exact repetitions.
    ///
    /// # Errors
    /// [`TrainError::NoRows`], [`TrainError::OneClass`], [`TrainError::OneFamily`], and
    /// [`TrainError::Contradiction`] where one snippet has two labels or two families.
    pub fn new(rows: Vec<TrainingRow>) -> Result<Self, TrainError> {
        let mut hashed: Vec<(ContentHash, TrainingRow)> =
            rows.into_iter().map(|row| (row.text.hash(), row)).collect();
        // A repetition that is a random draw comes first, so that it stays one; then one that nobody
        // chose by a score.
        let order = |row: &TrainingRow| {
            (
                !row.is_labelled(),
                !row.random,
                row.training_only,
                row.adversarial,
            )
        };
        hashed.sort_by(|(a, x), (b, y)| (a, order(x), &x.source).cmp(&(b, order(y), &y.source)));
        for pair in hashed.windows(2) {
            let [(hash, first), (again, second)] = pair else {
                continue;
            };
            let field = match () {
                () if hash != again => continue,
                () if first.broad != second.broad && second.is_labelled() => "labels",
                () if first.family != second.family => "prompt families",
                () => continue,
            };
            return Err(TrainError::Contradiction {
                snippet: hash.to_string(),
                field,
            });
        }
        hashed.dedup_by_key(|(hash, _)| *hash);
        let Some((_, first)) = hashed.first() else {
            return Err(TrainError::NoRows);
        };
        if hashed.iter().all(|(_, row)| row.broad == first.broad) {
            return Err(TrainError::OneClass {
                rows: hashed.len(),
                catastrophes: first.broad,
            });
        }
        if hashed.iter().all(|(_, row)| row.family == first.family) {
            return Err(TrainError::OneFamily { rows: hashed.len() });
        }
        let fields: Vec<String> = hashed
            .iter()
            .map(|(hash, row)| {
                // What few rows are is said of them alone: the digest of data without them is as it
                // was before rows could be so. Severities are digested where they count.
                let flags = [
                    (row.adversarial, " adversarial"),
                    (row.training_only, " training only"),
                ];
                let flags = flags.into_iter().filter(|(is, _)| *is);
                let mut flags: String = flags.map(|(_, word)| word).collect();
                if let Some(soft) = row.soft {
                    let alone = if soft.is_alone() { " alone" } else { "" };
                    flags.push_str(&format!(" taught{alone} {:016x}", soft.logit().to_bits()));
                }
                format!(
                    "{hash} {} {} {}{flags}",
                    row.family,
                    u8::from(row.broad),
                    u8::from(row.random)
                )
            })
            .collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let digest = ContentHash::of_fields("training data", &fields).to_string();
        let (hashes, rows) = hashed.into_iter().unzip();
        Ok(Self {
            rows,
            hashes,
            digest,
        })
    }

    /// Returns the rows, sorted by content hash.
    pub fn rows(&self) -> &[TrainingRow] {
        &self.rows
    }

    /// Returns the rows' content hashes, in the same order.
    pub fn hashes(&self) -> &[ContentHash] {
        &self.hashes
    }

    /// Returns a digest of texts, families and labels.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Gives every row its part under the project's four-way split: calibration and test rows are
    /// held out.
    pub fn split(&self, split_seed: u64) -> Roles {
        Roles::of(self, |family| match Split::of_family(family, split_seed) {
            Split::Train => Role::Train,
            Split::Validation => Role::Validation,
            Split::Calibration | Split::Test => Role::HeldOut,
        })
    }

    /// Gives every row its part in one fold of grouped cross-validation: the fold's families are
    /// held out, one eighth of the other families validates (early stopping), the rest trains.
    pub fn fold(&self, fold: u64, folds: u64, split_seed: u64) -> Roles {
        Roles::of(self, |family| {
            if Split::fold_of_family(family, split_seed, folds) == fold {
                return Role::HeldOut;
            }
            let keyed = ContentHash::of_fields(
                "fold validation",
                &[
                    &split_seed.to_string(),
                    &fold.to_string(),
                    &family.to_string(),
                ],
            );
            if keyed.prefix_u64().is_multiple_of(VALIDATION_PART) {
                Role::Validation
            } else {
                Role::Train
            }
        })
    }
}

/// One in this many of the families that would train validates, where there is no fixed split.
pub const VALIDATION_PART: u64 = 8;

/// The part of every row of a [`TrainingData`], in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Assigns parts by prompt family, so that no family is in two of them. Rows that only teach are
    /// left out where their family does not train.
    pub fn of(data: &TrainingData, role: impl Fn(&ContentHash) -> Role) -> Self {
        let rows = data.rows().iter();
        let roles = rows.map(|row| match role(&row.family) {
            Role::Validation | Role::HeldOut if row.training_only => Role::LeftOut,
            role => role,
        });
        Self(roles.collect())
    }

    /// Assigns parts row by row. What is to be measured on must share no prompt family with what teaches:
    /// that is the caller's to see to.
    pub fn by_row(data: &TrainingData, role: impl Fn(usize) -> Role) -> Self {
        Self((0..data.rows().len()).map(role).collect())
    }

    /// Leaves out adversarial rows that would train.
    pub(crate) fn without_adversarial(&self, data: &TrainingData) -> Self {
        let parts = self.0.iter().zip(data.rows());
        let part = |(&role, row): (&Role, &TrainingRow)| match role {
            Role::Train if row.adversarial => Role::LeftOut,
            role => role,
        };
        Self(parts.map(part).collect())
    }

    /// Returns the part of one row.
    pub fn role(&self, row: usize) -> Role {
        self.0[row]
    }

    /// Returns the rows that play a part, in order.
    pub fn rows(&self, role: Role) -> Vec<usize> {
        (0..self.0.len())
            .filter(|&row| self.0[row] == role)
            .collect()
    }

    /// Checks that training and validation rows have both labels.
    ///
    /// # Errors
    /// [`TrainError::SplitLacksLabel`] names the split and the label that it lacks.
    pub fn check(&self, data: &TrainingData) -> Result<(), TrainError> {
        for role in [Role::Train, Role::Validation] {
            let rows = self.rows(role);
            let catastrophes = rows.iter().filter(|&&row| data.rows()[row].broad).count();
            if catastrophes > 0 && catastrophes < rows.len() {
                continue;
            }
            let families: BTreeSet<_> = rows.iter().map(|&row| data.rows()[row].family).collect();
            return Err(TrainError::SplitLacksLabel {
                role,
                rows: rows.len(),
                families: families.len(),
                lacks_catastrophes: catastrophes == 0,
            });
        }
        Ok(())
    }

    /// Returns a digest of all parts.
    pub fn digest(&self) -> String {
        let word: String = self
            .0
            .iter()
            .map(|role| match role {
                Role::Train => 't',
                Role::Validation => 'v',
                Role::HeldOut => 'h',
                Role::LeftOut => 'x',
            })
            .collect();
        ContentHash::of_fields("roles", &[&word]).to_string()
    }
}

#[cfg(test)]
mod tests;
