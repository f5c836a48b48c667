use super::*;
use proptest::prelude::*;

fn draft(prompt: &str, completion: &str) -> Draft {
    Draft::new(SnippetText::new(prompt, completion), Vec::new())
}

fn site(part: SnippetPart, range: Range<usize>) -> Site {
    Site { part, range }
}

fn edit(part: SnippetPart, range: Range<usize>, text: &str) -> Edit {
    Edit {
        site: site(part, range),
        text: text.to_owned(),
    }
}

use SnippetPart::{Completion, Prompt};

#[test]
fn edits_are_made_together_in_both_halves() {
    let draft = draft("She ran.", " He fell down the stairs.");
    let made = draft
        .apply(&[
            edit(Completion, 9..13, "up"),
            edit(Prompt, 0..3, "Anna"),
            edit(Completion, 4..8, "walked"),
        ])
        .expect("they fit");
    assert_eq!(
        made.text(),
        &SnippetText::new("Anna ran.", " He walked up the stairs.")
    );
    let put: Vec<_> = made.changed().iter().map(|site| made.at(site)).collect();
    assert_eq!(put, [Some("Anna"), Some("walked"), Some("up")]);
    assert_eq!(made.words_changed(), 3);
    assert_eq!(made.start(), draft.start());
}

#[test]
fn what_is_refused_says_why() {
    let draft = draft("é", "ab");
    let refused = |edits: &[Edit]| draft.apply(edits).expect_err("it does not fit");
    assert!(matches!(
        refused(&[edit(Prompt, 0..1, "x")]),
        EditError::NoSuchPlace { len: 2, .. }
    ));
    assert!(matches!(
        refused(&[edit(Completion, 1..9, "x")]),
        EditError::NoSuchPlace { .. }
    ));
    assert!(matches!(
        refused(&[edit(Completion, 0..2, "x"), edit(Completion, 1..2, "y")]),
        EditError::Overlap { .. }
    ));
    assert!(matches!(
        refused(&[edit(Completion, 1..1, "x"), edit(Completion, 1..1, "y")]),
        EditError::Overlap { .. }
    ));
    for nothing in ["", "  \n", "\u{200b}\u{feff}", "\u{ad}"] {
        assert_eq!(
            refused(&[edit(Completion, 0..2, nothing)]),
            EditError::EmptiesCompletion
        );
    }
    assert_eq!(refused(&[edit(Completion, 0..2, "a\0")]), EditError::Nul);
}

#[test]
fn protected_words_survive_and_are_not_glued_to_others() {
    let text = SnippetText::new("", "He saw the blood there.");
    let draft = Draft::new(text, vec![site(Completion, 11..16)]);
    let refused = |range: Range<usize>, text: &str| {
        matches!(
            draft.apply(&[edit(Completion, range, text)]),
            Err(EditError::Protected { .. })
        )
    };
    assert!(refused(11..16, "paint"));
    assert!(refused(13..13, "-"));
    assert!(refused(10..11, ""), "the blood, not theblood");
    assert!(refused(16..16, "y"));
    assert!(refused(7..16, "it"));
    let moved = draft
        .apply(&[edit(Completion, 7..10, "some very red")])
        .expect("it stands beside");
    assert_eq!(moved.at(&moved.protected()[0]), Some("blood"));
    assert!(moved.is_protected(&moved.protected()[0]));
}

#[test]
fn a_deletion_takes_one_space_along() {
    let draft = draft("", " He quickly fell.");
    let words = draft.words();
    let without = |index: usize| {
        let made = draft
            .apply(&[draft.deletion(&words[index])])
            .expect("it fits");
        made.text().completion.clone()
    };
    assert_eq!(without(0), " quickly fell.");
    assert_eq!(without(1), " He fell.");
    assert_eq!(without(2), " He quickly.");
}

#[test]
fn an_insertion_brings_the_space_that_it_needs() {
    let draft = draft("", " “He fell.”");
    let put = |gap: &Site| {
        let made = draft
            .apply(&[draft.insertion(gap, "soon")])
            .expect("it fits");
        made.text().completion.clone()
    };
    let texts: Vec<String> = draft
        .gaps()
        .iter()
        .filter(|gap| gap.part == Completion)
        .map(put)
        .collect();
    assert_eq!(
        texts,
        [" “soon He fell.”", " “He soon fell.”", " “He fell soon.”"]
    );
}

