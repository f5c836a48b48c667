//! Links that make an account, or give one another password, once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub token_hash: Vec<u8>,
    pub role: String,
    pub name: Option<String>,
    pub created_by: Option<i64>,
    pub created: TimeDateTimeWithTimeZone,
    pub expires: TimeDateTimeWithTimeZone,
    pub accepted_by: Option<i64>,
    pub withdrawn: Option<TimeDateTimeWithTimeZone>,
    pub account_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
