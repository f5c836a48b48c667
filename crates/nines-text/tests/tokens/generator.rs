//! The generator's tokenizer against llama.cpp and transformers.

use crate::support::list;
use nines_text::{GeneratorTokenizer, GgufVocabulary, TextError};
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::sync::LazyLock;

static VOCABULARY: LazyLock<GgufVocabulary> = LazyLock::new(|| {
    crate::support::vocabulary(&crate::support::json("smollm2-vocabulary.json.gz"))
});
static SMOLLM2: LazyLock<GeneratorTokenizer> =
    LazyLock::new(|| GeneratorTokenizer::from_gguf(VOCABULARY.clone()).expect("a tokenizer"));

/// Says whether SmolLM2's vocabulary can spell a text: it lacks a few control characters' bytes.
fn can_spell(text: &str) -> bool {
    text.chars().all(|c| {
        let c = c.to_string();
        SMOLLM2.decode(&SMOLLM2.encode(&c).expect("tokens")) == c
    })
}

#[test]
fn smollm2_tokens_equal_llama_cpp_on_a_thousand_lines() {
    let golden = crate::support::json("lines.json.gz");
    let lines: Vec<String> = list(&golden["lines"]);
    let expected: Vec<Vec<u32>> = list(&golden["smollm2"]);
    let mut spelt = 0;
    for (line, expected) in lines.iter().zip(&expected) {
        let tokens = SMOLLM2.encode(line).expect("tokens");
        assert_eq!(&tokens, expected, "{line:?}");
        assert!(
            !tokens.iter().any(|&token| SMOLLM2.is_control(token)),
            "{line:?}"
        );
        if can_spell(line) {
            assert_eq!(&SMOLLM2.decode(&tokens), line);
            spelt += 1;
        }
    }
    assert!(spelt > 900, "{spelt}");
}

#[test]
fn every_kind_of_vocabulary_equals_llama_cpp() {
    let golden = crate::support::json("vocabularies.json.gz");
    let lines: Vec<String> = list(&golden["lines"]);
    for kind in golden["expected"].as_array().expect("kinds") {
        let is_byte_level = kind["model"] == "gpt2";
        let mut vocabulary = crate::support::vocabulary(
            &golden[if is_byte_level {
                "byte_level"
            } else {
                "sentencepiece"
            }],
        );
        vocabulary.pre = kind["pre"].as_str().expect("a name").to_owned();
        let adds_bos = vocabulary.adds_bos();
        let tokenizer = GeneratorTokenizer::from_gguf(vocabulary).expect("a tokenizer");
        let expected: Vec<Vec<u32>> = list(&kind["ids"]);
        for (line, expected) in lines.iter().zip(expected) {
            let tokens = tokenizer.encode(line).expect("tokens");
            let text = tokens
                .strip_prefix(&[1][..usize::from(adds_bos)])
                .expect("starts as it should");
            assert!(
                !text.iter().any(|&token| token < 3 && token != 0),
                "{line:?}: {tokens:?}"
            );
            // llama.cpp lets a SentencePiece text spell control tokens; we do not.
            if !(line.contains("<s>") || line.contains("</s>") || line.contains("<unk>"))
                || is_byte_level
            {
                assert_eq!(
                    tokens, expected,
                    "{} {}: {line:?}",
                    kind["model"], kind["pre"]
                );
            }
            // SentencePiece writes a space as this mark, so it cannot tell the two apart.
            let line = if is_byte_level {
                line.clone()
            } else {
                line.replace('\u{2581}', " ")
            };
            assert_eq!(
                tokenizer.decode(&tokens),
                line,
                "{} {}",
                kind["model"],
                kind["pre"]
            );
        }
    }
}

#[test]
fn knows_its_ends() {
    assert_eq!((SMOLLM2.bos(), SMOLLM2.eos()), (Some(1), Some(2)));
    let ends: Vec<_> = SMOLLM2.ends().collect();
    assert_eq!(ends, [0, 2], "<|endoftext|> and <|im_end|>");
    assert!(!SMOLLM2.is_end(1));
    assert_eq!(SMOLLM2.vocabulary_len(), 49152);
    assert_eq!(SMOLLM2.decode(&[1, 19556, 2]), "Hello");
}

#[test]
fn a_character_in_several_tokens_shows_when_it_is_whole() {
    let tokens = SMOLLM2.encode("a🫠b").expect("tokens");
    assert!(tokens.len() > 4, "the emoji has several tokens");
    let mut decoder = SMOLLM2.decoder();
    let mut shown: Vec<String> = tokens
        .iter()
        .map(|&token| decoder.push(token).to_owned())
        .collect();
    assert!(!decoder.is_inside_character());
    shown.dedup();
    assert_eq!(shown, ["a", "a🫠", "a🫠b"]);
    let mut cut = SMOLLM2.decoder();
    for &token in &tokens[..2] {
        cut.push(token);
    }
    assert!(cut.is_inside_character());
    assert_eq!(
        (cut.text(), cut.clone().finish().as_str()),
        ("a", "a\u{fffd}")
    );
    cut.push(SMOLLM2.encode("c").expect("tokens")[0]);
    assert_eq!(cut.text(), "a\u{fffd}c");
    cut.push(u32::MAX);
    assert_eq!(cut.text(), "a\u{fffd}c");
}

