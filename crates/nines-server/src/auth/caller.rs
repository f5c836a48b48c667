//! The extractors that let a caller in.

use super::{cookie, origin, secret};
use crate::error::Problem;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use jiff::SignedDuration;
use nines_domain::account::{Account, Role};
use nines_store::{LoginSession, SessionLimits, StoreError};

/// When sessions end by themselves.
pub(crate) const SESSION_LIMITS: SessionLimits = SessionLimits {
    idle: SignedDuration::from_hours(12),
    longest: SignedDuration::from_hours(14 * 24),
};

/// The header that a request carries which changes something by cookie.
const CSRF: &str = "x-csrf-token";

/// What API tokens begin with, so that they are known when they lie around.
pub(crate) const TOKEN_PREFIX: &str = "nines_";

/// Whoever calls, with the session if it is a browser.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The session, where it is no program with a token.
    pub session: Option<LoginSession>,
}

/// A caller who may label: any account that is active.
#[derive(Debug, Clone)]
pub struct Labeller {
    /// Who it is.
    pub account: Account,
}

/// A caller who may see the numbers and start work: a researcher or an admin.
#[derive(Debug, Clone)]
pub struct Researcher {
    /// Who it is.
    pub account: Account,
}

/// A caller who may say who the others are.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Who it is.
    pub account: Account,
}

/// A person who signed in with a browser, of any role: what concerns the account itself is not for
/// programs, since a token that leaked could make others of itself.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who it is.
    pub account: Account,
    /// The session.
    pub session: LoginSession,
}

/// A caller of any role who listens: a page that stays open does not keep its session alive.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Who it is.
    pub account: Account,
    credential: Credential,
}

/// What a request shows to be let in: the hash of its token.
#[derive(Debug, Clone, Copy)]
enum Credential {
    Session([u8; 32]),
    Token([u8; 32]),
}

impl Listener {
    /// Says whether what let the caller in still would.
    ///
    /// # Errors
    /// Those of reading, as a problem.
    pub async fn is_still_signed_in(&self, state: &AppState) -> Result<bool, Problem> {
        Ok(match self.credential {
            Credential::Session(hash) => {
                let session = state.store.login_session(&hash, SESSION_LIMITS);
                session.await?.is_some()
            }
            Credential::Token(hash) => state.store.account_of_token(&hash).await?.is_some(),
        })
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (caller, _) = identify(parts, state).await?;
        if let Some(session) = &caller.session {
            note_use(state, session).await?;
        }
        Ok(caller)
    }
}

impl FromRequestParts<AppState> for Listener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (Caller { account, .. }, credential) = identify(parts, state).await?;
        Ok(Self {
            account,
            credential,
        })
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Caller { account, session } = Caller::from_request_parts(parts, state).await?;
        let session = session.ok_or_else(|| {
            Problem::forbidden("an API token cannot do this; sign in with a browser")
        })?;
        Ok(Self { account, session })
    }
}

macro_rules! at_least {
    ($name:ident, $role:expr) => {
        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                state: &AppState,
            ) -> Result<Self, Problem> {
                let Caller { account, .. } = Caller::from_request_parts(parts, state).await?;
                require(&account, $role)?;
                Ok(Self { account })
            }
        }
    };
}

at_least!(Labeller, Role::Labeller);
at_least!(Researcher, Role::Researcher);
at_least!(Admin, Role::Admin);

/// Refuses an account whose role does not reach.
pub(crate) fn require(account: &Account, role: Role) -> Result<(), Problem> {
    if account.role >= role {
        return Ok(());
    }
    let held = account.role;
    Err(Problem::forbidden(format!(
        "this needs the role {role}, and {} has the role {held}; an admin can change it",
        account.name
    )))
}

async fn identify(parts: &Parts, state: &AppState) -> Result<(Caller, Credential), Problem> {
    if let Some(token) = parts.headers.get(header::AUTHORIZATION).and_then(bearer) {
        let token = token.strip_prefix(TOKEN_PREFIX).map(|_| token);
        let hash = secret::hash_of(token.ok_or_else(Problem::signed_out)?);
        return Ok((by_token(state, &hash).await?, Credential::Token(hash)));
    }
    let token = cookie::token_in(state, &parts.headers).await?;
    let token = token.ok_or_else(Problem::signed_out)?;
    let hash = secret::hash_of(&token);
    let session = state
        .store
        .login_session(&hash, SESSION_LIMITS)
        .await?
        .ok_or_else(Problem::signed_out)?;
    if origin::changes(&parts.method) {
        origin::refuse_other_sites(&parts.headers, &state.settings)?;
        let given = parts.headers.get(CSRF).map(|value| value.as_bytes());
        // Hashes are compared, so that the time it takes tells nothing.
        let matches = given
            .and_then(|given| std::str::from_utf8(given).ok())
            .is_some_and(|given| secret::hash_of(given) == secret::hash_of(&session.csrf));
        if !matches {
            return Err(Problem::new(
                axum::http::StatusCode::FORBIDDEN,
                "csrf",
                "The CSRF token is missing or wrong",
                format!("send the header {CSRF} with the csrf of GET /api/session"),
            ));
        }
    }
    let caller = Caller {
        account: session.account.account.clone(),
        session: Some(session),
    };
    Ok((caller, Credential::Session(hash)))
}

/// Returns the token of a program. Another scheme is not for us: a proxy in front that asks for a
/// password of its own passes that on beside our cookie.
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn by_token(state: &AppState, hash: &[u8; 32]) -> Result<Caller, Problem> {
    let account = state.store.account_of_token(hash).await?;
    let account = account.ok_or_else(Problem::signed_out)?.account;
    Ok(Caller {
        account,
        session: None,
    })
}

/// A busy database is no reason to refuse: the next request notes it.
async fn note_use(state: &AppState, session: &LoginSession) -> Result<(), Problem> {
    match state.store.touch_session(session).await {
        Ok(()) | Err(StoreError::Busy { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
