//! `nines attack recipes`, and recipes as an attack takes them.

use crate::commands::BadUsage;
use crate::output::Output;
use anyhow::{Context, Result, anyhow};
use nines_attack::recipe::{Recipe, RecipeError};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// Largest recipe that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Runs `nines attack recipes`.
pub fn run(name: Option<&str>, output: &Output) -> Result<()> {
    if let Some(name) = name {
        let recipe = read(name)?;
        let value = json!({ "name": recipe.name, "version": recipe.version, "recipe": recipe,
            "toml": recipe.to_toml() });
        output.result(&value, || recipe.to_toml());
        return Ok(());
    }
    let recipes = Recipe::names()
        .into_iter()
        .map(Recipe::named)
        .collect::<Result<Vec<_>, RecipeError>>()?;
    let rows: Vec<Value> = recipes
        .iter()
        .map(|r| json!({ "name": r.name, "version": r.version, "about": r.about, "goal": r.goal }))
        .collect();
    output.result(&rows, || {
        let mut text = String::new();
        for recipe in &recipes {
            let _ = writeln!(text, "{:<18} {}", recipe.name, recipe.about);
        }
        text.push_str("`nines attack recipes NAME` prints one as TOML; any such file is a recipe too.");
        text
    });
    Ok(())
}

/// Reads a recipe: one by name, or a TOML file.
pub fn read(asked: &str) -> Result<Recipe> {
    let path = Path::new(asked);
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Recipe::named(asked).map_err(|error| anyhow!(BadUsage(error.to_string())));
    }
    let file = std::fs::metadata(path).with_context(|| format!("cannot read the recipe {asked}"))?;
    if !file.is_file() || file.len() > LARGEST {
        let why = format!("{asked} is no recipe: it must be a file of at most {LARGEST} bytes");
        return Err(anyhow!(BadUsage(why)));
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the recipe {asked}"))?;
    Recipe::parse(&text).map_err(|error| anyhow!(BadUsage(format!("{asked}: {error}"))))
}
