//! The candidates that a filter looked at for one answer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "filter_candidates")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub answer_id: i64,
    pub position: i64,
    pub snippet_id: i64,
    pub draw: i64,
    pub finish: String,
    pub tokens: i64,
    pub verdict: String,
    pub score: Option<f64>,
    pub reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
