//! Attempts of automatic attacks: what was tried on which start, what it cost, and every find. An attempt
//! is stored whole or not at all, so that a run that was killed is taken up where it was.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::attack_attempt::{ActiveModel, Column, Entity, Model};
use crate::entity::{attack_find, prompt, snippet};
use crate::error::StoreError;
use crate::labelling::attacks::{authors_of, queue_finds};
use crate::labels;
use crate::snippets::{self, Bringer, NewSnippet, Origin};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, from_word, json, refuse_nul, signed, unsigned};
use nines_domain::label::{Label, LabellerKind};
use nines_domain::snippet::{ContentHash, ModelId, RunId, SnippetId};
use nines_domain::verification::said_by_others;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    EntityTrait, ModelTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::json as object;
use std::collections::{BTreeSet, HashMap, HashSet};

mod shapes;

pub use shapes::{
    AttackAttempt, AttackFind, AttackOutcome, AttackStart, NewAttackAttempt, NewAttackFind,
};

impl Store {
    /// Stores an attempt with its start, its finds, and their places in the queue of attack successes, in
    /// one transaction. An attempt that is stored already under its run and position stays as it is, but for
    /// one that a failing model or judge ended: this one takes its place. Returns whether it was stored.
    ///
    /// A find is a child of the start, and so in its family; one whose prompt is stored in another family
    /// stays there, as no child. A find that people have settled already is not asked for again.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for numbers that are none and for finds that do not fit the outcome,
    /// [`StoreError::Dangling`], [`StoreError::Nul`], and those of writing; nothing is stored then.
    pub async fn insert_attack_attempt(
        &self,
        run: RunId,
        new: &NewAttackAttempt,
    ) -> Result<bool, StoreError> {
        new.check()?;
        let detail = json(0, "detail", &new.detail)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| put(tx, run, new, &detail).await)
    }

    /// Returns which starts of a run have been attempted: what a resumed run need not attempt again. Broken
    /// attempts are not among them, since they say nothing of the attack.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn attempted_positions(&self, run: RunId) -> Result<BTreeSet<u64>, StoreError> {
        let select = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Position])
            .filter(Column::RunId.eq(run.0))
            .filter(Column::Outcome.ne(AttackOutcome::Broken.as_str()))
            .into_query();
        let mut positions = BTreeSet::new();
        for row in self.connection.query_all(&select).await? {
            let place = Place {
                table: "attack_attempts",
                id: row.try_get("", "id")?,
                column: "position",
            };
            positions.insert(unsigned(place, row.try_get("", "position")?)?);
        }
        Ok(positions)
    }

    /// Lists the attempts of some runs, run after run and in the order of their starts, with their finds
    /// and the labels that those have now.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn attack_attempts(&self, runs: &[RunId]) -> Result<Vec<AttackAttempt>, StoreError> {
        let mut rows = Vec::new();
        for chunk in runs.chunks(KEYS_PER_STATEMENT) {
            let of_runs = Entity::find()
                .filter(Column::RunId.is_in(chunk.iter().map(|run| run.0)))
                .order_by_asc(Column::RunId)
                .order_by_asc(Column::Position);
            rows.extend(of_runs.all(&self.connection).await?);
        }
        let mut finds = self.finds_of(&rows).await?;
        rows.into_iter()
            .map(|row| {
                let finds = finds.remove(&row.id).unwrap_or_default();
                read(row, finds)
            })
            .collect()
    }

    async fn finds_of(
        &self,
        attempts: &[Model],
    ) -> Result<HashMap<i64, Vec<AttackFind>>, StoreError> {
        let judges: HashMap<i64, Option<&str>> = attempts
            .iter()
            .map(|row| (row.id, row.judge.as_deref()))
            .collect();
        let keys: Vec<i64> = attempts.iter().map(|row| row.id).collect();
        let mut rows = Vec::new();
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            let of_attempts = attack_find::Entity::find()
                .filter(attack_find::Column::AttemptId.is_in(chunk.iter().copied()))
                .order_by_asc(attack_find::Column::AttemptId)
                .order_by_asc(attack_find::Column::Position);
            rows.extend(of_attempts.all(&self.connection).await?);
        }
        let mut snippets: Vec<i64> = rows.iter().map(|row| row.snippet_id).collect();
        snippets.sort_unstable();
        snippets.dedup();
        let labels = labels::of_snippets(&self.connection, &snippets).await?;
        let people = authors_of(&self.connection, &snippets).await?;
        let mut finds: HashMap<i64, Vec<AttackFind>> = HashMap::new();
        for row in rows {
            let said = labels.get(&row.snippet_id).map_or(&[][..], Vec::as_slice);
            let judge = judges.get(&row.attempt_id).copied().flatten();
            let people = people.get(&row.snippet_id).into_iter().flatten();
            finds.entry(row.attempt_id).or_default().push(AttackFind {
                snippet: SnippetId(row.snippet_id),
                score: row.score,
                log_weight: row.log_weight,
                labels: said.iter().map(|stored| stored.label.clone()).collect(),
                authors: judge
                    .map(str::to_owned)
                    .into_iter()
                    .chain(people.cloned())
                    .collect(),
            });
        }
        Ok(finds)
    }
}

