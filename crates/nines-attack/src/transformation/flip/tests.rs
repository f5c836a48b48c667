use super::*;
use crate::attempt::{Outcome, Start};
use crate::recipe::Recipe;
use crate::testing::{Bigrams, BlackBox, LinearScorer};
use crate::victim::Victim;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;

/// `café` would be the best flip of all, but is never read as itself.
fn scorer() -> LinearScorer {
    let words: [(&str, &[f32]); 7] = [
        ("fell", &[3.0]),
        ("he", &[0.5]),
        ("sat", &[-1.0]),
        ("café", &[-9.0]),
        ("un", &[0.2]),
        ("##hurt", &[0.2]),
        (".", &[0.0]),
    ];
    LinearScorer::new(&words, &[1.0], 0.0)
}

fn models(scorer: Arc<dyn Scorer>, threshold: f64) -> Models {
    let threshold = Threshold::new(threshold).expect("finite");
    Models::of(Arc::new(Victim::new(vec![scorer])), vec![threshold])
}

#[test]
fn flips_are_whole_words_in_the_case_of_the_old() {
    let flips = Flips::new(Arc::new(scorer()), Direction::Down, 3).expect("flips");
    let draft = Draft::new(SnippetText::new("He sat.", "Unhurt he fell."), Vec::new());
    let sites = flips.sites(&draft);
    let lists = flips.propose(&draft, &sites).expect("proposals");
    let shown: Vec<Vec<&str>> = lists
        .iter()
        .map(|list| list.iter().map(|one| one.edits[0].text.as_str()).collect())
        .collect();
    assert_eq!(
        shown,
        [
            vec!["Sat", "Un", "Fell"],
            vec!["un", "he", "fell"],
            vec!["Sat", "Un", "He"],
            vec!["sat", "un", "fell"],
            vec!["sat", "un", "he"],
        ]
    );
    let few = flips
        .with_overall(2)
        .propose(&draft, &sites)
        .expect("proposals");
    let few: Vec<&str> = few
        .iter()
        .flatten()
        .map(|one| one.edits[0].text.as_str())
        .collect();
    assert_eq!(
        few,
        ["sat", "un"],
        "the two that promise most, at the worst word"
    );
}

#[test]
fn hotflip_and_gcg_reach_what_flips_can_reach() {
    let start = Start::new(SnippetText::new("He sat.", "He fell. He fell. He fell."));
    for name in ["hotflip", "gcg"] {
        let models = models(Arc::new(scorer()), 0.05);
        let attack = Recipe::named(name)
            .expect("known")
            .build(&models, 0)
            .expect("built");
        let attempt = attack.attempt(&start, 7, &CancelFlag::default());
        assert_eq!(attempt.outcome, Outcome::Reached, "{name}: {attempt:?}");
        assert!(attempt.finds[0].scores[0] < 0.05);
        assert!(attempt.queries >= attempt.scored && attempt.queries <= 2_000);
        let again = attack.attempt(&start, 7, &CancelFlag::default());
        assert_eq!(again.finds, attempt.finds, "{name} by its seed");
        assert_eq!(again.queries, attempt.queries);
    }
}

#[test]
fn a_classifier_without_gradients_is_named_with_a_way_out() {
    let models = models(Arc::new(BlackBox), 0.0);
    for name in ["hotflip", "gcg"] {
        let error = Recipe::named(name).expect("known").build(&models, 0);
        let error = error.err().expect("no gradients").to_string();
        assert!(error.contains("black-box@1"), "{error}");
        assert!(error.contains("textfooler-like"), "{error}");
    }
}

#[test]
fn flips_stay_fluent_where_a_language_model_is_asked() {
    let start = Start::new(SnippetText::new("He sat.", "He fell. He fell. He fell."));
    let attempt = |of_sat: f64| {
        let mut models = models(Arc::new(scorer()), 0.05);
        let next: [&[f64]; 4] = [
            &[0.1, 0.5, of_sat],
            &[0.8, 0.1, 0.1],
            &[0.8, 0.1, 0.1],
            &[0.8, 0.1, 0.1],
        ];
        models.language_model = Some(Arc::new(Bigrams::new(&["He", "fell.", "sat."], &next)));
        let recipe = Recipe::named("hotflip-fluent").expect("known");
        let attack = recipe.build(&models, 0).expect("built");
        attack.attempt(&start, 7, &CancelFlag::default())
    };
    let fluent = attempt(0.4);
    assert_eq!(fluent.outcome, Outcome::Reached, "{fluent:?}");
    assert_eq!(fluent.finds[0].text.prompt, "He sat.");
    assert_eq!(fluent.finds[0].text.completion, "He sat. He sat. He sat.");
    let odd = attempt(0.0005);
    assert!(odd.finds.is_empty(), "{odd:?}");
    assert!(odd.tally.refused["perplexity"] > 0);
}
