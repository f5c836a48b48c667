//! Finds of attacks, waiting for somebody else to say whether the catastrophe survived.

use super::queues::{self, Queue, QueueKind};
use super::{filling, take_turn};
use crate::batch::KEYS_PER_STATEMENT;
use crate::entity::queue::{ActiveModel, Column, Entity};
use crate::entity::{queue_item, rewriting_session};
use crate::error::StoreError;
use crate::labels;
use crate::time::now;
use nines_domain::account::AccountId;
use nines_domain::snippet::SnippetId;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::{BTreeSet, HashMap};

/// The name of the queue that finds go into.
const NAME: &str = "Attack successes to verify";

/// Puts finds at the end of the newest open queue of attack successes, which is made where there is none. Each wants
/// one person more than have labelled it by now, so that whoever submits a find labels it first; one that
/// is there already stays where it is. Returns the queue's key.
pub(crate) async fn queue_finds(
    tx: &DatabaseTransaction,
    finds: &[SnippetId],
) -> Result<i64, StoreError> {
    let mut sorted: Vec<i64> = finds.iter().map(|find| find.0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    labels::lock(tx, &sorted).await?;
    take_turn(tx).await?;
    let queue = the_queue(tx).await?;
    let items: Vec<(SnippetId, Option<SnippetId>)> =
        finds.iter().map(|find| (*find, None)).collect();
    filling::fill(tx, queue.id, &items).await?;
    Ok(queue.id)
}

/// The sessions of rewriting by which an account found the snippet of the queue item at hand: nobody
/// verifies their own find, whatever became of the label that they gave it.
pub(super) fn found_by(account: AccountId) -> SelectStatement {
    use rewriting_session::Column;
    Query::select()
        .expr(Expr::value(1))
        .from(rewriting_session::Entity)
        .and_where(Expr::col((rewriting_session::Entity, Column::AccountId)).eq(account.0))
        .and_where(
            Expr::col((rewriting_session::Entity, Column::SnippetId))
                .equals((queue_item::Entity, queue_item::Column::SnippetId)),
        )
        .take()
}

/// Returns the names of those who found each snippet by rewriting: their labels never confirm it, whichever
/// of them, or whatever recipe, it is asked for.
pub(crate) async fn authors_of<C: ConnectionTrait>(
    connection: &C,
    snippets: &[i64],
) -> Result<HashMap<i64, BTreeSet<String>>, StoreError> {
    use rewriting_session::Column;
    let mut authors: HashMap<i64, BTreeSet<String>> = HashMap::new();
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        let select = rewriting_session::Entity::find()
            .select_only()
            .columns([Column::SnippetId, Column::Labeller])
            .filter(Column::SnippetId.is_in(chunk.iter().copied()))
            .into_query();
        for row in connection.query_all(&select).await? {
            let of = authors.entry(row.try_get("", "snippet_id")?).or_default();
            of.insert(row.try_get("", "labeller")?);
        }
    }
    Ok(authors)
}

/// Counts, for each queue, the waiting items that an account found itself.
pub(super) async fn own_and_waiting<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
) -> Result<HashMap<i64, i64>, StoreError> {
    use queue_item::Column;
    let select = queue_item::Entity::find()
        .select_only()
        .column(Column::QueueId)
        .column_as(Column::Id.count(), "number")
        .filter(Column::Waiting.eq(true))
        .filter(Expr::exists(found_by(account)))
        .group_by(Column::QueueId)
        .into_query();
    let mut counts = HashMap::new();
    for row in connection.query_all(&select).await? {
        counts.insert(row.try_get("", "queue_id")?, row.try_get("", "number")?);
    }
    Ok(counts)
}

async fn the_queue(tx: &DatabaseTransaction) -> Result<Queue, StoreError> {
    let there = Entity::find()
        .filter(Column::Kind.eq(QueueKind::Attack.as_str()))
        .filter(Column::Open.eq(true))
        .order_by_desc(Column::Id)
        .one(tx)
        .await?;
    if let Some(there) = there {
        return queues::read(there);
    }
    let row = ActiveModel {
        kind: Set(QueueKind::Attack.as_str().to_owned()),
        name: Set(NAME.to_owned()),
        design_id: Set(None),
        record: Set("{}".to_owned()),
        overlap: Set(1),
        open: Set(true),
        items: Set(0),
        waiting: Set(0),
        created_by: Set(None),
        created: Set(now()),
        ..Default::default()
    };
    queues::read(row.insert(tx).await?)
}
