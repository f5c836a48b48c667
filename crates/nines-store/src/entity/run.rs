//! Executions of long jobs.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: String,
    pub status: String,
    pub config: String,
    pub seed: Option<i64>,
    pub device: String,
    pub done: i64,
    pub total: Option<i64>,
    pub pid: i64,
    pub process_started: i64,
    pub host: String,
    pub heartbeat: TimeDateTimeWithTimeZone,
    pub result: Option<String>,
    pub error: Option<String>,
    pub started: TimeDateTimeWithTimeZone,
    pub ended: Option<TimeDateTimeWithTimeZone>,
    pub job_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
