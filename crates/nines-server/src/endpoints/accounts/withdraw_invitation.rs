//! `DELETE /api/people/invitations/{id}`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Path;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::{InvitationId, Role};

/// Takes an invitation back. Researchers take back those of labellers, admins any.
#[utoipa::path(delete, path = "/people/invitations/{id}", tag = "accounts",
    params(("id" = i64, Path, description = "The invitation's key")), responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is none open that the caller may take back"),
))]
pub async fn withdraw_invitation(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    let highest = match account.role {
        Role::Admin => Role::Admin,
        Role::Researcher | Role::Labeller => Role::Labeller,
    };
    let withdrawn = state.store.withdraw_invitation(id, highest, account.id);
    withdrawn.await?;
    Ok(StatusCode::NO_CONTENT)
}
