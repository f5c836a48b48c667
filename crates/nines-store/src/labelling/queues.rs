//! Queues: what is to be labelled or compared, in which order, by how many people.

use super::{Purpose, attacks, check_note, not_found, recount, take_turn};
use crate::entity::queue::{ActiveModel, Column, Entity, Model};
use crate::entity::{assignment, queue_item};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, unsigned};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::snippet::{DesignId, SnippetId};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;
use std::collections::HashMap;

/// Largest number of people that a queue may ask about one item.
const LARGEST_OVERLAP: u32 = 20;

/// Where the items of a queue come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// Drawn by a design that measures leak.
    Leak,
    /// Drawn by a design that compares the leak of two filters.
    Compare,
    /// Pairs drawn by a design that measures quality.
    Quality,
    /// Near a classifier's threshold.
    Threshold,
    /// In a random order.
    Random,
    /// A researcher's own search.
    Search,
    /// Sent one by one from other pages.
    Sent,
    /// Found by attackers.
    Attack,
    /// Chosen so that a classifier learns from the labels.
    Select,
}

impl QueueKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Leak,
        Self::Compare,
        Self::Quality,
        Self::Threshold,
        Self::Random,
        Self::Search,
        Self::Sent,
        Self::Attack,
        Self::Select,
    ];

    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Compare => "compare",
            Self::Quality => "quality",
            Self::Threshold => "threshold",
            Self::Random => "random",
            Self::Search => "search",
            Self::Sent => "sent",
            Self::Attack => "attack",
            Self::Select => "select",
        }
    }

    /// Says whether a design draws its items.
    pub fn is_design(self) -> bool {
        matches!(self, Self::Leak | Self::Compare | Self::Quality)
    }

    /// Says whether two completions are shown side by side.
    pub fn is_pairs(self) -> bool {
        self == Self::Quality
    }
}

/// A queue to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewQueue {
    /// Where its items come from.
    pub kind: QueueKind,
    /// Its name.
    pub name: String,
    /// The design that draws its items.
    pub design: Option<DesignId>,
    /// How its items were chosen.
    pub record: Value,
    /// How many people are asked about each item, from 1.
    pub overlap: u32,
    /// The account that makes it.
    pub created_by: Option<AccountId>,
}

/// What is to change about a queue; what is left empty stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueChange {
    /// Whether labellers are given its items.
    pub open: Option<bool>,
    /// Its name.
    pub name: Option<String>,
    /// How many people are asked about each item.
    pub overlap: Option<u32>,
}

/// A stored queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Its key.
    pub id: i64,
    /// Where its items come from.
    pub kind: QueueKind,
    /// Its name.
    pub name: String,
    /// The design that draws its items.
    pub design: Option<DesignId>,
    /// How its items were chosen.
    pub record: Value,
    /// How many people are asked about each item.
    pub overlap: u32,
    /// Whether labellers are given its items.
    pub open: bool,
    /// How many items it has.
    pub items: u64,
    /// How many of them want somebody else's label.
    pub waiting: u64,
    /// The account that made it.
    pub created_by: Option<AccountId>,
    /// When it was made.
    pub created: Timestamp,
}

/// A queue as one labeller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueRow {
    /// The queue.
    pub queue: Queue,
    /// How many items wait for this labeller.
    pub waiting_for_me: u64,
    /// How many this labeller has answered.
    pub answered_by_me: u64,
}

