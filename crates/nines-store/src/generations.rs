//! Draws: what a generator proposed for a prompt under given sampling settings, so that a killed
//! run goes on where it was.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::generation::{self, Column, Entity};
use crate::entity::{filter_candidate, sampler, snippet};
use crate::error::StoreError;
use crate::prompts;
use crate::snippets::{self, Bringer, NewSnippet, Origin};
use crate::store::{Store, in_transaction};
use crate::time::now;
use crate::values::{Place, from_json, from_word, refuse_nul, signed, to_json, unsigned};
use nines_domain::draw::{Draw, Finish, Sampling};
use nines_domain::snippet::{ContentHash, PromptId, RunId, SnippetId, SnippetText};
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement, SimpleExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A generator with its sampling settings: what a draw is a draw of.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampler {
    /// The generator's identity: its model and whatever else of it changes its text.
    pub generator: String,
    /// The sampling settings, seed included.
    pub sampling: Sampling,
}

impl Sampler {
    fn words(&self) -> Result<(String, ContentHash), StoreError> {
        refuse_nul(0, "generator", &self.generator)?;
        let sampling = to_json("sampling", &self.sampling)?;
        let hash = ContentHash::of_fields("sampler", &[&self.generator, &sampling]);
        Ok((sampling, hash))
    }
}

/// A draw to store, for a stored prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGeneration {
    /// The prompt.
    pub prompt: PromptId,
    /// What was drawn.
    pub draw: Draw,
}

/// What became of a batch of draws.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredGenerations {
    /// Draws that went in now.
    pub new: usize,
    /// Draws that were there before, with the same text.
    pub duplicate: usize,
    /// Draws that were there before with another text, which stays: the generator is not
    /// deterministic, or is not the one it says it is.
    pub differing: Vec<(PromptId, u32)>,
}

/// A stored draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// The prompt.
    pub prompt: PromptId,
    /// The snippet that the prompt and the draw make.
    pub snippet: SnippetId,
    /// What was drawn.
    pub draw: Draw,
    /// The run that drew it first.
    pub run: Option<RunId>,
}

impl Store {
    /// Stores draws, and the snippets they make, in one transaction. A draw that is stored stays
    /// as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a prompt that is not stored, [`StoreError::Nul`], and those of
    /// writing; nothing is stored then.
    pub async fn insert_generations(
        &self,
        run: Option<RunId>,
        sampler: &Sampler,
        draws: &[NewGeneration],
    ) -> Result<StoredGenerations, StoreError> {
        in_transaction!(self.connection, |tx| put(tx, run, sampler, draws).await)
    }

    /// Returns which of the draws `0..n` of each prompt are not stored, for the prompts that lack
    /// any, in the order given: what is left to generate.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn missing_draws(
        &self,
        sampler: &Sampler,
        prompts: &[PromptId],
        n: u32,
    ) -> Result<Vec<(PromptId, Vec<u32>)>, StoreError> {
        let mut stored: HashMap<i64, HashSet<i64>> = HashMap::new();
        if let Some(id) = find_sampler(&self.connection, sampler).await? {
            let keys: Vec<i64> = prompts.iter().map(|id| id.0).collect();
            for chunk in keys.chunks(KEYS_PER_STATEMENT) {
                let select = Entity::find()
                    .select_only()
                    .columns([Column::PromptId, Column::Draw])
                    .filter(Column::SamplerId.eq(id))
                    .filter(Column::PromptId.is_in(chunk.iter().copied()))
                    .filter(Column::Draw.lt(i64::from(n)))
                    .into_query();
                for row in self.connection.query_all(&select).await? {
                    let draws = stored.entry(row.try_get("", "prompt_id")?).or_default();
                    draws.insert(row.try_get("", "draw")?);
                }
            }
        }
        let lacks = |prompt: &PromptId| {
            let draws = stored.get(&prompt.0);
            let is_missing = |draw: &u32| draws.is_none_or(|d| !d.contains(&i64::from(*draw)));
            (*prompt, (0..n).filter(is_missing).collect::<Vec<u32>>())
        };
        Ok(prompts
            .iter()
            .map(lacks)
            .filter(|(_, draws)| !draws.is_empty())
            .collect())
    }

    /// Lists the draws of a sampler for some prompts, or for all: by prompt, then by draw.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn generations(
        &self,
        sampler: &Sampler,
        prompts: Option<&[PromptId]>,
    ) -> Result<Vec<Generation>, StoreError> {
        let Some(id) = find_sampler(&self.connection, sampler).await? else {
            return Ok(Vec::new());
        };
        let select = Entity::find()
            .filter(Column::SamplerId.eq(id))
            .order_by_asc(Column::PromptId)
            .order_by_asc(Column::Draw);
        let rows = match prompts {
            None => select.all(&self.connection).await?,
            Some(prompts) => {
                let mut keys: Vec<i64> = prompts.iter().map(|id| id.0).collect();
                keys.sort_unstable();
                keys.dedup();
                let mut rows = Vec::new();
                for chunk in keys.chunks(KEYS_PER_STATEMENT) {
                    let chunk = Column::PromptId.is_in(chunk.iter().copied());
                    rows.extend(select.clone().filter(chunk).all(&self.connection).await?);
                }
                rows
            }
        };
        let ids: Vec<i64> = rows.iter().map(|row| row.snippet_id).collect();
        let completions = completions(&self.connection, &ids).await?;
        rows.into_iter()
            .map(|row| read(row, &completions))
            .collect()
    }

    /// Returns the snippets whose completions no draw has finished: each was cut off by its token
    /// budget whenever it was drawn, by `nines generate` or by a filter.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn unfinished_snippets(&self) -> Result<HashSet<SnippetId>, StoreError> {
        let mut unfinished: BTreeSet<i64> = BTreeSet::new();
        for select in drawn(Finish::Budget, true) {
            for row in self.connection.query_all(&select).await? {
                unfinished.insert(row.try_get("", "snippet_id")?);
            }
        }
        let keys: Vec<i64> = unfinished.iter().copied().collect();
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            for mut select in drawn(Finish::Budget, false) {
                select.and_where(Expr::col("snippet_id").is_in(chunk.iter().copied()));
                for row in self.connection.query_all(&select).await? {
                    unfinished.remove(&row.try_get("", "snippet_id")?);
                }
            }
        }
        Ok(unfinished.into_iter().map(SnippetId).collect())
    }

    /// Lists the samplers that anything was drawn from, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn samplers(&self) -> Result<Vec<Sampler>, StoreError> {
        let rows = sampler::Entity::find()
            .order_by_asc(sampler::Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    table: "samplers",
                    id: row.id,
                    column: "sampling",
                };
                let sampling = from_json(place, &row.sampling)?;
                Ok(Sampler {
                    generator: row.generator,
                    sampling,
                })
            })
            .collect()
    }
}

