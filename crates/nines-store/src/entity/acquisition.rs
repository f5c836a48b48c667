//! Each time that somebody chose what to label so that a classifier learns from it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "acquisitions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub strategy: String,
    pub by_score: bool,
    pub record: String,
    pub queue_id: i64,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
