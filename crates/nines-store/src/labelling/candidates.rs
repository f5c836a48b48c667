//! Snippets that a queue may be filled with, or that checks may be made of, found without reading a
//! text.

use crate::batch::KEYS_PER_STATEMENT;
use crate::entity::{adjudication, check_item, design_item, filter_answer, prompt, score, snippet};
use crate::error::StoreError;
use crate::labels;
use crate::snippets::Origin;
use crate::store::Store;
use crate::withdrawals::unlabelled;
use nines_domain::label::{Severity, Verdict};
use nines_domain::score::Threshold;
use nines_domain::snippet::{ContentHash, ModelId, SnippetId, SnippetText};
use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter,
    QuerySelect, QueryTrait,
};
use std::collections::{HashMap, HashSet};

impl Store {
    /// Lists the keys and content hashes of finished snippets that nobody has labelled, oldest first.
    /// What a token budget cut off is never accepted, so that a label on it would measure nothing.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn unlabelled_snippets(&self) -> Result<Vec<(SnippetId, ContentHash)>, StoreError> {
        use snippet::Column;
        let cut_off = self.unfinished_snippets().await?;
        let select = Query::select()
            .columns([Column::Id, Column::Hash, Column::Origin])
            .from(snippet::Entity)
            .and_where(unlabelled((snippet::Entity, Column::Id)))
            .order_by(Column::Id, sea_orm::Order::Asc)
            .take();
        let mut found = Vec::new();
        for row in self.connection.query_all(&select).await? {
            let id = SnippetId(row.try_get("", "id")?);
            let origin: String = row.try_get("", "origin")?;
            if origin != Origin::Generate.as_str() || !cut_off.contains(&id) {
                found.push((id, crate::batch::hash_in(&row, "hash")?));
            }
        }
        Ok(found)
    }

    /// Lists up to `limit` finished snippets that nobody has labelled, those first whose score by a
    /// classifier and path lies nearest to a threshold.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn unlabelled_near(
        &self,
        model: ModelId,
        path: &str,
        threshold: Threshold,
        limit: usize,
    ) -> Result<Vec<SnippetId>, StoreError> {
        use score::Column;
        let cut_off = self.unfinished_snippets().await?;
        let distance = Func::abs(Expr::col(Column::Score).sub(threshold.logit()));
        let select = Query::select()
            .column(Column::SnippetId)
            .from(score::Entity)
            .and_where(Column::ModelId.eq(model.0))
            .and_where(Column::Path.eq(path))
            .and_where(unlabelled((score::Entity, Column::SnippetId)))
            .order_by_expr(distance.into(), sea_orm::Order::Asc)
            .order_by(Column::SnippetId, sea_orm::Order::Asc)
            .limit((limit + cut_off.len()) as u64)
            .take();
        let mut found = Vec::new();
        for row in self.connection.query_all(&select).await? {
            let id = SnippetId(row.try_get("", "snippet_id")?);
            if !cut_off.contains(&id) && found.len() < limit {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// Lists up to `limit` settled snippets, in the order of a seed, with the verdict that all their
    /// labellers give: the gravest yes or a no. Those that a design has drawn from, and those that are
    /// check items, are left out.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn settled_snippets(
        &self,
        verdict: Verdict,
        seed: u64,
        limit: usize,
    ) -> Result<Vec<SettledSnippet>, StoreError> {
        use adjudication::Column;
        let newest = Query::select()
            .expr(Expr::col(Column::Id).max())
            .from(adjudication::Entity)
            .group_by_col(Column::SnippetId)
            .take();
        let is_yes = verdict == Verdict::Yes;
        let select = adjudication::Entity::find()
            .select_only()
            .columns([Column::SnippetId, Column::Labels])
            .column(snippet::Column::Hash)
            .join(
                JoinType::InnerJoin,
                adjudication::Entity::belongs_to(snippet::Entity)
                    .from(Column::SnippetId)
                    .to(snippet::Column::Id)
                    .into(),
            )
            .filter(Column::Id.in_subquery(newest))
            .filter(Column::Labels.gt(0))
            .filter(Column::NeedsAnother.eq(false))
            .filter(Column::Broad.eq(is_yes))
            .filter(Column::Strict.eq(is_yes))
            .filter(Expr::exists(in_a_design((adjudication::Entity, Column::SnippetId))).not())
            .filter(Expr::exists(is_check_item()).not())
            .into_query();
        let mut candidates = Vec::new();
        let word = seed.to_string();
        for row in self.connection.query_all(&select).await? {
            let hash = crate::batch::hash_in(&row, "hash")?;
            let order = ContentHash::of_fields("check order", &[&word, &hash.to_string()]);
            let labels: i64 = row.try_get("", "labels")?;
            let id: i64 = row.try_get("", "snippet_id")?;
            candidates.push((Ord::max(-labels, -3), order, id));
        }
        // Those that more people agree on come first.
        candidates.sort_unstable();
        let mut found = Vec::new();
        for chunk in candidates.chunks(KEYS_PER_STATEMENT) {
            let ids: Vec<i64> = chunk.iter().map(|(_, _, id)| *id).collect();
            let labels = labels::of_snippets(&self.connection, &ids).await?;
            for id in ids {
                let Some(labels) = labels.get(&id) else {
                    continue;
                };
                let agrees = labels.iter().all(|stored| {
                    let label = &stored.label;
                    label.verdict == verdict
                        && (!is_yes || label.severity == Some(Severity::Egregious))
                });
                if agrees {
                    found.push(SettledSnippet {
                        snippet: SnippetId(id),
                        labels: labels.len(),
                    });
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Returns the texts of snippets in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a key that is not there, and those of reading.
    pub async fn snippet_texts(&self, ids: &[SnippetId]) -> Result<Vec<SnippetText>, StoreError> {
        let mut texts = HashMap::with_capacity(ids.len());
        let mut keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
        keys.sort_unstable();
        keys.dedup();
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            let select = snippet::Entity::find()
                .select_only()
                .columns([snippet::Column::Id, snippet::Column::Completion])
                .column(prompt::Column::Text)
                .join(
                    JoinType::InnerJoin,
                    snippet::Entity::belongs_to(prompt::Entity)
                        .from(snippet::Column::PromptId)
                        .to(prompt::Column::Id)
                        .into(),
                )
                .filter(snippet::Column::Id.is_in(chunk.iter().copied()))
                .into_query();
            for row in self.connection.query_all(&select).await? {
                let id = SnippetId(row.try_get("", "id")?);
                let text: String = row.try_get("", "text")?;
                let completion: String = row.try_get("", "completion")?;
                texts.insert(id, SnippetText::new(text, completion));
            }
        }
        ids.iter()
            .map(|id| {
                texts.get(id).cloned().ok_or(StoreError::NotFound {
                    what: "snippet",
                    id: id.to_string(),
                })
            })
            .collect()
    }

    /// Says which of these snippets are stored.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn stored_snippets(
        &self,
        ids: &[SnippetId],
    ) -> Result<HashSet<SnippetId>, StoreError> {
        let mut found = HashSet::with_capacity(ids.len());
        for chunk in ids.chunks(KEYS_PER_STATEMENT) {
            let select = snippet::Entity::find()
                .select_only()
                .column(snippet::Column::Id)
                .filter(snippet::Column::Id.is_in(chunk.iter().map(|id| id.0)))
                .into_query();
            for row in self.connection.query_all(&select).await? {
                found.insert(SnippetId(row.try_get("", "id")?));
            }
        }
        Ok(found)
    }
}

/// A snippet on whose verdict all its labellers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledSnippet {
    /// The snippet.
    pub snippet: SnippetId,
    /// How many labels it has.
    pub labels: usize,
}

/// Says which of some snippets designs draw from.
pub(super) async fn in_designs(
    tx: &DatabaseTransaction,
    snippets: &[i64],
) -> Result<HashSet<i64>, StoreError> {
    let mut found = HashSet::new();
    for chunk in snippets.chunks(KEYS_PER_STATEMENT) {
        let select = snippet::Entity::find()
            .select_only()
            .column(snippet::Column::Id)
            .filter(snippet::Column::Id.is_in(chunk.iter().copied()))
            .filter(Expr::exists(in_a_design((
                snippet::Entity,
                snippet::Column::Id,
            ))))
            .into_query();
        for row in tx.query_all(&select).await? {
            found.insert(row.try_get("", "id")?);
        }
    }
    Ok(found)
}

/// The design items that show the snippet of the row at hand.
fn in_a_design<T: IntoColumnRef>(snippet: T) -> SelectStatement {
    use design_item::Column;
    let answer = Expr::col((filter_answer::Entity, filter_answer::Column::Id));
    Query::select()
        .expr(Expr::value(1))
        .from(filter_answer::Entity)
        .join(
            JoinType::InnerJoin,
            design_item::Entity,
            answer
                .clone()
                .equals((design_item::Entity, Column::AnswerId))
                .or(answer.equals((design_item::Entity, Column::OtherAnswerId))),
        )
        .and_where(
            Expr::col((
                filter_answer::Entity,
                filter_answer::Column::AcceptedSnippetId,
            ))
            .equals(snippet),
        )
        .take()
}

/// The active check items that show the snippet of the adjudication at hand.
fn is_check_item() -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(check_item::Entity)
        .and_where(check_item::Column::Retired.is_null())
        .and_where(
            Expr::col((check_item::Entity, check_item::Column::SnippetId))
                .equals((adjudication::Entity, adjudication::Column::SnippetId)),
        )
        .take()
}
