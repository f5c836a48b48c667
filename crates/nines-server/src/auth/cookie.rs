//! The cookie that carries a session's token.

use super::secret::Secret;
use crate::error::Problem;
use crate::state::AppState;
use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

/// Names the cookie of this project. Browsers do not tell the ports of a host apart: two projects on
/// one machine would sign each other's people out if their cookies had one name. Under TLS the
/// prefix keeps other hosts of the domain, and plain HTTP, from setting it.
async fn name(state: &AppState) -> Result<String, Problem> {
    let project = state.gate.project(&state.store).await?;
    let short = project.get(..8).unwrap_or(project);
    let prefix = if state.settings.tls { "__Host-" } else { "" };
    Ok(format!("{prefix}nines_session_{short}"))
}

/// Returns the token that a request carries.
pub(crate) async fn token_in(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<String>, Problem> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(&name(state).await?);
    Ok(cookie.map(|cookie| cookie.value().to_owned()))
}

/// Gives a browser its token, until it is closed or the session ends.
pub(crate) async fn keep(state: &AppState, token: &Secret) -> Result<CookieJar, Problem> {
    Ok(CookieJar::new().add(bare(state, token.reveal().to_owned()).await?))
}

/// Takes the token from a browser.
pub(crate) async fn forget(state: &AppState) -> Result<CookieJar, Problem> {
    let mut cookie = bare(state, String::new()).await?;
    cookie.make_removal();
    Ok(CookieJar::new().add(cookie))
}

async fn bare(state: &AppState, value: String) -> Result<Cookie<'static>, Problem> {
    Ok(Cookie::build((name(state).await?, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(state.settings.tls)
        .build())
}
