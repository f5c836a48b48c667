use super::*;

fn refused(toml: &str) -> String {
    Recipe::parse(toml).expect_err("it is wrong").to_string()
}

#[test]
fn every_named_recipe_is_one_and_says_all_its_settings() {
    for name in Recipe::names() {
        let recipe = Recipe::named(name).expect(name);
        assert_eq!(recipe.name, name);
        assert!(!recipe.about.is_empty(), "{name} says what it does");
        let again = Recipe::parse(&recipe.to_toml()).expect(name);
        assert_eq!(again, recipe, "{name} is read as it was written");
    }
}

#[test]
fn defaults_are_filled_in() {
    let recipe = Recipe::parse(
        "name = \"own\"\n[search]\nkind = \"greedy\"\n[[transformations]]\nkind = \"delete\"\n",
    )
    .expect("a recipe");
    let toml = recipe.to_toml();
    for setting in ["importance = \"unk\"", "queries = 2000", "goal = \"evade\""] {
        assert!(toml.contains(setting), "{toml}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let own = |rest: &str| format!("name = \"own\"\n{rest}");
    let wrong = refused(&own("[search]\nkind = \"greedy\"\nimportnace = \"unk\"\n"));
    assert!(
        wrong.contains("search") && wrong.contains("importnace"),
        "{wrong}"
    );
    let wrong = refused(&own("[search]\nkind = \"greedly\"\n"));
    assert!(
        wrong.contains("greedly") && wrong.contains("beam"),
        "{wrong}"
    );
    let wrong = refused(&own(
        "[search]\nkind = \"beam\"\n[[constraints]]\nkind = \"stop-words\"\n[[constraints]]\nkind = \"similarity\"\ncosine = \"much\"\n",
    ));
    assert!(
        wrong.contains("constraints[1]") && wrong.contains("cosine"),
        "{wrong}"
    );
    let wrong = refused(&own("[search]\nkind = \"beam\"\ndepth = -1\n"));
    assert!(
        wrong.contains("depth") && wrong.contains("whole number from 0"),
        "{wrong}"
    );
    let wrong = refused("name = \"Two Words\"\n[search]\nkind = \"beam\"\n");
    assert!(wrong.contains("name"), "{wrong}");
    let wrong = refused(&own(
        "[budget]\nqueries = 5\nseconds = inf\n[search]\nkind = \"beam\"\n",
    ));
    assert!(wrong.contains("budget.seconds"), "{wrong}");
    let wrong = refused(&own("colour = 1\n[search]\nkind = \"beam\"\n"));
    assert!(wrong.contains("colour"), "{wrong}");
    let wrong = Recipe::named("magic")
        .expect_err("there is none")
        .to_string();
    assert!(
        wrong.contains("magic") && wrong.contains("textfooler-like"),
        "{wrong}"
    );
}

#[test]
fn flips_away_from_the_goal_are_refused() {
    let scorer: std::sync::Arc<dyn nines_infer::scorer::Scorer> =
        std::sync::Arc::new(crate::testing::LinearScorer::oracle());
    let victim = std::sync::Arc::new(crate::victim::Victim::new(vec![scorer]));
    let threshold = nines_domain::score::Threshold::new(0.0).expect("finite");
    let models = Models::of(victim, vec![threshold]);
    let with = |goal: GoalKind, direction: &str| {
        let mut recipe = Recipe::named("hotflip").expect("known");
        recipe.goal = goal;
        let settings = &mut recipe.transformations[0].settings;
        settings.insert("direction".to_owned(), direction.into());
        recipe.build(&models, 0).map(|_| ())
    };
    assert_eq!(with(GoalKind::Evade, "down"), Ok(()));
    assert_eq!(with(GoalKind::FalseAlarm, "up"), Ok(()));
    assert_eq!(with(GoalKind::Cross, "up"), Ok(()));
    for (goal, direction) in [(GoalKind::FalseAlarm, "down"), (GoalKind::Evade, "up")] {
        let error = with(goal, direction).expect_err("in vain").to_string();
        assert!(error.contains("transformations[0].direction"), "{error}");
    }
}