fn read(
    row: generation::Model,
    completions: &HashMap<i64, String>,
) -> Result<Generation, StoreError> {
    let place = |column| Place {
        table: "generations",
        id: row.id,
        column,
    };
    let completion = completions.get(&row.snippet_id).cloned();
    Ok(Generation {
        prompt: PromptId(row.prompt_id),
        snippet: SnippetId(row.snippet_id),
        draw: Draw {
            draw: unsigned(place("draw"), row.draw)?,
            completion: completion.ok_or_else(|| StoreError::NotFound {
                what: "snippet",
                id: row.snippet_id.to_string(),
            })?,
            finish: from_word(place("finish"), &row.finish)?,
            tokens: unsigned(place("tokens"), row.tokens)?,
        },
        run: row.run_id.map(RunId),
    })
}

/// Selects the snippets of all draws that ended in this way, or in another: those of generations
/// and those of filters.
fn drawn(finish: Finish, is: bool) -> [SelectStatement; 2] {
    fn one<E: EntityTrait>(snippet: E::Column, ended: SimpleExpr) -> SelectStatement {
        E::find()
            .select_only()
            .column(snippet)
            .distinct()
            .filter(ended)
            .into_query()
    }
    let word = finish.as_str();
    let ended = |column: SimpleExpr| if is { column.eq(word) } else { column.ne(word) };
    [
        one::<Entity>(Column::SnippetId, ended(Expr::col("finish"))),
        one::<filter_candidate::Entity>(
            filter_candidate::Column::SnippetId,
            ended(Expr::col("finish")),
        ),
    ]
}

/// Reads the completions of snippets by key.
pub(crate) async fn completions<C: ConnectionTrait>(
    connection: &C,
    ids: &[i64],
) -> Result<HashMap<i64, String>, StoreError> {
    let mut keys = ids.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut found = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let select = snippet::Entity::find()
            .select_only()
            .columns([snippet::Column::Id, snippet::Column::Completion])
            .filter(snippet::Column::Id.is_in(chunk.iter().copied()))
            .into_query();
        for row in connection.query_all(&select).await? {
            found.insert(row.try_get("", "id")?, row.try_get("", "completion")?);
        }
    }
    Ok(found)
}

async fn find_sampler<C: ConnectionTrait>(
    connection: &C,
    sampler: &Sampler,
) -> Result<Option<i64>, StoreError> {
    let (_, hash) = sampler.words()?;
    let found = sampler::Entity::find()
        .filter(sampler::Column::Hash.eq(hash.bytes().to_vec()))
        .one(connection)
        .await?;
    Ok(found.map(|row| row.id))
}

/// Stores a sampler if it is new, and holds it until the transaction ends, so that two processes
/// that draw from it store their draws one after the other.
async fn hold_sampler(tx: &DatabaseTransaction, new: &Sampler) -> Result<i64, StoreError> {
    let (sampling, hash) = new.words()?;
    let key = hash.bytes().to_vec();
    let row = sampler::ActiveModel {
        hash: Set(key.clone()),
        generator: Set(new.generator.clone()),
        sampling: Set(sampling),
        created: Set(now()),
        ..Default::default()
    };
    batch::insert_unless_taken(
        tx,
        vec![row],
        [sampler::Column::Hash],
        [sampler::Column::Id],
    )
    .await?;
    let held = sampler::Entity::find()
        .filter(sampler::Column::Hash.eq(key))
        .lock_exclusive()
        .one(tx)
        .await?;
    held.map(|row| row.id).ok_or_else(|| StoreError::NotFound {
        what: "sampler",
        id: new.generator.clone(),
    })
}

