//! `GET /api/people/invitations`.

use super::shapes::RoleWord;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::account::{InvitationId, Role};
use serde::Serialize;
use utoipa::ToSchema;

/// An invitation that can be accepted, without its link.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenInvitation {
    /// Its key.
    #[schema(value_type = i64)]
    pub id: InvitationId,
    /// The role of the account that it makes.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// The name that is proposed.
    pub name: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it is over.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// Invitations that can be accepted, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenInvitations {
    /// The invitations.
    pub rows: Vec<OpenInvitation>,
}

/// Lists the invitations that can be accepted.
#[utoipa::path(get, path = "/people/invitations", tag = "accounts", responses(
    (status = OK, body = OpenInvitations),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_invitations(
    State(state): State<AppState>,
    _: Researcher,
) -> Result<Json<OpenInvitations>, Problem> {
    let open = state.store.open_invitations().await?;
    let rows = open.into_iter().map(|invitation| OpenInvitation {
        id: invitation.id,
        role: invitation.role,
        name: invitation.name,
        created: invitation.created,
        expires: invitation.expires,
    });
    Ok(Json(OpenInvitations {
        rows: rows.collect(),
    }))
}
