//! `GET /api/audit`.

use crate::auth::Admin;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Entries of one answer, where the caller does not say.
const USUAL: u64 = 50;
/// Entries of one answer at most.
const MOST: u64 = 200;

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditPage {
    /// Those older than the entry with this key.
    #[serde(default)]
    pub after: Option<i64>,
    /// So many: 50 where not said, 200 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
}

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRow {
    /// Its key.
    pub id: i64,
    /// Who did it; nobody where it was the server.
    pub account: Option<String>,
    /// What was done, such as `queue.made`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How.
    pub detail: Value,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

/// Entries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRows {
    /// The entries.
    pub rows: Vec<AuditRow>,
    /// The `after` of the next answer; nothing where this is the last.
    pub next: Option<i64>,
}

/// Lists who did what, newest first.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(AuditPage), responses(
    (status = OK, body = AuditRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no admin"),
))]
pub async fn list_audit(
    State(state): State<AppState>,
    _: Admin,
    Query(page): Query<AuditPage>,
) -> Result<Json<AuditRows>, Problem> {
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    // One more than asked for tells whether there is more.
    let mut entries = state.store.audit(page.after, limit + 1).await?;
    let is_more = entries.len() as u64 > limit;
    entries.truncate(limit as usize);
    let next = entries.last().map(|entry| entry.id).filter(|_| is_more);
    let rows = entries.into_iter().map(|entry| AuditRow {
        id: entry.id,
        account: entry.name,
        action: entry.entry.action,
        subject: entry.entry.subject,
        detail: entry.entry.detail,
        created: entry.created,
    });
    Ok(Json(AuditRows {
        rows: rows.collect(),
        next,
    }))
}
