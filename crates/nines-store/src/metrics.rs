//! What runs measure, step by step.

use crate::batch;
use crate::entity::run_metric::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, refuse_nul, signed, unsigned};
use jiff::Timestamp;
use nines_domain::snippet::RunId;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, InsertMany, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::BTreeMap;

/// One measurement of a run. The value may be NaN or infinite: a loss that was is worth seeing.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMetric {
    /// The step it was measured at.
    pub step: u64,
    /// What was measured, such as `train/loss`.
    pub name: String,
    /// The value.
    pub value: f64,
}

/// A stored measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The step it was measured at.
    pub step: u64,
    /// What was measured.
    pub name: String,
    /// The value; may be NaN or infinite.
    pub value: f64,
    /// When it was stored.
    pub created: Timestamp,
}

impl Store {
    /// Stores measurements in one transaction. A run that was resumed measures some steps again:
    /// the newer value of a name and step counts.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] for a run that is not stored, [`StoreError::Nul`], and those of
    /// writing; nothing is stored then.
    pub async fn record_metrics(
        &self,
        run: RunId,
        metrics: &[NewMetric],
    ) -> Result<(), StoreError> {
        let mut rows = BTreeMap::new();
        let created = now();
        for (row, metric) in metrics.iter().enumerate() {
            refuse_nul(row, "name", &metric.name)?;
            let step = signed(row, "step", metric.step)?;
            let is_finite = metric.value.is_finite();
            let stored = ActiveModel {
                run_id: Set(run.0),
                step: Set(step),
                name: Set(metric.name.clone()),
                value: Set(is_finite.then_some(metric.value)),
                not_finite: Set((!is_finite).then(|| metric.value.to_string())),
                created: Set(created),
                ..Default::default()
            };
            // One statement must not meet one name and step twice.
            rows.insert((metric.name.as_str(), step), stored);
        }
        let rows: Vec<ActiveModel> = rows.into_values().collect();
        in_transaction!(self.connection, |tx| {
            for chunk in rows.chunks(batch::rows_per_statement::<Entity>()) {
                let mut insert =
                    InsertMany::<ActiveModel>::many(chunk.iter().cloned()).into_query();
                insert.on_conflict(
                    OnConflict::columns([Column::RunId, Column::Name, Column::Step])
                        .update_columns([Column::Value, Column::NotFinite, Column::Created])
                        .to_owned(),
                );
                tx.execute(&insert).await?;
            }
            Ok(())
        })
    }

    /// Lists the measurements of a run, of one name or of all: by step, then by name.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn metrics(&self, run: RunId, name: Option<&str>) -> Result<Vec<Metric>, StoreError> {
        let mut select = Entity::find()
            .filter(Column::RunId.eq(run.0))
            .order_by_asc(Column::Step)
            .order_by_asc(Column::Name);
        if let Some(name) = name {
            select = select.filter(Column::Name.eq(name));
        }
        select
            .all(&self.connection)
            .await?
            .into_iter()
            .map(read)
            .collect()
    }

    /// Lists the measurements of a run after a step, by step, then by name: at most `limit`, and
    /// whether there are more. The last step may then be cut short.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn metrics_after(
        &self,
        run: RunId,
        step: Option<u64>,
        limit: u64,
    ) -> Result<(Vec<Metric>, bool), StoreError> {
        let mut select = Entity::find()
            .filter(Column::RunId.eq(run.0))
            .order_by_asc(Column::Step)
            .order_by_asc(Column::Name)
            .limit(limit + 1);
        if let Some(step) = step {
            select = select.filter(Column::Step.gt(signed(0, "step", step)?));
        }
        let rows = select.all(&self.connection).await?;
        let more = rows.len() as u64 > limit;
        let rows = rows.into_iter().take(limit as usize).map(read);
        Ok((rows.collect::<Result<_, _>>()?, more))
    }
}

fn read(row: run_metric::Model) -> Result<Metric, StoreError> {
    let place = |column| Place {
        table: "run_metrics",
        id: row.id,
        column,
    };
    let value = match (row.value, row.not_finite.as_deref()) {
        (Some(value), None) => value,
        (_, Some("NaN")) => f64::NAN,
        (_, Some("inf")) => f64::INFINITY,
        (_, Some("-inf")) => f64::NEG_INFINITY,
        (_, word) => return Err(place("value").unreadable(word.unwrap_or("nothing"))),
    };
    Ok(Metric {
        step: unsigned(place("step"), row.step)?,
        name: row.name,
        value,
        created: moment(row.created),
    })
}
