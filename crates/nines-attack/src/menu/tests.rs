use super::*;
use crate::edit::Draft;
use crate::testing::{Bigrams, BlackBox, LinearScorer};
use nines_text::SnippetPart;

fn scorer() -> LinearScorer {
    let words: [(&str, &[f32]); 9] = [
        ("he", &[0.5, 0.0]),
        ("fell", &[2.0, 1.0]),
        ("sat", &[-1.0, 0.5]),
        ("ran", &[-0.5, 0.2]),
        ("un", &[0.3, 0.3]),
        ("##hurt", &[1.0, 1.0]),
        ("down", &[0.1, 0.1]),
        (".", &[0.0, 0.2]),
        ("a", &[0.0, -0.4]),
    ];
    LinearScorer::new(&words, &[1.0, 0.5], 0.1)
}

fn language() -> Bigrams {
    let rows: Vec<Vec<f64>> = (0..5)
        .map(|row| (0..4).map(|column| 1.0 + ((row * 3 + column * 5) % 7) as f64).collect())
        .collect();
    let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    Bigrams::new(&["sat", "ran", "He", "unhurt"], &rows)
}

fn request(completion: &str, range: std::ops::Range<usize>) -> MenuRequest {
    MenuRequest {
        snippet: SnippetText::new("he sat.", completion),
        site: Site {
            part: SnippetPart::Completion,
            range,
        },
        limit: DEFAULT_LIMIT,
    }
}

/// Asks for a menu and returns its rows as they came.
fn asked(
    request: &MenuRequest,
    scorer: &dyn Scorer,
    language: Option<&dyn LanguageModel>,
) -> Result<Vec<(Vec<Ranked>, bool)>, MenuError> {
    let score = |texts: &[SnippetText]| scorer.score(texts, &mut |_| ());
    let models = MenuModels {
        score: &score,
        scorer,
        language_model: language,
        masked: None,
        thesaurus: None,
    };
    let mut told = Vec::new();
    rank(request, &models, &mut |rows, last| {
        told.push((rows.to_vec(), last));
        true
    })?;
    Ok(told)
}

#[test]
fn the_ranking_is_that_of_scoring_every_edited_text() {
    let (scorer, language) = (scorer(), language());
    let request = request("He fell down.", 3..7);
    let told = asked(&request, &scorer, Some(&language)).expect("a menu");
    let (rows, last) = told.last().expect("rows");
    assert!(last && told[..told.len() - 1].iter().all(|(_, last)| !last));
    assert!(rows.len() >= 6, "{rows:?}");
    let texts: Vec<SnippetText> = rows.iter().map(|row| row.snippet.clone()).collect();
    let mut exhaustive: Vec<(f64, SnippetText)> = scorer
        .score(&texts, &mut |_| ())
        .into_iter()
        .zip(&texts)
        .map(|(score, text)| (score.expect("a score").logit(), text.clone()))
        .collect();
    exhaustive.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ranked: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let wanted: Vec<f64> = exhaustive.iter().map(|(score, _)| *score).collect();
    assert_eq!(ranked, wanted);
    let unedited = scorer.score(std::slice::from_ref(&request.snippet), &mut |_| ());
    let unedited = unedited[0].as_ref().expect("a score").logit();
    let draft = Draft::new(request.snippet.clone(), Vec::new());
    for row in rows {
        let edit = crate::edit::Edit {
            site: row.site.clone(),
            text: row.text.clone(),
        };
        let spliced = draft.apply(&[edit]).expect("an edit");
        assert_eq!(spliced.text(), &row.snippet, "text shown is text scored");
        assert!((row.delta - (row.score - unedited)).abs() < 1e-12);
        assert!(row.log_probability.is_some(), "refined in the end");
    }
    let shown = |kind: &str| -> Vec<&str> {
        let of_kind = rows.iter().filter(|row| row.kind == kind);
        of_kind.map(|row| row.snippet.completion.as_str()).collect()
    };
    assert_eq!(shown("delete"), ["He down."]);
    assert!(shown("language_model").contains(&"He unhurt down."));
    assert!(shown("gradient").contains(&"He a down."));
    let glued = rows.iter().any(|row| row.text.contains("##") || row.text == "hurt");
    assert!(!glued, "no piece of a word is a word");
}

#[test]
fn a_click_inside_a_word_means_the_word() {
    let (scorer, language) = (scorer(), language());
    let request = request("Unhurt he sat.", 2..6);
    let told = asked(&request, &scorer, Some(&language)).expect("a menu");
    for row in &told.last().expect("rows").0 {
        assert_eq!(row.site.range.start, 0);
        assert!(row.kind == "delete" || row.site.range.end == 6, "{row:?}");
        let first = row.text.chars().next();
        assert!(first.is_none_or(char::is_uppercase), "the case stays: {row:?}");
    }
}

#[test]
fn a_gap_takes_words_with_their_space() {
    let (scorer, language) = (scorer(), language());
    let told = asked(&request("He fell.", 2..2), &scorer, Some(&language)).expect("a menu");
    let rows = &told.last().expect("rows").0;
    assert!(rows.iter().any(|row| row.snippet.completion == "He sat fell."));
    assert!(rows.iter().all(|row| row.kind != "delete"));
}

#[test]
fn a_black_box_has_a_menu_too() {
    let language = language();
    let told = asked(&request("He fell.", 3..7), &BlackBox, Some(&language)).expect("a menu");
    let rows = &told.last().expect("rows").0;
    assert!(rows.len() >= 3 && rows.iter().all(|row| row.kind != "gradient"));
    assert_eq!(rows[0].kind, "delete");
}

#[test]
fn whoever_looks_away_stops_the_work() {
    let (scorer, language) = (scorer(), language());
    let request = request("He fell.", 3..7);
    let score = |texts: &[SnippetText]| scorer.score(texts, &mut |_| ());
    let models = MenuModels {
        score: &score,
        scorer: &scorer,
        language_model: Some(&language),
        masked: None,
        thesaurus: None,
    };
    let mut calls = 0;
    let told = rank(&request, &models, &mut |_, _| {
        calls += 1;
        false
    });
    assert_eq!((told, calls), (Ok(()), 1));
}

#[test]
fn what_has_no_menu_says_why() {
    let scorer = scorer();
    let place = asked(&request("He fell.", 3..99), &scorer, None);
    assert!(matches!(place, Err(MenuError::Place(_))));
    let empty = asked(&request(" ", 0..0), &scorer, None);
    assert!(matches!(empty, Err(MenuError::Unscoreable(_))), "{empty:?}");
    let nothing = asked(&request("He fell.", 2..2), &BlackBox, None);
    let Err(error @ MenuError::Nothing { .. }) = nothing else {
        panic!("{nothing:?}");
    };
    assert!(error.to_string().contains("language model"), "{error}");
    // Only the deletion would be left, and it empties the completion.
    let last = asked(&request("Fell", 0..4), &BlackBox, None);
    assert!(matches!(last, Err(MenuError::Nothing { .. })));
}
