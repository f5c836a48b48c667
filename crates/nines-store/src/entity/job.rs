//! Long commands that were asked for.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: String,
    pub title: String,
    pub arguments: String,
    pub state: String,
    pub run_id: Option<i64>,
    pub attempts: i64,
    pub tries_left: i64,
    pub pid: Option<i64>,
    pub process_started: Option<i64>,
    pub host: Option<String>,
    pub heartbeat: Option<TimeDateTimeWithTimeZone>,
    pub cancel_requested: bool,
    pub told_to_stop: Option<TimeDateTimeWithTimeZone>,
    pub error: Option<String>,
    pub requested_by: Option<String>,
    pub created: TimeDateTimeWithTimeZone,
    pub started: Option<TimeDateTimeWithTimeZone>,
    pub ended: Option<TimeDateTimeWithTimeZone>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