async fn put(
    tx: &DatabaseTransaction,
    run: RunId,
    new: &NewAttackAttempt,
    detail: &str,
) -> Result<bool, StoreError> {
    let position = signed(0, "position", new.position)?;
    let there = Entity::find()
        .filter(Column::RunId.eq(run.0))
        .filter(Column::Position.eq(position))
        .one(tx)
        .await?;
    match there {
        // It has no finds.
        Some(broken) if broken.outcome == AttackOutcome::Broken.as_str() => {
            broken.delete(tx).await?;
        }
        Some(_) => return Ok(false),
        None => {}
    }
    let start = start_of(tx, run, &new.start).await?;
    let row = ActiveModel {
        run_id: Set(run.0),
        position: Set(position),
        recipe: Set(new.recipe.clone()),
        model_id: Set(new.model.0),
        start_snippet_id: Set(start.id),
        outcome: Set(new.outcome.as_str().to_owned()),
        why: Set(new.why.clone()),
        judge: Set(new.judge.clone()),
        start_score: Set(new.start_score.map(positive_zero)),
        score: Set(new.score.map(positive_zero)),
        threshold: Set(positive_zero(new.threshold)),
        queries: Set(signed(0, "queries", new.queries)?),
        scored: Set(signed(0, "scored", new.scored)?),
        seconds: Set(positive_zero(new.seconds)),
        words: Set(signed(0, "words", new.words)?),
        words_changed: Set(new
            .words_changed
            .map(|words| signed(0, "words_changed", words))
            .transpose()?),
        // The bits of the seed: both databases have signed numbers only.
        seed: Set(new.seed as i64),
        detail: Set(detail.to_owned()),
        created: Set(now()),
        ..Default::default()
    };
    let attempt = row.insert(tx).await?.id;
    put_finds(tx, run, new, &start, attempt).await?;
    Ok(true)
}

/// What is known of a start once it is stored.
struct Start {
    id: Option<i64>,
    hash: Option<ContentHash>,
    family: ContentHash,
}

async fn start_of(
    tx: &DatabaseTransaction,
    run: RunId,
    start: &AttackStart,
) -> Result<Start, StoreError> {
    let id = match start {
        AttackStart::Stored(id) => *id,
        AttackStart::New(new) => {
            let inserted = snippets::put(tx, std::slice::from_ref(new), by(run)).await?;
            let first = inserted.ids().next();
            first.ok_or_else(|| missing(new.text.hash().to_string()))?
        }
        AttackStart::Prompt(text) => {
            refuse_nul(0, "prompt", text)?;
            let hash = ContentHash::of_prompt(text);
            let families = families_of(tx, &[hash]).await?;
            return Ok(Start {
                id: None,
                hash: None,
                family: families.get(&hash).copied().unwrap_or(hash),
            });
        }
    };
    let found = snippet::Entity::find_by_id(id.0).one(tx).await?;
    let row = found.ok_or_else(|| missing(id.to_string()))?;
    let prompt = prompt::Entity::find_by_id(row.prompt_id).one(tx).await?;
    let prompt = prompt.ok_or_else(|| missing(id.to_string()))?;
    Ok(Start {
        id: Some(row.id),
        hash: Some(batch::to_hash(&row.hash)?),
        family: batch::to_hash(&prompt.family)?,
    })
}

fn missing(id: String) -> StoreError {
    StoreError::NotFound {
        what: "snippet",
        id,
    }
}

fn by(run: RunId) -> Bringer {
    Bringer {
        import: None,
        run: Some(run),
    }
}