impl Store {
    /// Makes an empty, open queue. A queue of a design is made once: where there is one of the same
    /// kind and design, that one is returned as it is.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a name or an overlap out of bounds, [`StoreError::Dangling`], and
    /// those of writing.
    pub async fn ensure_queue(&self, new: &NewQueue) -> Result<Queue, StoreError> {
        check_note("name", &new.name)?;
        check_overlap(new.overlap)?;
        let record = json(0, "record", &new.record)?;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            if let Some(design) = new.design {
                let there = Entity::find()
                    .filter(Column::Kind.eq(new.kind.as_str()))
                    .filter(Column::DesignId.eq(design.0))
                    .one(tx)
                    .await?;
                if let Some(there) = there {
                    return read(there);
                }
            }
            let row = ActiveModel {
                kind: Set(new.kind.as_str().to_owned()),
                name: Set(new.name.clone()),
                design_id: Set(new.design.map(|design| design.0)),
                record: Set(record.clone()),
                overlap: Set(new.overlap.into()),
                open: Set(true),
                items: Set(0),
                waiting: Set(0),
                created_by: Set(new.created_by.map(|by| by.0)),
                created: Set(now()),
                ..Default::default()
            };
            read(row.insert(tx).await?)
        })
    }

    /// Returns a queue by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn queue(&self, id: i64) -> Result<Queue, StoreError> {
        let found = Entity::find_by_id(id).one(&self.connection).await?;
        read(found.ok_or_else(|| not_found("queue", id))?)
    }

    /// Lists all queues, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn queues(&self) -> Result<Vec<Queue>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Lists the queues as one labeller sees them, oldest first; leases that ran out are returned to
    /// them first.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub async fn queues_of(
        &self,
        account: AccountId,
        only_open: bool,
    ) -> Result<Vec<QueueRow>, StoreError> {
        self.return_expired().await?;
        let mut select = Entity::find().order_by_asc(Column::Id);
        if only_open {
            select = select.filter(Column::Open.eq(true));
        }
        let rows = select.all(&self.connection).await?;
        let answered = per_queue(&self.connection, account, |mut select| {
            select.and_where(assignment::Column::State.eq("answered"));
            select
        });
        let answered = answered.await?;
        let touched = touched_and_waiting(&self.connection, account).await?;
        let own = attacks::own_and_waiting(&self.connection, account).await?;
        let count = |counts: &HashMap<i64, i64>, id| counts.get(&id).copied().unwrap_or(0);
        rows.into_iter()
            .map(|row| {
                let queue = read(row)?;
                let mine = count(&touched, queue.id) + count(&own, queue.id);
                Ok(QueueRow {
                    waiting_for_me: queue.waiting.saturating_sub(mine.unsigned_abs()),
                    answered_by_me: count(&answered, queue.id).unsigned_abs(),
                    queue,
                })
            })
            .collect()
    }

    /// Changes a queue. Another overlap changes how many people each of its items wants.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::BadValue`], and those of writing.
    pub async fn change_queue(&self, id: i64, change: &QueueChange) -> Result<Queue, StoreError> {
        if let Some(name) = &change.name {
            check_note("name", name)?;
        }
        if let Some(overlap) = change.overlap {
            check_overlap(overlap)?;
        }
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let found = Entity::find_by_id(id).one(tx).await?;
            let before = found.ok_or_else(|| not_found("queue", id))?;
            let overlap = change.overlap.map_or(before.overlap, i64::from);
            let is_another = overlap != before.overlap;
            let row = ActiveModel {
                id: Set(id),
                name: Set(change.name.clone().unwrap_or(before.name)),
                open: Set(change.open.unwrap_or(before.open)),
                overlap: Set(overlap),
                ..Default::default()
            };
            row.update(tx).await?;
            if is_another {
                recount(tx, &snippets_of(tx, id).await?).await?;
            }
            let after = Entity::find_by_id(id).one(tx).await?;
            read(after.ok_or_else(|| not_found("queue", id))?)
        })
    }

    /// Lists the queues that hold a snippet, alone or in a pair.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn queues_with(&self, snippet: SnippetId) -> Result<Vec<Queue>, StoreError> {
        use queue_item::Column as Item;
        let holding = queue_item::Entity::find()
            .select_only()
            .column(Item::QueueId)
            .filter(
                Item::SnippetId
                    .eq(snippet.0)
                    .or(Item::OtherSnippetId.eq(snippet.0)),
            )
            .into_query();
        let rows = Entity::find()
            .filter(Column::Id.in_subquery(holding))
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

/// Says whether an assignment came from a queue that a design fills.
pub(super) async fn is_of_design(
    tx: &DatabaseTransaction,
    row: &assignment::Model,
) -> Result<bool, StoreError> {
    let Some(queue) = row.queue_id else {
        return Ok(false);
    };
    let found = Entity::find_by_id(queue).one(tx).await?;
    found.map_or(Ok(false), |row| Ok(kind_of(&row)?.is_design()))
}

