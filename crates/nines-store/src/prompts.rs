//! Prompts: stored once each, found by content hash, grouped in families.

use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::prompt::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_optional_json, optional_json, refuse_nul};
use jiff::Timestamp;
use nines_domain::snippet::{ContentHash, PromptId};
use nines_domain::split::Split;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::Value;
use std::collections::HashMap;

/// A prompt to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPrompt {
    /// The text.
    pub text: String,
    /// The prompt family, where the importer knows it. Otherwise the parent's, or the prompt's
    /// own hash. A family lies wholly in one split.
    pub family: Option<ContentHash>,
    /// The prompt that this one was made from, stored or in the same batch.
    pub parent: Option<ContentHash>,
    /// Where it comes from, such as a file's name.
    pub source: String,
    /// Anything else that was said of it; `null` for nothing.
    pub meta: Value,
}

impl NewPrompt {
    /// A prompt without parent, family or further data.
    pub fn new(text: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            family: None,
            parent: None,
            source: source.into(),
            meta: Value::Null,
        }
    }
}

/// A stored prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Its key.
    pub id: PromptId,
    /// Its content hash.
    pub hash: ContentHash,
    /// The text.
    pub text: String,
    /// Its family: what splits are made by.
    pub family: ContentHash,
    /// The prompt it was made from.
    pub parent: Option<PromptId>,
    /// Where it comes from.
    pub source: String,
    /// Anything else that was said of it.
    pub meta: Value,
    /// The import that brought it, where one did.
    pub import: Option<i64>,
    /// When it was stored.
    pub created: Timestamp,
}

impl Prompt {
    /// Returns the split that the prompt belongs to under a seed.
    pub fn split(&self, seed: u64) -> Split {
        Split::of_family(&self.family, seed)
    }
}

/// Which prompts to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromptFilter {
    /// These sources only; none given, all.
    pub sources: Vec<String>,
    /// These splits under this seed only.
    pub splits: Option<(Vec<Split>, u64)>,
}

impl Store {
    /// Stores prompts in one transaction, each text once.
    ///
    /// # Errors
    /// [`StoreError::Nul`], [`StoreError::UnknownParent`], and those of writing; nothing is stored
    /// then.
    pub async fn insert_prompts(
        &self,
        prompts: &[NewPrompt],
    ) -> Result<Inserted<PromptId>, StoreError> {
        in_transaction!(self.connection, |tx| put(tx, prompts, None).await)
    }

    /// Lists prompts, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn prompts(&self, filter: &PromptFilter) -> Result<Vec<Prompt>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if !filter.sources.is_empty() {
            select = select.filter(Column::Source.is_in(filter.sources.iter().map(String::as_str)));
        }
        let mut prompts = Vec::new();
        let mut after = i64::MIN;
        loop {
            let page = select
                .clone()
                .filter(Column::Id.gt(after))
                .limit(batch::KEYS_PER_STATEMENT as u64)
                .all(&self.connection)
                .await?;
            let Some(last) = page.last() else {
                return Ok(prompts);
            };
            after = last.id;
            for row in page {
                let prompt = read(row)?;
                let wanted = filter
                    .splits
                    .as_ref()
                    .is_none_or(|(splits, seed)| splits.contains(&prompt.split(*seed)));
                if wanted {
                    prompts.push(prompt);
                }
            }
        }
    }

    /// Lists the prompts of one split under a seed, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn prompts_in_split(
        &self,
        split: Split,
        seed: u64,
    ) -> Result<Vec<Prompt>, StoreError> {
        let splits = Some((vec![split], seed));
        self.prompts(&PromptFilter {
            splits,
            ..PromptFilter::default()
        })
        .await
    }

    /// Returns prompts by key, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a key that is not there, and those of reading.
    pub async fn prompts_by_id(&self, ids: &[PromptId]) -> Result<Vec<Prompt>, StoreError> {
        let keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let found = by_id(&self.connection, &keys).await?;
        ids.iter()
            .map(|id| {
                found.get(&id.0).cloned().ok_or(StoreError::NotFound {
                    what: "prompt",
                    id: id.to_string(),
                })
            })
            .collect()
    }

    /// Finds a prompt by its text.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn prompt_by_text(&self, text: &str) -> Result<Option<Prompt>, StoreError> {
        let hash = ContentHash::of_prompt(text).bytes().to_vec();
        let found = Entity::find()
            .filter(Column::Hash.eq(hash))
            .one(&self.connection)
            .await?;
        found.map(read).transpose()
    }
}

