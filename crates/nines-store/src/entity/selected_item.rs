//! What a selection drew, and how likely that was.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "selected_items")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub selection_id: i64,
    pub item_id: i64,
    pub probability: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
