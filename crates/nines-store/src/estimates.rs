//! Estimates: numbers with their intervals, and what they rest on. Never changed; measuring again
//! adds another.

use crate::batch;
use crate::entity::estimate::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul, signed, unsigned};
use jiff::Timestamp;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::{DesignId, EstimateId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

/// An estimate to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEstimate {
    /// What it is of, such as `leak.strict`.
    pub quantity: String,
    /// The number with its interval.
    pub estimate: Estimate,
    /// What it rests on and what it means: design, rows, weights, seed, whose labels.
    pub record: Value,
    /// The design whose items are its rows.
    pub design: Option<DesignId>,
}

/// A stored estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEstimate {
    /// Its key.
    pub id: EstimateId,
    /// What it is.
    pub new: NewEstimate,
    /// When it was stored.
    pub created: Timestamp,
}

impl Store {
    /// Stores estimates in one transaction. Returns them with their keys, in the order given.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for an end or a value that is no number, [`StoreError::Dangling`],
    /// [`StoreError::Nul`], and those of writing; nothing is stored then.
    pub async fn insert_estimates(
        &self,
        new: &[NewEstimate],
    ) -> Result<Vec<StoredEstimate>, StoreError> {
        for (row, new) in new.iter().enumerate() {
            refuse_nul(row, "quantity", &new.quantity)?;
            refuse_nul(row, "method", &new.estimate.method)?;
            let Estimate {
                value,
                lower,
                upper,
                confidence,
                ..
            } = new.estimate;
            let numbers = [value.unwrap_or(0.0), lower, upper, confidence];
            if numbers.iter().any(|x| x.is_nan()) || lower > upper {
                return Err(StoreError::BadValue {
                    row,
                    field: "estimate",
                    why: format!("{:?} is no interval", new.estimate),
                });
            }
        }
        in_transaction!(self.connection, |tx| {
            let created = now();
            let rows = new
                .iter()
                .enumerate()
                .map(|(index, new)| {
                    Ok(ActiveModel {
                        quantity: Set(new.quantity.clone()),
                        value: Set(new.estimate.value),
                        lower: Set(new.estimate.lower),
                        upper: Set(new.estimate.upper),
                        confidence: Set(new.estimate.confidence),
                        method: Set(new.estimate.method.clone()),
                        n: Set(signed(index, "n", new.estimate.n)?),
                        record: Set(json(index, "record", &new.record)?),
                        design_id: Set(new.design.map(|id| id.0)),
                        created: Set(created),
                        ..Default::default()
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            let keys = batch::insert_for_keys(tx, rows, Column::Id).await?;
            let stored = keys.into_iter().zip(new).map(|(id, new)| StoredEstimate {
                id: EstimateId(id),
                new: new.clone(),
                created: moment(created),
            });
            Ok(stored.collect())
        })
    }

    /// Returns an estimate by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn estimate(&self, id: EstimateId) -> Result<StoredEstimate, StoreError> {
        let found = Entity::find_by_id(id.0).one(&self.connection).await?;
        found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "estimate",
            id: id.to_string(),
        })
    }

    /// Lists estimates, oldest first: all, or those of one quantity.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn estimates(
        &self,
        quantity: Option<&str>,
    ) -> Result<Vec<StoredEstimate>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if let Some(quantity) = quantity {
            select = select.filter(Column::Quantity.eq(quantity));
        }
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Model) -> Result<StoredEstimate, StoreError> {
    let place = |column| Place {
        table: "estimates",
        id: row.id,
        column,
    };
    Ok(StoredEstimate {
        id: EstimateId(row.id),
        new: NewEstimate {
            record: from_json(place("record"), &row.record)?,
            estimate: Estimate {
                value: row.value,
                lower: row.lower,
                upper: row.upper,
                confidence: row.confidence,
                n: unsigned(place("n"), row.n)?,
                method: row.method,
            },
            quantity: row.quantity,
            design: row.design_id.map(DesignId),
        },
        created: moment(row.created),
    })
}
