//! Giving out items: the next one of a queue, hidden checks among them, and leases that run out.

use super::assignments::{self, Assignment, AssignmentState, LEASES, Purpose};
use super::queues::{self, Queue};
use super::{Labeller, attacks, checks, not_found, recount, take_turn};
use crate::entity::assignment::{ActiveModel, Column, Entity, Model};
use crate::entity::{queue, queue_item};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::{comparisons, labels};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::ContentHash;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use std::collections::BTreeSet;

/// Leases that one transaction returns at most.
const EXPIRED_AT_ONCE: u64 = 500;
/// Candidates looked at in one statement: few, since the first is nearly always right, then many.
const CANDIDATES: [u64; 2] = [8, 512];
/// One item in so many is one whose label is known, where there are such.
const GOLD_ONE_IN: f64 = 12.0;
/// One item in so many is one that the labeller has labelled before.
const REPEAT_ONE_IN: f64 = 20.0;

/// What a queue gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Leased {
    /// The item; none where nothing waits for this labeller, or where they hold as many as they may.
    pub assignment: Option<Assignment>,
    /// How many more wait for this labeller.
    pub waiting: u64,
}

impl Store {
    /// Gives a labeller the next item of a queue, in one transaction.
    ///
    /// An item that the labeller has open already and does not name in `holding` is given again, so
    /// that a reloaded page goes on where it was. No item goes to more people at once than it wants,
    /// nor to one who has labelled it, found it by rewriting, was told its answer in practice, has it open
    /// elsewhere, or has skipped it here. Now and then the item is a hidden check.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Refused`] for a closed queue, and those of writing.
    pub async fn next_assignment(
        &self,
        queue: i64,
        labeller: &Labeller,
        holding: &[i64],
    ) -> Result<Leased, StoreError> {
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            sweep(tx).await?;
            let found = queue::Entity::find_by_id(queue).one(tx).await?;
            let from = queues::read(found.ok_or_else(|| not_found("queue", queue))?)?;
            if !from.open {
                return Err(StoreError::Refused {
                    what: "queue",
                    id: queue,
                    why: "is closed; choose another one".to_owned(),
                });
            }
            let mine = Entity::find()
                .filter(Column::AccountId.eq(labeller.account.0))
                .filter(Column::QueueId.eq(queue))
                .filter(Column::State.eq("open"))
                .order_by_asc(Column::Id)
                .all(tx)
                .await?;
            let count = mine.len();
            let left = mine.into_iter().find(|row| !holding.contains(&row.id));
            let row = match left {
                Some(row) => Some(renewed(tx, row.id).await?),
                None if count >= LEASES => None,
                None => lease(tx, &from, labeller).await?,
            };
            let waiting = match (&row, count) {
                // What was labelled elsewhere is not counted, and nothing else is left.
                (None, count) if count < LEASES => 0,
                _ => queues::waiting_for(tx, queue, labeller.account).await?,
            };
            Ok(Leased {
                assignment: row.map(assignments::read).transpose()?,
                waiting,
            })
        })
    }

    /// Keeps an open assignment for its labeller for longer, and notes the active time so far. One
    /// that ran out is taken up again where its item still waits. Returns until when it is kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::BadValue`] for seconds that make no sense, and those
    /// of writing.
    pub async fn renew_assignment(
        &self,
        id: i64,
        account: AccountId,
        seconds: f64,
    ) -> Result<Timestamp, StoreError> {
        super::answers::check_seconds("seconds", seconds)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let row = assignments::own(tx, id, account).await?;
            let may = match assignments::state_of(&row)? {
                AssignmentState::Open => true,
                AssignmentState::Expired => is_free(tx, &row).await?,
                _ => false,
            };
            if !may {
                return Ok(moment(row.expires));
            }
            let expires = assignments::end_of_lease();
            let change = ActiveModel {
                id: Set(id),
                state: Set(AssignmentState::Open.as_str().to_owned()),
                expires: Set(expires),
                seconds: Set(f64::max(seconds, row.seconds)),
                ..Default::default()
            };
            change.update(tx).await?;
            if row.state != AssignmentState::Open.as_str() {
                recount(tx, &[row.snippet_id]).await?;
            }
            Ok(moment(expires))
        })
    }

    /// Returns leases that ran out to their queues.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub async fn return_expired(&self) -> Result<(), StoreError> {
        let any = Entity::find()
            .filter(Column::State.eq("open"))
            .filter(Column::Expires.lt(now()))
            .limit(1)
            .one(&self.connection)
            .await?;
        if any.is_none() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            sweep(tx).await
        })
    }
}

