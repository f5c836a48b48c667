//! How far what numbers rest on has come.

use crate::entity::{
    adjudication, calibration, comparison, comparison_withdrawal, design, design_item, estimate,
    label, label_withdrawal, model, selection,
};
use crate::error::StoreError;
use crate::store::Store;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QuerySelect, QueryTrait};

/// How far everything has come that measured numbers rest on. Two equal marks mean that the numbers are
/// the same; finding one out costs a look at the end of each table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuringMark(Vec<Option<i64>>);

impl Store {
    /// Says how far labels, comparisons, designs, calibrations and models have come.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn measuring_mark(&self) -> Result<MeasuringMark, StoreError> {
        let newest = [
            newest(label::Entity, label::Column::Id),
            newest(adjudication::Entity, adjudication::Column::Id),
            newest(label_withdrawal::Entity, label_withdrawal::Column::Id),
            newest(comparison::Entity, comparison::Column::Id),
            newest(
                comparison_withdrawal::Entity,
                comparison_withdrawal::Column::Id,
            ),
            newest(design::Entity, design::Column::Id),
            newest(design_item::Entity, design_item::Column::Id),
            newest(selection::Entity, selection::Column::Id),
            newest(calibration::Entity, calibration::Column::Id),
            newest(model::Entity, model::Column::Id),
            newest(estimate::Entity, estimate::Column::Id),
        ];
        let mut found = Vec::with_capacity(newest.len());
        for select in newest {
            let row = self.connection.query_one(&select).await?;
            found.push(match row {
                Some(row) => row.try_get("", "newest")?,
                None => None,
            });
        }
        Ok(MeasuringMark(found))
    }
}

fn newest<E: EntityTrait>(_: E, id: E::Column) -> SelectStatement {
    E::find()
        .select_only()
        .column_as(id.max(), "newest")
        .into_query()
}
