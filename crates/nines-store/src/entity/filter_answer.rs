//! What a filter answered to one request.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "filter_answers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    pub position: i64,
    pub prompt_id: i64,
    pub model_id: i64,
    pub calibration_id: Option<i64>,
    pub threshold: f64,
    pub law: String,
    pub outcome: String,
    pub accepted_snippet_id: Option<i64>,
    pub draws: i64,
    pub reason: Option<String>,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
