//! Attempts of automatic attacks.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attack_attempts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    pub position: i64,
    pub recipe: String,
    pub model_id: i64,
    pub start_snippet_id: Option<i64>,
    pub outcome: String,
    pub why: Option<String>,
    pub judge: Option<String>,
    pub start_score: Option<f64>,
    pub score: Option<f64>,
    pub threshold: f64,
    pub queries: i64,
    pub scored: i64,
    pub seconds: f64,
    pub words: i64,
    pub words_changed: Option<i64>,
    pub seed: i64,
    pub detail: String,
    pub created: TimeDateTimeWithTimeZone,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
