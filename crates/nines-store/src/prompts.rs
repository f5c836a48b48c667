//! Prompts: stored once each, found by content hash, grouped in families.

use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::prompt::{self, Column, Entity};
use crate::error::StoreError;
use crate::families::Claim;
use crate::placement::{Wanted, place};
use crate::store::{Store, in_transaction};
use crate::time::moment;
use crate::values::{Place, from_optional_json, refuse_nul};
use jiff::Timestamp;
use nines_domain::snippet::{ContentHash, PromptId};
use nines_domain::split::Split;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use std::collections::HashMap;

/// A prompt to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPrompt {
    /// The text.
    pub text: String,
    /// The prompt family, where the importer knows it: a name of its own, or the hash of a prompt,
    /// which stands for that prompt's family. Otherwise the parent's, or the prompt's own hash. A
    /// family lies wholly in one split and never moves: a prompt that is stored, or claimed by
    /// another row, in another family is refused.
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
    /// [`StoreError::Nul`], [`StoreError::UnknownParent`], [`StoreError::BadValue`] for a family
    /// that contradicts another, and those of writing; nothing is stored then.
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
    let mut wanted: Vec<Wanted> = order
        .iter()
        .map(|&row| Wanted {
            row,
            hash: hashes[row],
            text: prompts[row].text.clone(),
            parent: None,
            claims: Vec::new(),
            source: prompts[row].source.clone(),
            meta: prompts[row].meta.clone(),
        })
        .collect();
    let place_of: HashMap<usize, usize> = order.iter().copied().zip(0..).collect();
    for (row, prompt) in prompts.iter().enumerate() {
        let wanted = &mut wanted[place_of[&first[&hashes[row]]]];
        wanted.parent = wanted.parent.or(prompt.parent);
        for (field, with) in [("family", prompt.family), ("parent", prompt.parent)] {
            let claim = with.map(|with| Claim { row, field, with });
            wanted.claims.extend(claim);
        }
    }
    let mut placed = place(tx, &wanted, import).await?;
    let rows = hashes.iter().map(|hash| {
        Ok(InsertedRow {
            id: PromptId(placed.id(hash)?),
            // Of equal rows the first alone is new.
            is_new: placed.new.remove(hash),
        })
    });
    Ok(Inserted {
        rows: rows.collect::<Result<_, StoreError>>()?,
    })
}