#[test]
fn a_new_text_becomes_edits_that_leave_the_rest_alone() {
    let draft = Draft::new(
        SnippetText::new("One.", " The old man bled on the floor."),
        vec![site(Completion, 13..17)],
    );
    let new = SnippetText::new("One.", " An old woman bled all over the floor.");
    let made = draft.rewritten(&new).expect("what is protected stays");
    assert_eq!(made.text(), &new);
    assert_eq!(made.at(&made.protected()[0]), Some("bled"));
    let other = SnippetText::new("One.", " The old man sat on the floor.");
    assert!(matches!(
        draft.rewritten(&other),
        Err(EditError::Protected { .. })
    ));
}

#[test]
fn sites_are_written_as_pages_have_them() {
    let json = serde_json::to_string(&site(Completion, 3..5)).expect("it is written");
    assert_eq!(json, r#"{"part":"completion","start":3,"end":5}"#);
    let back: Site = serde_json::from_str(&json).expect("it is read");
    assert_eq!(back, site(Completion, 3..5));
}

#[test]
fn equal_drafts_have_equal_random_numbers() {
    let numbers = |seed: u64, text: &str, purpose: &str| {
        let draft = draft("", text).with_seed(seed);
        draft.random(purpose).bits()
    };
    assert_eq!(numbers(1, "a", "x"), numbers(1, "a", "x"));
    for other in [
        numbers(2, "a", "x"),
        numbers(1, "b", "x"),
        numbers(1, "a", "y"),
    ] {
        assert_ne!(other, numbers(1, "a", "x"));
    }
}

/// A text, a protected word of it, and an edit of another place, as numbers to be brought into range.
fn case() -> impl Strategy<Value = (String, usize, (usize, usize), String)> {
    (
        "[a-d é,.'-]{1,40}",
        0usize..20,
        (0usize..41, 0usize..6),
        "[x y-]{0,4}",
    )
}

proptest! {
    #[test]
    fn ranges_stay_on_characters_and_protected_text_survives(
        (text, word, (start, len), put) in case()
    ) {
        let words = crate::words::words(&text);
        prop_assume!(!words.is_empty());
        let held = words[word % words.len()].clone();
        let word = text[held.clone()].to_owned();
        let draft = Draft::new(
            SnippetText::new("", text.clone()),
            vec![site(Completion, held)],
        );
        let start = text.floor_char_boundary(start.min(text.len()));
        let end = text.ceil_char_boundary((start + len).min(text.len()));
        let Ok(once) = draft.apply(&[edit(Completion, start..end, &put)]) else {
            return Ok(());
        };
        let Some(place) = once.words().first().cloned() else {
            return Ok(());
        };
        let twice = once.apply(&[Edit { site: place, text: "new words".to_owned() }]);
        for draft in [Some(once), twice.ok()].into_iter().flatten() {
            prop_assert_eq!(draft.at(&draft.protected()[0]), Some(word.as_str()));
            for site in draft.changed() {
                prop_assert!(draft.at(site).is_some());
            }
            let whole_words = draft.words();
            prop_assert!(whole_words.iter().any(|site| draft.at(site) == Some(word.as_str())));
        }
    }

    #[test]
    fn any_text_can_be_reached_by_edits(old in "[a-c é]{1,20}", new in "[a-c é]{0,20}[a-c]") {
        let draft = Draft::new(SnippetText::new(old.clone(), old), Vec::new());
        let new = SnippetText::new(new.clone(), new);
        let made = draft.rewritten(&new).expect("nothing is protected");
        prop_assert_eq!(made.text(), &new);
    }

    #[test]
    fn every_word_can_be_taken_out(text in "[a-c]{1,4}( [a-c]{1,4}){1,8}\\.") {
        let draft = Draft::new(SnippetText::new("", text.clone()), Vec::new());
        let words = draft.words();
        for word in &words {
            let made = draft.apply(&[draft.deletion(word)]).expect("others are left");
            prop_assert_eq!(made.words().len(), words.len() - 1);
            prop_assert!(!made.text().completion.contains("  "));
        }
    }
}
