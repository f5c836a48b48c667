//! Ensembles: model versions that are made of others, under names of their own.

use super::{Model, ModelKind, NewModel, named, put, read};
use crate::entity::model::Entity;
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::values::refuse_nul;
use nines_domain::ensemble::{Combine, EnsembleRecord, MEMBERS, Member};
use nines_domain::snippet::{ContentHash, ModelId};
use sea_orm::{DatabaseTransaction, EntityTrait};
use serde_json::{Value, json};

/// The field of a model's configuration that makes it an ensemble.
pub(super) const MEMBERS_KEY: &str = "members";

/// Where an ensemble's files would be: it has none of its own.
const PATH: &str = "ensemble";

/// An ensemble to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEnsemble {
    /// Its name, shared by its versions and by no trained classifier.
    pub name: String,
    /// The classifiers, in their order.
    pub members: Vec<ModelId>,
    /// How their logits become one.
    pub combine: Combine,
    /// How well it did, known when it is stored; `null` for nothing.
    pub metrics: Value,
}

impl Store {
    /// Stores an ensemble as the next version of its name. The newest version is returned where it is the
    /// same already.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for too few or too many members; [`StoreError::Refused`] for one that is there
    /// twice, is no trained classifier, or was trained on another split than the first;
    /// [`StoreError::NotFound`] for one that is not stored; [`StoreError::Taken`] for a trained classifier's name; [`StoreError::Nul`]; and those
    /// of writing.
    pub async fn insert_ensemble(&self, new: &NewEnsemble) -> Result<Model, StoreError> {
        refuse_nul(0, "name", &new.name)?;
        in_transaction!(self.connection, |tx| insert(tx, new).await)
    }

    /// Says whether an ensemble could be stored, and stores nothing: to be asked before anything is computed
    /// for it.
    ///
    /// # Errors
    /// Those of [`Store::insert_ensemble`].
    pub async fn check_ensemble(&self, new: &NewEnsemble) -> Result<(), StoreError> {
        refuse_nul(0, "name", &new.name)?;
        in_transaction!(self.connection, |tx| {
            members(tx, new).await?;
            newest(tx, &new.name).await?;
            Ok(())
        })
    }
}

async fn insert(tx: &DatabaseTransaction, new: &NewEnsemble) -> Result<Model, StoreError> {
    let members = members(tx, new).await?;
    let record = EnsembleRecord {
        members: members
            .iter()
            .map(|model| Member {
                id: model.id,
                label: model.label(),
                digest: model.digest.clone(),
            })
            .collect(),
        combine: new.combine,
    };
    let digests = record.members.iter().map(|member| member.digest.as_str());
    let fields: Vec<&str> = std::iter::once(new.combine.as_str())
        .chain(digests)
        .collect();
    let digest = ContentHash::of_fields("ensemble", &fields).to_string();
    let newest = newest(tx, &new.name).await?;
    if let Some(same) = newest
        .as_ref()
        .filter(|n| n.ensemble.as_ref() == Some(&record))
    {
        return Ok(same.clone());
    }
    let model = NewModel {
        kind: ModelKind::Classifier,
        name: new.name.clone(),
        path: PATH.to_owned(),
        digest,
        config: config(&record, split_seed(&members[0])),
        metrics: new.metrics.clone(),
        parent: None,
        run: None,
    };
    put(tx, &model, newest.map(|model| i64::from(model.version))).await
}

/// Returns the newest version of a name, and refuses the name of trained classifiers.
async fn newest(tx: &DatabaseTransaction, name: &str) -> Result<Option<Model>, StoreError> {
    let newest = named(ModelKind::Classifier, name).one(tx).await?;
    let newest = newest.map(read).transpose()?;
    if newest
        .as_ref()
        .is_some_and(|model| model.ensemble.is_none())
    {
        return Err(StoreError::Taken {
            what: "a classifier",
            name: name.to_owned(),
        });
    }
    Ok(newest)
}

/// What is stored of an ensemble: its record, and the split that all its members share.
fn config(record: &EnsembleRecord, split_seed: Option<u64>) -> Value {
    let mut config = json!(record);
    config["config"] = json!({ "split_seed": split_seed });
    config
}

fn split_seed(model: &Model) -> Option<u64> {
    model.config["config"]["split_seed"].as_u64()
}

/// Reads the members, and refuses those that cannot be one.
async fn members(tx: &DatabaseTransaction, new: &NewEnsemble) -> Result<Vec<Model>, StoreError> {
    let refused = |model: &Model, why: String| StoreError::Refused {
        what: "classifier",
        id: model.id.0,
        why: format!("({}) {why}", model.label()),
    };
    let given = new.members.len();
    if !MEMBERS.contains(&given) {
        let (least, most) = (MEMBERS.start(), MEMBERS.end());
        return Err(StoreError::BadValue {
            row: 0,
            field: "members",
            why: format!("are {given}; an ensemble has {least} to {most}"),
        });
    }
    let mut members: Vec<Model> = Vec::with_capacity(given);
    for id in &new.members {
        let found = Entity::find_by_id(id.0).one(tx).await?;
        let model = found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "model",
            id: id.to_string(),
        })?;
        if model.kind != ModelKind::Classifier {
            let why = format!("is a {}, and scores nothing", model.kind.as_str());
            return Err(refused(&model, why));
        }
        if model.ensemble.is_some() {
            let why = "is an ensemble itself; name its members".to_owned();
            return Err(refused(&model, why));
        }
        if members.iter().any(|other| other.id == model.id) {
            let why = "is there twice; name each member once".to_owned();
            return Err(refused(&model, why));
        }
        if let Some(first) = members.first()
            && split_seed(first) != split_seed(&model)
        {
            let seed = |model: &Model| match split_seed(model) {
                Some(seed) => seed.to_string(),
                None => "one that is unknown".to_owned(),
            };
            let why = format!(
                "was trained under the split seed {}, and {} under {}: few prompts would be held out from both",
                seed(&model),
                first.label(),
                seed(first)
            );
            return Err(refused(&model, why));
        }
        members.push(model);
    }
    Ok(members)
}
