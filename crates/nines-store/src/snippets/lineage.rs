//! Where one snippet comes from, what came of it, and what looked at it.

use crate::batch::KEYS_PER_STATEMENT;
use crate::designs::DesignKind;
use crate::entity::{
    design, design_item, filter_answer, generation, import, sampler, score, snippet,
};
use crate::error::StoreError;
use crate::store::Store;
use crate::time::moment;
use crate::values::{Place, from_json, from_word, unsigned};
use jiff::Timestamp;
use nines_domain::draw::{Finish, Sampling};
use nines_domain::score::Score;
use nines_domain::snippet::{DesignId, ModelId, RunId, SnippetId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// The most relatives of a kind that are listed.
const MOST: u64 = 200;

/// Everything that other tables know of one snippet, but for its labels and sightings.
#[derive(Debug, Clone, PartialEq)]
pub struct SnippetLineage {
    /// Its scores, oldest first.
    pub scores: Vec<ScoreOfSnippet>,
    /// The draws that made it, oldest first.
    pub draws: Vec<DrawnFrom>,
    /// Snippets that were made from it, oldest first; the first two hundred.
    pub children: Vec<SnippetId>,
    /// The import that brought it.
    pub import: Option<ImportedFrom>,
    /// The designs in which it is an answer.
    pub designs: Vec<DesignPlace>,
}

/// A score of a snippet.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOfSnippet {
    /// The classifier.
    pub model: ModelId,
    /// The path.
    pub path: String,
    /// The score.
    pub score: Score,
    /// When it was stored.
    pub created: Timestamp,
}

/// A draw that made a snippet.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnFrom {
    /// The generator.
    pub generator: String,
    /// Its settings.
    pub sampling: Sampling,
    /// Which draw of its prompt it was.
    pub draw: u32,
    /// How it ended.
    pub finish: Finish,
    /// How many tokens it has.
    pub tokens: u32,
    /// The run that drew it first.
    pub run: Option<RunId>,
    /// When it was stored.
    pub created: Timestamp,
}

/// The file that brought a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFrom {
    /// The import's key.
    pub id: i64,
    /// The file's name.
    pub file: String,
}

/// A snippet's place in a design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesignPlace {
    /// The design.
    pub design: DesignId,
    /// What it measures.
    pub kind: DesignKind,
    /// The request's stratum.
    pub stratum: Option<u32>,
}

impl Store {
    /// Finds where a snippet comes from, what came of it, and what looked at it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and those of reading.
    pub async fn snippet_lineage(&self, id: SnippetId) -> Result<SnippetLineage, StoreError> {
        let row = snippet::Entity::find_by_id(id.0).one(&self.connection);
        let row = row.await?.ok_or_else(|| StoreError::NotFound {
            what: "snippet",
            id: id.to_string(),
        })?;
        Ok(SnippetLineage {
            scores: self.scores_of_snippet(id).await?,
            draws: self.draws_of(id).await?,
            children: self.children_of(id).await?,
            import: match row.import_id {
                None => None,
                Some(key) => import::Entity::find_by_id(key)
                    .one(&self.connection)
                    .await?
                    .map(|row| ImportedFrom {
                        id: row.id,
                        file: row.file,
                    }),
            },
            designs: self.designs_with(id).await?,
        })
    }

