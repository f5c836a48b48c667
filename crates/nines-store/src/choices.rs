//! What chose snippets for their first label: a score, chance, or neither.

use crate::batch::KEYS_PER_STATEMENT;
use crate::entity::{acquisition, queue, queue_item};
use crate::error::StoreError;
use crate::labelling::QueueKind;
use crate::labels::StoredLabel;
use crate::time::moment;
use crate::values::{Place, from_json};
use crate::withdrawals::unlabelled;
use jiff::Timestamp;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QuerySelect};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What chose a snippet for its first label, among selections, queues near a threshold, searches with bounds on a
/// score, and random queues. What chose it for another label is nothing to it: who is asked again was in the data
/// before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChosenBy {
    /// A score decided how likely, or whether, it was chosen.
    pub score: bool,
    /// It was drawn at random among others, all alike.
    pub chance: bool,
    /// Such a draw has come to it: all that stands before it in the draw's order is labelled, and so is it. What is
    /// labelled of a draw up to there is a random sample; what is labelled beyond was labelled for another reason.
    pub reached: bool,
}

impl ChosenBy {
    /// Says whether it was chosen at all.
    pub fn is_any(self) -> bool {
        self.score || self.chance
    }

    /// Says whether a score decided that it is labelled, and no random draw has come to it: it is no sample.
    pub fn is_by_score_alone(self) -> bool {
        self.score && !self.reached
    }
}

/// A queue that says how its items were chosen.
struct Chooser {
    by_score: bool,
    created: Timestamp,
}

/// Says what chose snippets for their first label; those that nothing chose are left out. `labels` are the labels of
/// all these snippets that stand, oldest first.
///
/// # Errors
/// Those of reading.
pub(crate) async fn of_snippets<C: ConnectionTrait>(
    connection: &C,
    snippets: &[i64],
    labels: &HashMap<i64, Vec<StoredLabel>>,
) -> Result<HashMap<i64, ChosenBy>, StoreError> {
    let mut found: HashMap<i64, ChosenBy> = HashMap::new();
    let choosers = choosers(connection).await?;
    if choosers.is_empty() {
        return Ok(found);
    }
    // Where labelled snippets stand in random draws, by draw.
    let mut drawn: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        use queue_item::Column;
        let items = queue_item::Entity::find()
            .filter(Column::SnippetId.is_in(chunk.iter().copied()))
            .all(connection)
            .await?;
        for item in items {
            let Some(chooser) = choosers.get(&item.queue_id) else {
                continue;
            };
            let first = labels.get(&item.snippet_id).and_then(|all| all.first());
            // An item counts people alone, and a judge's label is one as well.
            let came_before = |label: &StoredLabel| label.created < chooser.created;
            if item.before > 0 || first.is_some_and(came_before) {
                continue;
            }
            let of = found.entry(item.snippet_id).or_default();
            of.score |= chooser.by_score;
            of.chance |= !chooser.by_score;
            if !chooser.by_score && first.is_some() {
                let places = drawn.entry(item.queue_id).or_default();
                places.push((item.snippet_id, item.position));
            }
        }
    }
    for (queue, places) in drawn {
        let open = first_open(connection, queue).await?;
        for (snippet, position) in places {
            if open.is_none_or(|open| position < open) {
                found.entry(snippet).or_default().reached = true;
            }
        }
    }
    Ok(found)
}

/// Lists the queues that say how their items were chosen. What a selection chose is in its queue, in its order.
async fn choosers<C: ConnectionTrait>(connection: &C) -> Result<HashMap<i64, Chooser>, StoreError> {
    use queue::Column;
    let kinds = [
        QueueKind::Threshold,
        QueueKind::Random,
        QueueKind::Search,
        QueueKind::Select,
    ];
    let queues = queue::Entity::find()
        .filter(Column::Kind.is_in(kinds.map(QueueKind::as_str)))
        .all(connection)
        .await?;
    let mut found = HashMap::with_capacity(queues.len());
    if queues.is_empty() {
        return Ok(found);
    }
    let selections: Vec<(i64, bool)> = acquisition::Entity::find()
        .select_only()
        .columns([acquisition::Column::QueueId, acquisition::Column::ByScore])
        .into_tuple()
        .all(connection)
        .await?;
    let selections: HashMap<i64, bool> = selections.into_iter().collect();
    for row in queues {
        let by_score = match row.kind.as_str() {
            kind if kind == QueueKind::Threshold.as_str() => Some(true),
            kind if kind == QueueKind::Random.as_str() => Some(false),
            kind if kind == QueueKind::Search.as_str() => has_score_bound(&row)?.then_some(true),
            _ => selections.get(&row.id).copied(),
        };
        if let Some(by_score) = by_score {
            let created = moment(row.created);
            found.insert(row.id, Chooser { by_score, created });
        }
    }
    Ok(found)
}

/// Says whether a search was for scores from or up to some value.
fn has_score_bound(row: &queue::Model) -> Result<bool, StoreError> {
    let place = Place {
        table: "queues",
        id: row.id,
        column: "record",
    };
    let record: Value = from_json(place, &row.record)?;
    let search = &record["search"];
    Ok(["score_from", "score_to"]
        .iter()
        .any(|bound| search[bound].is_number()))
}

/// The position of the first item of a queue that nobody has labelled; none where all are.
async fn first_open<C: ConnectionTrait>(
    connection: &C,
    queue: i64,
) -> Result<Option<i64>, StoreError> {
    use queue_item::Column;
    let select = Query::select()
        .column(Column::Position)
        .from(queue_item::Entity)
        .and_where(Column::QueueId.eq(queue))
        // Known without looking at labels; judges' labels are not counted there.
        .and_where(Column::Labelled.eq(0))
        .and_where(unlabelled((queue_item::Entity, Column::SnippetId)))
        .order_by(Column::Position, Order::Asc)
        .limit(1)
        .take();
    let row = connection.query_one(&select).await?;
    Ok(row.map(|row| row.try_get("", "position")).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_alone_makes_no_sample_and_a_draw_that_came_to_it_does() {
        let by = |score, chance, reached| ChosenBy {
            score,
            chance,
            reached,
        };
        assert!(!ChosenBy::default().is_any() && !ChosenBy::default().is_by_score_alone());
        assert!(by(true, false, false).is_by_score_alone());
        assert!(by(true, true, false).is_by_score_alone());
        assert!(!by(true, true, true).is_by_score_alone());
        assert!(!by(false, true, false).is_by_score_alone() && by(false, true, false).is_any());
    }
}
