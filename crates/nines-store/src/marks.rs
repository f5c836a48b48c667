//! How far what numbers rest on has come.

use crate::entity::{
    adjudication, calibration, comparison, comparison_withdrawal, design, design_item, estimate,
    label, label_withdrawal, model, score, selection,
};
use crate::error::StoreError;
use crate::store::Store;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QuerySelect, QueryTrait};

/// How far everything has come that measured numbers rest on. Two equal marks mean that the numbers are
/// the same.
///
/// Finding one out costs a look at the end of each table; on PostgreSQL, where a row with a lower key may
/// come to be seen after one with a higher, labels and comparisons are counted too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuringMark {
    drawn: Vec<Option<i64>>,
    rest: Vec<Option<i64>>,
}

impl MeasuringMark {
    /// Says whether designs have drawn the same as at another mark.
    pub fn has_drawn_as(&self, other: &Self) -> bool {
        self.drawn == other.drawn
    }
}

/// How far everything has come that agreement between people rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementMark(Vec<Option<i64>>);

impl Store {
    /// Says how far labels, comparisons, designs, calibrations and models have come.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn measuring_mark(&self) -> Result<MeasuringMark, StoreError> {
        let drawn = [
            newest(design::Entity, design::Column::Id),
            newest(design_item::Entity, design_item::Column::Id),
            newest(selection::Entity, selection::Column::Id),
        ];
        let rest = [
            newest(adjudication::Entity, adjudication::Column::Id),
            newest(comparison::Entity, comparison::Column::Id),
            newest(
                comparison_withdrawal::Entity,
                comparison_withdrawal::Column::Id,
            ),
            newest(calibration::Entity, calibration::Column::Id),
            newest(model::Entity, model::Column::Id),
            newest(estimate::Entity, estimate::Column::Id),
        ];
        let mut rest = self.marks(rest).await?;
        rest.extend(self.labels_mark().await?);
        if self.connection.get_database_backend() == DbBackend::Postgres {
            let counted = [
                counted(comparison::Entity, comparison::Column::Id),
                counted(
                    comparison_withdrawal::Entity,
                    comparison_withdrawal::Column::Id,
                ),
            ];
            rest.extend(self.marks(counted).await?);
        }
        Ok(MeasuringMark {
            drawn: self.marks(drawn).await?,
            rest,
        })
    }

    /// Says how far labels, thresholds and scores have come.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn agreement_mark(&self) -> Result<AgreementMark, StoreError> {
        let mut mark = self.labels_mark().await?;
        let rest = [
            newest(calibration::Entity, calibration::Column::Id),
            newest(score::Entity, score::Column::Id),
        ];
        mark.extend(self.marks(rest).await?);
        Ok(AgreementMark(mark))
    }

    async fn labels_mark(&self) -> Result<Vec<Option<i64>>, StoreError> {
        let mut mark = self
            .marks([
                newest(label::Entity, label::Column::Id),
                newest(label_withdrawal::Entity, label_withdrawal::Column::Id),
            ])
            .await?;
        if self.connection.get_database_backend() == DbBackend::Postgres {
            let counted = [
                counted(label::Entity, label::Column::Id),
                counted(label_withdrawal::Entity, label_withdrawal::Column::Id),
            ];
            mark.extend(self.marks(counted).await?);
        }
        Ok(mark)
    }

    async fn marks(
        &self,
        selects: impl IntoIterator<Item = SelectStatement>,
    ) -> Result<Vec<Option<i64>>, StoreError> {
        let mut found = Vec::new();
        for select in selects {
            let row = self.connection.query_one(&select).await?;
            found.push(match row {
                Some(row) => row.try_get("", MARK)?,
                None => None,
            });
        }
        Ok(found)
    }
}

/// The column that a mark is read from.
const MARK: &str = "mark";

fn newest<E: EntityTrait>(_: E, id: E::Column) -> SelectStatement {
    E::find()
        .select_only()
        .column_as(id.max(), MARK)
        .into_query()
}

fn counted<E: EntityTrait>(_: E, id: E::Column) -> SelectStatement {
    E::find()
        .select_only()
        .column_as(id.count(), MARK)
        .into_query()
}
