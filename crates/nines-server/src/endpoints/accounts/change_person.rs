//! `PATCH /api/people/{id}`.

use super::shapes::RoleWord;
use crate::auth::Admin;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::account::{AccountId, Role};
use nines_store::{AccountChange, StoredAccount};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What to change of an account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PersonChange {
    /// The role.
    #[serde(default)]
    #[schema(value_type = Option<RoleWord>)]
    pub role: Option<Role>,
    /// Whether it may sign in; taking that away ends its sessions and revokes its tokens.
    #[serde(default)]
    pub active: Option<bool>,
    /// What an hour of its work costs, from 0; `null` forgets it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub hourly_cost: Option<Option<f64>>,
}

/// An account as an admin sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonAccount {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// What it may do.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// Whether it may sign in.
    pub active: bool,
    /// What an hour of its work costs.
    pub hourly_cost: Option<f64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl From<StoredAccount> for PersonAccount {
    fn from(stored: StoredAccount) -> Self {
        Self {
            id: stored.account.id,
            name: stored.account.name,
            role: stored.account.role,
            active: stored.active,
            hourly_cost: stored.hourly_cost,
            created: stored.created,
        }
    }
}

/// Tells `null` from what is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes an account's role, whether it may sign in, or its cost. The last active admin stays one.
#[utoipa::path(patch, path = "/people/{id}", tag = "accounts",
    params(("id" = i64, Path, description = "The account's key")),
    request_body = PersonChange, responses(
    (status = OK, body = PersonAccount),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no admin"),
    (status = NOT_FOUND, body = Problem, description = "There is no such account"),
    (status = CONFLICT, body = Problem, description = "It is the last active admin"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The cost cannot be"),
))]
pub async fn change_person(
    State(state): State<AppState>,
    Admin { account }: Admin,
    Path(id): Path<AccountId>,
    Json(body): Json<PersonChange>,
) -> Result<Json<PersonAccount>, Problem> {
    let change = AccountChange {
        role: body.role,
        active: body.active,
        hourly_cost: body.hourly_cost,
    };
    let changed = state.store.change_account(id, &change, account.id).await?;
    Ok(Json(changed.into()))
}
