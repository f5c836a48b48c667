//! `GET /api/people`.

use crate::auth::Researcher;
use crate::endpoints::accounts::RoleWord;
use crate::error::Problem;
use crate::estimate::Estimate;
use crate::json::Json;
use crate::people::{self, Agreement, Agreements};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::account::{AccountId, Role};
use nines_store::{PersonRecord, StoredAccount};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds in an hour.
const HOUR: f64 = 3_600.0;

/// What somebody has done, and how well.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonRow {
    /// The account's key.
    #[schema(value_type = i64)]
    pub id: AccountId,
    /// The account's name.
    pub name: String,
    /// What it may do.
    #[schema(value_type = RoleWord)]
    pub role: Role,
    /// Whether it may sign in.
    pub active: bool,
    /// What an hour of its work costs.
    pub hourly_cost: Option<f64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was here last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// Labels that count, wherever they were given.
    pub labels: u64,
    /// Comparisons that count.
    pub comparisons: u64,
    /// Seconds at work in the browser.
    pub seconds: f64,
    /// Items answered in an hour of work in the browser.
    pub labels_per_hour: Option<f64>,
    /// What the work in the browser cost.
    pub cost: Option<f64>,
    /// Of the hidden items of known label, the share answered right.
    pub gold: Option<Estimate>,
    /// Of the items labelled twice, the share answered alike.
    pub repeats: Option<Estimate>,
    /// Of the snippets that others labelled too, the share on which most of them say the same of
    /// strict.
    pub agreement: Option<Estimate>,
    /// How the qualification test went; nothing where none was done.
    pub qualified: Option<bool>,
}

impl PersonRow {
    fn of(stored: StoredAccount, record: &PersonRecord, agreements: &Agreements) -> Self {
        let hours = record.seconds / HOUR;
        Self {
            id: stored.account.id,
            agreement: agreements.of(&stored.account.name),
            name: stored.account.name,
            role: stored.account.role,
            active: stored.active,
            hourly_cost: stored.hourly_cost,
            created: stored.created,
            last_seen: record.last_seen,
            labels: record.labels,
            comparisons: record.comparisons,
            seconds: record.seconds,
            labels_per_hour: (hours > 0.0).then(|| record.answered as f64 / hours),
            cost: stored.hourly_cost.map(|cost| cost * hours),
            gold: people::share(record.gold.0, record.gold.1),
            repeats: people::share(record.repeats.0, record.repeats.1),
            qualified: record.passed,
        }
    }
}

/// Everybody.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonRows {
    /// The people, oldest account first.
    pub rows: Vec<PersonRow>,
    /// How far they agree; nothing where no two have labelled the same snippet.
    pub agreement: Option<Agreement>,
}

/// Lists people with speed, cost and accuracy, and says how far they agree.
#[utoipa::path(get, path = "/people", tag = "people", responses(
    (status = OK, body = PersonRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_people(
    State(state): State<AppState>,
    _: Researcher,
) -> Result<Json<PersonRows>, Problem> {
    let accounts = state.store.accounts().await?;
    let named: Vec<_> = accounts
        .iter()
        .map(|stored| (stored.account.id, stored.account.name.as_str()))
        .collect();
    let records = state.store.person_records(&named).await?;
    let agreements = people::agreements(&state).await?;
    let rows = accounts.iter().cloned().zip(&records);
    Ok(Json(PersonRows {
        rows: rows
            .map(|(stored, record)| PersonRow::of(stored, record, &agreements))
            .collect(),
        agreement: agreements.together.clone(),
    }))
}
