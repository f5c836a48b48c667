//! Where a snippet that was stored already is met again.

use super::{Bringer, NewSnippet};
use crate::batch::{self, Inserted};
use crate::entity::sighting;
use crate::entity::snippet::{Column, Entity};
use crate::error::StoreError;
use crate::values::optional_json;
use nines_domain::snippet::{ContentHash, SnippetId};
use sea_orm::prelude::TimeDateTimeWithTimeZone;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QuerySelect, QueryTrait,
};
use std::collections::HashMap;

/// Says whether two rows tell the same of one snippet.
pub(super) fn same_sighting(a: &NewSnippet, b: &NewSnippet) -> bool {
    (a.origin, &a.source, &a.meta) == (b.origin, &b.source, &b.meta)
}

/// What tells one sighting of a snippet from another.
fn sighting_key(origin: &str, source: &str, meta: Option<&str>) -> ContentHash {
    ContentHash::of_fields("sighting", &[origin, source, meta.unwrap_or("")])
}

/// Keeps where snippets were met again, unless it was there that they were met before.
pub(super) async fn put_sightings(
    tx: &DatabaseTransaction,
    snippets: &[NewSnippet],
    inserted: &Inserted<SnippetId>,
    again: &[usize],
    bringer: Bringer,
    created: TimeDateTimeWithTimeZone,
) -> Result<(), StoreError> {
    let mut ids: Vec<i64> = again.iter().map(|&row| inserted.rows[row].id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut stored = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(batch::KEYS_PER_STATEMENT) {
        let select = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Origin, Column::Source, Column::Meta])
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .into_query();
        for row in tx.query_all(&select).await? {
            let origin: String = row.try_get("", "origin")?;
            let source: String = row.try_get("", "source")?;
            let meta: Option<String> = row.try_get("", "meta")?;
            let key = sighting_key(&origin, &source, meta.as_deref());
            stored.insert(row.try_get::<i64>("", "id")?, key);
        }
    }
    let mut rows = Vec::new();
    for &row in again {
        let snippet = &snippets[row];
        let id = inserted.rows[row].id.0;
        let meta = optional_json(row, "meta", &snippet.meta)?;
        let key = sighting_key(snippet.origin.as_str(), &snippet.source, meta.as_deref());
        if stored.get(&id) == Some(&key) {
            continue;
        }
        rows.push(sighting::ActiveModel {
            snippet_id: Set(id),
            key: Set(key.bytes().to_vec()),
            origin: Set(snippet.origin.as_str().to_owned()),
            source: Set(snippet.source.clone()),
            meta: Set(meta),
            import_id: Set(bringer.import),
            run_id: Set(bringer.run.map(|run| run.0)),
            created: Set(created),
            ..Default::default()
        });
    }
    let unique = [sighting::Column::SnippetId, sighting::Column::Key];
    batch::insert_unless_taken(tx, rows, unique, [sighting::Column::Id]).await?;
    Ok(())
}
