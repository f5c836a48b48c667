//! Snippets going in.

use super::sighting::{put_sightings, same_sighting};
use super::{Bringer, NewSnippet};
use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::prompt;
use crate::entity::snippet::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::prompts::{self, NewPrompt};
use crate::time::now;
use crate::values::{optional_json, refuse_nul};
use nines_domain::snippet::{ContentHash, SnippetId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType,
    QueryFilter, QuerySelect, QueryTrait,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What the store knows of a snippet when others refer to it.
#[derive(Clone, Copy)]
struct Known {
    id: i64,
    prompt: ContentHash,
}

/// Stores snippets within a transaction.
pub(crate) async fn put(
    tx: &DatabaseTransaction,
    snippets: &[NewSnippet],
    bringer: Bringer,
) -> Result<Inserted<SnippetId>, StoreError> {
    for (row, snippet) in snippets.iter().enumerate() {
        refuse_nul(row, "prompt", &snippet.text.prompt)?;
        refuse_nul(row, "completion", &snippet.text.completion)?;
        refuse_nul(row, "source", &snippet.source)?;
    }
    let hashes: Vec<ContentHash> = snippets.iter().map(|snippet| snippet.text.hash()).collect();
    let prompt_hashes: Vec<ContentHash> = snippets
        .iter()
        .map(|snippet| ContentHash::of_prompt(&snippet.text.prompt))
        .collect();
    let (order, first) = batch::first_of_each(&hashes);
    let parents = snippets.iter().filter_map(|snippet| snippet.parent);
    let asked: Vec<ContentHash> = order
        .iter()
        .map(|&row| hashes[row])
        .chain(parents)
        .collect();
    let mut known = find(tx, &asked).await?;
    let stored_before = known.clone();
    let mut waiting: Vec<usize> = order
        .into_iter()
        .filter(|&row| !known.contains_key(&hashes[row]))
        .collect();
    let prompt_ids = {
        let prompt_of = |hash: &ContentHash| {
            let here = first.get(hash).map(|&row| prompt_hashes[row]);
            here.or_else(|| known.get(hash).map(|known| known.prompt))
        };
        put_prompts(
            tx,
            snippets,
            &prompt_hashes,
            &waiting,
            prompt_of,
            bringer.import,
        )
        .await?
    };
    let mut is_new = vec![false; snippets.len()];
    let created = now();
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(|&row| {
            snippets[row]
                .parent
                .is_none_or(|parent| known.contains_key(&parent))
        });
        if ready.is_empty() {
            let row = blocked[0];
            let parent = snippets[row].parent.unwrap_or(hashes[row]);
            return Err(StoreError::UnknownParent { row, parent });
        }
        let mut rows = Vec::with_capacity(ready.len());
        for &row in &ready {
            let snippet = &snippets[row];
            let parent = snippet.parent.and_then(|parent| known.get(&parent));
            let prompt_id = prompt_ids.get(&prompt_hashes[row]).copied();
            let prompt_id = prompt_id.ok_or_else(|| StoreError::NotFound {
                what: "prompt",
                id: prompt_hashes[row].to_string(),
            })?;
            rows.push(ActiveModel {
                hash: Set(hashes[row].bytes().to_vec()),
                prompt_id: Set(prompt_id),
                completion: Set(snippet.text.completion.clone()),
                parent_id: Set(parent.map(|parent| parent.id)),
                origin: Set(snippet.origin.as_str().to_owned()),
                source: Set(snippet.source.clone()),
                meta: Set(optional_json(row, "meta", &snippet.meta)?),
                import_id: Set(bringer.import),
                run_id: Set(bringer.run.map(|run| run.0)),
                created: Set(created),
                ..Default::default()
            });
        }
        let returned = [Column::Id, Column::Hash];
        for row in batch::insert_unless_taken(tx, rows, [Column::Hash], returned).await? {
            let hash = batch::hash_in(&row, "hash")?;
            let prompt = prompt_hashes[first[&hash]];
            known.insert(
                hash,
                Known {
                    id: row.try_get("", "id")?,
                    prompt,
                },
            );
            is_new[first[&hash]] = true;
        }
        // Another process may have stored some of them since the look above.
        let taken: Vec<ContentHash> = ready
            .iter()
            .map(|&row| hashes[row])
            .filter(|hash| !known.contains_key(hash))
            .collect();
        known.extend(find(tx, &taken).await?);
        waiting = blocked;
    }
    let rows = hashes.iter().zip(is_new).map(|(hash, is_new)| {
        let id = known.get(hash).ok_or_else(|| StoreError::NotFound {
            what: "snippet",
            id: hash.to_string(),
        })?;
        Ok(InsertedRow {
            id: SnippetId(id.id),
            is_new,
        })
    });
    let inserted = Inserted {
        rows: rows.collect::<Result<Vec<_>, StoreError>>()?,
    };
    let again: Vec<usize> = (0..snippets.len())
        .filter(|&row| !inserted.rows[row].is_new)
        .filter(|&row| {
            // Rows equal to an earlier row of the batch tell nothing new.
            let earlier = &snippets[first[&hashes[row]]];
            stored_before.contains_key(&hashes[row]) || !same_sighting(earlier, &snippets[row])
        })
        .collect();
    put_sightings(tx, snippets, &inserted, &again, bringer, created).await?;
    Ok(inserted)
}