/// Reads prompts by key.
pub(crate) async fn by_id<C: ConnectionTrait>(
    connection: &C,
    ids: &[i64],
) -> Result<HashMap<i64, Prompt>, StoreError> {
    let mut keys = ids.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut found = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(batch::KEYS_PER_STATEMENT) {
        let rows = Entity::find()
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .all(connection)
            .await?;
        for row in rows {
            found.insert(row.id, read(row)?);
        }
    }
    Ok(found)
}

fn read(row: prompt::Model) -> Result<Prompt, StoreError> {
    let place = Place {
        table: "prompts",
        id: row.id,
        column: "meta",
    };
    Ok(Prompt {
        id: PromptId(row.id),
        hash: batch::to_hash(&row.hash)?,
        family: batch::to_hash(&row.family)?,
        text: row.text,
        parent: row.parent_id.map(PromptId),
        source: row.source,
        meta: from_optional_json(place, row.meta.as_deref())?,
        import: row.import_id,
        created: moment(row.created),
    })
}

/// What the store knows of a prompt when others refer to it.
#[derive(Clone, Copy)]
struct Known {
    id: i64,
    family: ContentHash,
}

/// Stores prompts within a transaction.
pub(crate) async fn put(
    tx: &DatabaseTransaction,
    prompts: &[NewPrompt],
    import: Option<i64>,
) -> Result<Inserted<PromptId>, StoreError> {
    for (row, prompt) in prompts.iter().enumerate() {
        refuse_nul(row, "prompt", &prompt.text)?;
        refuse_nul(row, "source", &prompt.source)?;
    }
    let hashes: Vec<ContentHash> = prompts
        .iter()
        .map(|prompt| ContentHash::of_prompt(&prompt.text))
        .collect();
    let (order, first) = batch::first_of_each(&hashes);
    let parents = prompts.iter().filter_map(|prompt| prompt.parent);
    let asked: Vec<ContentHash> = order
        .iter()
        .map(|&row| hashes[row])
        .chain(parents)
        .collect();
    let mut known = find(tx, &asked).await?;
    let mut waiting: Vec<usize> = order
        .into_iter()
        .filter(|&row| !known.contains_key(&hashes[row]))
        .collect();
    let mut is_new = vec![false; prompts.len()];
    let created = now();
    // A parent goes in before its children, whatever the order of the batch.
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(|&row| {
            prompts[row]
                .parent
                .is_none_or(|parent| known.contains_key(&parent))
        });
        if ready.is_empty() {
            let row = blocked[0];
            let parent = prompts[row].parent.unwrap_or(hashes[row]);
            return Err(StoreError::UnknownParent { row, parent });
        }
        let mut rows = Vec::with_capacity(ready.len());
        for &row in &ready {
            let prompt = &prompts[row];
            let parent = prompt.parent.and_then(|parent| known.get(&parent));
            let family = prompt
                .family
                .or(parent.map(|parent| parent.family))
                .unwrap_or(hashes[row]);
            rows.push(ActiveModel {
                hash: Set(hashes[row].bytes().to_vec()),
                text: Set(prompt.text.clone()),
                family: Set(family.bytes().to_vec()),
                parent_id: Set(parent.map(|parent| parent.id)),
                source: Set(prompt.source.clone()),
                meta: Set(optional_json(row, "meta", &prompt.meta)?),
                import_id: Set(import),
                created: Set(created),
                ..Default::default()
            });
        }
        let returned = [Column::Id, Column::Hash, Column::Family];
        for row in batch::insert_unless_taken(tx, rows, [Column::Hash], returned).await? {
            let hash = batch::hash_in(&row, "hash")?;
            let id = row.try_get("", "id")?;
            known.insert(
                hash,
                Known {
                    id,
                    family: batch::hash_in(&row, "family")?,
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
            what: "prompt",
            id: hash.to_string(),
        })?;
        Ok(InsertedRow {
            id: PromptId(id.id),
            is_new,
        })
    });
    Ok(Inserted {
        rows: rows.collect::<Result<_, StoreError>>()?,
    })
}

async fn find(
    tx: &DatabaseTransaction,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, Known>, StoreError> {
    let wanted = [Column::Id, Column::Hash, Column::Family];
    let mut known = HashMap::with_capacity(hashes.len());
    for row in batch::find_by_hash::<Entity, _, 3>(tx, Column::Hash, hashes, wanted).await? {
        let family = batch::hash_in(&row, "family")?;
        known.insert(
            batch::hash_in(&row, "hash")?,
            Known {
                id: row.try_get("", "id")?,
                family,
            },
        );
    }
    Ok(known)
}
