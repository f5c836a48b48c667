//! What was given to whom, and what came of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "assignments")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub queue_item_id: Option<i64>,
    pub queue_id: Option<i64>,
    pub account_id: i64,
    pub labeller: String,
    pub purpose: String,
    pub check_item_id: Option<i64>,
    pub repeat_of: Option<i64>,
    pub attempt: i64,
    pub snippet_id: i64,
    pub other_snippet_id: Option<i64>,
    pub state: String,
    pub item_waiting: bool,
    pub shown: TimeDateTimeWithTimeZone,
    pub expires: TimeDateTimeWithTimeZone,
    pub answered: Option<TimeDateTimeWithTimeZone>,
    pub verdict: Option<String>,
    pub severity: Option<i16>,
    pub choice: Option<String>,
    pub label_id: Option<i64>,
    pub comparison_id: Option<i64>,
    pub reason: Option<String>,
    pub seconds: f64,
    pub away_seconds: f64,
    pub undone_into: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
