//! Versions of the guide: what counts as a catastrophe, as labellers read it.

use super::take_turn;
use crate::entity::guide::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, refuse_nul, unsigned};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};

/// Longest guide, in bytes.
const LONGEST_GUIDE: usize = 200_000;

/// A version of the guide to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGuide {
    /// Its number.
    pub version: u32,
    /// The predicate's name.
    pub name: String,
    /// The whole text, in Markdown.
    pub text: String,
    /// The text's SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// What changed.
    pub note: String,
    /// Who wrote it; none for one that came from the project's folder.
    pub created_by: Option<AccountId>,
}

/// A stored version of the guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    /// What it is.
    pub new: NewGuide,
    /// When it was stored.
    pub created: Timestamp,
}

impl Store {
    /// Stores a version of the guide as it is found in the project's folder, unless that version is
    /// there: then the stored one is returned as it is, whatever the folder says.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for a text that is too long, [`StoreError::Nul`], and those of writing.
    pub async fn ensure_guide(&self, new: &NewGuide) -> Result<Guide, StoreError> {
        check(new)?;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let there = Entity::find()
                .filter(Column::Version.eq(i64::from(new.version)))
                .one(tx)
                .await?;
            match there {
                Some(there) => read(there),
                None => read(row_of(new).insert(tx).await?),
            }
        })
    }

    /// Stores a new version of the guide, which must follow the newest.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where somebody else was quicker, [`StoreError::BadValue`],
    /// [`StoreError::Nul`], and those of writing.
    pub async fn insert_guide(&self, new: &NewGuide) -> Result<Guide, StoreError> {
        check(new)?;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let newest = Entity::find()
                .order_by_desc(Column::Version)
                .one(tx)
                .await?;
            let newest = newest.map_or(0, |row| row.version);
            if i64::from(new.version) != newest + 1 {
                return Err(StoreError::Refused {
                    what: "guide",
                    id: newest,
                    why: "is the newest version by now; read it, then write on from there"
                        .to_owned(),
                });
            }
            read(row_of(new).insert(tx).await?)
        })
    }

    /// Lists all versions of the guide, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn guides(&self) -> Result<Vec<Guide>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Version)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn check(new: &NewGuide) -> Result<(), StoreError> {
    for (field, text) in [
        ("name", &new.name),
        ("text", &new.text),
        ("note", &new.note),
    ] {
        refuse_nul(0, field, text)?;
        if text.len() > LONGEST_GUIDE {
            return Err(StoreError::BadValue {
                row: 0,
                field,
                why: format!("is longer than {LONGEST_GUIDE} bytes"),
            });
        }
    }
    if new.text.trim().is_empty() {
        return Err(StoreError::BadValue {
            row: 0,
            field: "text",
            why: "is empty; labellers need a guide".to_owned(),
        });
    }
    Ok(())
}

fn row_of(new: &NewGuide) -> ActiveModel {
    ActiveModel {
        version: Set(new.version.into()),
        name: Set(new.name.clone()),
        text: Set(new.text.clone()),
        sha256: Set(new.sha256.clone()),
        note: Set(new.note.clone()),
        created_by: Set(new.created_by.map(|by| by.0)),
        created: Set(now()),
        ..Default::default()
    }
}

fn read(row: Model) -> Result<Guide, StoreError> {
    let place = Place {
        table: "guides",
        id: row.id,
        column: "version",
    };
    Ok(Guide {
        new: NewGuide {
            version: unsigned(place, row.version)?,
            name: row.name,
            text: row.text,
            sha256: row.sha256,
            note: row.note,
            created_by: row.created_by.map(AccountId),
        },
        created: moment(row.created),
    })
}
