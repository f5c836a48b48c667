//! The trials of sweeps.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sweep_trials")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    pub position: i64,
    pub cell: String,
    pub seed: i64,
    pub rung: i64,
    pub base: Option<String>,
    pub recipe: String,
    pub state: String,
    pub numbers: Option<String>,
    pub together: Option<String>,
    pub seconds: Option<f64>,
    pub error: Option<String>,
    pub started: Option<TimeDateTimeWithTimeZone>,
    pub ended: Option<TimeDateTimeWithTimeZone>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
