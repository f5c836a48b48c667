//! Who calls, and what they may do.
//!
//! A handler says who may call it by its arguments: [`Labeller`], [`Researcher`] or [`Admin`], each
//! of which lets in the roles above it too. All of them refuse a request that comes from another
//! site, and one that changes something by cookie without the session's CSRF token.

mod caller;
mod cookie;
mod gate;
mod login_limit;
mod origin;
mod passwords;
mod resets;
mod secret;

pub use caller::{Admin, Caller, Labeller, Listener, Person, Researcher};
pub use gate::{SETUP_PATH, setup_link};
pub use nines_domain::account::Account;
pub use resets::{ResetLink, reset_link};

pub(crate) use caller::{TOKEN_PREFIX, require};
pub(crate) use cookie::{forget, keep};
pub(crate) use gate::Gate;
pub(crate) use login_limit::Source;
pub(crate) use origin::SameSite;
pub(crate) use resets::INVITE_PATH;
pub(crate) use secret::{Secret, hash_of};

use crate::error::Problem;
use crate::state::AppState;
use nines_domain::account::AccountId;
use nines_store::NewAuditEntry;
use serde_json::Value;

/// Records that somebody did something which the store does not record itself. `detail` is `null`
/// where there is no more to say, and never a secret.
///
/// # Example
/// ```ignore
/// audit(&state, caller.account.id, "queue.made", format!("queue {id}"), json!({"kind": kind})).await?;
/// ```
///
/// # Errors
/// Those of writing, as a problem.
pub async fn audit(
    state: &AppState,
    by: AccountId,
    action: &str,
    subject: impl Into<String>,
    detail: Value,
) -> Result<(), Problem> {
    let entry = NewAuditEntry::new(Some(by), action, subject).with(detail);
    Ok(state.store.record_audit(&entry).await?)
}
