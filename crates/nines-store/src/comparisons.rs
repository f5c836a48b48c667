//! Comparisons: which of two completions somebody preferred. Never changed; a changed mind is one
//! more comparison.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::comparison::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul};
use jiff::Timestamp;
use nines_domain::comparison::Comparison;
use nines_domain::snippet::{ContentHash, SnippetId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// A comparison to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewComparison {
    /// The snippet shown on the left.
    pub left: SnippetId,
    /// The snippet shown on the right.
    pub right: SnippetId,
    /// Who chose what.
    pub comparison: Comparison,
    /// Tells it from another by the same rater on the same pair; empty where a file does not say.
    ///
    /// A comparison whose sides, rater, kind, choice, seconds and occasion are all stored already is
    /// that comparison met again, wherever it comes from, and adds nothing.
    pub occasion: String,
    /// Where it comes from.
    pub source: String,
}

/// A stored comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredComparison {
    /// Its key.
    pub id: i64,
    /// What it is.
    pub new: NewComparison,
    /// When it was stored.
    pub created: Timestamp,
}

impl NewComparison {
    fn key(&self) -> ContentHash {
        let Comparison {
            labeller,
            kind,
            choice,
            seconds,
        } = &self.comparison;
        // Adding zero makes one of the two zeros, as the databases do.
        let seconds = seconds.map_or(String::new(), |s| (s + 0.0).to_bits().to_string());
        ContentHash::of_fields(
            "comparison",
            &[
                &self.left.to_string(),
                &self.right.to_string(),
                labeller,
                kind.as_str(),
                choice.as_str(),
                &seconds,
                &self.occasion,
            ],
        )
    }

    fn check(&self, row: usize) -> Result<(), StoreError> {
        let wrong = |field, why: &str| StoreError::BadValue {
            row,
            field,
            why: why.to_owned(),
        };
        refuse_nul(row, "labeller", &self.comparison.labeller)?;
        refuse_nul(row, "occasion", &self.occasion)?;
        refuse_nul(row, "source", &self.source)?;
        if self.comparison.labeller.is_empty() {
            return Err(wrong("labeller", "is empty; every comparison has a rater"));
        }
        if self.left == self.right {
            return Err(wrong(
                "right",
                "is the same snippet as the left one; there is nothing to compare",
            ));
        }
        let seconds = self.comparison.seconds;
        if seconds.is_some_and(|s| !s.is_finite() || s < 0.0) {
            return Err(wrong("seconds", "is not a finite number from 0"));
        }
        Ok(())
    }
}

impl Store {
    /// Stores comparisons in one transaction; one that is stored already adds nothing. Returns how
    /// many are new.
    ///
    /// # Errors
    /// [`StoreError::BadValue`], [`StoreError::Dangling`], [`StoreError::Nul`], and those of
    /// writing; nothing is stored then.
    pub async fn insert_comparisons(&self, new: &[NewComparison]) -> Result<usize, StoreError> {
        for (row, comparison) in new.iter().enumerate() {
            comparison.check(row)?;
        }
        in_transaction!(self.connection, |tx| {
            let created = now();
            let mut seen = std::collections::HashSet::new();
            let rows = new
                .iter()
                .filter(|comparison| seen.insert(comparison.key()))
                .map(|comparison| ActiveModel {
                    key: Set(comparison.key().bytes().to_vec()),
                    left_snippet_id: Set(comparison.left.0),
                    right_snippet_id: Set(comparison.right.0),
                    labeller: Set(comparison.comparison.labeller.clone()),
                    labeller_kind: Set(comparison.comparison.kind.as_str().to_owned()),
                    choice: Set(comparison.comparison.choice.as_str().to_owned()),
                    seconds: Set(comparison.comparison.seconds),
                    occasion: Set(comparison.occasion.clone()),
                    source: Set(comparison.source.clone()),
                    created: Set(created),
                    ..Default::default()
                })
                .collect();
            let inserted =
                batch::insert_unless_taken(tx, rows, [Column::Key], [Column::Id]).await?;
            Ok(inserted.len())
        })
    }

    /// Lists the comparisons that show one of these snippets on the left, each once, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn comparisons_of(
        &self,
        left: &[SnippetId],
    ) -> Result<Vec<StoredComparison>, StoreError> {
        let mut left = left.to_vec();
        left.sort_unstable();
        left.dedup();
        let mut found = Vec::new();
        for chunk in left.chunks(KEYS_PER_STATEMENT) {
            let rows = Entity::find()
                .filter(Column::LeftSnippetId.is_in(chunk.iter().map(|id| id.0)))
                .order_by_asc(Column::Id)
                .all(&self.connection)
                .await?;
            for row in rows {
                found.push(read(row)?);
            }
        }
        found.sort_by_key(|comparison| comparison.id);
        Ok(found)
    }
}

fn read(row: Model) -> Result<StoredComparison, StoreError> {
    let place = |column| Place {
        table: "comparisons",
        id: row.id,
        column,
    };
    Ok(StoredComparison {
        id: row.id,
        new: NewComparison {
            left: SnippetId(row.left_snippet_id),
            right: SnippetId(row.right_snippet_id),
            comparison: Comparison {
                kind: from_word(place("labeller_kind"), &row.labeller_kind)?,
                choice: from_word(place("choice"), &row.choice)?,
                seconds: row.seconds,
                labeller: row.labeller,
            },
            occasion: row.occasion,
            source: row.source,
        },
        created: moment(row.created),
    })
}
