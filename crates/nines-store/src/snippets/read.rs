//! Snippets coming out: with their prompts, labels, adjudications and sightings, page by page.

use super::Origin;
use crate::batch::{KEYS_PER_STATEMENT, find_by_hash};
use crate::choices::{self, ChosenBy};
use crate::entity::snippet::{self, Column, Entity};
use crate::entity::{adjudication, label, sighting};
use crate::error::StoreError;
use crate::labels::{self, StoredLabel};
use crate::prompts::{self, Prompt};
use crate::store::Store;
use crate::time::moment;
use crate::values::{Place, from_optional_json, from_word};
use crate::withdrawals::standing_label;
use jiff::Timestamp;
use nines_domain::label::Adjudication;
use nines_domain::snippet::{ContentHash, PromptId, RunId, SnippetId, SnippetText};
use nines_domain::split::Split;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A stored snippet with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snippet {
    /// Its key.
    pub id: SnippetId,
    /// Its content hash.
    pub hash: ContentHash,
    /// The text.
    pub text: SnippetText,
    /// The key of its prompt.
    pub prompt: PromptId,
    /// Its prompt's family.
    pub family: ContentHash,
    /// The snippet it was made from.
    pub parent: Option<SnippetId>,
    /// How it came to be.
    pub origin: Origin,
    /// Where it comes from.
    pub source: String,
    /// Anything else that was said of it.
    pub meta: Value,
    /// The import that brought it.
    pub import: Option<i64>,
    /// The run that made it.
    pub run: Option<RunId>,
    /// When it was stored.
    pub created: Timestamp,
    /// Its labels that stand, oldest first.
    pub labels: Vec<StoredLabel>,
    /// The verdict that counts; none without labels.
    pub adjudication: Option<Adjudication>,
    /// Where it was met again, oldest first.
    pub sightings: Vec<Sighting>,
    /// How it was chosen to get its first label, where it was.
    pub chosen: ChosenBy,
}

/// Where a stored snippet was met again, and what was said of it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// How it came there.
    pub origin: Origin,
    /// Where that was.
    pub source: String,
    /// Anything else that was said of it there.
    pub meta: Value,
    /// The import that met it.
    pub import: Option<i64>,
    /// The run that met it.
    pub run: Option<RunId>,
}

impl Snippet {
    /// Returns the split that the snippet belongs to under a seed.
    pub fn split(&self, seed: u64) -> Split {
        Split::of_family(&self.family, seed)
    }

    /// Returns what was said under a name wherever the snippet was met, first source first: such
    /// as `pick`, the samples it belongs to.
    pub fn meta_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        std::iter::once(&self.meta)
            .chain(self.sightings.iter().map(|sighting| &sighting.meta))
            .filter_map(move |meta| meta.get(name))
    }
}

/// Which snippets to list; what is left empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SnippetFilter {
    /// First stored from, or met again at, one of these sources.
    pub sources: Vec<String>,
    /// First stored with one of these origins.
    pub origins: Vec<Origin>,
    /// With these prompts.
    pub prompts: Vec<PromptId>,
    /// With a label, or without.
    pub labelled: Option<bool>,
    /// Whose broad verdict is this one; snippets whose verdict is excluded have none.
    pub broad: Option<bool>,
    /// Whose strict verdict is this one.
    pub strict: Option<bool>,
    /// Whose labellers disagree, or do not.
    pub needs_another: Option<bool>,
    /// In one of these splits under this seed.
    pub splits: Option<(Vec<Split>, u64)>,
}

impl SnippetFilter {
    /// The snippets that somebody has labelled.
    pub fn labelled() -> Self {
        Self {
            labelled: Some(true),
            ..Self::default()
        }
    }

    /// Restricts to splits under a seed.
    pub fn in_splits(self, splits: &[Split], seed: u64) -> Self {
        Self {
            splits: Some((splits.to_vec(), seed)),
            ..self
        }
    }