    async fn scores_of_snippet(&self, id: SnippetId) -> Result<Vec<ScoreOfSnippet>, StoreError> {
        let rows = score::Entity::find()
            .filter(score::Column::SnippetId.eq(id.0))
            .order_by_asc(score::Column::Id)
            .limit(MOST)
            .all(&self.connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    table: "scores",
                    id: row.id,
                    column: "score",
                };
                Ok(ScoreOfSnippet {
                    model: ModelId(row.model_id),
                    path: row.path,
                    score: Score::new(row.score)
                        .map_err(|_| place.unreadable(&row.score.to_string()))?,
                    created: moment(row.created),
                })
            })
            .collect()
    }

    async fn draws_of(&self, id: SnippetId) -> Result<Vec<DrawnFrom>, StoreError> {
        let rows = generation::Entity::find()
            .filter(generation::Column::SnippetId.eq(id.0))
            .order_by_asc(generation::Column::Id)
            .limit(MOST)
            .all(&self.connection)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let place = |column| Place {
                table: "generations",
                id: row.id,
                column,
            };
            let drawn_by = sampler::Entity::find_by_id(row.sampler_id)
                .one(&self.connection)
                .await?
                .ok_or_else(|| StoreError::NotFound {
                    what: "sampler",
                    id: row.sampler_id.to_string(),
                })?;
            found.push(DrawnFrom {
                sampling: from_json(place("sampling"), &drawn_by.sampling)?,
                generator: drawn_by.generator,
                draw: unsigned(place("draw"), row.draw)?,
                finish: from_word(place("finish"), &row.finish)?,
                tokens: unsigned(place("tokens"), row.tokens)?,
                run: row.run_id.map(RunId),
                created: moment(row.created),
            });
        }
        Ok(found)
    }

    async fn children_of(&self, id: SnippetId) -> Result<Vec<SnippetId>, StoreError> {
        let keys: Vec<i64> = snippet::Entity::find()
            .select_only()
            .column(snippet::Column::Id)
            .filter(snippet::Column::ParentId.eq(id.0))
            .order_by_asc(snippet::Column::Id)
            .limit(MOST)
            .into_tuple()
            .all(&self.connection)
            .await?;
        Ok(keys.into_iter().map(SnippetId).collect())
    }

    async fn designs_with(&self, id: SnippetId) -> Result<Vec<DesignPlace>, StoreError> {
        use design_item::Column;
        let answers: Vec<i64> = filter_answer::Entity::find()
            .select_only()
            .column(filter_answer::Column::Id)
            .filter(filter_answer::Column::AcceptedSnippetId.eq(id.0))
            .order_by_asc(filter_answer::Column::Id)
            .limit(KEYS_PER_STATEMENT as u64)
            .into_tuple()
            .all(&self.connection)
            .await?;
        if answers.is_empty() {
            return Ok(Vec::new());
        }
        let is_one = Condition::any()
            .add(Column::AnswerId.is_in(answers.iter().copied()))
            .add(Column::OtherAnswerId.is_in(answers.iter().copied()));
        let items = design_item::Entity::find()
            .filter(is_one)
            .order_by_desc(Column::Id)
            .all(&self.connection)
            .await?;
        // One snippet may answer several requests of a design; they share a score, and so a stratum.
        let strata: BTreeMap<i64, Option<i64>> = items
            .into_iter()
            .map(|item| (item.design_id, item.stratum))
            .collect();
        let mut found = Vec::with_capacity(strata.len());
        for (key, stratum) in strata {
            let place = |column| Place {
                table: "designs",
                id: key,
                column,
            };
            let row = design::Entity::find_by_id(key)
                .one(&self.connection)
                .await?;
            let Some(row) = row else {
                continue;
            };
            found.push(DesignPlace {
                design: DesignId(key),
                kind: DesignKind::ALL
                    .into_iter()
                    .find(|kind| kind.as_str() == row.kind)
                    .ok_or_else(|| place("kind").unreadable(&row.kind))?,
                stratum: stratum.map(|h| unsigned(place("stratum"), h)).transpose()?,
            });
        }
        Ok(found)
    }

    /// Names the path on which a classifier's threshold was chosen last; where there is none, one on
    /// which it has scored.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn serving_path(&self, model: ModelId) -> Result<Option<String>, StoreError> {
        if let Some(newest) = self.latest_calibration(model).await?
            && let Some(path) = newest.record["path"].as_str()
        {
            return Ok(Some(path.to_owned()));
        }
        Ok(self.score_paths(model).await?.into_iter().next())
    }
}
