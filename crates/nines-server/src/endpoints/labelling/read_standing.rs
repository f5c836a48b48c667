//! `GET /api/labelling/standing`.

use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::Json;
use crate::state::AppState;
use axum::extract::State;
use nines_domain::account::Role;
use nines_store::Stage;
use serde::Serialize;
use utoipa::ToSchema;

/// What comes before the first real item.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageWord {
    /// Practice items, with feedback.
    Practice,
    /// The test.
    Qualification,
    /// Nothing: the test was not passed, and a researcher may let them try again.
    Failed,
}

/// How far a part of the training is.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingPart {
    /// Items answered.
    pub done: u64,
    /// Items that there are.
    pub total: u64,
}

/// What the caller did since midnight UTC.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayRecord {
    /// Items answered.
    pub answered: u64,
    /// Seconds at work.
    pub seconds: f64,
}

/// Where the caller stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabellerStanding {
    /// Whether the caller is given real items.
    pub qualified: bool,
    /// What is to be done before.
    pub stage: Option<StageWord>,
    /// Practice items.
    pub practice: TrainingPart,
    /// The qualification test.
    pub qualification: TrainingPart,
    /// Today's work.
    pub today: DayRecord,
}

/// Says whether the caller may label, what is to be done before, and what was done today.
#[utoipa::path(get, path = "/labelling/standing", tag = "labelling", responses(
    (status = OK, body = LabellerStanding),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
))]
pub async fn read_standing(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
) -> Result<Json<LabellerStanding>, Problem> {
    let standing = state.store.standing(account.id).await?;
    let today = state.store.today(account.id).await?;
    // Researchers and admins know the guide.
    let stage = standing.stage.filter(|_| account.role == Role::Labeller);
    let part = |progress: nines_store::Progress| TrainingPart {
        done: progress.done,
        total: progress.total,
    };
    Ok(Json(LabellerStanding {
        qualified: stage.is_none(),
        stage: stage.map(|stage| match stage {
            Stage::Practice => StageWord::Practice,
            Stage::Qualification => StageWord::Qualification,
            Stage::Failed => StageWord::Failed,
        }),
        practice: part(standing.practice),
        qualification: part(standing.qualification),
        today: DayRecord {
            answered: today.answered,
            seconds: today.seconds,
        },
    }))
}