async fn put_finds(
    tx: &DatabaseTransaction,
    run: RunId,
    new: &NewAttackAttempt,
    start: &Start,
    attempt: i64,
) -> Result<(), StoreError> {
    if new.finds.is_empty() {
        return Ok(());
    }
    let prompts: Vec<ContentHash> = new
        .finds
        .iter()
        .map(|find| ContentHash::of_prompt(&find.text.prompt))
        .collect();
    let families = families_of(tx, &prompts).await?;
    let snippets: Vec<NewSnippet> = new
        .finds
        .iter()
        .zip(&prompts)
        .map(|(find, prompt)| {
            // A prompt that is stored stays in its family, also where an attack came upon it.
            let joins = families.get(prompt).is_none_or(|is| *is == start.family);
            // A start that an attack left as it was is not its own child.
            let parent = start.hash.filter(|hash| joins && *hash != find.text.hash());
            NewSnippet {
                text: find.text.clone(),
                prompt_family: (joins && parent.is_none()).then_some(start.family),
                parent,
                origin: Origin::Attack,
                source: format!("attack {}", new.recipe),
                meta: object!({ "recipe": new.recipe, "run": run }),
            }
        })
        .collect();
    let ids: Vec<SnippetId> = snippets::put(tx, &snippets, by(run)).await?.ids().collect();
    let rows = ids
        .iter()
        .zip(&new.finds)
        .enumerate()
        .map(|(position, (id, find))| {
            Ok(attack_find::ActiveModel {
                attempt_id: Set(attempt),
                position: Set(signed(0, "position", position)?),
                snippet_id: Set(id.0),
                score: Set(positive_zero(find.score)),
                log_weight: Set(find.log_weight.map(positive_zero)),
                ..Default::default()
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    batch::insert_all::<attack_find::Entity, _>(tx, rows).await?;
    let settled = settled_by_people(tx, &ids).await?;
    let mut met = HashSet::new();
    let asked: Vec<SnippetId> = ids
        .into_iter()
        .zip(&new.finds)
        .filter(|(id, find)| find.queued && !settled.contains(&id.0) && met.insert(*id))
        .map(|(id, _)| id)
        .collect();
    if !asked.is_empty() {
        queue_finds(tx, &asked).await?;
    }
    Ok(())
}

/// Finds the families of prompts that are stored.
async fn families_of(
    tx: &DatabaseTransaction,
    prompts: &[ContentHash],
) -> Result<HashMap<ContentHash, ContentHash>, StoreError> {
    use prompt::Column;
    let wanted = [Column::Hash, Column::Family];
    let rows = batch::find_by_hash::<prompt::Entity, _, 2>(tx, Column::Hash, prompts, wanted);
    let mut families = HashMap::new();
    for row in rows.await? {
        let hash = batch::hash_in(&row, "hash")?;
        families.insert(hash, batch::hash_in(&row, "family")?);
    }
    Ok(families)
}

/// Finds the snippets of which people have said enough already.
async fn settled_by_people(
    tx: &DatabaseTransaction,
    ids: &[SnippetId],
) -> Result<HashSet<i64>, StoreError> {
    let mut keys: Vec<i64> = ids.iter().map(|id| id.0).collect();
    keys.sort_unstable();
    keys.dedup();
    let authors = authors_of(tx, &keys).await?;
    let labels = labels::of_snippets(tx, &keys).await?;
    let settled = labels.into_iter().filter(|(id, said)| {
        let authors = authors.get(id).into_iter().flatten();
        let authors: Vec<&str> = authors.map(String::as_str).collect();
        let labels: Vec<Label> = said.iter().map(|stored| stored.label.clone()).collect();
        said_by_others(&labels, LabellerKind::Person, &authors)
            .is_some_and(|said| !said.needs_another)
    });
    Ok(settled.map(|(id, _)| id).collect())
}

/// The databases know one zero.
fn positive_zero(x: f64) -> f64 {
    x + 0.0
}

fn read(row: Model, finds: Vec<AttackFind>) -> Result<AttackAttempt, StoreError> {
    let place = |column| Place {
        table: "attack_attempts",
        id: row.id,
        column,
    };
    Ok(AttackAttempt {
        id: row.id,
        run: RunId(row.run_id),
        position: unsigned(place("position"), row.position)?,
        model: ModelId(row.model_id),
        start: row.start_snippet_id.map(SnippetId),
        outcome: from_word(place("outcome"), &row.outcome)?,
        start_score: row.start_score,
        score: row.score,
        threshold: row.threshold,
        queries: unsigned(place("queries"), row.queries)?,
        scored: unsigned(place("scored"), row.scored)?,
        seconds: row.seconds,
        words: unsigned(place("words"), row.words)?,
        words_changed: row
            .words_changed
            .map(|words| unsigned(place("words_changed"), words))
            .transpose()?,
        seed: row.seed as u64,
        detail: from_json(place("detail"), &row.detail)?,
        created: moment(row.created),
        recipe: row.recipe,
        why: row.why,
        judge: row.judge,
        finds,
    })
}
