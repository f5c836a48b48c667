//! Snippets going in.

use super::sighting::{put_sightings, same_sighting};
use super::{Bringer, NewSnippet};
use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::prompt;
use crate::entity::snippet::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::families::Claim;
use crate::placement::{self, Wanted};
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
    let mut parents: HashMap<ContentHash, ContentHash> = HashMap::new();
    for (hash, snippet) in hashes.iter().zip(snippets) {
        if let Some(parent) = snippet.parent {
            parents.entry(*hash).or_insert(parent);
        }
    }
    let asked: Vec<ContentHash> = order
        .iter()
        .map(|&row| hashes[row])
        .chain(snippets.iter().filter_map(|snippet| snippet.parent))
        .collect();
    let mut known = find(tx, &asked).await?;
    let stored_before = known.clone();
    let mut waiting: Vec<usize> = order
        .into_iter()
        .filter(|&row| !known.contains_key(&hashes[row]))
        .collect();
    let prompts = {
        let batch = Batch {
            snippets,
            hashes: &hashes,
            prompt_hashes: &prompt_hashes,
            parents: &parents,
            known: &known,
        };
        placement::place(tx, &batch.prompts(&waiting, &first), bringer.import).await?
    };
    let mut is_new = vec![false; snippets.len()];
    let created = now();
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(|&row| {
            parents
                .get(&hashes[row])
                .is_none_or(|parent| known.contains_key(parent))
        });
        if ready.is_empty() {
            let row = blocked[0];
            let parent = parents.get(&hashes[row]).copied().unwrap_or(hashes[row]);
            return Err(StoreError::UnknownParent { row, parent });
        }
        let mut rows = Vec::with_capacity(ready.len());
        for &row in &ready {
            let snippet = &snippets[row];
            let parent = parents.get(&hashes[row]).and_then(|p| known.get(p));
            rows.push(ActiveModel {
                hash: Set(hashes[row].bytes().to_vec()),
                prompt_id: Set(prompts.id(&prompt_hashes[row])?),
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

/// A batch of snippets, as far as their prompts depend on it.
struct Batch<'a> {
    snippets: &'a [NewSnippet],
    hashes: &'a [ContentHash],
    prompt_hashes: &'a [ContentHash],
    /// The parent of each snippet that has one.
    parents: &'a HashMap<ContentHash, ContentHash>,
    known: &'a HashMap<ContentHash, Known>,
}

impl Batch<'_> {
    /// Gathers the prompts with what all rows say of them, rows whose snippet is stored included.
    /// `waiting` are the first rows of the snippets that are not, `first` the first row of each.
    fn prompts(&self, waiting: &[usize], first: &HashMap<ContentHash, usize>) -> Vec<Wanted> {
        let prompt_of = |snippet: &ContentHash| {
            let here = first.get(snippet).map(|&row| self.prompt_hashes[row]);
            here.or_else(|| self.known.get(snippet).map(|known| known.prompt))
        };
        let lineage = self.lineage(waiting, prompt_of);
        let (order, first) = batch::first_of_each(self.prompt_hashes);
        let mut wanted: Vec<Wanted> = order
            .iter()
            .map(|&row| Wanted {
                row,
                hash: self.prompt_hashes[row],
                text: self.snippets[row].text.prompt.clone(),
                parent: lineage.get(&self.prompt_hashes[row]).copied().flatten(),
                claims: Vec::new(),
                source: self.snippets[row].source.clone(),
                meta: Value::Null,
            })
            .collect();
        let place_of: HashMap<usize, usize> = order.iter().copied().zip(0..).collect();
        for (row, snippet) in self.snippets.iter().enumerate() {
            let hash = self.prompt_hashes[row];
            let wanted = &mut wanted[place_of[&first[&hash]]];
            let parent = snippet.parent.as_ref().and_then(prompt_of);
            for (field, with) in [("family", snippet.prompt_family), ("parent", parent)] {
                let claim = with.map(|with| Claim { row, field, with });
                wanted.claims.extend(claim);
            }
        }
        wanted
    }

    /// Finds the prompt that each prompt was made from: that of the parent of its earliest snippet,
    /// counted from the snippets that were made from none. So it never goes in a circle, even where
    /// somebody edited a prompt and then edited it back.
    fn lineage(
        &self,
        waiting: &[usize],
        prompt_of: impl Fn(&ContentHash) -> Option<ContentHash>,
    ) -> HashMap<ContentHash, Option<ContentHash>> {
        let mut lineage = HashMap::new();
        for row in self.parents_first(waiting) {
            let prompt = self.prompt_hashes[row];
            lineage.entry(prompt).or_insert_with(|| {
                let parent = self.parents.get(&self.hashes[row]).and_then(&prompt_of);
                parent.filter(|parent| *parent != prompt)
            });
        }
        lineage
    }

    /// Sorts rows so that a parent comes before its children; those in a circle are left out.
    fn parents_first(&self, waiting: &[usize]) -> Vec<usize> {
        let row_of: HashMap<ContentHash, usize> =
            waiting.iter().map(|&row| (self.hashes[row], row)).collect();
        let mut sorted = Vec::with_capacity(waiting.len());
        let mut seen = HashSet::with_capacity(waiting.len());
        for &start in waiting {
            let mut path = Vec::new();
            let mut next = Some(start);
            while let Some(row) = next.filter(|row| seen.insert(*row)) {
                path.push(row);
                let parent = self.parents.get(&self.hashes[row]);
                next = parent.and_then(|parent| row_of.get(parent)).copied();
            }
            let is_circle = next.is_some_and(|row| path.contains(&row));
            if !is_circle {
                sorted.extend(path.into_iter().rev());
            }
        }
        sorted
    }
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
