//! A person's timed work on one start.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rewriting_sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub task_id: Option<i64>,
    pub start_id: Option<i64>,
    pub account_id: i64,
    pub labeller: String,
    pub model_id: i64,
    pub path: String,
    pub threshold: f64,
    pub tools: bool,
    pub state: String,
    pub start_snippet_id: Option<i64>,
    pub start_prompt: String,
    pub start_completion: String,
    pub start_score: f64,
    pub prompt: String,
    pub completion: String,
    pub score: Option<f64>,
    pub seconds: f64,
    pub away_seconds: f64,
    pub paused: bool,
    pub saliency_calls: i64,
    pub menu_calls: i64,
    pub reason: Option<String>,
    pub snippet_id: Option<i64>,
    pub severity: Option<i16>,
    pub trick: Option<String>,
    pub label_id: Option<i64>,
    pub queue_id: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
    pub ended: Option<TimeDateTimeWithTimeZone>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
