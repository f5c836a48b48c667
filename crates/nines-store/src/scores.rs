//! Scores: added once for each snippet, classifier and scoring path, and never overwritten.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::score::{ActiveModel, Column, Entity};
use crate::entity::snippet;
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::now;
use crate::values::{Place, refuse_nul};
use nines_domain::score::Score;
use nines_domain::snippet::{ModelId, SnippetId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
};
use std::collections::HashMap;

impl Store {
    /// Stores scores in one transaction. `path` names how they were computed (device, precision,
    /// window policy): another path may give other digits. A score that is stored with the same
    /// value is left as it is. Returns how many are new.
    ///
    /// Scores keep all their bits, except that -0 is stored as 0: SQLite does not keep that sign,
    /// and no comparison can tell the two apart.
    ///
    /// # Errors
    /// [`StoreError::ScoreDiffers`] if another value is stored, or two are given for one snippet;
    /// [`StoreError::Dangling`] for a model or snippet that is not stored; [`StoreError::Nul`];
    /// and those of writing. Nothing is stored then.
    pub async fn insert_scores(
        &self,
        model: ModelId,
        path: &str,
        scores: &[(SnippetId, Score)],
    ) -> Result<usize, StoreError> {
        refuse_nul(0, "path", path)?;
        in_transaction!(self.connection, |tx| put(tx, model, path, scores).await)
    }

    /// Lists the scores of a classifier by one path, by snippet.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn scores(
        &self,
        model: ModelId,
        path: &str,
    ) -> Result<Vec<(SnippetId, Score)>, StoreError> {
        let select = of_path(model, path)
            .order_by_asc(Column::SnippetId)
            .into_query();
        self.connection
            .query_all(&select)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Returns the scores of snippets by a classifier and path, in the order asked for; nothing
    /// for those that have none.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn scores_of(
        &self,
        model: ModelId,
        path: &str,
        snippets: &[SnippetId],
    ) -> Result<Vec<Option<Score>>, StoreError> {
        let found = find(&self.connection, model, path, snippets).await?;
        Ok(snippets.iter().map(|id| found.get(id).copied()).collect())
    }

    /// Lists stored snippets without a score by a classifier and path, in the order of their keys: at
    /// most `limit`, from behind `after` on.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn unscored_snippets(
        &self,
        model: ModelId,
        path: &str,
        after: Option<SnippetId>,
        limit: u64,
    ) -> Result<Vec<SnippetId>, StoreError> {
        let mut select = unscored(model, path)
            .select_only()
            .column(snippet::Column::Id)
            .order_by_asc(snippet::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            select = select.filter(snippet::Column::Id.gt(after.0));
        }
        let rows = self.connection.query_all(&select.into_query()).await?;
        let ids = rows.iter().map(|row| Ok(SnippetId(row.try_get("", "id")?)));
        ids.collect()
    }

    /// Counts the stored snippets without a score by a classifier and path.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn count_unscored(&self, model: ModelId, path: &str) -> Result<u64, StoreError> {
        Ok(unscored(model, path).count(&self.connection).await?)
    }

    /// Lists the paths by which a classifier has scored anything.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn score_paths(&self, model: ModelId) -> Result<Vec<String>, StoreError> {
        let select = Entity::find()
            .select_only()
            .column(Column::Path)
            .filter(Column::ModelId.eq(model.0))
            .distinct()
            .order_by_asc(Column::Path)
            .into_query();
        let rows = self.connection.query_all(&select).await?;
        Ok(rows
            .iter()
            .map(|row| row.try_get("", "path"))
            .collect::<Result<_, _>>()?)
    }
}

fn unscored(model: ModelId, path: &str) -> Select<snippet::Entity> {
    let scored = Entity::find()
        .select_only()
        .column(Column::SnippetId)
        .filter(Column::ModelId.eq(model.0))
        .filter(Column::Path.eq(path))
        .into_query();
    snippet::Entity::find().filter(snippet::Column::Id.not_in_subquery(scored))
}

fn of_path(model: ModelId, path: &str) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::SnippetId, Column::Score])
        .filter(Column::ModelId.eq(model.0))
        .filter(Column::Path.eq(path))
}

fn read(row: &QueryResult) -> Result<(SnippetId, Score), StoreError> {
    let logit: f64 = row.try_get("", "score")?;
    let place = Place {
        table: "scores",
        id: row.try_get("", "id")?,
        column: "score",
    };
    let score = Score::new(logit).map_err(|_| place.unreadable(&logit.to_string()))?;
    Ok((SnippetId(row.try_get("", "snippet_id")?), score))
}

async fn find<C: ConnectionTrait>(
    connection: &C,
    model: ModelId,
    path: &str,
    snippets: &[SnippetId],
) -> Result<HashMap<SnippetId, Score>, StoreError> {
    let mut found = HashMap::with_capacity(snippets.len());
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        let ids = chunk.iter().map(|id| id.0);
        let select = of_path(model, path)
            .filter(Column::SnippetId.is_in(ids))
            .into_query();
        for row in connection.query_all(&select).await? {
            let (id, score) = read(&row)?;
            found.insert(id, score);
        }
    }
    Ok(found)
}

/// Stores scores within a transaction.
pub(crate) async fn put(
    tx: &DatabaseTransaction,
    model: ModelId,
    path: &str,
    scores: &[(SnippetId, Score)],
) -> Result<usize, StoreError> {
    let ids: Vec<SnippetId> = scores.iter().map(|(id, _)| *id).collect();
    let mut stored = find(tx, model, path, &ids).await?;
    let created = now();
    let mut rows = Vec::new();
    for (snippet, score) in scores {
        match stored.insert(*snippet, *score) {
            None => rows.push(ActiveModel {
                snippet_id: Set(snippet.0),
                model_id: Set(model.0),
                path: Set(path.to_owned()),
                score: Set(score.logit() + 0.0),
                created: Set(created),
                ..Default::default()
            }),
            Some(before) => same(model, path, *snippet, before, *score)?,
        }
    }
    let given = rows.len();
    let unique = [Column::ModelId, Column::Path, Column::SnippetId];
    let new = batch::insert_unless_taken(tx, rows, unique, [Column::Id])
        .await?
        .len();
    if new < given {
        // Another process scored some of them since the look above.
        let now_stored = find(tx, model, path, &ids).await?;
        for (snippet, score) in scores {
            if let Some(before) = now_stored.get(snippet) {
                same(model, path, *snippet, *before, *score)?;
            }
        }
    }
    Ok(new)
}

fn same(
    model: ModelId,
    path: &str,
    snippet: SnippetId,
    stored: Score,
    given: Score,
) -> Result<(), StoreError> {
    if stored == given {
        return Ok(());
    }
    Err(StoreError::ScoreDiffers {
        snippet,
        model,
        path: path.to_owned(),
        stored: stored.logit(),
        given: given.logit(),
    })
}
