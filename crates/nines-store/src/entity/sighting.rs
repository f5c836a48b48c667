//! Where a snippet that was already stored was met again.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sightings")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub snippet_id: i64,
    pub key: Vec<u8>,
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
