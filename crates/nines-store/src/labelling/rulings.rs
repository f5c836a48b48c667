//! Rulings: edge cases that labellers ask about, and what researchers answer.

use super::{check_note, not_found};
use crate::entity::ruling::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, unsigned};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::snippet::SnippetId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

/// A question to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRuling {
    /// The snippet that raised it.
    pub snippet: Option<SnippetId>,
    /// Who asks.
    pub asked_by: AccountId,
    /// What.
    pub question: String,
}

/// A stored question with its answer, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Its key.
    pub id: i64,
    /// What is asked.
    pub new: NewRuling,
    /// What was answered.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<AccountId>,
    /// The version of the guide at that time.
    pub guide_version: Option<u32>,
    /// When it was asked.
    pub created: Timestamp,
    /// When it was answered last.
    pub answered: Option<Timestamp>,
}

impl Store {
    /// Stores a question.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a text that is empty or too long, [`StoreError::Dangling`], and
    /// those of writing.
    pub async fn insert_ruling(&self, new: &NewRuling) -> Result<Ruling, StoreError> {
        check_note("question", &new.question)?;
        in_transaction!(self.connection, |tx| {
            let row = ActiveModel {
                snippet_id: Set(new.snippet.map(|snippet| snippet.0)),
                asked_by: Set(new.asked_by.0),
                question: Set(new.question.clone()),
                created: Set(now()),
                ..Default::default()
            };
            read(row.insert(tx).await?)
        })
    }

    /// Answers a question, or answers it anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::BadValue`], and those of writing.
    pub async fn answer_ruling(
        &self,
        id: i64,
        answer: &str,
        by: AccountId,
        guide_version: Option<u32>,
    ) -> Result<Ruling, StoreError> {
        check_note("answer", answer)?;
        in_transaction!(self.connection, |tx| {
            let found = Entity::find_by_id(id).one(tx).await?;
            found.ok_or_else(|| not_found("ruling", id))?;
            let change = ActiveModel {
                id: Set(id),
                answer: Set(Some(answer.to_owned())),
                answered_by: Set(Some(by.0)),
                guide_version: Set(guide_version.map(i64::from)),
                answered: Set(Some(now())),
                ..Default::default()
            };
            read(change.update(tx).await?)
        })
    }

    /// Lists questions after a key, oldest first, up to `limit`.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rulings(&self, after: Option<i64>, limit: u64) -> Result<Vec<Ruling>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Id.gt(after.unwrap_or(i64::MIN)))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Model) -> Result<Ruling, StoreError> {
    let place = Place {
        table: "rulings",
        id: row.id,
        column: "guide_version",
    };
    let version = row.guide_version.map(|version| unsigned(place, version));
    Ok(Ruling {
        id: row.id,
        new: NewRuling {
            snippet: row.snippet_id.map(SnippetId),
            asked_by: AccountId(row.asked_by),
            question: row.question,
        },
        answer: row.answer,
        answered_by: row.answered_by.map(AccountId),
        guide_version: version.transpose()?,
        created: moment(row.created),
        answered: row.answered.map(moment),
    })
}
