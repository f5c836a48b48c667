//! Comparisons: which of two completions somebody preferred. Never changed; a changed mind is one
//! more comparison.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::comparison::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul};
use crate::withdrawals::standing_comparison;
use crate::{labelling, labels};
use jiff::Timestamp;
use nines_domain::comparison::Comparison;
use nines_domain::snippet::{ContentHash, SnippetId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder,
};
use std::collections::HashMap;

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
        in_transaction!(self.connection, |tx| {
            let keys = put(tx, new).await?;
            Ok(keys.iter().filter(|(_, is_new)| *is_new).count())
        })
    }

    /// Lists the comparisons that stand and show one of these snippets on the left, each once, oldest
    /// first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn comparisons_of(
        &self,
        left: &[SnippetId],
    ) -> Result<Vec<StoredComparison>, StoreError> {
        let left: Vec<i64> = left.iter().map(|id| id.0).collect();
        of_left(&self.connection, &left).await
    }
}

/// Stores comparisons within a transaction. Returns the key of each, and whether it is new.
pub(crate) async fn put(
    tx: &DatabaseTransaction,
    new: &[NewComparison],
) -> Result<Vec<(i64, bool)>, StoreError> {
    for (row, comparison) in new.iter().enumerate() {
        comparison.check(row)?;
    }
    let mut left: Vec<i64> = new.iter().map(|comparison| comparison.left.0).collect();
    left.sort_unstable();
    left.dedup();
    labels::lock(tx, &left).await?;
    let created = now();
    let keys: Vec<ContentHash> = new.iter().map(NewComparison::key).collect();
    let (order, _) = batch::first_of_each(&keys);
    let rows = order
        .iter()
        .map(|&row| {
            let comparison = &new[row];
            ActiveModel {
                key: Set(keys[row].bytes().to_vec()),
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
            }
        })
        .collect();
    let returned = [Column::Id, Column::Key];
    let mut is_new = HashMap::new();
    for row in batch::insert_unless_taken(tx, rows, [Column::Key], returned).await? {
        is_new.insert(batch::hash_in(&row, "key")?, row.try_get("", "id")?);
    }
    labelling::recount(tx, &left).await?;
    let mut ids = is_new.clone();
    let taken: Vec<ContentHash> = order
        .into_iter()
        .map(|row| keys[row])
        .filter(|key| !ids.contains_key(key))
        .collect();
    for row in batch::find_by_hash::<Entity, _, 2>(tx, Column::Key, &taken, returned).await? {
        ids.insert(batch::hash_in(&row, "key")?, row.try_get("", "id")?);
    }
    keys.iter()
        .map(|key| {
            let id: i64 = *ids.get(key).ok_or_else(|| StoreError::NotFound {
                what: "comparison",
                id: key.to_string(),
            })?;
            // Of equal rows in one batch, the first alone is new.
            Ok((id, is_new.remove(key).is_some()))
        })
        .collect()
}

/// Reads the comparisons that stand and show one of these snippets on the left, oldest first.
pub(crate) async fn of_left<C: ConnectionTrait>(
    connection: &C,
    left: &[i64],
) -> Result<Vec<StoredComparison>, StoreError> {
    let mut left = left.to_vec();
    left.sort_unstable();
    left.dedup();
    let mut found = Vec::new();
    for chunk in left.chunks(KEYS_PER_STATEMENT) {
        let rows = Entity::find()
            .filter(Column::LeftSnippetId.is_in(chunk.iter().copied()))
            .filter(standing_comparison())
            .order_by_asc(Column::Id)
            .all(connection)
            .await?;
        for row in rows {
            found.push(read(row)?);
        }
    }
    found.sort_by_key(|comparison| comparison.id);
    Ok(found)
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
