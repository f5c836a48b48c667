//! Acquisitions: what was chosen to be labelled so that a classifier learns from it, with the probability
//! of each, stored before its label. Only ever added.

use crate::batch;
use crate::choices;
use crate::entity::acquired_item;
use crate::entity::acquisition::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::labelling::selected;
use crate::labels::{self, StoredLabel};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul, signed, unsigned};
use jiff::Timestamp;
use nines_domain::snippet::SnippetId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A snippet to be labelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewAcquiredItem {
    /// The snippet.
    pub snippet: SnippetId,
    /// The probability with which the draw took it; none where nothing was left to chance.
    pub probability: Option<f64>,
    /// What it was worth to the strategy that ranked it, where one did.
    pub worth: Option<f64>,
}

/// An acquisition to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAcquisition {
    /// The strategy, or the mixture of them.
    pub strategy: String,
    /// Whether a score decided how likely, or whether, each was chosen.
    pub by_score: bool,
    /// How it was chosen: pool, classifier, threshold, seed.
    pub record: Value,
    /// The name of its queue.
    pub name: String,
    /// How many people are asked about each item.
    pub overlap: u32,
    /// What it was chosen among.
    pub among: Among,
    /// What was chosen, in the order in which it is labelled.
    pub items: Vec<NewAcquiredItem>,
}

/// What an acquisition was chosen among. What has left it since is refused: between choosing and storing, others
/// label and choose as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// What nobody has labelled, and nothing has chosen to be labelled.
    Untouched,
    /// What nobody has labelled.
    Unlabelled,
    /// Anything, such as what is to be labelled again.
    All,
}

/// A stored acquisition.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquisition {
    /// Its key.
    pub id: i64,
    /// The strategy, or the mixture of them.
    pub strategy: String,
    /// Whether a score decided how likely, or whether, each was chosen.
    pub by_score: bool,
    /// How it was chosen.
    pub record: Value,
    /// The queue that asks for its labels.
    pub queue: i64,
    /// When it was stored.
    pub created: Timestamp,
}

/// A stored item of an acquisition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcquiredItem {
    /// What it is.
    pub item: NewAcquiredItem,
    /// How many labellers had labelled it when it was chosen.
    pub before: u64,
}

impl Store {
    /// Stores what was chosen, and makes and fills the queue that asks for its labels, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for nothing chosen, a snippet that comes twice, a probability outside (0, 1\],
    /// a worth that is no number, a name or an overlap out of bounds; [`StoreError::NoLongerOpen`] for a snippet
    /// that has left what was chosen among; [`StoreError::UnknownSnippet`], [`StoreError::Nul`], and those of
    /// writing. Nothing is stored then.
    pub async fn acquire(&self, new: &NewAcquisition) -> Result<Acquisition, StoreError> {
        refuse_nul(0, "strategy", &new.strategy)?;
        check(&new.items)?;
        let record = json(0, "record", &new.record)?;
        let ids: Vec<SnippetId> = new.items.iter().map(|item| item.snippet).collect();
        let keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        in_transaction!(self.connection, |tx| {
            // From here on nobody labels or chooses them until this is stored.
            labels::lock(tx, &sorted).await?;
            let before = labels::of_snippets(tx, &keys).await?;
            refuse_touched(tx, new.among, &keys, &before).await?;
            let queue = selected::queue_selected(tx, &new.name, new.overlap, &record, &ids).await?;
            let row = ActiveModel {
                strategy: Set(new.strategy.clone()),
                by_score: Set(new.by_score),
                record: Set(record.clone()),
                queue_id: Set(queue.id),
                created: Set(now()),
                ..Default::default()
            };
            let stored = row.insert(tx).await?;
            let rows = new
                .items
                .iter()
                .enumerate()
                .map(|(row, item)| {
                    let labels = before.get(&item.snippet.0).into_iter().flatten();
                    let labellers: HashSet<(&str, &str)> = labels
                        .map(|l| (l.label.kind.as_str(), l.label.labeller.as_str()))
                        .collect();
                    Ok(acquired_item::ActiveModel {
                        acquisition_id: Set(stored.id),
                        position: Set(signed(row, "position", row)?),
                        snippet_id: Set(item.snippet.0),
                        probability: Set(item.probability),
                        worth: Set(item.worth),
                        before: Set(signed(row, "before", labellers.len())?),
                        ..Default::default()
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            batch::insert_all::<acquired_item::Entity, _>(tx, rows).await?;
            read(stored)
        })
    }

    /// Lists acquisitions, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn acquisitions(&self) -> Result<Vec<Acquisition>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns an acquisition by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn acquisition(&self, id: i64) -> Result<Acquisition, StoreError> {
        let found = Entity::find_by_id(id).one(&self.connection).await?;
        found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "selection",
            id: id.to_string(),
        })
    }

    /// Lists what an acquisition chose, in the order in which it is labelled.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn acquired_items(&self, id: i64) -> Result<Vec<AcquiredItem>, StoreError> {
        use acquired_item::Column;
        let rows = acquired_item::Entity::find()
            .filter(Column::AcquisitionId.eq(id))
            .order_by_asc(Column::Position)
            .all(&self.connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    table: "acquired_items",
                    id: row.id,
                    column: "before",
                };
                Ok(AcquiredItem {
                    item: NewAcquiredItem {
                        snippet: SnippetId(row.snippet_id),
                        probability: row.probability,
                        worth: row.worth,
                    },
                    before: unsigned(place, row.before)?,
                })
            })
            .collect()
    }
}