/// Stores the prompts of the snippets that are to go in. Returns the keys by content hash.
async fn put_prompts(
    tx: &DatabaseTransaction,
    snippets: &[NewSnippet],
    prompt_hashes: &[ContentHash],
    rows: &[usize],
    prompt_of: impl Fn(&ContentHash) -> Option<ContentHash>,
    import: Option<i64>,
) -> Result<HashMap<ContentHash, i64>, StoreError> {
    let mut seen = HashSet::new();
    let mut new = Vec::new();
    let mut hashes = Vec::new();
    for &row in rows {
        let snippet = &snippets[row];
        let hash = prompt_hashes[row];
        if !seen.insert(hash) {
            continue;
        }
        let parent = snippet.parent.as_ref().and_then(&prompt_of);
        hashes.push(hash);
        new.push(NewPrompt {
            text: snippet.text.prompt.clone(),
            family: snippet.prompt_family,
            parent: parent.filter(|parent| *parent != hash),
            source: snippet.source.clone(),
            meta: Value::Null,
        });
    }
    let inserted = prompts::put(tx, &new, import).await?;
    Ok(hashes
        .into_iter()
        .zip(inserted.ids().map(|id| id.0))
        .collect())
}

async fn find(
    tx: &DatabaseTransaction,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, Known>, StoreError> {
    let mut known = HashMap::with_capacity(hashes.len());
    for chunk in hashes.chunks(batch::KEYS_PER_STATEMENT) {
        let keys = chunk.iter().map(|hash| hash.bytes().to_vec());
        let select = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Hash])
            .column_as(prompt::Column::Hash, "prompt_hash")
            .join(
                JoinType::InnerJoin,
                Entity::belongs_to(prompt::Entity)
                    .from(Column::PromptId)
                    .to(prompt::Column::Id)
                    .into(),
            )
            .filter(Column::Hash.is_in(keys))
            .into_query();
        for row in tx.query_all(&select).await? {
            let prompt = batch::hash_in(&row, "prompt_hash")?;
            let hash = batch::hash_in(&row, "hash")?;
            known.insert(
                hash,
                Known {
                    id: row.try_get("", "id")?,
                    prompt,
                },
            );
        }
    }
    Ok(known)
}

/// Finds the keys of snippets by content hash.
pub(crate) async fn ids_by_hash(
    tx: &DatabaseTransaction,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, i64>, StoreError> {
    let wanted = [Column::Id, Column::Hash];
    let mut ids = HashMap::with_capacity(hashes.len());
    for row in batch::find_by_hash::<Entity, _, 2>(tx, Column::Hash, hashes, wanted).await? {
        ids.insert(batch::hash_in(&row, "hash")?, row.try_get("", "id")?);
    }
    Ok(ids)
}
