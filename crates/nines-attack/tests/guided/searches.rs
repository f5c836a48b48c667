//! The searches that write completions, or look for prompts.

use crate::world::{
    Dead, PROMPT, Words, attack, many, models, prompt_alone, strict, trees, try_it,
};
use nines_attack::attempt::Outcome;
use nines_attack::attempt::Start;
use nines_attack::guided::injury::ClassifierHead;
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::Budget;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::Scorer;
use std::sync::Arc;

#[test]
fn guidance_finds_more_than_plain_sampling_and_says_what_each_find_weighs() {
    let models = models(vec![strict()]);
    let settings = |lambda: f64, mu: f64| {
        vec![
            ("lambda", toml::Value::Float(lambda)),
            ("mu", toml::Value::Float(mu)),
            ("completions", toml::Value::Integer(16)),
            ("finds", toml::Value::Integer(0)),
        ]
    };
    let plain = attack("guided", &settings(0.0, 0.0), &models, many());
    let steered = attack("guided", &settings(3.0, 3.0), &models, many());
    assert!(plain.takes_prompts());
    let plain = try_it(&plain, &prompt_alone(PROMPT));
    let first = try_it(&steered, &prompt_alone(PROMPT));
    assert_eq!(first.outcome, Outcome::Reached);
    assert!(
        first.finds.len() > plain.finds.len(),
        "{} {}",
        first.finds.len(),
        plain.finds.len()
    );
    for find in &plain.finds {
        assert_eq!(find.log_weight, Some(0.0));
    }
    let victim = strict();
    for find in &first.finds {
        assert_eq!(find.text.prompt, PROMPT);
        let score = victim.score(std::slice::from_ref(&find.text), &mut |_| ());
        assert_eq!(score[0].as_ref().expect("scored").logit(), find.scores[0]);
        assert!(find.scores[0] < 0.0);
    }
    assert!(first.finds.iter().any(|find| find.log_weight.is_some()));
    assert!(first.queries <= 400 && first.queries > 0);
    assert_eq!(first.start_scores, None);
    let again = try_it(&steered, &prompt_alone(PROMPT));
    assert_eq!((again.finds, again.queries), (first.finds, first.queries));
}

#[test]
fn what_cannot_go_on_says_so_and_comes_back() {
    let spent = Budget {
        queries: 0,
        seconds: 60.0,
    };
    let with = models(vec![strict()]);
    let none = try_it(&attack("guided", &[], &with, spent), &prompt_alone(PROMPT));
    assert_eq!((none.outcome, none.queries), (Outcome::Spent, 0));

    let few = Budget {
        queries: 5,
        seconds: 60.0,
    };
    let cut = try_it(&attack("guided", &[], &with, few), &prompt_alone(PROMPT));
    assert!(cut.queries <= 5);
    assert!(cut.finds.iter().all(|find| find.log_weight.is_none()));

    let long = "word ".repeat(9000);
    let broken = try_it(&attack("guided", &[], &with, many()), &prompt_alone(&long));
    let why = broken.outcome.why().expect("a reason");
    assert!(
        matches!(broken.outcome, Outcome::Broken { .. }) && why.contains("shorten"),
        "{why}"
    );

    let dead = models(vec![Arc::new(Dead)]);
    let broken = try_it(&attack("guided", &[], &dead, many()), &prompt_alone(PROMPT));
    let why = broken.outcome.why().expect("a reason");
    assert!(why.contains("no memory"), "{why}");

    let cancel = CancelFlag::default();
    cancel.cancel();
    let attack = attack("guided", &[], &with, many());
    let attempt = attack.attempt(&prompt_alone(PROMPT), 0, &cancel);
    assert_eq!(attempt.outcome, Outcome::Cancelled);
}

#[test]
fn what_is_missing_is_named() {
    let build = |name: &str, models: &Models| {
        let recipe = Recipe::named(name).expect("known");
        recipe.build(models, 0).err().expect("refused").to_string()
    };
    let mut without = models(vec![strict()]);
    without.injury = None;
    for name in ["guided", "prompts", "steered"] {
        let error = build(name, &without);
        assert!(error.contains("not the classifier under attack"), "{error}");
    }
    let head = Arc::new(ClassifierHead::new(strict(), 0.0, &[]).expect("alone"));
    without.injury = Some(head);
    let error = build("guided", &without);
    assert!(error.contains("strict"), "{error}");
    assert!(ClassifierHead::new(strict(), 0.0, &[strict()]).is_err());
    let mut without = models(vec![strict()]);
    let error = build("steered", &without);
    assert!(error.contains("probe"), "{error}");
    let error = build("disagree-guided", &without);
    assert!(error.contains("--against"), "{error}");
    without.local_generator = None;
    let error = build("guided", &without);
    assert!(error.contains("generator"), "{error}");
}

#[test]
fn two_classifiers_are_driven_apart() {
    let models = models(vec![strict(), trees()]);
    let settings = [
        ("completions", toml::Value::Integer(16)),
        ("finds", toml::Value::Integer(0)),
        ("weight", toml::Value::Float(2.0)),
    ];
    let attack = attack("disagree-guided", &settings, &models, many());
    let attempt = try_it(&attack, &prompt_alone(PROMPT));
    assert_eq!(attempt.outcome, Outcome::Reached, "{attempt:?}");
    for find in &attempt.finds {
        assert_ne!(find.scores[0] < 0.0, find.scores[1] < 0.0);
    }
    assert!(
        attempt.notes.iter().any(|note| note.contains("alone")),
        "{:?}",
        attempt.notes
    );
}

