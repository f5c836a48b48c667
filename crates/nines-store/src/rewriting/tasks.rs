//! Tasks: which classifier to break, from which starts, with or without the tools.

use super::finds::{standings_of, verifications};
use super::not_found;
use crate::batch;
use crate::entity::rewriting_task::{ActiveModel, Column, Entity, Model};
use crate::entity::{rewriting_session, rewriting_start};
use crate::error::StoreError;
use crate::labels;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, from_word, json, refuse_nul};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ModelId, SnippetId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// Characters of the longest name of a task.
const LONGEST_NAME: usize = 200;
/// Starts of the largest task.
const MOST_STARTS: usize = 10_000;

/// Whether the sessions of a task have saliency, substitutes and inspiration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tools {
    /// All have.
    On,
    /// None has: the unaided attack.
    Off,
    /// A coin that the task's seed tosses says so, for each person about half of the time.
    Random,
}

impl Tools {
    /// Returns the word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Random => "random",
        }
    }
}

/// A task to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRewritingTask {
    /// Its name.
    pub name: String,
    /// The classifier under attack.
    pub model: ModelId,
    /// The path by which scores are computed.
    pub path: String,
    /// What a find's score must lie below.
    pub threshold: Threshold,
    /// Whether the tools are there.
    pub tools: Tools,
    /// What tosses the coins.
    pub seed: u64,
    /// How the starts were chosen.
    pub record: Value,
    /// The starts with their scores, none of them below the threshold.
    pub starts: Vec<(SnippetId, Score)>,
    /// Who makes it.
    pub created_by: Option<AccountId>,
}

/// A stored task.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingTask {
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The classifier under attack.
    pub model: ModelId,
    /// The path by which scores are computed.
    pub path: String,
    /// What a find's score must lie below.
    pub threshold: Threshold,
    /// Whether the tools are there.
    pub tools: Tools,
    /// What tosses the coins.
    pub seed: u64,
    /// How the starts were chosen.
    pub record: Value,
    /// Whether sessions may begin.
    pub open: bool,
    /// Who made it.
    pub created_by: Option<AccountId>,
    /// When.
    pub created: Timestamp,
}

/// What is to change about a task; what is left empty stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RewritingTaskChange {
    /// Whether sessions may begin.
    pub open: Option<bool>,
    /// Its name.
    pub name: Option<String>,
}

/// A task as one account sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingTaskRow {
    /// The task.
    pub task: RewritingTask,
    /// How many starts it has.
    pub starts: u64,
    /// How many sessions of it this account has ended.
    pub done_by_me: u64,
    /// How many of its starts this account has not had.
    pub waiting_for_me: u64,
    /// How many sessions all have begun.
    pub sessions: u64,
    /// How many of them ended with a find.
    pub finds: u64,
    /// How many finds somebody else has verified.
    pub verified: u64,
}

impl Store {
    /// Stores a task with its starts in one transaction; a start that is listed twice is one.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a name out of bounds, for no starts or too many, and for a start
    /// whose score lies below the threshold already; [`StoreError::UnknownSnippet`],
    /// [`StoreError::Dangling`], [`StoreError::Nul`], and those of writing.
    pub async fn insert_rewriting_task(
        &self,
        new: &NewRewritingTask,
    ) -> Result<RewritingTask, StoreError> {
        check_name(&new.name)?;
        refuse_nul(0, "path", &new.path)?;
        let record = json(0, "record", &new.record)?;
        let mut starts = new.starts.clone();
        let mut met = std::collections::HashSet::new();
        starts.retain(|(snippet, _)| met.insert(*snippet));
        if starts.is_empty() || starts.len() > MOST_STARTS {
            return Err(wrong(
                0,
                "starts",
                format!("are {}; a task has 1 to {MOST_STARTS}", starts.len()),
            ));
        }
        for (row, (snippet, score)) in starts.iter().enumerate() {
            if new.threshold.accepts(*score) {
                return Err(wrong(
                    row,
                    "starts",
                    format!("name snippet {snippet}, which passes already"),
                ));
            }
        }
        in_transaction!(self.connection, |tx| {
            let mut keys: Vec<i64> = starts.iter().map(|(snippet, _)| snippet.0).collect();
            keys.sort_unstable();
            let there = labels::lock(tx, &keys).await?;
            let unknown = |(_, (snippet, _)): &(usize, &(SnippetId, Score))| {
                there.binary_search(&snippet.0).is_err()
            };
            if let Some((row, (snippet, _))) = starts.iter().enumerate().find(unknown) {
                return Err(StoreError::UnknownSnippet {
                    row,
                    snippet: snippet.to_string(),
                });
            }
            let row = ActiveModel {
                name: Set(new.name.clone()),
                model_id: Set(new.model.0),
                path: Set(new.path.clone()),
                threshold: Set(new.threshold.logit()),
                tools: Set(new.tools.as_str().to_owned()),
                seed: Set(new.seed.to_string()),
                record: Set(record.clone()),
                open: Set(true),
                created_by: Set(new.created_by.map(|by| by.0)),
                created: Set(now()),
                ..Default::default()
            };
            let task = row.insert(tx).await?;
            let rows = starts.iter().zip(0..).map(|((snippet, score), position)| {
                rewriting_start::ActiveModel {
                    task_id: Set(task.id),
                    position: Set(position),
                    snippet_id: Set(snippet.0),
                    score: Set(score.logit()),
                    ..Default::default()
                }
            });
            batch::insert_all::<rewriting_start::Entity, _>(tx, rows.collect()).await?;
            read(task)
        })
    }

