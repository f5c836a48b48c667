//! The counters of queues, derived again from what they count.

use super::queues::QueueKind;
use super::{attacks, take_turn};
use crate::batch::KEYS_PER_STATEMENT;
use crate::entity::{assignment, queue, queue_item};
use crate::error::StoreError;
use crate::{comparisons, labels};
use nines_domain::label::{Adjudication, Label, LabellerKind, labellers_wanted};
use nines_domain::verification::said_by_others;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Brings the counters of every queue item that shows one of these snippets up to date.
///
/// `labelled` counts the people whose label or comparison stands, `leased` those who have it open and
/// have not answered yet, in whichever queue. An item waits while the two together are fewer than the
/// people it wants.
///
/// The caller holds the lock on the snippets, or moves leases alone.
pub(crate) async fn recount(tx: &DatabaseTransaction, snippets: &[i64]) -> Result<(), StoreError> {
    let mut change: BTreeMap<i64, i64> = BTreeMap::new();
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        let keys = || chunk.iter().copied();
        let any = queue_item::Entity::find()
            .filter(queue_item::Column::SnippetId.is_in(keys()))
            .limit(1)
            .one(tx)
            .await?;
        if any.is_none() {
            continue;
        }
        take_turn(tx).await?;
        let items = queue_item::Entity::find()
            .filter(queue_item::Column::SnippetId.is_in(keys()))
            .order_by_asc(queue_item::Column::Id)
            .all(tx)
            .await?;
        let evidence = Evidence::read(tx, &items).await?;
        for item in items {
            let now = evidence.of(&item);
            let is_same = (item.wanted, item.labelled, item.leased, item.waiting)
                == (now.wanted, now.labelled, now.leased, now.waiting);
            if !is_same {
                use queue_item::Column;
                queue_item::Entity::update_many()
                    .col_expr(Column::Wanted, Expr::value(now.wanted))
                    .col_expr(Column::Labelled, Expr::value(now.labelled))
                    .col_expr(Column::Leased, Expr::value(now.leased))
                    .col_expr(Column::Waiting, Expr::value(now.waiting))
                    .filter(Column::Id.eq(item.id))
                    .exec(tx)
                    .await?;
            }
            if item.waiting != now.waiting {
                let step = if now.waiting { 1 } else { -1 };
                *change.entry(item.queue_id).or_default() += step;
            }
            // New assignments start as not waiting, so that this is looked at each time.
            if evidence.is_given(item.id) {
                use assignment::Column;
                assignment::Entity::update_many()
                    .col_expr(Column::ItemWaiting, Expr::value(now.waiting))
                    .filter(Column::QueueItemId.eq(item.id))
                    .filter(Column::ItemWaiting.ne(now.waiting))
                    .exec(tx)
                    .await?;
            }
        }
    }
    for (queue, step) in change.into_iter().filter(|(_, step)| *step != 0) {
        use queue::Column;
        queue::Entity::update_many()
            .col_expr(Column::Waiting, Expr::col(Column::Waiting).add(step))
            .filter(Column::Id.eq(queue))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// What the counters of an item should be.
pub(crate) struct Counters {
    pub wanted: i64,
    pub labelled: i64,
    pub leased: i64,
    pub waiting: bool,
}

/// A snippet, with the one it is compared with.
type Shown = (i64, Option<i64>);

/// What counters are derived from.
pub(crate) struct Evidence {
    /// Kind and overlap of each queue.
    queues: HashMap<i64, (QueueKind, i64)>,
    /// People's labels of each snippet, oldest first.
    labels: HashMap<i64, Vec<Label>>,
    /// Who compared which pair.
    raters: HashMap<Shown, BTreeSet<String>>,
    /// Who has it open.
    leases: HashMap<Shown, BTreeSet<String>>,
    /// Items that were given to somebody ever.
    given: BTreeSet<i64>,
    /// Who found each snippet by rewriting.
    authors: HashMap<i64, BTreeSet<String>>,
}

impl Evidence {
    /// Reads what the counters of some items depend on.
    pub(crate) async fn read(
        tx: &DatabaseTransaction,
        items: &[queue_item::Model],
    ) -> Result<Self, StoreError> {
        let queue_ids: BTreeSet<i64> = items.iter().map(|item| item.queue_id).collect();
        let mut queues = HashMap::new();
        for row in queue::Entity::find()
            .filter(queue::Column::Id.is_in(queue_ids))
            .all(tx)
            .await?
        {
            queues.insert(row.id, (super::queues::kind_of(&row)?, row.overlap));
        }
        let (pairs, alone): (Vec<&queue_item::Model>, Vec<&queue_item::Model>) = items
            .iter()
            .partition(|item| item.other_snippet_id.is_some());
        let keys = |items: &[&queue_item::Model]| {
            let keys: BTreeSet<i64> = items.iter().map(|item| item.snippet_id).collect();
            keys.into_iter().collect::<Vec<i64>>()
        };
        let mut labels = HashMap::new();
        if !alone.is_empty() {
            for (snippet, stored) in labels::of_snippets(tx, &keys(&alone)).await? {
                let by_people = stored
                    .into_iter()
                    .map(|stored| stored.label)
                    .filter(|label| label.kind == LabellerKind::Person);
                labels.insert(snippet, by_people.collect());
            }
        }
        let of_finds: Vec<&queue_item::Model> = alone
            .iter()
            .filter(|item| matches!(queues.get(&item.queue_id), Some((QueueKind::Attack, _))))
            .copied()
            .collect();
        let authors = attacks::authors_of(tx, &keys(&of_finds)).await?;
        let mut raters: HashMap<Shown, BTreeSet<String>> = HashMap::new();
        if !pairs.is_empty() {
            for stored in comparisons::of_left(tx, &keys(&pairs)).await? {
                let new = stored.new;
                if new.comparison.kind == LabellerKind::Person {
                    raters
                        .entry((new.left.0, Some(new.right.0)))
                        .or_default()
                        .insert(new.comparison.labeller);
                }
            }
        }
        let mut leases: HashMap<Shown, BTreeSet<String>> = HashMap::new();
        let mut given = BTreeSet::new();
        let all: Vec<&queue_item::Model> = items.iter().collect();
        for chunk in keys(&all).chunks(KEYS_PER_STATEMENT) {
            let rows = assignment::Entity::find()
                .filter(assignment::Column::SnippetId.is_in(chunk.iter().copied()))
                .all(tx)
                .await?;
            for row in rows {
                given.extend(row.queue_item_id);
                if row.state == "open" && row.purpose == "work" {
                    leases
                        .entry((row.snippet_id, row.other_snippet_id))
                        .or_default()
                        .insert(row.labeller);
                }
            }
        }
        Ok(Self {
            queues,
            labels,
            raters,
            leases,
            given,
            authors,
        })
    }

    /// Says whether an item was given to somebody ever.
    fn is_given(&self, item: i64) -> bool {
        self.given.contains(&item)
    }

    /// Counts for one item.
    pub(crate) fn of(&self, item: &queue_item::Model) -> Counters {
        let (kind, overlap) = self.queues[&item.queue_id];
        let shown = (item.snippet_id, item.other_snippet_id);
        let nobody = BTreeSet::new();
        let no_labels = Vec::new();
        let labels = match item.other_snippet_id {
            None => self.labels.get(&item.snippet_id).unwrap_or(&no_labels),
            Some(_) => &no_labels,
        };
        let people: BTreeSet<&str> = match item.other_snippet_id {
            None => labels.iter().map(|label| label.labeller.as_str()).collect(),
            Some(_) => {
                let raters = self.raters.get(&shown).unwrap_or(&nobody);
                raters.iter().map(String::as_str).collect()
            }
        };
        let leases = self.leases.get(&shown).unwrap_or(&nobody);
        let leased = leases
            .iter()
            .filter(|name| !people.contains(name.as_str()))
            .count() as i64;
        let by_labels = match kind {
            _ if item.other_snippet_id.is_some() => 0,
            _ if kind.is_design() => labellers_wanted(Adjudication::of(labels).as_ref()),
            // While a find is open, somebody who has not spoken is asked.
            QueueKind::Attack => {
                let authors = self.authors.get(&item.snippet_id).unwrap_or(&nobody);
                let authors: Vec<&str> = authors.iter().map(String::as_str).collect();
                match said_by_others(labels, LabellerKind::Person, &authors) {
                    Some(said) if !said.needs_another => 0,
                    _ => people.len() + 1,
                }
            }
            _ => 0,
        };
        let wanted = Ord::max(by_labels as i64, item.before + overlap);
        let labelled = people.len() as i64;
        Counters {
            wanted,
            labelled,
            leased,
            waiting: labelled + leased < wanted,
        }
    }

    /// Counts the people who labelled or compared an item.
    pub(crate) fn people(&self, item: &queue_item::Model) -> i64 {
        self.of(item).labelled
    }
}