    fn select(&self) -> Select<Entity> {
        let mut select = Entity::find();
        if !self.sources.is_empty() {
            let here = || self.sources.iter().map(String::as_str);
            let met = of_snippet(sighting::Entity, sighting::Column::SnippetId)
                .and_where(sighting::Column::Source.is_in(here()))
                .take();
            select = select.filter(Column::Source.is_in(here()).or(Expr::exists(met)));
        }
        if !self.origins.is_empty() {
            let words = self.origins.iter().map(|origin| origin.as_str());
            select = select.filter(Column::Origin.is_in(words));
        }
        // A longer list does not fit in a statement, and is looked at row by row.
        if (1..=KEYS_PER_STATEMENT).contains(&self.prompts.len()) {
            select = select.filter(Column::PromptId.is_in(self.prompts.iter().map(|id| id.0)));
        }
        if let Some(labelled) = self.labelled {
            let mut standing = of_snippet(label::Entity, label::Column::SnippetId);
            standing.and_where(standing_label());
            let any = Expr::exists(standing);
            select = select.filter(if labelled { any } else { any.not() });
        }
        let verdicts = [
            (adjudication::Column::Broad, self.broad),
            (adjudication::Column::Strict, self.strict),
            (adjudication::Column::NeedsAnother, self.needs_another),
        ];
        let mut counting = of_snippet(adjudication::Entity, adjudication::Column::SnippetId);
        counting
            .and_where(adjudication::Column::Id.in_subquery(newest_adjudication()))
            .and_where(adjudication::Column::Labels.gt(0));
        let mut restricted = false;
        for (column, wanted) in verdicts {
            if let Some(wanted) = wanted {
                counting.and_where(column.eq(wanted));
                restricted = true;
            }
        }
        if restricted {
            select = select.filter(Expr::exists(counting));
        }
        select
    }

    fn has_split(&self, family: &ContentHash) -> bool {
        self.splits
            .as_ref()
            .is_none_or(|(splits, seed)| splits.contains(&Split::of_family(family, *seed)))
    }
}

/// The rows of another table that speak of the snippet at hand.
pub(super) fn of_snippet<E: EntityTrait>(table: E, snippet_id: E::Column) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(table)
        .and_where(Expr::col((table, snippet_id)).equals((Entity, Column::Id)))
        .take()
}

/// The key of the adjudication that counts for the snippet at hand.
pub(super) fn newest_adjudication() -> SelectStatement {
    let all = "every_adjudication";
    Query::select()
        .expr(Expr::col((all, adjudication::Column::Id)).max())
        .from_as(adjudication::Entity, all)
        .and_where(Expr::col((all, adjudication::Column::SnippetId)).equals((Entity, Column::Id)))
        .take()
}

