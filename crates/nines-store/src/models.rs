//! Model versions: bases, classifiers, ensembles of them, generators, measures of unfamiliarity. A version is never overwritten.

mod ensembles;

pub use ensembles::NewEnsemble;

use crate::entity::model::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, from_word, json, refuse_nul, unsigned};
use jiff::Timestamp;
use nines_domain::ensemble::EnsembleRecord;
use nines_domain::snippet::{ModelId, RunId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, SqlErr,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// What classifiers are trained from.
    Base,
    /// Scores snippets: a trained classifier, or an ensemble of such ([`Model::ensemble`]). They share one
    /// set of names, and one may stand wherever the other does.
    Classifier,
    /// Proposes completions.
    Generator,
    /// Says how unfamiliar a snippet is.
    Unfamiliarity,
}

impl ModelKind {
    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Classifier => "classifier",
            Self::Generator => "generator",
            Self::Unfamiliarity => "unfamiliarity",
        }
    }
}

/// A model version to store. Its version number is the next free one of its kind and name.
#[derive(Debug, Clone, PartialEq)]
pub struct NewModel {
    /// What it is for.
    pub kind: ModelKind,
    /// Its name, shared by its versions.
    pub name: String,
    /// Where its files are: relative to the project, or `cache:` with a name in the model cache.
    pub path: String,
    /// The digest of its files.
    pub digest: String,
    /// How it was made; `null` for nothing.
    pub config: Value,
    /// How well it did, known when it is stored; `null` for nothing.
    pub metrics: Value,
    /// The model it was made from.
    pub parent: Option<ModelId>,
    /// The run that made it.
    pub run: Option<RunId>,
}

/// A stored model version.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its key.
    pub id: ModelId,
    /// What it is for.
    pub kind: ModelKind,
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// Where its files are.
    pub path: String,
    /// The digest of its files.
    pub digest: String,
    /// How it was made.
    pub config: Value,
    /// How well it did.
    pub metrics: Value,
    /// The model it was made from.
    pub parent: Option<ModelId>,
    /// The run that made it.
    pub run: Option<RunId>,
    /// When it was stored.
    pub created: Timestamp,
    /// What it is made of, where it is an ensemble; `config` holds the same.
    pub ensemble: Option<EnsembleRecord>,
}

impl Model {
    /// Returns the name with the version, such as `injury v3`.
    pub fn label(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }
}

impl NewModel {
    fn check(&self) -> Result<(), StoreError> {
        refuse_nul(0, "name", &self.name)?;
        refuse_nul(0, "path", &self.path)?;
        refuse_nul(0, "digest", &self.digest)
    }
}

impl Store {
    /// Stores a new model version.
    ///
    /// # Errors
    /// [`StoreError::Nul`], [`StoreError::Taken`] for a classifier under an ensemble's name, and those of
    /// writing.
    pub async fn insert_model(&self, new: &NewModel) -> Result<Model, StoreError> {
        new.check()?;
        in_transaction!(self.connection, |tx| {
            let newest = named(new.kind, &new.name).one(tx).await?;
            let newest = newest.map(read).transpose()?;
            if newest
                .as_ref()
                .is_some_and(|model| model.ensemble.is_some())
            {
                return Err(StoreError::Taken {
                    what: "an ensemble",
                    name: new.name.clone(),
                });
            }
            put(tx, new, newest.map(|model| i64::from(model.version))).await
        })
    }

    /// Returns the newest version with this kind, name and digest, and stores one if there is
    /// none: for models that come from outside and are met again in every run.
    ///
    /// # Errors
    /// [`StoreError::Nul`] and those of writing.
    pub async fn ensure_model(&self, new: &NewModel) -> Result<Model, StoreError> {
        new.check()?;
        in_transaction!(self.connection, |tx| {
            // One look decides both whether it is there and its number: between two, another
            // process could store it under the number that the second look finds taken.
            let mut versions = named(new.kind, &new.name).all(tx).await?;
            match versions.iter().position(|row| row.digest == new.digest) {
                Some(at) => read(versions.swap_remove(at)),
                None => put(tx, new, versions.first().map(|newest| newest.version)).await,
            }
        })
    }

