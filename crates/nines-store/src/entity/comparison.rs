//! Which of two completions somebody preferred.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "comparisons")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub key: Vec<u8>,
    pub left_snippet_id: i64,
    pub right_snippet_id: i64,
    pub labeller: String,
    pub labeller_kind: String,
    pub choice: String,
    pub seconds: Option<f64>,
    pub occasion: String,
    pub source: String,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
