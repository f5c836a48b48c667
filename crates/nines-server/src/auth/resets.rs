//! Links for those who forgot their password.

use super::secret::Secret;
use crate::error::Problem;
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::{Account, AccountName};
use nines_store::Store;

/// Where the page is that opens an invitation or a reset; the token follows.
pub(crate) const INVITE_PATH: &str = "/invite/";

/// How long such a link is good: it is for somebody who sits at a browser now.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// A link that gives an account another password, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetLink {
    /// Whose password it sets.
    pub account: Account,
    /// The link.
    pub link: String,
    /// When it is over.
    pub expires: Timestamp,
}

/// Makes the one-time link that gives an active account another password. It needs the database and no
/// server, so that the only admin who forgot theirs gets in again.
///
/// # Errors
/// 404 where no active account has the name, those of writing, and where the machine has no random
/// numbers.
pub async fn reset_link(
    store: &Store,
    name: &AccountName,
    origin: &str,
) -> Result<ResetLink, Problem> {
    let token = Secret::random()?;
    let expires = Timestamp::now() + GOOD_FOR;
    let found = store.offer_reset(name, &token.hash(), expires).await?;
    Ok(ResetLink {
        account: found.account,
        link: format!("{origin}{INVITE_PATH}{}", token.reveal()),
        expires,
    })
}
