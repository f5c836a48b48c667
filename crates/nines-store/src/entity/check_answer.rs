//! What labellers said of what is known; never labels.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "check_answers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub assignment_id: i64,
    pub account_id: i64,
    pub check_item_id: Option<i64>,
    pub snippet_id: i64,
    pub purpose: String,
    pub attempt: i64,
    pub verdict: String,
    pub severity: Option<i16>,
    pub expected_verdict: String,
    pub expected_severity: Option<i16>,
    pub is_right: bool,
    pub withdrawn: bool,
    pub seconds: f64,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
