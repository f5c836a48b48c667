//! Labels; never updated or deleted.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "labels")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub snippet_id: i64,
    pub key: Vec<u8>,
    pub labeller: String,
    pub labeller_kind: String,
    pub verdict: String,
    pub severity: Option<i16>,
    pub seconds: Option<f64>,
    pub occasion: String,
    pub source: String,
    pub import_id: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
    pub predicate: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
