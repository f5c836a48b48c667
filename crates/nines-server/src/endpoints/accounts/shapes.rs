//! What several endpoints of accounts answer or take.

use crate::auth::{Account, Secret};
use crate::error::Problem;
use crate::state::AppState;
use nines_domain::account::{AccountId, AccountName, Role};
use nines_store::NewLoginSession;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account may do; each role may do all that the ones before it may.
#[derive(ToSchema)]
#[schema(as = Role, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the domain's own type, which knows no OpenAPI"
)]
pub enum RoleWord {
    /// Labels and compares.
    Labeller,
    /// Trains, measures, makes queues, sees the numbers.
    Researcher,
    /// Also says who the others are.
    Admin,
}

/// Somebody who may sign in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct Who {
    /// The account's key.
    #[schema(value_type = i64)]
    pub id: AccountId,
    /// The account's name.
    pub name: String,
    /// What it may do.
    #[schema(value_type = RoleWord)]
    pub role: Role,
}

impl From<Account> for Who {
    fn from(Account { id, name, role }: Account) -> Self {
        Self { id, name, role }
    }
}

/// The project that the server serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Project {
    /// Tells its database from every other.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What its predicate is called.
    pub predicate: String,
    /// The version of the predicate.
    pub predicate_version: u32,
}

/// Who is signed in, and to what.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Who is signed in.
    pub account: Who,
    /// What a request that changes something carries in the header `x-csrf-token`.
    pub csrf: String,
    /// The project.
    pub project: Project,
    /// The version of nines.
    pub version: &'static str,
}

impl Session {
    /// Describes a session.
    pub async fn of(state: &AppState, account: Account, csrf: String) -> Result<Self, Problem> {
        let settings = &state.settings;
        Ok(Self {
            account: account.into(),
            csrf,
            project: Project {
                id: state.gate.project(&state.store).await?.to_owned(),
                name: settings.project.clone(),
                predicate: settings.predicate.clone(),
                predicate_version: state.guide.version(),
            },
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    /// The account's name: 1 to 64 characters that can be seen.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// The password: 10 to 200 characters.
    #[schema(format = Password, min_length = 10, max_length = 200)]
    pub password: String,
}

/// The secrets of a session that is about to start.
pub struct Tokens {
    /// What the browser's cookie carries.
    pub session: Secret,
    /// What the pages send beside it.
    pub csrf: Secret,
}

impl Tokens {
    /// Makes new ones.
    pub fn random() -> Result<Self, Problem> {
        Ok(Self {
            session: Secret::random()?,
            csrf: Secret::random()?,
        })
    }

    /// Returns what is stored of them.
    pub fn stored(&self) -> NewLoginSession {
        NewLoginSession {
            token_hash: self.session.hash(),
            csrf: self.csrf.reveal().to_owned(),
        }
    }
}

/// Reads the name of an account to be.
pub fn account_name(text: &str) -> Result<AccountName, Problem> {
    text.parse().map_err(|wrong| {
        Problem::invalid(format!("{wrong}; use 1 to 64 characters that can be seen"))
    })
}
