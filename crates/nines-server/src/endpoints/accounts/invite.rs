//! `POST /api/people/invitations`.

use super::shapes::{RoleWord, account_name};
use crate::auth::{INVITE_PATH, Researcher, Secret, require};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::Role;
use nines_store::NewInvitation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long an invitation is open.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewInvitationBody {
    /// The role of the account.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// The name to propose.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub name: Option<String>,
}

/// A new invitation: the one time that its link is shown.
#[derive(Serialize, ToSchema)]
pub struct MadeInvitation {
    /// The link to give to whom it is for.
    pub link: String,
    /// The role of the account that it makes.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// When it is over.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// Makes a link with which somebody makes an account. Researchers invite labellers, admins anybody.
#[utoipa::path(post, path = "/people/invitations", tag = "accounts", request_body = NewInvitationBody, responses(
    (status = CREATED, body = MadeInvitation),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller may not invite to this role"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The name cannot be"),
))]
pub async fn invite(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<NewInvitationBody>,
) -> Result<(StatusCode, Json<MadeInvitation>), Problem> {
    if body.role > Role::Labeller {
        require(&account, Role::Admin)?;
    }
    let token = Secret::random()?;
    let new = NewInvitation {
        token_hash: token.hash(),
        role: body.role,
        name: body.name.as_deref().map(account_name).transpose()?,
        expires: Timestamp::now() + OPEN_FOR,
    };
    let made = state.store.invite(&new, account.id).await?;
    let made = MadeInvitation {
        link: format!("{}{INVITE_PATH}{}", state.settings.origin, token.reveal()),
        role: made.role,
        expires: made.expires,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
