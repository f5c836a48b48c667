//! Designs: what is measured on which requests, and what was drawn to be labelled. Everything is
//! only ever added, so that the probability of every drawn item is on record before its label.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::design::{self, ActiveModel, Column, Entity};
use crate::entity::{design_item, selected_item, selection};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, signed, unsigned};
use jiff::Timestamp;
use nines_domain::snippet::{ContentHash, DesignId, DistributionId, ModelId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;
use std::collections::HashMap;

/// What a design measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesignKind {
    /// How often the filter's answers are catastrophes.
    Leak,
    /// How often raters prefer the filter's answers.
    Quality,
    /// How two filters differ in leak.
    Compare,
}

impl DesignKind {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Quality => "quality",
            Self::Compare => "compare",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Leak, Self::Quality, Self::Compare];
}

/// A design to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDesign {
    /// What it measures.
    pub kind: DesignKind,
    /// Hash of everything that makes it another design: distribution, filter, generator, seed.
    pub identity: ContentHash,
    /// The distribution of prompts it speaks of.
    pub distribution: DistributionId,
    /// The classifier.
    pub model: ModelId,
    /// All of it in words and numbers: filter, generator, strata.
    pub record: Value,
}

/// A stored design.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Its key.
    pub id: DesignId,
    /// What it measures.
    pub kind: DesignKind,
    /// Hash of what makes it another design.
    pub identity: ContentHash,
    /// The distribution of prompts.
    pub distribution: DistributionId,
    /// The classifier.
    pub model: ModelId,
    /// All of it in words and numbers.
    pub record: Value,
    /// When it was stored.
    pub created: Timestamp,
}

/// One request of a design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewDesignItem {
    /// Which request it is, from 0.
    pub position: u64,
    /// The filter's answer to it.
    pub answer: i64,
    /// The other filter's answer, where two are compared.
    pub other_answer: Option<i64>,
    /// Its stratum; none where no label is needed (an abstention, an equal pair).
    pub stratum: Option<u32>,
    /// Its lot: uniform on \[0, 1), fixed by the design's seed. An item is drawn when its lot lies
    /// below its stratum's probability.
    pub lot: f64,
}

/// A stored request of a design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DesignItem {
    /// Its key.
    pub id: i64,
    /// What it is.
    pub item: NewDesignItem,
    /// The probability with which the newest selection that drew it did so; none if never drawn.
    pub drawn: Option<f64>,
}

/// One time that a design drew what to label.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Its key.
    pub id: i64,
    /// The probability of every stratum, and why.
    pub record: Value,
    /// When it was stored.
    pub created: Timestamp,
}

impl Store {
    /// Stores a design, or returns the one that is there with the same kind and identity.
    ///
    /// # Errors
    /// [`StoreError::Dangling`], [`StoreError::Nul`] and those of writing; nothing is stored then.
    pub async fn ensure_design(&self, new: &NewDesign) -> Result<Design, StoreError> {
        let record = json(0, "record", &new.record)?;
        in_transaction!(self.connection, |tx| {
            let row = ActiveModel {
                kind: Set(new.kind.as_str().to_owned()),
                identity: Set(new.identity.bytes().to_vec()),
                distribution_id: Set(new.distribution.0),
                model_id: Set(new.model.0),
                record: Set(record.clone()),
                created: Set(now()),
                ..Default::default()
            };
            // Insert, then look: another process may store it after a look that came first.
            let unique = [Column::Kind, Column::Identity];
            batch::insert_unless_taken(tx, vec![row], unique, [Column::Id]).await?;
            let there = Entity::find()
                .filter(Column::Kind.eq(new.kind.as_str()))
                .filter(Column::Identity.eq(new.identity.bytes().to_vec()))
                .one(tx)
                .await?;
            there.map(read).transpose()?.ok_or(StoreError::NotFound {
                what: "design",
                id: new.identity.to_string(),
            })
        })
    }

