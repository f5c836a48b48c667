//! Attack sessions: timed attempts to break a filter, those that found nothing included.

use crate::batch;
use crate::entity::attack_session::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul};
use jiff::Timestamp;
use nines_domain::snippet::{ContentHash, ModelId, SnippetId};
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder};
use serde::{Deserialize, Serialize};

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttackerKind {
    /// A human being.
    Person,
    /// A program.
    Algorithm,
}

impl AttackerKind {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Algorithm => "algorithm",
        }
    }
}

/// A session to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAttackSession {
    /// Who attacked.
    pub attacker: String,
    /// A person or an algorithm.
    pub kind: AttackerKind,
    /// What is compared: the filter and the tool, such as `baseline, with tool`.
    pub group: String,
    /// The classifier that was attacked, where it is one of the project.
    pub model: Option<ModelId>,
    /// Active seconds until the find, or until the session ended without one.
    pub seconds: f64,
    /// It ended with a find; otherwise the time is censored.
    pub found: bool,
    /// What was found.
    pub snippet: Option<SnippetId>,
    /// Tells it from another of the same attacker; empty where nothing says.
    ///
    /// A session of which everything is stored already, its occasion and source included, is that
    /// session met again, and adds nothing.
    pub occasion: String,
    /// Where it comes from.
    pub source: String,
}

/// A stored session.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAttackSession {
    /// Its key.
    pub id: i64,
    /// What it is.
    pub session: NewAttackSession,
    /// When it was stored.
    pub created: Timestamp,
}

impl NewAttackSession {
    fn key(&self) -> ContentHash {
        ContentHash::of_fields(
            "attack session",
            &[
                &self.attacker,
                self.kind.as_str(),
                &self.group,
                &self.model.map_or(String::new(), |id| id.to_string()),
                &self.seconds.to_bits().to_string(),
                if self.found { "found" } else { "censored" },
                &self.snippet.map_or(String::new(), |id| id.to_string()),
                &self.occasion,
                &self.source,
            ],
        )
    }

    fn check(&self, row: usize) -> Result<(), StoreError> {
        let wrong = |field, why: &str| StoreError::BadValue {
            row,
            field,
            why: why.to_owned(),
        };
        for (field, text) in [
            ("attacker", &self.attacker),
            ("group", &self.group),
            ("occasion", &self.occasion),
            ("source", &self.source),
        ] {
            refuse_nul(row, field, text)?;
        }
        if self.attacker.is_empty() {
            return Err(wrong("attacker", "is empty; every session has an attacker"));
        }
        if !(self.seconds.is_finite() && self.seconds > 0.0) {
            return Err(wrong("seconds", "is not a finite number above 0"));
        }
        Ok(())
    }
}

impl Store {
    /// Stores sessions in one transaction; one that is stored already adds nothing. Returns how many
    /// are new.
    ///
    /// # Errors
    /// [`StoreError::BadValue`], [`StoreError::Dangling`], [`StoreError::Nul`], and those of
    /// writing; nothing is stored then.
    pub async fn insert_attack_sessions(
        &self,
        new: &[NewAttackSession],
    ) -> Result<usize, StoreError> {
        for (row, session) in new.iter().enumerate() {
            session.check(row)?;
        }
        in_transaction!(self.connection, |tx| {
            let created = now();
            let mut seen = std::collections::HashSet::new();
            let rows = new
                .iter()
                .filter(|session| seen.insert(session.key()))
                .map(|session| ActiveModel {
                    key: Set(session.key().bytes().to_vec()),
                    attacker: Set(session.attacker.clone()),
                    attacker_kind: Set(session.kind.as_str().to_owned()),
                    group: Set(session.group.clone()),
                    model_id: Set(session.model.map(|id| id.0)),
                    seconds: Set(session.seconds),
                    found: Set(session.found),
                    snippet_id: Set(session.snippet.map(|id| id.0)),
                    occasion: Set(session.occasion.clone()),
                    source: Set(session.source.clone()),
                    created: Set(created),
                    ..Default::default()
                })
                .collect();
            let inserted =
                batch::insert_unless_taken(tx, rows, [Column::Key], [Column::Id]).await?;
            Ok(inserted.len())
        })
    }

    /// Lists all sessions, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn attack_sessions(&self) -> Result<Vec<StoredAttackSession>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Model) -> Result<StoredAttackSession, StoreError> {
    let place = |column| Place {
        table: "attack_sessions",
        id: row.id,
        column,
    };
    Ok(StoredAttackSession {
        id: row.id,
        session: NewAttackSession {
            kind: from_word(place("attacker_kind"), &row.attacker_kind)?,
            attacker: row.attacker,
            group: row.group,
            model: row.model_id.map(ModelId),
            seconds: row.seconds,
            found: row.found,
            snippet: row.snippet_id.map(SnippetId),
            occasion: row.occasion,
            source: row.source,
        },
        created: moment(row.created),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_everywhere() {
        for kind in [AttackerKind::Person, AttackerKind::Algorithm] {
            let word = serde_json::to_value(kind).expect("a word");
            assert_eq!(word, kind.as_str());
            assert_eq!(
                serde_json::from_value::<AttackerKind>(word).expect("read"),
                kind
            );
        }
    }
}