#[test]
fn a_folder_gives_the_same_tokens_as_its_gguf() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = GeneratorTokenizer::from_folder(folder.path()).expect_err("nothing there");
    assert!(matches!(error, TextError::NoTokenizer { .. }), "{error}");
    let golden = crate::support::json("vocabularies.json.gz");
    let value = &golden["byte_level"];
    let vocab: serde_json::Map<String, Value> = list::<String>(&value["tokens"])
        .into_iter()
        .enumerate()
        .map(|(id, token)| (token, id.into()))
        .collect();
    let added: Vec<Value> = vocab
        .iter()
        .filter(|(_, id)| id.as_u64() < Some(3))
        .map(|(token, id)| {
            serde_json::json!({"id": id, "content": token, "special": true, "normalized": false,
            "single_word": false, "lstrip": false, "rstrip": false})
        })
        .collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "added_tokens": added,
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocab, "merges": value["merges"]},
    });
    fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).expect("written");
    fs::write(
        folder.path().join("generation_config.json"),
        r#"{"eos_token_id": [2, 5], "bos_token_id": 1}"#,
    )
    .expect("written");
    let from_folder = GeneratorTokenizer::from_folder(folder.path()).expect("a tokenizer");
    assert_eq!((from_folder.bos(), from_folder.eos()), (Some(1), Some(2)));
    assert_eq!(from_folder.ends().collect::<Vec<_>>(), [0, 2, 5]);
    let mut vocabulary = crate::support::vocabulary(value);
    vocabulary.pre = "gpt-2".into();
    let from_gguf = GeneratorTokenizer::from_gguf(vocabulary).expect("a tokenizer");
    for line in list::<String>(&golden["lines"])
        .iter()
        .filter(|line| !line.contains('@') && !line.contains("<think>"))
    {
        let tokens = from_folder.encode(line).expect("tokens");
        assert_eq!(tokens, from_gguf.encode(line).expect("tokens"), "{line:?}");
        assert_eq!(&from_folder.decode(&tokens), line);
    }
}

#[test]
fn unknown_and_damaged_vocabularies_are_refused() {
    let refused = |change: &dyn Fn(&mut GgufVocabulary)| {
        let mut vocabulary = VOCABULARY.clone();
        change(&mut vocabulary);
        GeneratorTokenizer::from_gguf(vocabulary).expect_err("refused")
    };
    for (model, pre) in [
        ("gpt2", ""),
        ("gpt2", "gemma4"),
        ("bert", "smollm"),
        ("", ""),
    ] {
        let error = refused(&|v| (v.model, v.pre) = (model.into(), pre.into()));
        assert!(
            matches!(error, TextError::UnsupportedVocabulary { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("smollm"), "{error}");
    }
    let damaged: [&dyn Fn(&mut GgufVocabulary); 7] = [
        &|v| v.tokens.clear(),
        &|v| v.token_types.truncate(3),
        &|v| v.eos = Some(49152),
        &|v| v.merges[0] = "nospace".into(),
        &|v| v.merges[0] = " ".into(),
        &|v| v.merges[0] = "notoken notoken2".into(),
        &|v| v.model = "llama".into(),
    ];
    for change in damaged {
        let error = refused(change);
        assert!(matches!(error, TextError::BadVocabulary(_)), "{error}");
    }
}

proptest! {
    #[test]
    fn tokens_come_back_as_the_text(text in "\\PC{0,80}") {
        prop_assume!(can_spell(&text));
        let tokens = SMOLLM2.encode(&text).expect("tokens");
        prop_assert_eq!(SMOLLM2.decode(&tokens), text);
    }

    #[test]
    fn any_tokens_make_a_text_that_only_grows(tokens in proptest::collection::vec(0u32..49200, 0..60)) {
        let mut decoder = SMOLLM2.decoder();
        let mut before = String::new();
        for &token in &tokens {
            let text = decoder.push(token).to_owned();
            prop_assert!(text.starts_with(&before));
            before = text;
        }
        prop_assert!(decoder.finish().starts_with(&before));
    }

    #[test]
    fn any_vocabulary_is_read_or_refused(
        tokens in proptest::collection::vec("\\PC{0,4}", 0..40),
        merges in proptest::collection::vec("\\PC{0,3} ?\\PC{0,3}", 0..10),
        types in proptest::collection::vec(-1i32..8, 0..40),
        is_gpt2: bool,
    ) {
        let scores = tokens.iter().enumerate().map(|(i, _)| if i % 7 == 3 { f32::NAN } else { -(i as f32) }).collect();
        let model = if is_gpt2 { "gpt2" } else { "llama" };
        let types = if types.len() < tokens.len() { Vec::new() } else { types[..tokens.len()].to_vec() };
        let vocabulary = GgufVocabulary {
            model: model.into(), pre: "smollm".into(), tokens, merges, token_types: types, scores,
            ..GgufVocabulary::default()
        };
        if let Ok(tokenizer) = GeneratorTokenizer::from_gguf(vocabulary) {
            let _ = tokenizer.encode("any text").map(|tokens| tokenizer.decode(&tokens));
        }
    }
}
