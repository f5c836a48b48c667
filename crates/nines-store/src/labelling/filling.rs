//! Filling queues: what is added, in which order, with which counters.

use super::queues::{self, Queue};
use super::recount::Evidence;
use super::{not_found, recount, take_turn};
use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::queue::{Column, Entity};
use crate::entity::queue_item;
use crate::error::StoreError;
use crate::labels;
use crate::store::{Store, in_transaction};
use nines_domain::snippet::SnippetId;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use std::collections::{HashMap, HashSet};

impl Store {
    /// Adds items to the end of a queue, each a snippet or a pair (left, right) as it is to be shown.
    /// Those that it has already stay where they are, save in a queue of a design: there all that are
    /// given come in the order given, after what is not. Returns how many are new.
    ///
    /// In a queue that no design fills, an item wants as many people as the queue's overlap beside
    /// those who had labelled it before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the queue, [`StoreError::BadValue`] for a pair where single
    /// snippets are wanted or the other way round, [`StoreError::UnknownSnippet`], and those of
    /// writing; nothing is stored then.
    pub async fn fill_queue(
        &self,
        id: i64,
        items: &[(SnippetId, Option<SnippetId>)],
    ) -> Result<usize, StoreError> {
        in_transaction!(self.connection, |tx| fill(tx, id, items).await)
    }
}

/// Adds items to the end of a queue, within a transaction.
pub(super) async fn fill(
    tx: &DatabaseTransaction,
    id: i64,
    items: &[(SnippetId, Option<SnippetId>)],
) -> Result<usize, StoreError> {
    let mut shown: Vec<i64> = items.iter().map(|(snippet, _)| snippet.0).collect();
    shown.sort_unstable();
    shown.dedup();
    let locked: HashSet<i64> = labels::lock(tx, &shown).await?.into_iter().collect();
    take_turn(tx).await?;
    let found = Entity::find_by_id(id).one(tx).await?;
    let queue = queues::read(found.ok_or_else(|| not_found("queue", id))?)?;
    let mut there = HashMap::new();
    let mut position = 0;
    for row in queue_item::Entity::find()
        .filter(queue_item::Column::QueueId.eq(id))
        .all(tx)
        .await?
    {
        position = Ord::max(position, row.position + 1);
        let key = (row.snippet_id, row.other_snippet_id);
        there.insert(key, (row.id, row.position));
    }
    let mut order = Vec::new();
    let mut new = Vec::new();
    for (row, (snippet, other)) in items.iter().enumerate() {
        check_item(row, &queue, *snippet, *other)?;
        if !locked.contains(&snippet.0) {
            return Err(StoreError::UnknownSnippet {
                row,
                snippet: snippet.to_string(),
            });
        }
        let key = (snippet.0, other.map(|other| other.0));
        if let Some(there) = there.get(&key) {
            order.push(*there);
        } else {
            there.insert(key, (0, position));
            order.push((0, position));
            new.push(queue_item::Model {
                id: 0,
                queue_id: id,
                position,
                snippet_id: snippet.0,
                other_snippet_id: other.map(|other| other.0),
                before: 0,
                wanted: 0,
                labelled: 0,
                leased: 0,
                waiting: false,
            });
            position += 1;
        }
    }
    if queue.kind.is_design() && !order.is_sorted_by_key(|(_, position)| *position) {
        arrange(tx, &order, &mut new, position).await?;
    }
    let added = add(tx, &queue, new).await?;
    // Labels may have come before the queue was there.
    recount(tx, &shown).await?;
    Ok(added)
}

/// Gives the items of a design their order, behind all positions used so far: a design that draws more
/// often than before puts new items between old ones, and every beginning of its order is a sample.
async fn arrange(
    tx: &DatabaseTransaction,
    order: &[(i64, i64)],
    new: &mut [queue_item::Model],
    mut position: i64,
) -> Result<(), StoreError> {
    use queue_item::Column;
    let mut new = new.iter_mut();
    let mut met = HashSet::new();
    for (id, before) in order {
        if !met.insert(*before) {
            continue;
        }
        if *id == 0 {
            if let Some(item) = new.next() {
                item.position = position;
            }
        } else {
            queue_item::Entity::update_many()
                .col_expr(Column::Position, Expr::value(position))
                .filter(Column::Id.eq(*id))
                .exec(tx)
                .await?;
        }
        position += 1;
    }
    Ok(())
}

/// Adds new items to a queue with their counters. Returns how many.
async fn add(
    tx: &DatabaseTransaction,
    queue: &Queue,
    mut new: Vec<queue_item::Model>,
) -> Result<usize, StoreError> {
    let mut waiting = 0;
    for chunk in new.chunks_mut(KEYS_PER_STATEMENT) {
        let evidence = Evidence::read(tx, chunk).await?;
        for item in chunk {
            if !queue.kind.is_design() {
                item.before = evidence.people(item);
            }
            let counters = evidence.of(item);
            item.wanted = counters.wanted;
            item.labelled = counters.labelled;
            item.leased = counters.leased;
            item.waiting = counters.waiting;
            waiting += i64::from(counters.waiting);
        }
    }
    let added = new.len();
    let rows = new
        .into_iter()
        .map(|item| queue_item::ActiveModel {
            queue_id: Set(item.queue_id),
            position: Set(item.position),
            snippet_id: Set(item.snippet_id),
            other_snippet_id: Set(item.other_snippet_id),
            before: Set(item.before),
            wanted: Set(item.wanted),
            labelled: Set(item.labelled),
            leased: Set(item.leased),
            waiting: Set(item.waiting),
            ..Default::default()
        })
        .collect();
    batch::insert_all::<queue_item::Entity, _>(tx, rows).await?;
    Entity::update_many()
        .col_expr(Column::Items, Expr::col(Column::Items).add(added as i64))
        .col_expr(Column::Waiting, Expr::col(Column::Waiting).add(waiting))
        .filter(Column::Id.eq(queue.id))
        .exec(tx)
        .await?;
    Ok(added)
}

fn check_item(
    row: usize,
    queue: &Queue,
    snippet: SnippetId,
    other: Option<SnippetId>,
) -> Result<(), StoreError> {
    let wrong = |why: String| StoreError::BadValue {
        row,
        field: "item",
        why,
    };
    if queue.kind.is_pairs() != other.is_some() {
        let wants = if queue.kind.is_pairs() {
            "pairs"
        } else {
            "single snippets"
        };
        return Err(wrong(format!(
            "does not fit queue {}, which is of {wants}",
            queue.id
        )));
    }
    if other == Some(snippet) {
        return Err(wrong("is a pair of one snippet with itself".to_owned()));
    }
    Ok(())
}
