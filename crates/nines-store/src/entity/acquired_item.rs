//! What was chosen, how likely that was, and why.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "acquired_items")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub acquisition_id: i64,
    pub position: i64,
    pub snippet_id: i64,
    pub probability: Option<f64>,
    pub worth: Option<f64>,
    pub before: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