impl Store {
    /// Lists all snippets that a filter lets through, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn snippets(&self, filter: &SnippetFilter) -> Result<Vec<Snippet>, StoreError> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|snippet: &Snippet| snippet.id);
            let page = self.snippet_page(filter, after, KEYS_PER_STATEMENT).await?;
            let is_last = page.len() < KEYS_PER_STATEMENT;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Lists up to `limit` snippets after a key, oldest first: a page, for what does not fit in
    /// memory. A page that is not full is the last.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn snippet_page(
        &self,
        filter: &SnippetFilter,
        after: Option<SnippetId>,
        limit: usize,
    ) -> Result<Vec<Snippet>, StoreError> {
        let select = filter.select().order_by_asc(Column::Id);
        let mut after = after.map_or(i64::MIN, |id| id.0);
        let mut page = Vec::new();
        while page.len() < limit {
            let wanted = (limit - page.len()).min(KEYS_PER_STATEMENT);
            let rows = select
                .clone()
                .filter(Column::Id.gt(after))
                .limit(wanted as u64)
                .all(&self.connection)
                .await?;
            let is_last = rows.len() < wanted;
            after = rows.last().map_or(after, |row| row.id);
            page.extend(self.complete(rows, filter).await?);
            if is_last {
                break;
            }
        }
        Ok(page)
    }

    /// Returns snippets by key, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a key that is not there, and those of reading.
    pub async fn snippets_by_id(&self, ids: &[SnippetId]) -> Result<Vec<Snippet>, StoreError> {
        let mut keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut found = HashMap::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            let rows = Entity::find()
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .all(&self.connection)
                .await?;
            let snippets = self.complete(rows, &SnippetFilter::default()).await?;
            found.extend(snippets.into_iter().map(|snippet| (snippet.id, snippet)));
        }
        ids.iter()
            .map(|id| {
                found.get(id).cloned().ok_or(StoreError::NotFound {
                    what: "snippet",
                    id: id.to_string(),
                })
            })
            .collect()
    }

    /// Finds a snippet by its content hash.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn snippet_by_hash(&self, hash: &ContentHash) -> Result<Option<Snippet>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Hash.eq(hash.bytes().to_vec()))
            .all(&self.connection)
            .await?;
        Ok(self.complete(rows, &SnippetFilter::default()).await?.pop())
    }

    /// Returns those snippets of some content hashes that are stored, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn snippets_by_hash(
        &self,
        hashes: &[ContentHash],
    ) -> Result<Vec<Snippet>, StoreError> {
        let mut ids = HashSet::with_capacity(hashes.len());
        let wanted = [Column::Id];
        let rows = find_by_hash::<Entity, _, 1>(&self.connection, Column::Hash, hashes, wanted);
        for row in rows.await? {
            ids.insert(SnippetId(row.try_get("", "id")?));
        }
        let mut ids: Vec<SnippetId> = ids.into_iter().collect();
        ids.sort_unstable();
        self.snippets_by_id(&ids).await
    }

    /// Adds what other tables know of snippets; leaves out those of other splits.
    pub(super) async fn complete(
        &self,
        mut rows: Vec<snippet::Model>,
        filter: &SnippetFilter,
    ) -> Result<Vec<Snippet>, StoreError> {
        let prompt_ids: Vec<i64> = rows.iter().map(|row| row.prompt_id).collect();
        let prompts = prompts::by_id(&self.connection, &prompt_ids).await?;
        let only: HashSet<i64> = filter.prompts.iter().map(|id| id.0).collect();
        rows.retain(|row| {
            let prompt = prompts.get(&row.prompt_id);
            let is_wanted = only.is_empty() || only.contains(&row.prompt_id);
            is_wanted && prompt.is_none_or(|prompt| filter.has_split(&prompt.family))
        });
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut labels = labels::of_snippets(&self.connection, &ids).await?;
        let mut verdicts = labels::newest_adjudications(&self.connection, &ids).await?;
        let mut sightings = self.sightings(&ids).await?;
        let chosen = choices::of_snippets(&self.connection, &ids, &labels).await?;
        rows.into_iter()
            .map(|row| {
                let id = row.id;
                let mut snippet = read(row, &prompts)?;
                snippet.labels = labels.remove(&id).unwrap_or_default();
                snippet.adjudication = verdicts.remove(&id);
                snippet.sightings = sightings.remove(&id).unwrap_or_default();
                snippet.chosen = chosen.get(&id).copied().unwrap_or_default();
                Ok(snippet)
            })
            .collect()
    }

    async fn sightings(&self, ids: &[i64]) -> Result<HashMap<i64, Vec<Sighting>>, StoreError> {
        let mut found: HashMap<i64, Vec<Sighting>> = HashMap::new();
        for chunk in ids.chunks(KEYS_PER_STATEMENT) {
            let rows = sighting::Entity::find()
                .filter(sighting::Column::SnippetId.is_in(chunk.iter().copied()))
                .order_by_asc(sighting::Column::Id)
                .all(&self.connection)
                .await?;
            for row in rows {
                let place = |column| Place {
                    table: "sightings",
                    id: row.id,
                    column,
                };
                found.entry(row.snippet_id).or_default().push(Sighting {
                    origin: from_word(place("origin"), &row.origin)?,
                    meta: from_optional_json(place("meta"), row.meta.as_deref())?,
                    source: row.source,
                    import: row.import_id,
                    run: row.run_id.map(RunId),
                });
            }
        }
        Ok(found)
    }
}

fn read(row: snippet::Model, prompts: &HashMap<i64, Prompt>) -> Result<Snippet, StoreError> {
    let place = |column| Place {
        table: "snippets",
        id: row.id,
        column,
    };
    let prompt = prompts
        .get(&row.prompt_id)
        .ok_or_else(|| StoreError::NotFound {
            what: "prompt",
            id: row.prompt_id.to_string(),
        })?;
    Ok(Snippet {
        id: SnippetId(row.id),
        hash: crate::batch::to_hash(&row.hash)?,
        origin: from_word(place("origin"), &row.origin)?,
        meta: from_optional_json(place("meta"), row.meta.as_deref())?,
        text: SnippetText::new(prompt.text.clone(), row.completion),
        prompt: prompt.id,
        family: prompt.family,
        parent: row.parent_id.map(SnippetId),
        source: row.source,
        import: row.import_id,
        run: row.run_id.map(RunId),
        created: moment(row.created),
        labels: Vec::new(),
        adjudication: None,
        sightings: Vec::new(),
        chosen: ChosenBy::default(),
    })
}
