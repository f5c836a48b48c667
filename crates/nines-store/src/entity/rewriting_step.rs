//! Every edit of a session, with the score that it led to.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rewriting_steps")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub session_id: i64,
    pub n: i64,
    pub kind: String,
    pub prompt: String,
    pub completion: String,
    pub score: Option<f64>,
    pub reason: Option<String>,
    pub seconds: f64,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
