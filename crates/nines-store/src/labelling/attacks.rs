//! Finds of attacks, waiting for somebody else to say whether the catastrophe survived.

use super::queues::{self, Queue, QueueKind};
use super::{filling, take_turn};
use crate::entity::queue::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::labels::{self, StoredLabel};
use crate::time::now;
use nines_domain::label::{Adjudication, Label, LabellerKind};
use nines_domain::snippet::SnippetId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder,
};

/// The name of the queue that finds go into.
const NAME: &str = "Attack successes to verify";

/// What everybody but a find's author says of it: people and judges are told apart, since judges can be
/// fooled by the same attacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OthersVerdict {
    /// What people say together; none while none has said anything.
    pub people: Option<Adjudication>,
    /// What judges say together; none while none has said anything.
    pub judges: Option<Adjudication>,
}

impl OthersVerdict {
    /// Derives it from the labels that stand, oldest first, by the rule of adjudication. Labels of the
    /// authors are left out: whoever made a find, and a judge that the attack was steered by, do not
    /// confirm it.
    pub fn of(labels: &[StoredLabel], authors: &[&str]) -> Self {
        let by = |kind: LabellerKind| {
            let said: Vec<Label> = labels
                .iter()
                .map(|stored| &stored.label)
                .filter(|label| label.kind == kind && !authors.contains(&label.labeller.as_str()))
                .cloned()
                .collect();
            Adjudication::of(&said)
        };
        Self {
            people: by(LabellerKind::Person),
            judges: by(LabellerKind::Judge),
        }
    }

    /// Returns the verdict of one kind of labeller.
    pub fn by(&self, kind: LabellerKind) -> Option<&Adjudication> {
        match kind {
            LabellerKind::Person => self.people.as_ref(),
            LabellerKind::Judge => self.judges.as_ref(),
        }
    }
}

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
