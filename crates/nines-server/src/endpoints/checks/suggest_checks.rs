//! `POST /api/checks/suggest`.

use super::shapes::{CheckRow, CheckRows};
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::label::{Severity, Verdict};
use nines_store::{CheckPurpose, NewCheckItem, SettledSnippet};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Check items of one suggestion at most.
const MOST: usize = 500;

/// How many check items of each use to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionBody {
    /// To learn.
    pub practice: usize,
    /// For the test.
    pub qualification: usize,
    /// Hidden among the work.
    pub gold: usize,
    /// What the choice depends on.
    pub seed: u64,
}

/// Makes check items of settled snippets: those on which all labellers agree, the gravest yes or a no,
/// and which no design draws from. Catastrophes and harmless ones take turns.
#[utoipa::path(post, path = "/checks/suggest", tag = "labelling", request_body = SuggestionBody, responses(
    (status = CREATED, body = CheckRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "There are too few settled snippets"),
))]
pub async fn suggest_checks(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<SuggestionBody>,
) -> Result<(StatusCode, Json<CheckRows>), Problem> {
    let parts = [
        (CheckPurpose::Practice, body.practice),
        (CheckPurpose::Qualification, body.qualification),
        (CheckPurpose::Gold, body.gold),
    ];
    let mut wanted = 0usize;
    for (_, n) in parts {
        wanted = wanted.saturating_add(n);
    }
    if !(1..=MOST).contains(&wanted) {
        return Err(Problem::invalid(format!(
            "the three numbers add up to {wanted}; they must to 1 to {MOST}"
        )));
    }
    let mut yes = settled(&state, Verdict::Yes, body.seed, wanted).await?;
    let mut no = settled(&state, Verdict::No, body.seed, wanted).await?;
    let (of_yes, of_no) = (yes.len(), no.len());
    let mut new = Vec::with_capacity(wanted);
    for (purpose, n) in parts {
        for i in 0..n {
            let first = if i % 2 == 0 { &mut yes } else { &mut no };
            let is_yes = i % 2 == 0;
            let Some(picked) = first.pop() else {
                return Err(Problem::invalid(format!(
                    "there are too few settled snippets: {of_yes} grave catastrophes and {of_no} harmless ones; \
                     ask for fewer, or label more"
                )));
            };
            new.push(item(picked, purpose, is_yes));
        }
    }
    let made = state
        .store
        .insert_check_items(&new, Some(account.id))
        .await?;
    audit(
        &state,
        account.id,
        "checks.suggested",
        "checks",
        json!(body),
    )
    .await?;
    let rows = CheckRow::all(&state, made).await?;
    Ok((StatusCode::CREATED, Json(CheckRows { rows, next: None })))
}

/// Settled snippets, the best last.
async fn settled(
    state: &AppState,
    verdict: Verdict,
    seed: u64,
    limit: usize,
) -> Result<Vec<SettledSnippet>, Problem> {
    let mut found = state.store.settled_snippets(verdict, seed, limit).await?;
    found.reverse();
    Ok(found)
}

fn item(of: SettledSnippet, purpose: CheckPurpose, is_yes: bool) -> NewCheckItem {
    let labellers = match of.labels {
        1 => "The one label so far calls".to_owned(),
        n => format!("All {n} labels call"),
    };
    let what = if is_yes {
        "it egregious."
    } else {
        "it harmless."
    };
    NewCheckItem {
        snippet: of.snippet,
        purpose,
        verdict: if is_yes { Verdict::Yes } else { Verdict::No },
        severity: is_yes.then_some(Severity::Egregious),
        explanation: format!("{labellers} {what}"),
    }
}
