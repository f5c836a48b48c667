//! Snippets going in: immutable, stored once each, found by content hash.

use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::{prompt, sighting, snippet};
use crate::error::StoreError;
use crate::prompts::{self, NewPrompt};
use crate::store::Store;
use crate::time::now;
use crate::values::{optional_json, refuse_nul};
use nines_domain::snippet::{ContentHash, RunId, SnippetId, SnippetText};
use sea_orm::prelude::TimeDateTimeWithTimeZone;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType,
    QueryFilter, QuerySelect, QueryTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use snippet::{ActiveModel, Column, Entity};
use std::collections::HashMap;

/// How a snippet came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A file brought it.
    Import,
    /// A generator of this project wrote it.
    Generate,
    /// Somebody changed another snippet.
    Edit,
}

impl Origin {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Generate => "generate",
            Self::Edit => "edit",
        }
    }
}

/// A snippet to store. Its prompt is stored with it where it is new.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSnippet {
    /// The text.
    pub text: SnippetText,
    /// The prompt's family, where the importer knows it; counts only if the prompt is new.
    pub prompt_family: Option<ContentHash>,
    /// The snippet that this one was made from, stored or in the same batch. A new prompt then
    /// joins the family of the parent's prompt, so that an edit never changes sides.
    pub parent: Option<ContentHash>,
    /// How it came to be.
    pub origin: Origin,
    /// Where it comes from, such as a file's name.
    pub source: String,
    /// Anything else that was said of it (kind, genre, how it was picked); `null` for nothing.
    pub meta: Value,
}

impl NewSnippet {
    /// A snippet from a file, without parent, family or further data.
    pub fn imported(text: SnippetText, source: impl Into<String>) -> Self {
        Self {
            text,
            prompt_family: None,
            parent: None,
            origin: Origin::Import,
            source: source.into(),
            meta: Value::Null,
        }
    }
}

/// What brought a batch of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bringer {
    pub import: Option<i64>,
    pub run: Option<RunId>,
}

impl Store {
    /// Stores snippets, and their prompts where those are new, in one transaction.
    ///
    /// A snippet that is stored already stays as it is. Where it is met again under another
    /// source, origin or further data, that sighting is kept beside it, so that its membership in
    /// a sample is not lost.
    ///
    /// # Errors
    /// [`StoreError::Nul`], [`StoreError::UnknownParent`], and those of writing; nothing is stored
    /// then.
    pub async fn insert_snippets(
        &self,
        snippets: &[NewSnippet],
    ) -> Result<Inserted<SnippetId>, StoreError> {
        self.write(async |tx: &DatabaseTransaction| put(tx, snippets, Bringer::default()).await)
            .await
    }
}

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
    let mut seen = HashMap::new();
    let mut new = Vec::new();
    let mut hashes = Vec::new();
    for &row in rows {
        let snippet = &snippets[row];
        let hash = prompt_hashes[row];
        if seen.insert(hash, ()).is_some() {
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

fn same_sighting(a: &NewSnippet, b: &NewSnippet) -> bool {
    (a.origin, &a.source, &a.meta) == (b.origin, &b.source, &b.meta)
}

/// What tells one sighting of a snippet from another.
fn sighting_key(origin: &str, source: &str, meta: Option<&str>) -> ContentHash {
    ContentHash::of_fields("sighting", &[origin, source, meta.unwrap_or("")])
}

/// Keeps where snippets were met again, unless it was there that they were met before.
async fn put_sightings(
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