/// Stores draws within a transaction.
async fn put(
    tx: &DatabaseTransaction,
    run: Option<RunId>,
    sampler: &Sampler,
    draws: &[NewGeneration],
) -> Result<StoredGenerations, StoreError> {
    let mut report = StoredGenerations::default();
    if draws.is_empty() {
        return Ok(report);
    }
    let held = hold_sampler(tx, sampler).await?;
    let ids: Vec<i64> = draws.iter().map(|new| new.prompt.0).collect();
    let prompts = prompts::by_id(tx, &ids).await?;
    let mut stored = stored_draws(tx, held, &ids).await?;
    let mut fresh: Vec<&NewGeneration> = Vec::new();
    let mut new_snippets = Vec::new();
    for new in draws {
        let prompt = prompts
            .get(&new.prompt.0)
            .ok_or_else(|| StoreError::NotFound {
                what: "prompt",
                id: new.prompt.to_string(),
            })?;
        let text = SnippetText::new(prompt.text.clone(), new.draw.completion.clone());
        let hash = text.hash();
        match stored.insert((new.prompt.0, i64::from(new.draw.draw)), hash) {
            None => {
                fresh.push(new);
                new_snippets.push(NewSnippet {
                    origin: Origin::Generate,
                    ..NewSnippet::imported(text, sampler.generator.clone())
                });
            }
            Some(before) if before == hash => report.duplicate += 1,
            Some(before) => {
                stored.insert((new.prompt.0, i64::from(new.draw.draw)), before);
                report.differing.push((new.prompt, new.draw.draw));
            }
        }
    }
    let inserted = snippets::put(tx, &new_snippets, Bringer { import: None, run }).await?;
    let rows = fresh
        .iter()
        .zip(inserted.ids())
        .map(|(new, id)| row_of(held, run, new, id));
    batch::insert_all::<Entity, _>(tx, rows.collect::<Result<_, _>>()?).await?;
    report.new = fresh.len();
    Ok(report)
}

fn row_of(
    sampler: i64,
    run: Option<RunId>,
    new: &NewGeneration,
    snippet: SnippetId,
) -> Result<generation::ActiveModel, StoreError> {
    Ok(generation::ActiveModel {
        sampler_id: Set(sampler),
        prompt_id: Set(new.prompt.0),
        draw: Set(new.draw.draw.into()),
        snippet_id: Set(snippet.0),
        finish: Set(new.draw.finish.as_str().to_owned()),
        tokens: Set(signed(0, "tokens", new.draw.tokens)?),
        run_id: Set(run.map(|run| run.0)),
        created: Set(now()),
        ..Default::default()
    })
}

/// Stores draws whose snippets are stored already, unless the draw is taken: what a filter looked
/// at. A filter's candidates are kept with its answer whatever the draw was before.
pub(crate) async fn put_drawn(
    tx: &DatabaseTransaction,
    run: RunId,
    sampler: &Sampler,
    drawn: &[(NewGeneration, SnippetId)],
) -> Result<(), StoreError> {
    let held = hold_sampler(tx, sampler).await?;
    // One statement must not meet one draw twice.
    let mut rows = BTreeMap::new();
    for (new, snippet) in drawn {
        let row = row_of(held, Some(run), new, *snippet)?;
        rows.entry((new.prompt, new.draw.draw)).or_insert(row);
    }
    let unique = [Column::SamplerId, Column::PromptId, Column::Draw];
    let rows = rows.into_values().collect();
    batch::insert_unless_taken(tx, rows, unique, [Column::Id]).await?;
    Ok(())
}

/// Finds what is stored for prompts: which snippet each draw made.
async fn stored_draws(
    tx: &DatabaseTransaction,
    sampler: i64,
    prompts: &[i64],
) -> Result<HashMap<(i64, i64), ContentHash>, StoreError> {
    let mut keys = prompts.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut stored = HashMap::new();
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let to_snippet = Entity::belongs_to(snippet::Entity)
            .from(Column::SnippetId)
            .to(snippet::Column::Id);
        let select = Entity::find()
            .select_only()
            .columns([Column::PromptId, Column::Draw])
            .column(snippet::Column::Hash)
            .join(JoinType::InnerJoin, to_snippet.into())
            .filter(Column::SamplerId.eq(sampler))
            .filter(Column::PromptId.is_in(chunk.iter().copied()))
            .into_query();
        for row in tx.query_all(&select).await? {
            let key = (row.try_get("", "prompt_id")?, row.try_get("", "draw")?);
            stored.insert(key, batch::hash_in(&row, "hash")?);
        }
    }
    Ok(stored)
}
