//! `GET /api/recipes`.

use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Json;
use nines_attack::recipe::{GoalKind, Recipe};
use serde::Serialize;
use utoipa::ToSchema;

/// A recipe that comes with this program, as the form of an attack offers it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttackRecipe)]
pub struct RecipeRow {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Queries of one attempt, unless the request says otherwise.
    pub queries: u64,
    /// Seconds of one attempt, unless the request says otherwise.
    pub seconds: f64,
    /// Whether it compares two classifiers, so that a second one must be named.
    pub compares: bool,
    /// Whether it writes completions itself, so that it begins with prompts.
    pub writes: bool,
}

/// Recipes.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipeRows {
    /// All of them, in the order of `nines attack recipes`.
    pub rows: Vec<RecipeRow>,
}

/// Searches that write completions: they begin with prompts.
const WRITING: [&str; 4] = ["guided", "guided-disagree", "steered", "prompts"];

/// Lists the recipes of attacks.
#[utoipa::path(get, path = "/recipes", tag = "jobs", responses(
    (status = OK, body = RecipeRows),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_recipes(_: Researcher) -> Result<Json<RecipeRows>, Problem> {
    let rows = Recipe::names().into_iter().map(|name| {
        let recipe = Recipe::named(name).map_err(|error| Problem::internal(error.to_string()))?;
        Ok::<_, Problem>(RecipeRow {
            queries: recipe.budget.queries,
            seconds: recipe.budget.seconds,
            compares: matches!(recipe.goal, GoalKind::Disagree | GoalKind::Gap),
            writes: WRITING.contains(&recipe.search.kind.as_str()),
            name: recipe.name,
            about: recipe.about,
        })
    });
    Ok(Json(RecipeRows {
        rows: rows.collect::<Result<_, _>>()?,
    }))
}
