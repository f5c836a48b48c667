use super::*;
use crate::testing::{BlackBox, LinearScorer};

fn values(method: Method, scorer: &dyn Scorer, snippet: &SnippetText) -> Vec<(String, f64)> {
    let found = saliency(method, scorer, snippet).expect("saliency");
    found.into_iter().map(|one| (one.text, one.value)).collect()
}

fn close(found: &[(String, f64)], expected: &[(&str, f64)]) {
    let words: Vec<&str> = found.iter().map(|(word, _)| word.as_str()).collect();
    let wanted: Vec<&str> = expected.iter().map(|(word, _)| *word).collect();
    assert_eq!(words, wanted);
    for ((word, value), (_, wanted)) in found.iter().zip(expected) {
        assert!((value - wanted).abs() < 1e-6, "{word}: {value} for {wanted}");
    }
}

#[test]
fn saliency_of_the_worked_example() {
    let scorer = LinearScorer::oracle();
    let snippet = SnippetText::new("alpha", "beta delta");
    let score = scorer.score(std::slice::from_ref(&snippet), &mut |_| ());
    let score = score[0].as_ref().expect("a score").logit();
    assert!((score - 0.683_333_333_333_333_3).abs() < 1e-7);
    // (w·e)/3 each: 1.5/3, −0.5/3, 0.45/3.
    close(
        &values(Method::GradientXInput, &scorer, &snippet),
        &[("alpha", 0.5), ("beta", -0.166_666_67), ("delta", 0.15)],
    );
    // f − f without: the mean over the two that stay.
    close(
        &values(Method::LeaveOneOut, &scorer, &snippet),
        &[
            ("alpha", score - (-0.05 / 2.0 + 0.2)),
            ("beta", score - (1.95 / 2.0 + 0.2)),
            ("delta", score - (1.0 / 2.0 + 0.2)),
        ],
    );
}

#[test]
fn the_norm_says_nothing_of_a_linear_model_over_means() {
    let scorer = LinearScorer::oracle();
    let snippet = SnippetText::new("alpha", "beta delta gamma");
    let norms = values(Method::GradientNorm, &scorer, &snippet);
    let expected = (1.5_f64.powi(2) + 0.5_f64.powi(2)).sqrt() / 4.0;
    for (word, norm) in norms {
        assert!((norm - expected).abs() < 1e-7, "{word}: {norm}");
    }
}

#[test]
fn each_piece_is_left_out_of_the_text_itself() {
    let words: [(&str, &[f32]); 4] = [
        ("un", &[1.0]),
        ("##happy", &[2.0]),
        ("man", &[0.5]),
        (",", &[0.25]),
    ];
    let scorer = LinearScorer::new(&words, &[1.0], 0.0);
    let snippet = SnippetText::new("", "Unhappy, man");
    let found = saliency(Method::LeaveOneOut, &scorer, &snippet).expect("saliency");
    let places: Vec<(&str, Range<usize>)> = found
        .iter()
        .map(|one| (one.text.as_str(), one.range.clone()))
        .collect();
    assert_eq!(
        places,
        [("Un", 0..2), ("happy", 2..7), (",", 7..8), ("man", 9..12)]
    );
    // Without `happy` stands `Un, man`, without the mark `Unhappy man`.
    let full = 3.75 / 4.0;
    let expected = [
        full - 0.75 / 3.0, // `happy` begins no word here: it is unknown, and adds nothing
        full - 1.75 / 3.0,
        full - 3.5 / 3.0,
        full - 3.25 / 3.0,
    ];
    for (one, expected) in found.iter().zip(expected) {
        assert!((one.value - expected).abs() < 1e-6, "{one:?} {expected}");
    }
}

#[test]
fn the_only_word_of_a_completion_cannot_be_left_out() {
    let scorer = LinearScorer::oracle();
    let found = saliency(Method::LeaveOneOut, &scorer, &SnippetText::new("alpha", "beta"));
    let words: Vec<String> = found.expect("saliency").into_iter().map(|s| s.text).collect();
    assert_eq!(words, ["alpha"]);
}

#[test]
fn what_cannot_be_told_is_said() {
    let snippet = SnippetText::new("alpha", "beta");
    for method in [Method::GradientNorm, Method::GradientXInput] {
        let error = saliency(method, &BlackBox, &snippet).expect_err("a black box");
        assert!(matches!(error, SaliencyError::NoGradients { .. }));
        assert!(error.to_string().contains("leave-one-out"), "{error}");
    }
    let error = saliency(Method::LeaveOneOut, &BlackBox, &snippet).expect_err("no tokens");
    assert!(matches!(error, SaliencyError::NoTokens { .. }));
    let scorer = LinearScorer::oracle();
    for method in [Method::GradientNorm, Method::LeaveOneOut] {
        let long = SnippetText::new("alpha ".repeat(70), "beta");
        let error = saliency(method, &scorer, &long).expect_err("over the window");
        assert!(matches!(
            error,
            SaliencyError::Unscoreable(Unscoreable::TooLong { .. })
        ));
        let empty = SnippetText::new("alpha", " ");
        assert!(saliency(method, &scorer, &empty).is_err());
    }
}
