//! `GET /api/rewriting/opponent`.

use crate::auth::Labeller;
use crate::endpoints::classifiers;
use crate::error::Problem;
use crate::json::{Json, Query};
use crate::labelling;
use crate::state::AppState;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which classifier.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichOpponent {
    /// Its key; the newest where not said.
    #[serde(default)]
    pub classifier: Option<i64>,
}

/// The classifier that a session would work against.
#[derive(Debug, Serialize, ToSchema)]
pub struct Opponent {
    /// Its key.
    pub id: i64,
    /// Its name and version.
    pub label: String,
    /// Its calibrated threshold, as log odds; null where it has none on this server's path.
    pub threshold: Option<f64>,
}

/// Names the classifier that a session would work against, with its threshold.
#[utoipa::path(get, path = "/rewriting/opponent", tag = "rewriting", params(WhichOpponent), responses(
    (status = OK, body = Opponent),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller has not qualified"),
    (status = NOT_FOUND, body = Problem, description = "There is no such classifier"),
))]
pub async fn read_opponent(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Query(which): Query<WhichOpponent>,
) -> Result<Json<Opponent>, Problem> {
    labelling::demand_qualified(&state, &account).await?;
    let model = classifiers::find(&state, which.classifier).await?;
    let path = state.workbench.path_of(model.id).await;
    let newest = state
        .calibrations
        .newest(&state.store, model.id, &path)
        .await?;
    Ok(Json(Opponent {
        id: model.id.0,
        label: model.label(),
        threshold: newest.map(|read| read.threshold.logit()),
    }))
}