    /// Lists designs, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn designs(&self, kind: Option<DesignKind>) -> Result<Vec<Design>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if let Some(kind) = kind {
            select = select.filter(Column::Kind.eq(kind.as_str()));
        }
        let rows = select.all(&self.connection).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns a design by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn design(&self, id: DesignId) -> Result<Design, StoreError> {
        let found = Entity::find_by_id(id.0).one(&self.connection).await?;
        found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "design",
            id: id.to_string(),
        })
    }

    /// Adds requests to a design; those whose position is there already are left as they are.
    /// Returns how many are new.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a lot outside \[0, 1), [`StoreError::Dangling`], and those of
    /// writing.
    pub async fn add_design_items(
        &self,
        design: DesignId,
        items: &[NewDesignItem],
    ) -> Result<usize, StoreError> {
        for (row, item) in items.iter().enumerate() {
            if !(0.0..1.0).contains(&item.lot) {
                return Err(StoreError::BadValue {
                    row,
                    field: "lot",
                    why: format!("is {}; it must lie from 0 to below 1", item.lot),
                });
            }
        }
        in_transaction!(self.connection, |tx| {
            let rows = items
                .iter()
                .enumerate()
                .map(|(row, item)| {
                    Ok(design_item::ActiveModel {
                        design_id: Set(design.0),
                        position: Set(signed(row, "position", item.position)?),
                        answer_id: Set(item.answer),
                        other_answer_id: Set(item.other_answer),
                        stratum: Set(item.stratum.map(i64::from)),
                        lot: Set(item.lot),
                        ..Default::default()
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            use design_item::Column;
            let unique = [Column::DesignId, Column::Position];
            let new = batch::insert_unless_taken(tx, rows, unique, [Column::Id]).await?;
            Ok(new.len())
        })
    }

    /// Lists the requests of a design, in their order.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn design_items(&self, design: DesignId) -> Result<Vec<DesignItem>, StoreError> {
        let rows = design_item::Entity::find()
            .filter(design_item::Column::DesignId.eq(design.0))
            .order_by_asc(design_item::Column::Position)
            .all(&self.connection)
            .await?;
        let selections = selection::Entity::find()
            .select_only()
            .column(selection::Column::Id)
            .filter(selection::Column::DesignId.eq(design.0))
            .into_query();
        let selected = selected_item::Entity::find()
            .filter(selected_item::Column::SelectionId.in_subquery(selections))
            .order_by_asc(selected_item::Column::SelectionId)
            .all(&self.connection)
            .await?;
        // Oldest first: the newest stays.
        let drawn: HashMap<i64, f64> = selected
            .into_iter()
            .map(|row| (row.item_id, row.probability))
            .collect();
        rows.into_iter()
            .map(|row| {
                let place = |column| Place {
                    table: "design_items",
                    id: row.id,
                    column,
                };
                let stratum = row.stratum.map(|n| {
                    u32::try_from(n).map_err(|_| place("stratum").unreadable(&n.to_string()))
                });
                Ok(DesignItem {
                    id: row.id,
                    item: NewDesignItem {
                        position: unsigned(place("position"), row.position)?,
                        answer: row.answer_id,
                        other_answer: row.other_answer_id,
                        stratum: stratum.transpose()?,
                        lot: row.lot,
                    },
                    drawn: drawn.get(&row.id).copied(),
                })
            })
            .collect()
    }

    /// Records what a design draws to be labelled: the items, each with its probability. Returns the
    /// selection's key. To be called before anybody labels them.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a probability outside (0, 1], and for an item that comes twice or
    /// is of another design; [`StoreError::Dangling`], [`StoreError::Nul`], and those of writing.
    /// Nothing is stored then.
    pub async fn select_items(
        &self,
        design: DesignId,
        record: &Value,
        items: &[(i64, f64)],
    ) -> Result<i64, StoreError> {
        let mut rows = HashMap::with_capacity(items.len());
        for (row, (item, probability)) in items.iter().enumerate() {
            if !(*probability > 0.0 && *probability <= 1.0) {
                return Err(StoreError::BadValue {
                    row,
                    field: "probability",
                    why: format!("is {probability}; it must lie above 0 and not above 1"),
                });
            }
            if rows.insert(*item, row).is_some() {
                return Err(StoreError::BadValue {
                    row,
                    field: "item",
                    why: format!("{item} is drawn twice"),
                });
            }
        }
        let record = json(0, "record", record)?;
        in_transaction!(self.connection, |tx| {
            if let Some(stray) = of_another_design(tx, design, items).await? {
                return Err(StoreError::BadValue {
                    row: rows[&stray],
                    field: "item",
                    why: format!("{stray} is of another design than {design}"),
                });
            }
            let row = selection::ActiveModel {
                design_id: Set(design.0),
                record: Set(record.clone()),
                created: Set(now()),
                ..Default::default()
            };
            let id = row.insert(tx).await?.id;
            let rows = items
                .iter()
                .map(|(item, probability)| selected_item::ActiveModel {
                    selection_id: Set(id),
                    item_id: Set(*item),
                    probability: Set(*probability),
                    ..Default::default()
                })
                .collect();
            batch::insert_all::<selected_item::Entity, _>(tx, rows).await?;
            Ok(id)
        })
    }

    /// Lists the selections of a design, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn selections(&self, design: DesignId) -> Result<Vec<Selection>, StoreError> {
        let rows = selection::Entity::find()
            .filter(selection::Column::DesignId.eq(design.0))
            .order_by_asc(selection::Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    table: "selections",
                    id: row.id,
                    column: "record",
                };
                Ok(Selection {
                    id: row.id,
                    record: from_json(place, &row.record)?,
                    created: moment(row.created),
                })
            })
            .collect()
    }
}

/// Returns the first of these items, by key, that another design has.
async fn of_another_design(
    tx: &DatabaseTransaction,
    design: DesignId,
    items: &[(i64, f64)],
) -> Result<Option<i64>, StoreError> {
    use design_item::Column;
    for chunk in items.chunks(KEYS_PER_STATEMENT) {
        let stray = design_item::Entity::find()
            .filter(Column::Id.is_in(chunk.iter().map(|(item, _)| *item)))
            .filter(Column::DesignId.ne(design.0))
            .order_by_asc(Column::Id)
            .one(tx)
            .await?;
        if let Some(stray) = stray {
            return Ok(Some(stray.id));
        }
    }
    Ok(None)
}

fn read(row: design::Model) -> Result<Design, StoreError> {
    let place = |column| Place {
        table: "designs",
        id: row.id,
        column,
    };
    let kind = DesignKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == row.kind)
        .ok_or_else(|| place("kind").unreadable(&row.kind))?;
    Ok(Design {
        id: DesignId(row.id),
        kind,
        identity: batch::to_hash(&row.identity)?,
        distribution: DistributionId(row.distribution_id),
        model: ModelId(row.model_id),
        record: from_json(place("record"), &row.record)?,
        created: moment(row.created),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words = DesignKind::ALL.map(DesignKind::as_str);
        assert_eq!(words, ["leak", "quality", "compare"]);
    }
}
