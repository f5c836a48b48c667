//! The classifier's tokenizer against transformers, on 1,000 lines.

use crate::support::{list, minilm};
use nines_text::{SnippetPart, SnippetTokenizer, TextError, TokenSpan};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::sync::LazyLock;

static MINILM: LazyLock<SnippetTokenizer> = LazyLock::new(|| minilm().1);

#[test]
fn ids_segments_and_offsets_equal_transformers() {
    let golden = crate::support::json("lines.json.gz");
    let lines: Vec<String> = list(&golden["lines"]);
    assert_eq!(lines.len(), 1000);
    for (pair, expected) in lines
        .chunks(2)
        .zip(golden["minilm"].as_array().expect("rows"))
    {
        let snippet = MINILM.encode(&pair[0], &pair[1]).expect("tokens");
        assert_eq!(snippet.ids, list::<u32>(&expected["ids"]), "{pair:?}");
        assert_eq!(snippet.type_ids, list::<u8>(&expected["types"]), "{pair:?}");
        let spans: Vec<Option<TokenSpan>> = list::<Option<[usize; 3]>>(&expected["spans"])
            .into_iter()
            .map(|span| {
                span.map(|[part, start, end]| TokenSpan {
                    part: [SnippetPart::Prompt, SnippetPart::Completion][part],
                    start,
                    end,
                })
            })
            .collect();
        assert_eq!(snippet.offsets, spans, "{pair:?}");
    }
}

/// What BERT's normaliser leaves of ordinary words: lower case, no accents.
fn plain(text: &str) -> String {
    let folded = [
        ('é', 'e'),
        ('è', 'e'),
        ('ï', 'i'),
        ('ñ', 'n'),
        ('ö', 'o'),
        ('û', 'u'),
        ('ü', 'u'),
        ('ç', 'c'),
    ];
    text.to_lowercase()
        .chars()
        .map(|c| {
            folded
                .iter()
                .find(|(from, _)| *from == c)
                .map_or(c, |(_, to)| *to)
        })
        .collect()
}

#[test]
fn a_tokens_slice_is_the_tokens_text() {
    let prompt = "Zoë's CRÈME brûlée fell, naïvely; the Piñata — unhurt — laughed.";
    let prompt = &prompt.replace('ë', "é");
    let completion = "\"Coöperate!\" she whispered to Jürgen's façade.";
    let snippet = MINILM.encode(prompt, completion).expect("tokens");
    let mut seen = 0;
    for (id, span) in snippet.ids.iter().zip(&snippet.offsets) {
        let Some(span) = span else { continue };
        let text = match span.part {
            SnippetPart::Prompt => prompt.as_str(),
            SnippetPart::Completion => completion,
        };
        let token = MINILM.token(*id).expect("known");
        assert_eq!(plain(&text[span.range()]), token.trim_start_matches("##"));
        seen += 1;
    }
    assert!(seen > 30);
    assert!(MINILM.unknown_spans(&snippet).is_empty());
}

#[test]
fn the_files_own_truncation_and_padding_are_off() {
    let raw: Value =
        serde_json::from_slice(&crate::support::bytes("minilm-tokenizer.json.gz")).expect("JSON");
    assert_eq!(
        raw["truncation"]["max_length"], 128,
        "the trap is in the fixture"
    );
    assert_eq!(raw["padding"]["strategy"]["Fixed"], 128);
    let short = MINILM.encode("She ran.", "He fell.").expect("tokens");
    assert_eq!(short.len(), 9);
    let long = "one two three ".repeat(400);
    let snippet = MINILM.encode(&long, "He fell.").expect("tokens");
    assert_eq!(snippet.len(), 1200 + 3 + 3);
    assert_eq!(snippet.part_len(SnippetPart::Completion), 3);
}

#[test]
fn control_tokens_in_a_text_are_words() {
    let clean = MINILM.encode("a", "b").expect("tokens");
    let control = |ids: &[u32]| {
        ids.iter()
            .filter(|id| [101, 102, 103, 0].contains(id))
            .count()
    };
    assert_eq!(control(&clean.ids), 3);
    for trap in [
        "[SEP]",
        "[CLS]",
        "[PAD]",
        "[MASK]",
        "x[SEP]y",
        "[SEP] [SEP]",
    ] {
        for (prompt, completion) in [(trap, "b"), ("a", trap)] {
            let snippet = MINILM.encode(prompt, completion).expect("tokens");
            assert_eq!(control(&snippet.ids), 3, "{trap}");
            assert!(snippet.len() > clean.len(), "{trap}");
        }
    }
    // The unknown token is the model's honest answer to what it cannot spell, and no more.
    let words = MINILM.encode("a", "[UNK]").expect("tokens");
    assert!(MINILM.unknown_spans(&words).is_empty());
    let emoji = MINILM.encode("a", "b 🫠").expect("tokens");
    assert_eq!(MINILM.unknown_spans(&emoji)[0].range(), 2..6);
}

