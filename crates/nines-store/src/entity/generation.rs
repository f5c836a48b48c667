//! Draws: which snippet a sampler gave for a prompt.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "generations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub sampler_id: i64,
    pub prompt_id: i64,
    pub draw: i64,
    pub snippet_id: i64,
    pub finish: String,
    pub tokens: i64,
    pub run_id: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
