//! A generator with its sampling settings: what a draw is a draw of.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "samplers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub hash: Vec<u8>,
    pub generator: String,
    pub sampling: String,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