/// Marks leases that ran out, and lets their items wait again.
pub(super) async fn sweep(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    let rows = Entity::find()
        .filter(Column::State.eq("open"))
        .filter(Column::Expires.lt(now()))
        .order_by_asc(Column::Expires)
        .limit(EXPIRED_AT_ONCE)
        .all(tx)
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(
            Column::State,
            Expr::value(AssignmentState::Expired.as_str()),
        )
        .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    let snippets: BTreeSet<i64> = rows.iter().map(|row| row.snippet_id).collect();
    let snippets: Vec<i64> = snippets.into_iter().collect();
    recount(tx, &snippets).await
}

/// Starts the lease of an assignment again.
pub(super) async fn renewed(tx: &DatabaseTransaction, id: i64) -> Result<Model, StoreError> {
    let change = ActiveModel {
        id: Set(id),
        state: Set(AssignmentState::Open.as_str().to_owned()),
        expires: Set(assignments::end_of_lease()),
        ..Default::default()
    };
    Ok(change.update(tx).await?)
}

/// Says whether the item of an assignment that is no lease any more has room for its labeller.
pub(super) async fn is_free(tx: &DatabaseTransaction, row: &Model) -> Result<bool, StoreError> {
    let Some(item) = row.queue_item_id else {
        return Ok(true);
    };
    let item = queue_item::Entity::find_by_id(item).one(tx).await?;
    Ok(item.is_some_and(|item| item.waiting))
}

/// Gives out the next item of a queue, or a hidden check in its place.
async fn lease(
    tx: &DatabaseTransaction,
    queue: &Queue,
    labeller: &Labeller,
) -> Result<Option<Model>, StoreError> {
    let Some(item) = candidate(tx, queue, labeller).await? else {
        return Ok(None);
    };
    if !queue.kind.is_pairs()
        && let Some(row) = hidden_check(tx, queue, labeller).await?
    {
        return Ok(Some(row));
    }
    // The labeller may have let this very item run out before: then it is taken up again, so that
    // a late answer and this one are one answer.
    let before = Entity::find()
        .filter(Column::AccountId.eq(labeller.account.0))
        .filter(Column::QueueItemId.eq(item.id))
        .filter(Column::State.eq(AssignmentState::Expired.as_str()))
        .order_by_desc(Column::Id)
        .one(tx)
        .await?;
    let row = match before {
        Some(before) => renewed(tx, before.id).await?,
        None => {
            let like = blank(labeller, Purpose::Work);
            let like = Model {
                queue_item_id: Some(item.id),
                queue_id: Some(queue.id),
                snippet_id: item.snippet_id,
                other_snippet_id: item.other_snippet_id,
                ..like
            };
            assignments::opened(&like).insert(tx).await?
        }
    };
    recount(tx, &[item.snippet_id]).await?;
    Ok(Some(row))
}

/// A row without an item, for [`assignments::opened`].
pub(super) fn blank(labeller: &Labeller, purpose: Purpose) -> Model {
    Model {
        id: 0,
        queue_item_id: None,
        queue_id: None,
        account_id: labeller.account.0,
        labeller: labeller.name.clone(),
        purpose: purpose.as_str().to_owned(),
        check_item_id: None,
        repeat_of: None,
        attempt: 0,
        snippet_id: 0,
        other_snippet_id: None,
        state: AssignmentState::Open.as_str().to_owned(),
        item_waiting: false,
        shown: now(),
        expires: now(),
        answered: None,
        verdict: None,
        severity: None,
        choice: None,
        label_id: None,
        comparison_id: None,
        reason: None,
        seconds: 0.0,
        away_seconds: 0.0,
        undone_into: None,
    }
}

/// Finds the first waiting item of a queue that a labeller may be given.
async fn candidate(
    tx: &DatabaseTransaction,
    queue: &Queue,
    labeller: &Labeller,
) -> Result<Option<queue_item::Model>, StoreError> {
    use queue_item::Column as Item;
    let shown = |column| Expr::col((Entity, column));
    let same_pair = Cond::any()
        .add(shown(Column::OtherSnippetId).equals((queue_item::Entity, Item::OtherSnippetId)))
        .add(
            shown(Column::OtherSnippetId)
                .is_null()
                .and(Expr::col((queue_item::Entity, Item::OtherSnippetId)).is_null()),
        );
    // Who answered a hidden check or the test was told nothing, and their label is as good as any; were
    // it refused, an item that all have met as a check would wait for ever. Practice tells the answer.
    let lasts = shown(Column::Purpose).is_in([Purpose::Work.as_str(), Purpose::Practice.as_str()]);
    let had = Cond::any()
        .add(shown(Column::State).eq("open"))
        .add(shown(Column::State).eq("answered").and(lasts))
        .add(
            shown(Column::State)
                .eq("skipped")
                .and(shown(Column::QueueId).eq(queue.id)),
        );
    let had = Query::select()
        .expr(Expr::value(1))
        .from(Entity)
        .and_where(shown(Column::AccountId).eq(labeller.account.0))
        .and_where(shown(Column::SnippetId).equals((queue_item::Entity, Item::SnippetId)))
        .cond_where(same_pair)
        .cond_where(had)
        .take();
    let select = queue_item::Entity::find()
        .filter(Item::QueueId.eq(queue.id))
        .filter(Item::Waiting.eq(true))
        .filter(Expr::exists(had).not())
        .filter(Expr::exists(attacks::found_by(labeller.account)).not())
        .order_by_asc(Item::Position);
    let mut after = -1;
    for limit in CANDIDATES
        .into_iter()
        .chain(std::iter::repeat(CANDIDATES[1]))
    {
        let rows = select
            .clone()
            .filter(Item::Position.gt(after))
            .limit(limit)
            .all(tx)
            .await?;
        let is_last = (rows.len() as u64) < limit;
        after = rows.last().map_or(after, |row| row.position);
        let known = known_to(tx, &rows, labeller).await?;
        let first = rows.into_iter().find(|row| !known.contains(&row.id));
        if first.is_some() || is_last {
            return Ok(first);
        }
    }
    Ok(None)
}

