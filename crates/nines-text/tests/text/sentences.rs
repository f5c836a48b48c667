//! Sentences, prompts and the sentence stop on any text.

use nines_text::{SentenceStop, cut_book, sentences};
use proptest::prelude::*;

fn cut(text: &str) -> Vec<&str> {
    sentences(text)
        .into_iter()
        .map(|range| &text[range])
        .collect()
}

#[test]
fn quotes_and_abbreviations_stay_whole() {
    assert_eq!(
        cut("Dr. Bell met Mrs. J. R. Oake at 3.5 miles. \"Is it you? Now?\" he asked. She nodded."),
        [
            "Dr. Bell met Mrs. J. R. Oake at 3.5 miles.",
            "\"Is it you? Now?\" he asked.",
            "She nodded."
        ]
    );
    assert_eq!(
        cut("“Stop. Don’t move,” she said.\n\nHe did not."),
        ["“Stop. Don’t move,” she said.", "He did not."]
    );
    assert!(cut(" \n ").is_empty());
}

/// Text in which the stop's decisions are hard.
fn hard_text() -> impl Strategy<Value = String> {
    let parts = [
        "He", "she", " ran", " I", " Mr", " J", " No", " etc", " said", " The", ".", ".", "!", "?",
        "…", "...", "\"", "“", "”", "'", "’", ")", "(", " ", " ", "\n", ",", " 3", "5", "—",
        " U.S", "é", "。", " 🫠", "*", " Bell",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..40)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_decision_never_changes_when_more_text_arrives(text in hard_text()) {
        let mut stop = SentenceStop::default();
        let streamed = text
            .char_indices()
            .find_map(|(at, _)| stop.feed(&text[..at], false))
            .or_else(|| SentenceStop::default().feed(&text, true));
        let whole = SentenceStop::default().feed(&text, true);
        prop_assert_eq!(streamed, whole, "{:?}", text);
        if let Some(end) = whole {
            prop_assert!(text.is_char_boundary(end));
            prop_assert!(!text[..end].trim().is_empty());
        }
    }
}

proptest! {
    #[test]
    fn sentences_cover_any_text(text in "\\PC{0,200}|.{0,100}|[a-zA-Z.!?\"' \n]{0,200}") {
        let mut last = 0;
        for range in sentences(&text) {
            prop_assert!(range.start >= last && range.start < range.end);
            prop_assert!(text[last..range.start].trim().is_empty());
            let sentence = &text[range.clone()];
            prop_assert_eq!(sentence, sentence.trim());
            last = range.end;
        }
        prop_assert!(text[last..].trim().is_empty());
    }

    #[test]
    fn prompts_are_slices_of_the_book(
        paragraphs in proptest::collection::vec("[A-Z][a-z ,]{3,60}[.!?]( [\"“]?[A-Z][a-z_]{1,20}[.!?][\"”]?){0,5}(\r?\n[a-z]{1,9}.)?|CHAPTER [IVX]{1,3}|\\* \\* \\*|\\PC{0,40}", 0..20),
        size in 0usize..5,
    ) {
        let book = paragraphs.join("\n\n");
        let cut = cut_book(&book, size);
        let mut last = 0;
        for prompt in &cut.prompts {
            prop_assert!(prompt.start_byte >= last && prompt.start_byte < prompt.end_byte);
            let source = book.get(prompt.start_byte..prompt.end_byte);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(source.map(letters), Some(letters(&prompt.text)));
            prop_assert!(!prompt.text.contains('\n') && !prompt.text.contains("CHAPTER"));
            last = prompt.end_byte;
        }
        let skipped: usize = cut.skipped.iter().filter(|(skip, _)| !matches!(skip.as_str(), s if s.starts_with("headings") || s.starts_with("blocks") || s.starts_with("captions"))).map(|(_, n)| n).sum();
        prop_assert_eq!(cut.sentences, cut.prompts.len() * size.max(1) + skipped);
    }
}

/// A book as Project Gutenberg sends it.
const BOOK: &str = "\u{feff}The Project Gutenberg eBook of The Ferry\r\n\r\nThis eBook is for the use of anyone anywhere.\r\n\r\n\
*** START OF THE PROJECT GUTENBERG EBOOK THE FERRY ***\r\n\r\nTHE FERRY\r\n\r\nby A. N. Other\r\n\r\nCONTENTS\r\n\r\n  I. The River  1\r\n  II. The Boat  9\r\n\r\n\
CHAPTER I.\r\nThe River\r\n\r\nMr. Bell kept the ferry at Oakes, and nobody could remember the\r\ntime when he had not. He was seventy-one. \"I shall\r\n\
stop,\" he said, \"when it stops.\" The river _never_ stopped.\r\n\r\n\"You'll drown, Mr. Bell!\" cried Dr. Vane, who came\r\nfor the toll.\r\n\r\n\
\"Not on a Tuesday,\" said the old man.[1] He pushed off.\r\n\r\n* * *\r\n\r\nThe night was wet. The rope froze hard. A bell rang somewhere\r\non the other bank.\r\n\r\n\
CHAPTER II.\r\n\r\n[Illustration: The boat]\r\n\r\nNobody came that spring. The toll lay in its box.\r\n\r\nTHE END\r\n\r\n\
*** END OF THE PROJECT GUTENBERG EBOOK THE FERRY ***\r\n\r\nUpdated editions will replace the previous one. Creating works is easy. Donate.\r\n";

#[test]
fn a_gutenberg_book_gives_its_prose_alone() {
    let cut = cut_book(BOOK, 3);
    let texts: Vec<_> = cut
        .prompts
        .iter()
        .map(|p| (p.text.as_str(), p.chapter))
        .collect();
    let chapter = cut.prompts.first().map_or(0, |p| p.chapter);
    assert_eq!(
        texts,
        [
            (
                "Mr. Bell kept the ferry at Oakes, and nobody could remember the time when he had not. He was seventy-one. \"I shall stop,\" he said, \"when it stops.\"",
                chapter
            ),
            (
                "The river never stopped. \"You'll drown, Mr. Bell!\" cried Dr. Vane, who came for the toll. \"Not on a Tuesday,\" said the old man.",
                chapter
            ),
            (
                "The night was wet. The rope froze hard. A bell rang somewhere on the other bank.",
                chapter
            ),
        ]
    );
    let first = &cut.prompts[0];
    assert!(BOOK[first.start_byte..].starts_with("Mr. Bell kept"));
    assert!(BOOK[..first.end_byte].ends_with("when it stops.\""));
    let indices: Vec<_> = cut
        .prompts
        .iter()
        .map(|p| p.sentence_index - first.sentence_index)
        .collect();
    assert_eq!(indices, [0, 3, 7]);
}
