//! The verdicts that count; the newest of a snippet does.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "adjudications")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub snippet_id: i64,
    pub broad: Option<bool>,
    pub strict: Option<bool>,
    pub needs_another: bool,
    pub labels: i64,
    pub people: i64,
    pub method: String,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