/// Finds which items a labeller has labelled or compared, in the browser or by a file.
async fn known_to(
    tx: &DatabaseTransaction,
    items: &[queue_item::Model],
    labeller: &Labeller,
) -> Result<BTreeSet<i64>, StoreError> {
    let keys: Vec<i64> = items.iter().map(|item| item.snippet_id).collect();
    let mut known = BTreeSet::new();
    if items.iter().any(|item| item.other_snippet_id.is_some()) {
        let theirs: BTreeSet<(i64, i64)> = comparisons::of_left(tx, &keys)
            .await?
            .into_iter()
            .map(|stored| stored.new)
            .filter(|new| {
                new.comparison.kind == LabellerKind::Person
                    && new.comparison.labeller == labeller.name
            })
            .map(|new| (new.left.0, new.right.0))
            .collect();
        known.extend(items.iter().filter_map(|item| {
            let other = item.other_snippet_id?;
            theirs
                .contains(&(item.snippet_id, other))
                .then_some(item.id)
        }));
    } else {
        let labels = labels::of_snippets(tx, &keys).await?;
        let theirs = |item: &&queue_item::Model| {
            labels.get(&item.snippet_id).is_some_and(|labels| {
                labels.iter().any(|stored| {
                    stored.label.kind == LabellerKind::Person
                        && stored.label.labeller == labeller.name
                })
            })
        };
        known.extend(items.iter().filter(theirs).map(|item| item.id));
    }
    Ok(known)
}

/// Gives out a hidden check where the draw for this item says so.
async fn hidden_check(
    tx: &DatabaseTransaction,
    queue: &Queue,
    labeller: &Labeller,
) -> Result<Option<Model>, StoreError> {
    // The newest assignment tells one draw from the next: counting all of them would take longer with
    // each.
    let newest = Entity::find()
        .filter(Column::AccountId.eq(labeller.account.0))
        .order_by_desc(Column::Id)
        .one(tx)
        .await?;
    let given = newest.map_or(0, |row| row.id.unsigned_abs());
    let lot = lot(labeller.account.0, given);
    let like = if lot < 1.0 / GOLD_ONE_IN {
        checks::hidden_gold(tx, labeller, given).await?
    } else if lot < 1.0 / GOLD_ONE_IN + 1.0 / REPEAT_ONE_IN {
        checks::hidden_repeat(tx, labeller, queue.id, given).await?
    } else {
        None
    };
    let Some(like) = like else {
        return Ok(None);
    };
    let like = Model {
        queue_id: Some(queue.id),
        ..like
    };
    Ok(Some(assignments::opened(&like).insert(tx).await?))
}

/// Uniform on \[0, 1), fixed by the account and by what it was given last.
fn lot(account: i64, given: u64) -> f64 {
    order("hidden check", account, given, 0) as f64 / (u64::MAX as f64 + 1.0)
}

/// A number that orders things at random, fixed by what it is asked for.
pub(super) fn order(what: &str, account: i64, given: u64, id: i64) -> u64 {
    let fields = [account.to_string(), given.to_string(), id.to_string()];
    let fields = fields.each_ref().map(String::as_str);
    let hash = ContentHash::of_fields(what, &fields);
    let bytes = hash.bytes();
    bytes[..8]
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_uniform() {
        let lots: Vec<f64> = (0..2_000).map(|given| lot(3, given)).collect();
        assert!(lots.iter().all(|lot| (0.0..1.0).contains(lot)));
        let gold = lots.iter().filter(|lot| **lot < 1.0 / GOLD_ONE_IN).count();
        // 166.7 expected, with a standard deviation of 12.4.
        assert!((117..=217).contains(&gold), "{gold}");
    }
}
