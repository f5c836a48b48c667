use super::*;
use crate::testing::Bigrams;
use nines_domain::snippet::SnippetText;

fn language() -> Arc<Bigrams> {
    Arc::new(Bigrams::new(
        &["ant", "bee", "cat"],
        &[
            &[1.0, 2.0, 3.0],
            &[4.0, 1.0, 1.0],
            &[1.0, 5.0, 2.0],
            &[3.0, 2.0, 1.0],
        ],
    ))
}

fn proposed(how: FillIn, right_words: usize) -> Vec<(String, Vec<String>)> {
    let source = CausalWords::new(language()).with_right_words(right_words);
    let fill = FillIns::new(Arc::new(source), how, 2);
    let draft = Draft::new(SnippetText::new("Ants.", "Cat bee, ant"), Vec::new());
    let mut sites = fill.sites(&draft);
    sites.retain(|site| site.part == nines_text::SnippetPart::Completion);
    let lists = fill.propose(&draft, &sites).expect("proposals");
    sites
        .iter()
        .zip(lists)
        .map(|(site, list)| {
            let made = list.iter().map(|proposal| {
                assert!(proposal.log_probability.is_some());
                let changed = draft.apply(&proposal.edits).expect("an edit");
                changed.text().completion.clone()
            });
            let at = draft.at(site).unwrap_or_default().to_owned();
            (at, made.collect())
        })
        .collect()
}

fn shown(found: &[(String, Vec<String>)]) -> Vec<(&str, Vec<&str>)> {
    found
        .iter()
        .map(|(at, made)| (at.as_str(), made.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn words_are_ranked_by_what_follows_too() {
    // After nothing known: ant 3, bee 2, cat 1 of 6; then `bee,` is no word that the model knows.
    let left = proposed(FillIn::Replace, 0);
    assert_eq!(
        shown(&left),
        [
            ("Cat", vec!["Ant bee, ant", "Bee bee, ant"]),
            // After `Cat`, in capitals, everything is as after nothing known.
            ("bee", vec!["Cat ant, ant", "Cat cat, ant"]),
            ("ant", vec!["Cat bee, bee", "Cat bee, cat"]),
        ]
    );
    assert_eq!(proposed(FillIn::Replace, 3).len(), 3);
}

#[test]
fn insertions_and_merges_keep_words_apart() {
    let inserted = proposed(FillIn::Insert, 0);
    assert_eq!(
        shown(&inserted)[1],
        ("", vec!["Cat ant bee, ant", "Cat bee bee, ant"])
    );
    assert!(inserted[0].1.contains(&"ant Cat bee, ant".to_owned()));
    let merged = proposed(FillIn::Merge, 0);
    // Punctuation parts `bee` and `ant`.
    assert_eq!(shown(&merged), [("Cat bee", vec!["Ant, ant", "Bee, ant"])]);
}

#[test]
fn without_a_model_the_recipe_says_what_is_missing() {
    let recipe = crate::recipe::Recipe::named("bert-attack-like").expect("known");
    let scorer = Arc::new(crate::testing::BlackBox);
    let victim = Arc::new(crate::victim::Victim::new(vec![scorer]));
    let threshold = nines_domain::score::Threshold::new(0.0).expect("finite");
    let error = recipe.build(&Models::of(victim, vec![threshold]), 0);
    let error = error.err().expect("no model").to_string();
    assert!(error.contains("language model") && error.contains("--lm"), "{error}");
}
