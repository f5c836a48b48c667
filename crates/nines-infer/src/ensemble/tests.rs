use super::*;

/// Scores a snippet by the number that its completion writes for the member.
struct Reads {
    name: String,
    column: usize,
}

impl Scorer for Reads {
    fn version(&self) -> &str {
        &self.name
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        (prompt == self.name).then_some(Unscoreable::EmptyCompletion)
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        progress(snippets.len());
        let read = |snippet: &SnippetText| {
            let word = snippet.completion.split(' ').nth(self.column);
            let number = word.and_then(|word| word.parse::<f64>().ok());
            let logit = number.ok_or_else(|| Unscoreable::Tokens(self.name.clone()))?;
            Score::new(logit).map_err(|error| Unscoreable::Model(error.to_string()))
        };
        snippets.iter().map(read).collect()
    }
}

fn member(column: usize) -> Arc<dyn Scorer> {
    let name = format!("member {column}");
    Arc::new(Reads { name, column })
}

fn ensemble(members: usize, combine: Combine) -> Ensemble {
    let members = (0..members).map(member).collect();
    Ensemble::new("all", members, combine).expect("an ensemble")
}

fn texts(completions: &[&str]) -> Vec<SnippetText> {
    let texts = completions.iter();
    texts.map(|text| SnippetText::new("p", *text)).collect()
}

#[test]
fn logits_are_combined_in_double_precision() {
    let texts = texts(&["1 2 6", "-3 -1 -2", "1e300 1e300 -1e300"]);
    let logits = |combine| -> Vec<f64> {
        let scores = ensemble(3, combine).score(&texts, &mut |_| {});
        scores
            .into_iter()
            .map(|s| s.expect("scored").logit())
            .collect()
    };
    assert_eq!(logits(Combine::Mean), [3.0, -2.0, 1e300 / 3.0]);
    assert_eq!(logits(Combine::Max), [6.0, -1.0, 1e300]);
}

#[test]
fn what_one_member_cannot_score_has_no_score() {
    let texts = texts(&[
        "1 2 6",
        "1 x 6",
        "inf 2 6",
        "1 2",
        "NaN NaN NaN",
        "-inf 0 0",
    ]);
    for combine in [Combine::Mean, Combine::Max] {
        let scores = ensemble(3, combine).score(&texts, &mut |_| {});
        assert!(scores[0].is_ok(), "{combine}");
        assert_eq!(scores[1], Err(Unscoreable::Tokens("member 1".to_owned())));
        assert!(matches!(scores[2], Err(Unscoreable::Model(_))));
        assert_eq!(scores[3], Err(Unscoreable::Tokens("member 2".to_owned())));
        assert!(scores[4].is_err() && scores[5].is_err());
    }
    // A mean that overflows is no score either.
    let far = self::texts(&["1.7e308 1.7e308"]);
    let scores = ensemble(2, Combine::Mean).score(&far, &mut |_| {});
    assert!(
        matches!(scores[0], Err(Unscoreable::Model(_))),
        "{scores:?}"
    );
}

#[test]
fn a_member_that_answers_too_little_leaves_no_score() {
    struct Silent;
    impl Scorer for Silent {
        fn version(&self) -> &str {
            "silent"
        }
        fn score(
            &self,
            _: &[SnippetText],
            _: &mut dyn FnMut(usize),
        ) -> Vec<Result<Score, Unscoreable>> {
            Vec::new()
        }
    }
    let members = vec![member(0), Arc::new(Silent) as Arc<dyn Scorer>];
    let ensemble = Ensemble::new("all", members, Combine::Mean).expect("an ensemble");
    let scores = ensemble.score(&texts(&["1", "2"]), &mut |_| {});
    assert!(scores.len() == 2 && scores.iter().all(Result::is_err));
}

#[test]
fn a_prompt_that_one_member_refuses_is_refused() {
    let ensemble = ensemble(3, Combine::Max);
    assert_eq!(
        ensemble.refuses("member 2"),
        Some(Unscoreable::EmptyCompletion)
    );
    assert_eq!(ensemble.refuses("another"), None);
}

#[test]
fn progress_rises_to_the_number_of_snippets() {
    let mut told = Vec::new();
    let texts = texts(&["1 2", "3 4", "5 6", "7 8"]);
    ensemble(2, Combine::Mean).score(&texts, &mut |done| told.push(done));
    assert_eq!(told, [2, 4]);
}

#[test]
fn members_are_two_to_sixteen_and_none_twice() {
    let of = |members: Vec<Arc<dyn Scorer>>| {
        Ensemble::new("all", members, Combine::Mean)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(
        of(vec![member(0)]).as_deref(),
        Some("an ensemble has 2 to 16 members, not 1")
    );
    assert!(of((0..17).map(member).collect()).is_some());
    assert!(of((0..16).map(member).collect()).is_none());
    assert!(
        of(vec![member(0), member(0)])
            .is_some_and(|why| why.contains("member 0 is a member twice"))
    );
    let nested: Arc<dyn Scorer> = Arc::new(ensemble(2, Combine::Mean));
    assert!(of(vec![member(0), nested]).is_some_and(|why| why.contains("is an ensemble itself")));
}

#[test]
fn another_order_rule_or_member_is_another_version() {
    let version = |columns: &[usize], combine| {
        let members = columns.iter().map(|&column| member(column)).collect();
        let ensemble = Ensemble::new("all", members, combine).expect("an ensemble");
        ensemble.version().to_owned()
    };
    let first = version(&[0, 1], Combine::Mean);
    assert!(first.starts_with("all@"));
    assert_eq!(first, version(&[0, 1], Combine::Mean));
    for other in [
        version(&[1, 0], Combine::Mean),
        version(&[0, 1], Combine::Max),
        version(&[0, 2], Combine::Mean),
    ] {
        assert_ne!(first, other);
    }
}

#[test]
fn members_without_gradients_leave_the_ensemble_without() {
    assert!(ensemble(2, Combine::Mean).differentiable().is_none());
}
