//! Snippets: one prompt with one completion, found by content hash.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "snippets")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub hash: Vec<u8>,
    pub prompt_id: i64,
    pub completion: String,
    pub parent_id: Option<i64>,
    pub origin: String,
    pub source: String,
    pub meta: Option<String>,
    pub import_id: Option<i64>,
    pub run_id: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
