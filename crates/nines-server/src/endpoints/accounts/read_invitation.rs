//! `GET /api/invitations/{token}`.

use super::shapes::RoleWord;
use crate::auth::hash_of;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::Role;
use serde::Serialize;
use utoipa::ToSchema;

/// What an invitation is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationTerms {
    /// The role of the account that it makes.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// The name that is proposed; another may be chosen.
    pub name: Option<String>,
    /// Whether it gives an account that there is another password, and makes none.
    pub resets: bool,
}

/// Says what an invitation is for. Whoever holds the link may ask.
#[utoipa::path(get, path = "/invitations/{token}", tag = "accounts",
    params(("token" = String, Path, description = "The end of the link")), responses(
    (status = OK, body = InvitationTerms),
    (status = NOT_FOUND, body = Problem, description = "It was used, withdrawn, or is over"),
))]
pub async fn read_invitation(
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> Result<Json<InvitationTerms>, Problem> {
    let found = state.store.invitation(&hash_of(&token)).await?;
    let invitation = found.ok_or_else(over)?;
    Ok(Json(InvitationTerms {
        role: invitation.role,
        name: invitation.name,
        resets: invitation.resets.is_some(),
    }))
}

/// The problem of an invitation that cannot be accepted.
pub fn over() -> Problem {
    Problem::not_found("this invitation was used, withdrawn, or is over; ask for a new one")
}