async fn snippets_of(tx: &DatabaseTransaction, queue: i64) -> Result<Vec<i64>, StoreError> {
    let select = queue_item::Entity::find()
        .select_only()
        .column(queue_item::Column::SnippetId)
        .distinct()
        .filter(queue_item::Column::QueueId.eq(queue))
        .into_query();
    let rows = tx.query_all(&select).await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get("", "snippet_id"))
        .collect::<Result<_, _>>()?)
}

/// Counts an account's assignments in each queue.
async fn per_queue<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
    restrict: impl FnOnce(sea_orm::sea_query::SelectStatement) -> sea_orm::sea_query::SelectStatement,
) -> Result<HashMap<i64, i64>, StoreError> {
    use assignment::Column;
    let select = Query::select()
        .column(Column::QueueId)
        .expr_as(Expr::col(Column::Id).count(), "number")
        .from(assignment::Entity)
        .and_where(Column::AccountId.eq(account.0))
        .and_where(Column::QueueId.is_not_null())
        .group_by_col(Column::QueueId)
        .take();
    let mut counts = HashMap::new();
    for row in connection.query_all(&restrict(select)).await? {
        counts.insert(row.try_get("", "queue_id")?, row.try_get("", "number")?);
    }
    Ok(counts)
}

/// The assignments of one account by which what waits for it is less than what waits: waiting items
/// that it has had and is not given again, and hidden checks that it has open. Those take an item's
/// place, and a count that stood still would tell them from work.
fn spent(account: AccountId) -> Cond {
    use assignment::Column;
    let had = Column::ItemWaiting
        .eq(true)
        .and(Column::State.is_in(["open", "answered", "skipped"]));
    let hidden = Column::State
        .eq("open")
        .and(Column::Purpose.is_in([Purpose::Gold.as_str(), Purpose::Repeat.as_str()]));
    Cond::all()
        .add(Column::AccountId.eq(account.0))
        .add(Cond::any().add(had).add(hidden))
}

/// Counts, for each queue, what [`spent`] says.
async fn touched_and_waiting<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
) -> Result<HashMap<i64, i64>, StoreError> {
    per_queue(connection, account, |mut select| {
        select.cond_where(spent(account));
        select
    })
    .await
}

/// Counts the items of one queue that wait for an account.
pub(super) async fn waiting_for<C: ConnectionTrait>(
    connection: &C,
    queue: i64,
    account: AccountId,
) -> Result<u64, StoreError> {
    use assignment::Column as Given;
    let mine = Query::select()
        .expr_as(Expr::col(Given::Id).count(), "number")
        .from(assignment::Entity)
        .and_where(Given::QueueId.eq(queue))
        .cond_where(spent(account))
        .take();
    let row = connection.query_one(&mine).await?;
    let mine: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
    let own = attacks::own_and_waiting(connection, account).await?;
    let mine = mine + own.get(&queue).copied().unwrap_or(0);
    let found = Entity::find_by_id(queue).one(connection).await?;
    let waiting = found.ok_or_else(|| not_found("queue", queue))?.waiting;
    Ok(u64::try_from(waiting - mine).unwrap_or(0))
}

pub(super) fn check_overlap(overlap: u32) -> Result<(), StoreError> {
    if (1..=LARGEST_OVERLAP).contains(&overlap) {
        return Ok(());
    }
    Err(StoreError::BadValue {
        row: 0,
        field: "overlap",
        why: format!("is {overlap}; it must lie from 1 to {LARGEST_OVERLAP}"),
    })
}

/// Reads the kind of a stored queue.
pub(super) fn kind_of(row: &Model) -> Result<QueueKind, StoreError> {
    let place = Place {
        table: "queues",
        id: row.id,
        column: "kind",
    };
    QueueKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == row.kind)
        .ok_or_else(|| place.unreadable(&row.kind))
}

pub(super) fn read(row: Model) -> Result<Queue, StoreError> {
    let place = |column| Place {
        table: "queues",
        id: row.id,
        column,
    };
    Ok(Queue {
        id: row.id,
        kind: kind_of(&row)?,
        design: row.design_id.map(DesignId),
        record: from_json(place("record"), &row.record)?,
        overlap: unsigned(place("overlap"), row.overlap)?,
        open: row.open,
        items: unsigned(place("items"), row.items)?,
        waiting: unsigned(place("waiting"), row.waiting)?,
        created_by: row.created_by.map(AccountId),
        created: moment(row.created),
        name: row.name,
    })
}
