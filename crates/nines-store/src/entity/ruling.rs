//! Questions about edge cases, and their answers.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rulings")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub snippet_id: Option<i64>,
    pub asked_by: i64,
    pub question: String,
    pub answer: Option<String>,
    pub answered_by: Option<i64>,
    pub guide_version: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
    pub answered: Option<TimeDateTimeWithTimeZone>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