#[test]
fn a_control_token_that_cannot_be_told_apart_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [{"id": 1, "content": "</s>", "special": true, "normalized": false,
            "single_word": false, "lstrip": false, "rstrip": false}],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
        "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"a": 0, "</s>": 1, "u": 2}},
    });
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).expect("written");
    let tokenizer = SnippetTokenizer::from_folder(folder.path()).expect("a tokenizer");
    assert_eq!(tokenizer.encode("a", "b").expect("tokens").ids, [0, 1, 2]);
    let error = tokenizer.encode("a", "a </s> b").expect_err("refused");
    assert!(
        matches!(error, TextError::ControlTokenInText { id: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_folder_without_a_tokenizer_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = SnippetTokenizer::from_folder(folder.path())
        .expect_err("nothing there")
        .to_string();
    assert!(
        message.contains("tokenizer.json") && message.contains(&*folder.path().to_string_lossy()),
        "{message}"
    );
    for damaged in ["", "{", "[]", "{\"model\": {}}", "\u{0}\u{1}"] {
        fs::write(folder.path().join("tokenizer.json"), damaged).expect("written");
        let error = SnippetTokenizer::from_folder(folder.path()).expect_err("damaged");
        assert!(matches!(error, TextError::BadTokenizer { .. }), "{error}");
    }
}

#[test]
fn a_saved_tokenizer_loads_again_and_cuts_nothing() {
    let (source, tokenizer) = minilm();
    fs::write(source.path().join("vocab.txt"), "[PAD]\n").expect("written");
    fs::write(
        source.path().join("tokenizer_config.json"),
        r#"{"model_max_length": 512, "pad_token": "[PAD]"}"#,
    )
    .expect("written");
    let with_files = SnippetTokenizer::from_folder(source.path()).expect("a tokenizer");
    for (tokenizer, files) in [(tokenizer, 2), (with_files, 3)] {
        let folder = tempfile::tempdir().expect("a folder");
        tokenizer.save_into(folder.path()).expect("saved");
        assert_eq!(
            fs::read_dir(folder.path()).expect("a folder").count(),
            files
        );
        let saved: Value =
            serde_json::from_slice(&fs::read(folder.path().join("tokenizer.json")).expect("read"))
                .expect("JSON");
        assert!(saved["truncation"].is_null() && saved["padding"].is_null());
        let again = SnippetTokenizer::from_folder(folder.path()).expect("a tokenizer");
        for (a, b) in [("She said [SEP] 🫠", "naïve"), ("", "x")] {
            assert_eq!(
                tokenizer.encode(a, b).expect("tokens"),
                again.encode(a, b).expect("tokens")
            );
        }
        assert_eq!(again.pad_id(), 0);
        assert_eq!(again.unknown_id(), Some(100));
    }
    let error = MINILM
        .save_into("/nowhere/at/all".as_ref())
        .expect_err("no folder");
    assert!(error.to_string().contains("/nowhere/at/all/"), "{error}");
}

#[test]
fn windows_keep_the_completion_whole() {
    let snippet = MINILM
        .encode(&"word ".repeat(700), "He fell down here.")
        .expect("tokens");
    let windows = snippet.windows(128).expect("windows");
    assert!(windows.len() > 5 && windows.len() < 20);
    for window in &windows {
        assert_eq!(window.len(), 128);
        assert_eq!(window.part_len(SnippetPart::Completion), 5);
        assert_eq!(
            (window.ids[0], *window.ids.last().expect("tokens")),
            (101, 102)
        );
    }
    assert_eq!(snippet.windows(10_000).expect("windows").len(), 1);
    assert!(matches!(
        snippet.windows(4),
        Err(TextError::WindowTooSmall { needed: 5, .. })
    ));
    assert_eq!(snippet.windows(5).expect("windows")[0].len(), 5);
}

proptest! {
    #[test]
    fn every_token_is_in_some_window(prompt in 0usize..300, completion in 0usize..300, max_len in 5usize..200) {
        let snippet = MINILM.encode(&"a ".repeat(prompt), &"b ".repeat(completion)).expect("tokens");
        let windows = snippet.windows(max_len).expect("windows");
        let mut seen = std::collections::BTreeSet::new();
        for window in &windows {
            prop_assert!(window.len() <= max_len);
            prop_assert_eq!(window.ids.iter().filter(|id| [101, 102].contains(id)).count(), 3);
            prop_assert!(window.part_len(SnippetPart::Completion) > 0 || completion == 0);
            let at: Vec<_> = window.offsets.iter().flatten().map(|s| (s.part, s.start)).collect();
            prop_assert!(at.is_sorted());
            seen.extend(at);
        }
        prop_assert_eq!(seen.len(), prompt + completion);
    }

    #[test]
    fn offsets_cut_any_text_at_characters(prompt in "\\PC{0,60}|.{0,60}", completion in ".{0,60}") {
        let snippet = MINILM.encode(&prompt, &completion).expect("tokens");
        prop_assert_eq!(snippet.ids.len(), snippet.offsets.len());
        prop_assert_eq!(snippet.ids.len(), snippet.type_ids.len());
        let mut last = (SnippetPart::Prompt, 0);
        for span in snippet.offsets.iter().flatten() {
            let text = if span.part == SnippetPart::Prompt { &prompt } else { &completion };
            prop_assert!(text.get(span.range()).is_some_and(|slice| !slice.is_empty()));
            prop_assert!((span.part, span.start) >= last);
            last = (span.part, span.start);
        }
    }
}
