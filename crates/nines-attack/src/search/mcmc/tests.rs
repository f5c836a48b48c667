use super::*;
use crate::attempt::{Outcome, Start};
use crate::recipe::Recipe;
use crate::testing::{Bigrams, BlackBox, LinearScorer};
use crate::victim::Victim;
use nines_domain::score::Threshold;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::Scorer;

fn models() -> Models {
    let words: [(&str, &[f32]); 4] = [
        ("ant", &[-1.0]),
        ("bee", &[0.5]),
        ("cat", &[2.0]),
        (".", &[0.0]),
    ];
    let scorer: Arc<dyn Scorer> = Arc::new(LinearScorer::new(&words, &[1.0], 0.0));
    let threshold = Threshold::new(0.0).expect("finite");
    let mut models = Models::of(Arc::new(Victim::new(vec![scorer])), vec![threshold]);
    models.language_model = Some(Arc::new(Bigrams::new(
        &["ant", "bee", "cat"],
        &[
            &[1.0, 2.0, 3.0],
            &[4.0, 1.0, 1.0],
            &[1.0, 5.0, 2.0],
            &[1.0, 1.0, 1.0],
        ],
    )));
    models
}

fn attempt(models: &Models, queries: u64) -> crate::attempt::Attempt {
    let mut recipe = Recipe::named("mcmc").expect("known");
    recipe.budget.queries = queries;
    let attack = recipe.build(models, 0).expect("built");
    let start = Start::new(SnippetText::new("Once.", "cat cat."));
    attack.attempt(&start, 11, &CancelFlag::default())
}

#[test]
fn finds_carry_the_weight_of_their_samples() {
    let found = attempt(&models(), 5_000);
    assert_eq!(found.outcome, Outcome::Reached, "{found:?}");
    assert!(found.finds.len() > 3);
    for find in &found.finds {
        assert!(find.scores[0] < 0.0);
        // Without a judge a find costs nothing: its weight is the number of its samples.
        let count = find.log_weight.expect("a weight").exp();
        assert!((count - count.round()).abs() < 1e-9 && count > 0.5);
    }
    let told = found.notes.join("\n");
    assert!(
        told.contains("samples") && told.contains("weights"),
        "{told}"
    );
    assert_eq!(attempt(&models(), 5_000).finds, found.finds);
}

#[test]
fn a_chain_that_is_cut_short_keeps_its_samples() {
    let found = attempt(&models(), 800);
    assert!(found.queries <= 800);
    assert_eq!(found.outcome, Outcome::Reached);
    let nothing = attempt(&models(), 1);
    assert_eq!((nothing.outcome, nothing.finds.len()), (Outcome::Spent, 0));
}

#[test]
fn a_judge_keeps_the_label_and_is_named() {
    let mut models = models();
    let threshold = Threshold::new(1.0).expect("finite");
    let judge = Judge::classifier("long texts", Arc::new(BlackBox), threshold);
    models.judge = Some(judge);
    let recipe = Recipe::named("mcmc").expect("known");
    let described = recipe.build(&models, 0).expect("built").description();
    assert_eq!(described.fallible, ["judge"]);
    let found = attempt(&models, 5_000);
    assert!(found.tally.judged > 100 && found.tally.judged_different > 3);
    let told = found.notes.join("\n");
    assert!(
        told.contains("long texts") && told.contains("fooled"),
        "{told}"
    );
    // Texts of fewer than eleven letters cost something.
    let short = found
        .finds
        .iter()
        .find(|find| find.text.completion == "ant ant.");
    if let Some(short) = short {
        assert!(short.log_weight.expect("a weight") >= 5.0);
    }
}

#[test]
fn without_a_language_model_there_is_no_chain() {
    let mut models = models();
    models.language_model = None;
    let error = Recipe::named("mcmc").expect("known").build(&models, 0);
    let error = error.err().expect("no model").to_string();
    assert!(error.contains("--lm"), "{error}");
}
