//! Calibrations: thresholds with the rule and the data that chose them. Each is kept; the newest
//! of a classifier counts unless another is named.

use crate::entity::calibration::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul};
use jiff::Timestamp;
use nines_domain::score::Threshold;
use nines_domain::snippet::{CalibrationId, ModelId, RunId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;

/// A calibration to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCalibration {
    /// The classifier.
    pub model: ModelId,
    /// The threshold that the rule chose.
    pub threshold: Threshold,
    /// The rule, such as `recall >= 0.95`.
    pub rule: String,
    /// What it rests on: n, intervals, the distribution it speaks of, the curve.
    pub record: Value,
    /// The run that chose it.
    pub run: Option<RunId>,
}

/// A stored calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Its key.
    pub id: CalibrationId,
    /// The classifier.
    pub model: ModelId,
    /// The threshold that the rule chose.
    pub threshold: Threshold,
    /// The rule.
    pub rule: String,
    /// What it rests on.
    pub record: Value,
    /// The run that chose it.
    pub run: Option<RunId>,
    /// When it was stored.
    pub created: Timestamp,
}

impl Calibration {
    /// Says whether its threshold was chosen together with a second condition, without which it accepts too much.
    pub fn is_cautious(&self) -> bool {
        !self.record["caution"].is_null()
    }
}

impl Store {
    /// Stores a calibration; earlier ones stay.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] for a model that is not stored, [`StoreError::Nul`], and those of
    /// writing.
    pub async fn insert_calibration(
        &self,
        new: &NewCalibration,
    ) -> Result<Calibration, StoreError> {
        refuse_nul(0, "rule", &new.rule)?;
        let record = json(0, "record", &new.record)?;
        in_transaction!(self.connection, |tx| {
            let row = ActiveModel {
                model_id: Set(new.model.0),
                threshold: Set(new.threshold.logit() + 0.0),
                rule: Set(new.rule.clone()),
                record: Set(record.clone()),
                run_id: Set(new.run.map(|run| run.0)),
                created: Set(now()),
                ..Default::default()
            };
            read(row.insert(tx).await?)
        })
    }

    /// Returns a calibration by key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and those of reading.
    pub async fn calibration(&self, id: CalibrationId) -> Result<Calibration, StoreError> {
        let found = Entity::find_by_id(id.0).one(&self.connection).await?;
        found.map(read).transpose()?.ok_or(StoreError::NotFound {
            what: "calibration",
            id: id.to_string(),
        })
    }

    /// Returns the newest calibration of a classifier: the one that counts. Those with a second condition do not.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn latest_calibration(
        &self,
        model: ModelId,
    ) -> Result<Option<Calibration>, StoreError> {
        Ok(self.calibrations(Some(model)).await?.pop())
    }

    /// Lists the calibrations of a classifier that have a second condition, oldest first: their thresholds hold
    /// together with it alone.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn cautious_calibrations(
        &self,
        model: ModelId,
    ) -> Result<Vec<Calibration>, StoreError> {
        let mut found = self.all_calibrations(Some(model)).await?;
        found.retain(Calibration::is_cautious);
        Ok(found)
    }

    /// Lists the keys of a classifier's calibrations, newest first: their records are long, and never
    /// change.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn calibration_ids(&self, model: ModelId) -> Result<Vec<CalibrationId>, StoreError> {
        let select = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ModelId.eq(model.0))
            .order_by_desc(Column::Id)
            .into_query();
        let rows = self.connection.query_all(&select).await?;
        rows.iter()
            .map(|row| Ok(CalibrationId(row.try_get("", "id")?)))
            .collect()
    }

    /// Lists calibrations, oldest first, of one classifier or of all; those with a second condition are apart.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn calibrations(
        &self,
        model: Option<ModelId>,
    ) -> Result<Vec<Calibration>, StoreError> {
        let mut found = self.all_calibrations(model).await?;
        found.retain(|calibration| !calibration.is_cautious());
        Ok(found)
    }

    async fn all_calibrations(
        &self,
        model: Option<ModelId>,
    ) -> Result<Vec<Calibration>, StoreError> {
        let mut select = Entity::find().order_by_asc(Column::Id);
        if let Some(model) = model {
            select = select.filter(Column::ModelId.eq(model.0));
        }
        select
            .all(&self.connection)
            .await?
            .into_iter()
            .map(read)
            .collect()
    }
}

fn read(row: calibration::Model) -> Result<Calibration, StoreError> {
    let place = |column| Place {
        table: "calibrations",
        id: row.id,
        column,
    };
    let logit = row.threshold;
    Ok(Calibration {
        id: CalibrationId(row.id),
        model: ModelId(row.model_id),
        threshold: Threshold::new(logit)
            .map_err(|_| place("threshold").unreadable(&logit.to_string()))?,
        record: from_json(place("record"), &row.record)?,
        rule: row.rule,
        run: row.run_id.map(RunId),
        created: moment(row.created),
    })
}