    /// Returns a task by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn rewriting_task(&self, id: i64) -> Result<RewritingTask, StoreError> {
        let found = Entity::find_by_id(id).one(&self.connection).await?;
        read(found.ok_or_else(|| not_found("rewriting task", id))?)
    }

    /// Lists the tasks as one account sees them, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_tasks_of(
        &self,
        account: AccountId,
        only_open: bool,
    ) -> Result<Vec<RewritingTaskRow>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if only_open {
            select = select.filter(Column::Open.eq(true));
        }
        let tasks = select.all(&self.connection).await?;
        let keys: Vec<i64> = tasks.iter().map(|task| task.id).collect();
        let starts = self.starts_per_task(&keys).await?;
        let rows = standings_of(
            &self.connection,
            rewriting_session::Column::TaskId.is_in(keys),
        )
        .await?;
        let finds = rows.iter().filter_map(|row| row.snippet);
        let verified = verifications(&self.connection, finds).await?;
        tasks
            .into_iter()
            .map(|task| {
                let task = read(task)?;
                let of_task = || rows.iter().filter(|row| row.task == Some(task.id));
                let mine = || of_task().filter(|row| row.account == account.0);
                let starts = starts.get(&task.id).copied().unwrap_or(0);
                let had = mine().filter(|row| row.start.is_some()).count() as u64;
                Ok(RewritingTaskRow {
                    starts,
                    done_by_me: mine().filter(|row| row.is_ended).count() as u64,
                    waiting_for_me: starts.saturating_sub(had),
                    sessions: of_task().count() as u64,
                    finds: of_task().filter(|row| row.snippet.is_some()).count() as u64,
                    verified: of_task()
                        .filter_map(|row| row.snippet)
                        .filter(|find| verified[find].is_verified() == Some(true))
                        .count() as u64,
                    task,
                })
            })
            .collect()
    }

    /// Changes a task.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::BadValue`], and those of writing.
    pub async fn change_rewriting_task(
        &self,
        id: i64,
        change: &RewritingTaskChange,
    ) -> Result<RewritingTask, StoreError> {
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        in_transaction!(self.connection, |tx| {
            let found = Entity::find_by_id(id).one(tx).await?;
            let before = found.ok_or_else(|| not_found("rewriting task", id))?;
            let row = ActiveModel {
                id: Set(id),
                name: Set(change.name.clone().unwrap_or(before.name)),
                open: Set(change.open.unwrap_or(before.open)),
                ..Default::default()
            };
            read(row.update(tx).await?)
        })
    }

    async fn starts_per_task(&self, tasks: &[i64]) -> Result<HashMap<i64, u64>, StoreError> {
        use rewriting_start::Column;
        let select = rewriting_start::Entity::find()
            .select_only()
            .column(Column::TaskId)
            .column_as(Column::Id.count(), "number")
            .filter(Column::TaskId.is_in(tasks.iter().copied()))
            .group_by(Column::TaskId)
            .into_query();
        let mut counts = HashMap::new();
        for row in self.connection.query_all(&select).await? {
            let number: i64 = row.try_get("", "number")?;
            counts.insert(row.try_get("", "task_id")?, number.unsigned_abs());
        }
        Ok(counts)
    }
}

fn wrong(row: usize, field: &'static str, why: String) -> StoreError {
    StoreError::BadValue { row, field, why }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    refuse_nul(0, "name", name)?;
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(wrong(
            0,
            "name",
            format!("has 1 to {LONGEST_NAME} characters"),
        ));
    }
    Ok(())
}

pub(super) fn read(row: Model) -> Result<RewritingTask, StoreError> {
    let place = |column| Place {
        table: "rewriting_tasks",
        id: row.id,
        column,
    };
    let threshold = Threshold::new(row.threshold);
    Ok(RewritingTask {
        id: row.id,
        model: ModelId(row.model_id),
        threshold: threshold
            .map_err(|_| place("threshold").unreadable(&row.threshold.to_string()))?,
        tools: from_word(place("tools"), &row.tools)?,
        seed: row
            .seed
            .parse()
            .map_err(|_| place("seed").unreadable(&row.seed))?,
        record: from_json(place("record"), &row.record)?,
        open: row.open,
        created_by: row.created_by.map(AccountId),
        created: moment(row.created),
        name: row.name,
        path: row.path,
    })
}
