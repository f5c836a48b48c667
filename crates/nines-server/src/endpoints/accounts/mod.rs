//! Accounts: who may sign in, as what, and who did what.

mod accept_invitation;
mod change_password;
mod change_person;
mod create_admin;
mod invite;
mod list_audit;
mod list_invitations;
mod list_tokens;
mod make_token;
mod read_invitation;
mod read_session;
mod read_setup;
mod revoke_token;
mod shapes;
mod sign_in;
mod sign_out;
mod withdraw_invitation;

pub use shapes::RoleWord;

use crate::state::AppState;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of the largest body here: much of this answers people who are not signed in, whose bodies are
/// held in memory all the same.
const LARGEST_BODY: usize = 256 << 10;

/// The endpoints of accounts.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read_setup::read_setup, create_admin::create_admin))
        .routes(routes!(
            read_session::read_session,
            sign_in::sign_in,
            sign_out::sign_out
        ))
        .routes(routes!(
            read_invitation::read_invitation,
            accept_invitation::accept_invitation
        ))
        .routes(routes!(change_password::change_password))
        .routes(routes!(list_tokens::list_tokens, make_token::make_token))
        .routes(routes!(revoke_token::revoke_token))
        .routes(routes!(list_invitations::list_invitations, invite::invite))
        .routes(routes!(withdraw_invitation::withdraw_invitation))
        .routes(routes!(change_person::change_person))
        .routes(routes!(list_audit::list_audit))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}
