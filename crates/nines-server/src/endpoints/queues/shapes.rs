//! Queues as pages read them.

use jiff::Timestamp;
use nines_store::{QueueKind, QueueRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the items of a queue come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = QueueKind)]
pub enum Kind {
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

impl From<QueueKind> for Kind {
    fn from(kind: QueueKind) -> Self {
        match kind {
            QueueKind::Leak => Self::Leak,
            QueueKind::Compare => Self::Compare,
            QueueKind::Quality => Self::Quality,
            QueueKind::Threshold => Self::Threshold,
            QueueKind::Random => Self::Random,
            QueueKind::Search => Self::Search,
            QueueKind::Sent => Self::Sent,
            QueueKind::Attack => Self::Attack,
            QueueKind::Select => Self::Select,
        }
    }
}

/// A queue as one labeller sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// Its key.
    pub id: i64,
    /// Where its items come from.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whether labellers are given its items.
    pub open: bool,
    /// How many people are asked about each item.
    pub overlap: u32,
    /// How many items it has.
    pub items: u64,
    /// How many of them wait for the caller.
    pub waiting: u64,
    /// How many the caller has answered.
    pub answered_by_me: u64,
    /// The design that draws its items.
    pub design: Option<i64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl From<QueueRow> for Queue {
    fn from(row: QueueRow) -> Self {
        Self {
            id: row.queue.id,
            kind: row.queue.kind.into(),
            name: row.queue.name,
            open: row.queue.open,
            overlap: row.queue.overlap,
            items: row.queue.items,
            waiting: row.waiting_for_me,
            answered_by_me: row.answered_by_me,
            design: row.queue.design.map(|design| design.0),
            created: row.queue.created,
        }
    }
}
