//! What the server keeps in memory to let people in.

use super::login_limit::LoginLimit;
use super::passwords::Passwords;
use super::secret::{Secret, hash_of};
use crate::error::Problem;
use crate::state::AppState;
use nines_store::Store;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Where the page is that makes the first admin; the one-time token follows.
pub const SETUP_PATH: &str = "/setup/";

/// What the server keeps in memory to let people in.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Hashes and checks passwords.
    pub(crate) passwords: Passwords,
    /// Counts attempts to sign in.
    pub(crate) limit: LoginLimit,
    setup: Mutex<Option<Secret>>,
    project: OnceCell<String>,
}

impl Gate {
    /// Says whether a token is the one of this start's setup link.
    pub(crate) fn is_setup_token(&self, claimed: &str) -> bool {
        let setup = self.setup();
        setup
            .as_ref()
            .is_some_and(|token| token.hash() == hash_of(claimed))
    }

    /// Forgets the setup link, since it was used.
    pub(crate) fn end_setup(&self) {
        *self.setup() = None;
    }

    /// Returns what tells the project's database from every other.
    pub(crate) async fn project(&self, store: &Store) -> Result<&str, Problem> {
        let identity = self.project.get_or_try_init(async || {
            let proposed = Secret::random()?;
            let short = proposed.reveal().get(..32).unwrap_or_default();
            Ok::<_, Problem>(store.identity(short).await?)
        });
        Ok(identity.await?)
    }

    fn setup(&self) -> MutexGuard<'_, Option<Secret>> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the one-time link that makes the first admin, or nothing where there is an admin. It is a
/// new one at each start of the server, and is gone once used.
///
/// # Errors
/// Those of reading, and where the machine has no random numbers.
pub async fn setup_link(state: &AppState) -> Result<Option<String>, Problem> {
    if state.store.has_admin().await? {
        return Ok(None);
    }
    let mut setup = state.gate.setup();
    let token = match &*setup {
        Some(token) => token.clone(),
        None => setup.insert(Secret::random()?).clone(),
    };
    let origin = &state.settings.origin;
    Ok(Some(format!("{origin}{SETUP_PATH}{}", token.reveal())))
}