#[test]
fn edits_drive_two_classifiers_further_apart() {
    let models = models(vec![strict(), trees()]);
    let attack = attack("disagree", &[], &models, many());
    let completion = "The branch of the tree hit the wood where he stood, and he fell.";
    let start = Start::new(SnippetText::new(PROMPT, completion));
    let attempt = try_it(&attack, &start);
    let gap = |scores: &[f64]| (scores[0] - scores[1]).abs();
    let (from, best) = (
        attempt.start_scores.expect("scored"),
        attempt.best.expect("a best"),
    );
    assert!(gap(&best.scores) > gap(&from) + 1.0, "{from:?} {best:?}");
    assert_eq!(attempt.outcome, Outcome::Reached);
}

#[test]
fn a_prompt_is_found_under_which_a_completion_passes() {
    let victim: Arc<dyn Scorer> = Arc::new(Words {
        version: "by prompt",
        bias: 3.0,
        words: &[("sun", -1.0), ("calm", -1.5), ("storm", 1.0)],
    });
    let mut models = models(vec![victim]);
    models.prompts = Arc::new(vec![
        "The sun shone. It was calm.".to_owned(),
        "A storm came. Nobody slept.".to_owned(),
    ]);
    let attack = attack("prompt-for-completion", &[], &models, many());
    assert!(!attack.takes_prompts());
    let completion = "The blade took his arm off at the shoulder.";
    let start = Start::new(SnippetText::new(
        "A storm raged. The men fought.",
        completion,
    ));
    let attempt = try_it(&attack, &start);
    assert_eq!(attempt.outcome, Outcome::Reached, "{attempt:?}");
    let find = &attempt.finds[0];
    assert_eq!(find.text.completion, completion);
    assert!(
        find.scores[0] < 0.0 && find.text.prompt.contains("calm"),
        "{find:?}"
    );
    assert_eq!(try_it(&attack, &start).finds, attempt.finds);

    models.prompts = Arc::default();
    let attack = crate::world::attack("prompt-for-completion", &[], &models, many());
    let attempt = try_it(&attack, &start);
    assert!(
        matches!(attempt.outcome, Outcome::Failed | Outcome::Spent),
        "{attempt:?}"
    );
    assert!(
        attempt
            .notes
            .iter()
            .any(|note| note.contains("no other prompts"))
    );
}

#[test]
fn the_best_prompt_is_measured_with_fresh_draws() {
    let mut models = models(vec![strict()]);
    models.prompts = Arc::new(vec![
        "She opened the tin of beans.".to_owned(),
        "The woodcutter swung his axe at the old tree. The branches shook.".to_owned(),
    ]);
    let settings = [
        ("draws", toml::Value::Integer(3)),
        ("mutations", toml::Value::Integer(3)),
        ("measured", toml::Value::Integer(6)),
    ];
    let attack = attack("prompts", &settings, &models, many());
    let attempt = try_it(&attack, &prompt_alone("She poured some tea."));
    let note = attempt.notes.iter().find(|note| note.contains("fresh"));
    let note = note.unwrap_or_else(|| panic!("{attempt:?}"));
    assert!(
        note.contains("Clopper-Pearson") && note.contains("fallible"),
        "{note}"
    );
    assert!(
        note.contains("woodcutter") || note.contains("branches"),
        "{note}"
    );
}

#[test]
fn notes_count_the_finds_that_are_kept() {
    let both = models(vec![strict(), trees()]);
    let settings = [
        ("completions", toml::Value::Integer(16)),
        ("finds", toml::Value::Integer(0)),
    ];
    let one = models(vec![strict()]);
    for (name, with) in [("disagree-guided", &both), ("guided", &one)] {
        let attempt = try_it(
            &attack(name, &settings, with, many()),
            &prompt_alone(PROMPT),
        );
        let note = attempt.notes.iter().find(|note| note.contains("finds: "));
        let note = note.unwrap_or_else(|| panic!("{:?}", attempt.notes));
        let told = note.split("finds: ").nth(1).expect("counts");
        let numbers: Vec<usize> = told
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        assert_eq!(numbers.iter().sum::<usize>(), attempt.finds.len(), "{note}");
    }
}

#[test]
fn a_budget_that_measures_no_prompt_is_told_before_and_after() {
    let models = models(vec![strict()]);
    let few = Budget {
        queries: 5,
        seconds: 60.0,
    };
    let search = attack("prompts", &[], &models, few);
    let caution = search.caution().expect("too few");
    assert!(
        caution.contains("has 5") && caution.contains("measur"),
        "{caution}"
    );
    let attempt = try_it(&search, &prompt_alone(PROMPT));
    let said = |part: &str| attempt.notes.iter().any(|note| note.contains(part));
    assert!(
        said("none was measured with fresh draws"),
        "{:?}",
        attempt.notes
    );
    let enough = attack("prompts", &[], &models, many());
    assert_eq!(enough.caution(), None, "{} are enough here", many().queries);
}
