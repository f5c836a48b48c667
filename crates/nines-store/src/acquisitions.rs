//! Acquisitions: what was chosen to be labelled so that a classifier learns from it, with the probability
//! of each, stored before its label. Only ever added.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::acquisition::{self, ActiveModel, Column, Entity};
use crate::entity::{acquired_item, queue, queue_item};
use crate::error::StoreError;
use crate::labelling::{QueueKind, selected};
use crate::labels;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul, signed, unsigned};
use jiff::Timestamp;
use nines_domain::snippet::SnippetId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, JoinType,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// How a snippet was chosen to be labelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChosenBy {
    /// A score decided how likely, or whether, it was chosen: it is no sample of anything.
    pub score: bool,
    /// It was drawn at random among others, all alike.
    pub chance: bool,
}

impl ChosenBy {
    /// Says whether it was chosen at all.
    pub fn is_any(self) -> bool {
        self.score || self.chance
    }
}

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
    /// What was chosen, in the order in which it is labelled.
    pub items: Vec<NewAcquiredItem>,
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
    /// a worth that is no number, a name or an overlap out of bounds; [`StoreError::UnknownSnippet`],
    /// [`StoreError::Nul`], and those of writing. Nothing is stored then.
    pub async fn acquire(&self, new: &NewAcquisition) -> Result<Acquisition, StoreError> {
        refuse_nul(0, "strategy", &new.strategy)?;
        check(&new.items)?;
        let record = json(0, "record", &new.record)?;
        let ids: Vec<SnippetId> = new.items.iter().map(|item| item.snippet).collect();
        in_transaction!(self.connection, |tx| {
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
            let keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
            let before = labels::of_snippets(tx, &keys).await?;
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

/// Says how snippets were chosen to be labelled: by acquisitions, and by queues that were filled near a
/// threshold or in a random order.
pub(crate) async fn chosen<C: ConnectionTrait>(
    connection: &C,
    snippets: &[i64],
) -> Result<BTreeMap<i64, ChosenBy>, StoreError> {
    let mut found: BTreeMap<i64, ChosenBy> = BTreeMap::new();
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        let acquired = acquired_item::Entity::find()
            .select_only()
            .column(acquired_item::Column::SnippetId)
            .column_as(Column::ByScore, "by_score")
            .join(
                JoinType::InnerJoin,
                acquired_item::Entity::belongs_to(Entity)
                    .from(acquired_item::Column::AcquisitionId)
                    .to(Column::Id)
                    .into(),
            )
            .filter(acquired_item::Column::SnippetId.is_in(chunk.iter().copied()))
            .into_query();
        for row in connection.query_all(&acquired).await? {
            let by_score: bool = row.try_get("", "by_score")?;
            mark(&mut found, row.try_get("", "snippet_id")?, by_score);
        }
        let near = QueueKind::Threshold.as_str();
        let queued = queue_item::Entity::find()
            .select_only()
            .column(queue_item::Column::SnippetId)
            .column_as(queue::Column::Kind, "kind")
            .join(
                JoinType::InnerJoin,
                queue_item::Entity::belongs_to(queue::Entity)
                    .from(queue_item::Column::QueueId)
                    .to(queue::Column::Id)
                    .into(),
            )
            .filter(queue::Column::Kind.is_in([near, QueueKind::Random.as_str()]))
            .filter(queue_item::Column::SnippetId.is_in(chunk.iter().copied()))
            .into_query();
        for row in connection.query_all(&queued).await? {
            let kind: String = row.try_get("", "kind")?;
            mark(&mut found, row.try_get("", "snippet_id")?, kind == near);
        }
    }
    Ok(found)
}

fn mark(found: &mut BTreeMap<i64, ChosenBy>, snippet: i64, by_score: bool) {
    let of = found.entry(snippet).or_default();
    of.score |= by_score;
    of.chance |= !by_score;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_both_ways_says_both() {
        let mut found = BTreeMap::new();
        mark(&mut found, 3, true);
        mark(&mut found, 3, false);
        mark(&mut found, 4, false);
        assert_eq!(
            found[&3],
            ChosenBy {
                score: true,
                chance: true
            }
        );
        assert!(!found[&4].score && found[&4].is_any());
        assert!(!ChosenBy::default().is_any());
    }
}
