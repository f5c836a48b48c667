//! The queue of a selection: what was chosen so that a classifier learns from its labels.

use super::queues::{self, Queue, QueueKind, check_overlap};
use super::{check_note, filling, take_turn};
use crate::entity::queue::ActiveModel;
use crate::error::StoreError;
use crate::labels;
use crate::time::now;
use nines_domain::snippet::SnippetId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction};

/// Makes a queue of a selection and fills it in the order given, within a transaction.
pub(crate) async fn queue_selected(
    tx: &DatabaseTransaction,
    name: &str,
    overlap: u32,
    record: &str,
    items: &[SnippetId],
) -> Result<Queue, StoreError> {
    check_note("name", name)?;
    check_overlap(overlap)?;
    let mut sorted: Vec<i64> = items.iter().map(|item| item.0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    labels::lock(tx, &sorted).await?;
    take_turn(tx).await?;
    let row = ActiveModel {
        kind: Set(QueueKind::Select.as_str().to_owned()),
        name: Set(name.to_owned()),
        design_id: Set(None),
        record: Set(record.to_owned()),
        overlap: Set(overlap.into()),
        open: Set(true),
        items: Set(0),
        waiting: Set(0),
        created_by: Set(None),
        created: Set(now()),
        ..Default::default()
    };
    let queue = queues::read(row.insert(tx).await?)?;
    let items: Vec<(SnippetId, Option<SnippetId>)> =
        items.iter().map(|item| (*item, None)).collect();
    filling::fill(tx, queue.id, &items).await?;
    Ok(queue)
}
