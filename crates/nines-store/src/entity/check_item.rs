//! Snippets whose verdict is known, to check labellers by.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "check_items")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub snippet_id: i64,
    pub purpose: String,
    pub verdict: String,
    pub severity: Option<i16>,
    pub explanation: String,
    pub retired: Option<TimeDateTimeWithTimeZone>,
    pub created_by: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
