//! Timed attempts to break a filter.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attack_sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub key: Vec<u8>,
    pub attacker: String,
    pub attacker_kind: String,
    pub group: String,
    pub model_id: Option<i64>,
    pub seconds: f64,
    pub found: bool,
    pub snippet_id: Option<i64>,
    pub occasion: String,
    pub source: String,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
