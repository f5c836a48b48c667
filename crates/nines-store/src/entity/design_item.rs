//! The requests of a design, with their answers and strata.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "design_items")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub design_id: i64,
    pub position: i64,
    pub answer_id: i64,
    pub other_answer_id: Option<i64>,
    pub stratum: Option<i64>,
    pub lot: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
