//! The cookie that carries a session's token.

use super::secret::Secret;
use crate::state::AppState;
use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

const NAME: &str = "nines_session";

/// Returns the token that a request carries.
pub(crate) fn token_in(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(NAME).map(|cookie| cookie.value().to_owned())
}

/// Gives a browser its token, until it is closed or the session ends.
pub(crate) fn keep(state: &AppState, token: &Secret) -> CookieJar {
    CookieJar::new().add(bare(state, token.reveal().to_owned()))
}

/// Takes the token from a browser.
pub(crate) fn forget(state: &AppState) -> CookieJar {
    let mut cookie = bare(state, String::new());
    cookie.make_removal();
    CookieJar::new().add(cookie)
}

fn bare(state: &AppState, value: String) -> Cookie<'static> {
    Cookie::build((NAME, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(state.settings.tls)
        .build()
}
