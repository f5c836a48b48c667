use super::*;
use crate::filter::{Filter, Law};
use nines_domain::ensemble::Combine;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads a number of the completion, as score or as unfamiliarity.
struct Reads {
    column: usize,
    name: String,
    asked: AtomicUsize,
}

impl Reads {
    fn new(column: usize) -> Self {
        Self {
            column,
            name: format!("column {column}"),
            asked: AtomicUsize::new(0),
        }
    }

    fn number(&self, snippet: &SnippetText) -> Result<f64, Unscoreable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let word = snippet.completion.split(' ').nth(self.column);
        let number = word.and_then(|word| word.parse().ok());
        number.ok_or_else(|| Unscoreable::Tokens(self.name.clone()))
    }
}

impl Scorer for Reads {
    fn version(&self) -> &str {
        &self.name
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let score = |snippet: &SnippetText| {
            Score::new(self.number(snippet)?).map_err(|e| Unscoreable::Model(e.to_string()))
        };
        snippets.iter().map(score).collect()
    }
}

impl Unfamiliarity for Reads {
    fn version(&self) -> &str {
        &self.name
    }

    fn of(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<f64, Unscoreable>> {
        snippets
            .iter()
            .map(|snippet| self.number(snippet))
            .collect()
    }
}

fn texts(completions: &[&str]) -> Vec<SnippetText> {
    let texts = completions.iter();
    texts.map(|text| SnippetText::new("p", *text)).collect()
}

fn cautious(measure: Measure, threshold: Option<f64>) -> Result<Cautious, CautionError> {
    let scorer: Arc<dyn Scorer> = Arc::new(Reads::new(0));
    let threshold = threshold.map(|logit| Threshold::new(logit).expect("finite"));
    Cautious::new(
        scorer,
        Caution {
            measure,
            limit: 2.0,
        },
        threshold,
    )
}

#[test]
fn what_is_too_unfamiliar_has_no_score() {
    let measure = Measure::Other(Arc::new(Reads::new(1)));
    let cautious = cautious(measure, None).expect("a caution");
    assert_eq!(cautious.version(), "column 0 where column 1 < 2");
    let texts = texts(&[
        "-3 1.9", "-3 2", "-3 9", "-3 x", "x 1", "-3 NaN", "4 1", "-3 -inf",
    ]);
    let scores = cautious.score(&texts, &mut |_| {});
    assert_eq!(scores[0], Ok(Score::new(-3.0).expect("finite")));
    for at in [1, 2] {
        let Err(why @ Unscoreable::Unfamiliar { .. }) = &scores[at] else {
            panic!("{:?}", scores[at]);
        };
        assert!(
            why.to_string()
                .contains("the limit is 2.0000; its logit is -3.000"),
            "{why}"
        );
    }
    assert_eq!(scores[3], Err(Unscoreable::Tokens("column 1".to_owned())));
    assert_eq!(scores[4], Err(Unscoreable::Tokens("column 0".to_owned())));
    assert!(
        matches!(scores[5], Err(Unscoreable::Unfamiliar { .. })),
        "no number is below no limit"
    );
    assert!(scores[6].is_ok());
    assert!(
        matches!(scores[7], Err(Unscoreable::Unfamiliar { .. })),
        "what is no number is not familiar"
    );
}

#[test]
fn nothing_is_measured_of_what_the_threshold_rejects() {
    let measure = Arc::new(Reads::new(1));
    let cautious = cautious(Measure::Other(measure.clone()), Some(-2.0)).expect("a caution");
    let scores = cautious.score(&texts(&["-1 9", "-2 x", "-3 1", "-4 9"]), &mut |_| {});
    assert_eq!(
        cautious.version(),
        "column 0 where column 1 < 2 below logit -2"
    );
    // The first two are rejected by their scores.
    assert!(scores[0].is_ok() && scores[1].is_ok() && scores[2].is_ok() && scores[3].is_err());
    assert_eq!(measure.asked.load(Ordering::Relaxed), 2);
}

#[test]
fn no_filter_accepts_what_was_not_measured() {
    let measure = || Measure::Other(Arc::new(Reads::new(1)));
    let below = cautious(measure(), Some(-4.0)).expect("a caution");
    let filter = |scorer: &Cautious, logit: f64| {
        let threshold = Threshold::new(logit).expect("finite");
        Filter::new(scorer, threshold, 4, Law::FirstAccepted).err()
    };
    assert_eq!(filter(&below, -4.0), None);
    assert_eq!(filter(&below, -5.0), None);
    let refused = filter(&below, -3.0).expect("refused").to_string();
    assert!(
        refused.contains("below -3") && refused.contains("below -4"),
        "{refused}"
    );
    let everywhere = cautious(measure(), None).expect("a caution");
    assert_eq!(filter(&everywhere, 3.0), None);
}

#[test]
fn a_measure_that_answers_too_little_leaves_no_score() {
    struct Silent;
    impl Unfamiliarity for Silent {
        fn version(&self) -> &str {
            "silent"
        }
        fn of(&self, _: &[SnippetText], _: &mut dyn FnMut(usize)) -> Vec<Result<f64, Unscoreable>> {
            Vec::new()
        }
    }
    let cautious = cautious(Measure::Other(Arc::new(Silent)), None).expect("a caution");
    assert!(
        cautious
            .score(&texts(&["-3", "-4"]), &mut |_| {})
            .iter()
            .all(Result::is_err)
    );
}

#[test]
fn an_ensemble_is_asked_once_for_its_score_and_its_spread() {
    let members: Vec<Arc<Reads>> = (0..2).map(|column| Arc::new(Reads::new(column))).collect();
    let scorers = members
        .iter()
        .map(|m| m.clone() as Arc<dyn Scorer>)
        .collect();
    let ensemble = Ensemble::new("both", scorers, Combine::Max).expect("an ensemble");
    let caution = Caution {
        measure: Measure::OwnSpread,
        limit: 2.0,
    };
    let cautious = Cautious::new(Arc::new(ensemble), caution, None).expect("a caution");
    let scores = cautious.score(&texts(&["-3 -4", "-3 -9", "-3 x"]), &mut |_| {});
    assert_eq!(scores[0], Ok(Score::new(-3.0).expect("finite")));
    // The spread of two is their gap over the root of two.
    assert!(
        matches!(scores[1], Err(Unscoreable::Unfamiliar { value, .. }) if (value - 6.0 / 2f64.sqrt()).abs() < 1e-12)
    );
    assert_eq!(scores[2], Err(Unscoreable::Tokens("column 1".to_owned())));
    assert_eq!(members[0].asked.load(Ordering::Relaxed), 3);
    assert!(cautious.ensemble().is_some());
}

#[test]
fn a_caution_that_says_nothing_is_refused() {
    assert!(matches!(
        cautious(Measure::OwnSpread, None),
        Err(CautionError::NoEnsemble(_))
    ));
    for limit in [f64::NAN, f64::INFINITY] {
        let caution = Caution {
            measure: Measure::Other(Arc::new(Reads::new(1))),
            limit,
        };
        let refused = Cautious::new(Arc::new(Reads::new(0)), caution, None);
        assert!(matches!(refused, Err(CautionError::Limit(_))));
    }
}
