//! Whether a recipe gets along with a classifier alone, which is asked before there is one.

use super::{GRADIENTS, Models, Recipe, RecipeError, register};
use crate::victim::Victim;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::Arc;

/// Stands where the classifier will stand; it is never asked.
struct StandIn;

impl Scorer for StandIn {
    fn version(&self) -> &str {
        "stand-in"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let none = |_| Err(Unscoreable::Model("it only stands in".to_owned()));
        snippets.iter().map(none).collect()
    }
}

impl Recipe {
    /// Checks that an attack by this recipe needs one classifier, with its gradients and a threshold, and nothing
    /// else, and that it begins with snippets.
    ///
    /// # Errors
    /// [`RecipeError::Missing`] names what else it needs; other errors name the part and the field.
    pub fn check_alone(&self) -> Result<(), RecipeError> {
        let threshold = Threshold::new(0.0).map_err(|error| {
            let reason = error.to_string();
            RecipeError::field("threshold", reason)
        })?;
        let models = Models::of(
            Arc::new(Victim::new(vec![Arc::new(StandIn)])),
            vec![threshold],
        );
        self.goal(&models)?;
        let (_, settings) = register::search(&self.search).map_err(RecipeError::at("search"))?;
        let search = settings.build(&models, 0);
        let search = search.map_err(RecipeError::at("search"))?;
        if search.takes_prompts() {
            return Err(RecipeError::Missing {
                part: "search".to_owned(),
                what: "prompts to begin with".to_owned(),
                how: "take a recipe that begins with snippets".to_owned(),
            });
        }
        for (index, part) in self.transformations.iter().enumerate() {
            let place = format!("transformations[{index}]");
            let (_, settings) = register::transformation(part).map_err(RecipeError::at(&place))?;
            match settings.build(&models, 0) {
                Err(RecipeError::Missing { what, .. }) if what == GRADIENTS => {}
                built => drop(built.map_err(RecipeError::at(&place))?),
            }
        }
        for (index, part) in self.constraints.iter().enumerate() {
            let place = format!("constraints[{index}]");
            let (_, settings) = register::constraint(part).map_err(RecipeError::at(&place))?;
            drop(
                settings
                    .build(&models, 0)
                    .map_err(RecipeError::at(&place))?,
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::GoalKind;

    #[test]
    fn what_needs_more_than_a_classifier_is_known_before_there_is_one() {
        let alone: Vec<&str> = Recipe::names()
            .into_iter()
            .filter(|name| {
                let recipe = Recipe::named(name).expect("a recipe");
                recipe.goal == GoalKind::Evade && recipe.check_alone().is_ok()
            })
            .collect();
        // The last changes the start's own prompt where there are no others.
        let expected = "hotflip gcg hole-shapes typos random prompt-for-completion";
        assert_eq!(alone.join(" "), expected);
        let problem = |name: &str| {
            let recipe = Recipe::named(name).expect("a recipe");
            recipe.check_alone().expect_err("refused").to_string()
        };
        assert!(problem("hotflip-fluent").contains("constraints["));
        assert!(problem("mcmc").contains("a language model"));
    }
}
