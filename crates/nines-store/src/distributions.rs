//! Named distributions of prompts. Once stored, a distribution never changes: numbers speak of it.

use crate::batch;
use crate::entity::distribution::{self, ActiveModel, Column, Entity};
use crate::entity::distribution_prompt;
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul};
use jiff::Timestamp;
use nines_domain::snippet::{DistributionId, PromptId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;
use std::collections::HashSet;

/// A distribution to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDistribution {
    /// Its name.
    pub name: String,
    /// How it was made.
    pub record: Value,
    /// Every prompt with its probability.
    pub prompts: Vec<(PromptId, f64)>,
}

/// A stored distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Its key.
    pub id: DistributionId,
    /// Its name.
    pub name: String,
    /// How it was made.
    pub record: Value,
    /// When it was stored.
    pub created: Timestamp,
}

/// The longest name. PostgreSQL's index on it takes no more than some 2,700 bytes.
const NAME_BYTES: usize = 400;
/// How far from 1 the probabilities may sum up.
const SUM_TOLERANCE: f64 = 1e-9;

impl NewDistribution {
    fn check(&self) -> Result<(), StoreError> {
        let wrong = |row: usize, why: String| StoreError::BadValue {
            row,
            field: "probability",
            why,
        };
        refuse_nul(0, "name", &self.name)?;
        if self.name.len() > NAME_BYTES {
            return Err(StoreError::BadValue {
                row: 0,
                field: "name",
                why: format!("has {} bytes; the limit is {NAME_BYTES}", self.name.len()),
            });
        }
        if self.prompts.is_empty() {
            return Err(wrong(0, "is of no prompt; a distribution needs one".into()));
        }
        let mut seen = HashSet::with_capacity(self.prompts.len());
        for (row, (prompt, probability)) in self.prompts.iter().enumerate() {
            if !(*probability > 0.0 && *probability <= 1.0) {
                let why = format!("is {probability}; it must lie above 0 and not above 1");
                return Err(wrong(row, why));
            }
            if !seen.insert(prompt) {
                return Err(wrong(row, format!("is given twice for prompt {prompt}")));
            }
        }
        let sum: f64 = self.prompts.iter().map(|(_, p)| p).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(wrong(
                0,
                format!("sums up to {sum} over all prompts, not to 1"),
            ));
        }
        Ok(())
    }
}

impl Store {
    /// Stores a distribution under a name that is free.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for probabilities that are not positive, come twice for a prompt or
    /// do not sum up to 1, and for a name that is taken or too long; [`StoreError::Dangling`],
    /// [`StoreError::Nul`], and those of writing; nothing is stored then.
    pub async fn insert_distribution(
        &self,
        new: &NewDistribution,
    ) -> Result<Distribution, StoreError> {
        new.check()?;
        let record = json(0, "record", &new.record)?;
        in_transaction!(self.connection, |tx| {
            let created = now();
            let row = ActiveModel {
                name: Set(new.name.clone()),
                record: Set(record.clone()),
                created: Set(created),
                ..Default::default()
            };
            // Looking first would not tell: another process may take the name after the look.
            let inserted =
                batch::insert_unless_taken(tx, vec![row], [Column::Name], [Column::Id]).await?;
            let Some(inserted) = inserted.first() else {
                return Err(StoreError::BadValue {
                    row: 0,
                    field: "name",
                    why: format!(
                        "{:?} is taken, and a distribution never changes; choose another",
                        new.name
                    ),
                });
            };
            let stored = Distribution {
                id: DistributionId(inserted.try_get("", "id")?),
                name: new.name.clone(),
                record: new.record.clone(),
                created: moment(created),
            };
            let rows = new
                .prompts
                .iter()
                .map(|(prompt, probability)| distribution_prompt::ActiveModel {
                    distribution_id: Set(stored.id.0),
                    prompt_id: Set(prompt.0),
                    probability: Set(*probability),
                    ..Default::default()
                })
                .collect();
            batch::insert_all::<distribution_prompt::Entity, _>(tx, rows).await?;
            Ok(stored)
        })
    }

    /// Lists distributions, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn distributions(&self) -> Result<Vec<Distribution>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Lists the prompts of a distribution with their probabilities, by prompt.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn distribution_prompts(
        &self,
        id: DistributionId,
    ) -> Result<Vec<(PromptId, f64)>, StoreError> {
        use distribution_prompt::Column;
        let rows = distribution_prompt::Entity::find()
            .filter(Column::DistributionId.eq(id.0))
            .order_by_asc(Column::PromptId)
            .all(&self.connection)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (PromptId(row.prompt_id), row.probability))
            .collect())
    }
}

fn read(row: distribution::Model) -> Result<Distribution, StoreError> {
    let place = Place {
        table: "distributions",
        id: row.id,
        column: "record",
    };
    Ok(Distribution {
        id: DistributionId(row.id),
        record: from_json(place, &row.record)?,
        name: row.name,
        created: moment(row.created),
    })
}