    /// Returns a model by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn model(&self, id: ModelId) -> Result<Model, StoreError> {
        let found = Entity::find_by_id(id.0).one(&self.connection).await?;
        found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "model",
            id: id.to_string(),
        })
    }

    /// Returns the newest model of a kind, under a name if one is given.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn latest_model(
        &self,
        kind: ModelKind,
        name: Option<&str>,
    ) -> Result<Option<Model>, StoreError> {
        let found = match name {
            Some(name) => named(kind, name).one(&self.connection).await?,
            None => {
                Entity::find()
                    .filter(Column::Kind.eq(kind.as_str()))
                    .order_by_desc(Column::Id)
                    .one(&self.connection)
                    .await?
            }
        };
        found.map(read).transpose()
    }

    /// Returns a model by kind, name and version.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn model_version(
        &self,
        kind: ModelKind,
        name: &str,
        version: u32,
    ) -> Result<Option<Model>, StoreError> {
        let found = named(kind, name)
            .filter(Column::Version.eq(i64::from(version)))
            .one(&self.connection)
            .await?;
        found.map(read).transpose()
    }

    /// Lists models, oldest first, of one kind or of all.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn models(&self, kind: Option<ModelKind>) -> Result<Vec<Model>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if let Some(kind) = kind {
            select = select.filter(Column::Kind.eq(kind.as_str()));
        }
        select
            .all(&self.connection)
            .await?
            .into_iter()
            .map(read)
            .collect()
    }
}

/// The versions of a name, newest first.
fn named(kind: ModelKind, name: &str) -> sea_orm::Select<Entity> {
    Entity::find()
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::Name.eq(name))
        .order_by_desc(Column::Version)
}

/// Stores the version after the newest one.
async fn put(
    tx: &DatabaseTransaction,
    new: &NewModel,
    newest: Option<i64>,
) -> Result<Model, StoreError> {
    let row = ActiveModel {
        kind: Set(new.kind.as_str().to_owned()),
        name: Set(new.name.clone()),
        version: Set(newest.map_or(1, |version| version + 1)),
        path: Set(new.path.clone()),
        digest: Set(new.digest.clone()),
        config: Set(json(0, "config", &new.config)?),
        metrics: Set(json(0, "metrics", &new.metrics)?),
        parent_id: Set(new.parent.map(|id| id.0)),
        run_id: Set(new.run.map(|id| id.0)),
        created: Set(now()),
        ..Default::default()
    };
    let stored = row
        .insert(tx)
        .await
        .map_err(|source| match source.sql_err() {
            // Another process took the number at the same moment: the next try sees its model.
            Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Busy {
                attempts: 1,
                source,
            },
            _ => StoreError::from(source),
        })?;
    read(stored)
}

fn read(row: model::Model) -> Result<Model, StoreError> {
    let place = |column| Place {
        table: "models",
        id: row.id,
        column,
    };
    let kind = from_word(place("kind"), &row.kind)?;
    let config: Value = from_json(place("config"), &row.config)?;
    let ensemble = match config.get(ensembles::MEMBERS_KEY) {
        Some(_) if kind == ModelKind::Classifier => Some(from_json(place("config"), &row.config)?),
        _ => None,
    };
    Ok(Model {
        id: ModelId(row.id),
        kind,
        version: unsigned(place("version"), row.version)?,
        config,
        ensemble,
        metrics: from_json(place("metrics"), &row.metrics)?,
        name: row.name,
        path: row.path,
        digest: row.digest,
        parent: row.parent_id.map(ModelId),
        run: row.run_id.map(RunId),
        created: moment(row.created),
    })
}