/// Refuses snippets that have left what was chosen among.
async fn refuse_touched(
    tx: &DatabaseTransaction,
    among: Among,
    keys: &[i64],
    labels: &HashMap<i64, Vec<StoredLabel>>,
) -> Result<(), StoreError> {
    if among == Among::All {
        return Ok(());
    }
    let gone = |row: usize, what| {
        Err(StoreError::NoLongerOpen {
            row,
            snippet: SnippetId(keys[row]).to_string(),
            what,
        })
    };
    if let Some(row) = keys.iter().position(|key| labels.contains_key(key)) {
        return gone(row, "labelled");
    }
    if among == Among::Untouched {
        let chosen = choices::of_snippets(tx, keys, labels).await?;
        let is_chosen = |key: &i64| chosen.get(key).is_some_and(|by| by.is_any());
        if let Some(row) = keys.iter().position(is_chosen) {
            return gone(row, "chosen by another selection or queue");
        }
    }
    Ok(())
}

fn check(items: &[NewAcquiredItem]) -> Result<(), StoreError> {
    let wrong = |row, field, why: String| Err(StoreError::BadValue { row, field, why });
    if items.is_empty() {
        return wrong(0, "items", "are none; nothing was chosen".to_owned());
    }
    let mut met = HashSet::with_capacity(items.len());
    for (row, item) in items.iter().enumerate() {
        if !met.insert(item.snippet) {
            return wrong(row, "snippet", format!("{} is chosen twice", item.snippet));
        }
        if let Some(p) = item.probability.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            let why = format!("is {p}; it must lie above 0 and not above 1");
            return wrong(row, "probability", why);
        }
        if let Some(worth) = item.worth.filter(|worth| !worth.is_finite()) {
            return wrong(
                row,
                "worth",
                format!("is {worth}, which is no finite number"),
            );
        }
    }
    Ok(())
}

fn read(row: acquisition::Model) -> Result<Acquisition, StoreError> {
    let place = Place {
        table: "acquisitions",
        id: row.id,
        column: "record",
    };
    Ok(Acquisition {
        id: row.id,
        record: from_json(place, &row.record)?,
        strategy: row.strategy,
        by_score: row.by_score,
        queue: row.queue_id,
        created: moment(row.created),
    })
}
