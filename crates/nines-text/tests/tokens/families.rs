//! Tokenizers of other families than BERT: MPNet's pair of segments, and DeBERTa's pieces.

use nines_text::{SnippetPart, SnippetTokenizer, TextError};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// `<s> A </s></s> B </s>`, with the truncation and padding that such files carry.
fn mpnet() -> Value {
    let vocabulary = [
        "<s>", "<pad>", "</s>", "[UNK]", "she", "ran", "fell", "##ing", ".", "<", ">", "/", "s",
        "<mask>",
    ];
    let ids: serde_json::Map<String, Value> = vocabulary
        .iter()
        .enumerate()
        .map(|(id, token)| ((*token).to_owned(), id.into()))
        .collect();
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false,
            "lstrip": content == "<mask>", "rstrip": false, "normalized": false})
    };
    json!({
        "version": "1.0",
        "truncation": {"max_length": 6, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 20}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>"},
        "added_tokens": [special(0, "<s>"), special(1, "<pad>"), special(2, "</s>"),
            special(3, "[UNK]"), special(13, "<mask>")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
            "trim_offsets": true, "add_prefix_space": false},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids}
    })
}

/// `[CLS] A [SEP] B [SEP]` of SentencePiece's pieces, whose sign stands before a word.
fn deberta() -> Value {
    let pieces = [
        ("[PAD]", 0.0),
        ("[CLS]", 0.0),
        ("[SEP]", 0.0),
        ("[UNK]", 0.0),
        ("▁", -3.0),
        ("▁she", -1.0),
        ("▁ran", -1.0),
        ("▁fell", -1.0),
        ("ing", -2.0),
        (".", -1.0),
        ("[", -5.0),
        ("]", -5.0),
        ("S", -5.0),
        ("E", -5.0),
        ("P", -5.0),
    ];
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false})
    };
    let token = |id: &str, kind: u32| json!({"SpecialToken": {"id": id, "type_id": kind}});
    let sequence = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    let known = |id: u32, token: &str| json!({"id": token, "ids": [id], "tokens": [token]});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "[PAD]"), special(1, "[CLS]"), special(2, "[SEP]"), special(3, "[UNK]")],
        "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "TemplateProcessing",
            "single": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0)],
            "pair": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0), sequence("B", 1), token("[SEP]", 1)],
            "special_tokens": {"[CLS]": known(1, "[CLS]"), "[SEP]": known(2, "[SEP]")}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": false,
            "vocab": pieces.map(|(piece, score)| json!([piece, score])).to_vec()}
    })
}

fn tokenizer(json: &Value, folder: &Path) -> SnippetTokenizer {
    fs::write(folder.join("tokenizer.json"), json.to_string()).expect("written");
    SnippetTokenizer::from_folder(folder).expect("a tokenizer")
}

#[test]
fn mpnets_pair_stands_between_its_own_signs() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = tokenizer(&mpnet(), folder.path());
    let snippet = tokenizer
        .encode("She ran. She ran.", "Falling? She fell.")
        .expect("tokens");
    assert_eq!(
        snippet.ids,
        [0, 4, 5, 8, 4, 5, 8, 2, 2, 3, 3, 4, 6, 8, 2],
        "nothing is cut off or filled up"
    );
    assert!(snippet.type_ids.iter().all(|&kind| kind == 0));
    assert_eq!(snippet.part_len(SnippetPart::Prompt), 6);
    assert_eq!(snippet.part_len(SnippetPart::Completion), 5);
    assert_eq!(tokenizer.pad_id(), 1);
    assert_eq!(tokenizer.unknown_spans(&snippet).len(), 2);
    for window in snippet.windows(12).expect("windows") {
        assert_eq!(window.ids[0], 0);
        assert_eq!(window.ids.iter().filter(|&&id| id == 2).count(), 3);
        assert_eq!(window.part_len(SnippetPart::Completion), 5);
    }
}

#[test]
fn mpnets_signs_in_a_text_are_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = tokenizer(&mpnet(), folder.path());
    for trap in ["</s>", "<s>", "ran</s>ran", "<pad>", "<mask>"] {
        let snippet = tokenizer.encode(trap, trap).expect("tokens");
        let signs = snippet.ids.iter().filter(|id| [0, 1, 2, 13].contains(*id));
        assert_eq!(signs.count(), 4, "{trap}: {:?}", snippet.ids);
    }
}

#[test]
fn what_is_saved_says_whether_segments_are_told_apart() {
    for (json, expected) in [(mpnet(), false), (deberta(), true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = tempfile::tempdir().expect("a folder");
        let tokenizer = tokenizer(&json, folder.path());
        tokenizer.save_into(out.path()).expect("saved");
        let text = fs::read(out.path().join("tokenizer_config.json")).expect("written");
        let config: Value = serde_json::from_slice(&text).expect("JSON");
        let inputs = config["model_input_names"].as_array().expect("names");
        assert_eq!(inputs.contains(&json!("token_type_ids")), expected);
        let again = SnippetTokenizer::from_folder(out.path()).expect("a tokenizer");
        let encode = |tokenizer: &SnippetTokenizer| tokenizer.encode("she ran.", "she fell.");
        assert_eq!(
            encode(&tokenizer).expect("tokens"),
            encode(&again).expect("tokens")
        );
    }
}

#[test]
fn sentencepieces_know_where_they_stand() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = tokenizer(&deberta(), folder.path());
    let (prompt, completion) = ("she ran.", "she felling.");
    let snippet = tokenizer.encode(prompt, completion).expect("tokens");
    assert_eq!(snippet.ids, [1, 5, 6, 9, 2, 5, 7, 8, 9, 2]);
    assert_eq!(snippet.type_ids, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    let texts: Vec<&str> = snippet
        .offsets
        .iter()
        .flatten()
        .map(|span| match span.part {
            SnippetPart::Prompt => prompt[span.range()].trim(),
            SnippetPart::Completion => completion[span.range()].trim(),
        })
        .collect();
    assert_eq!(texts, ["she", "ran", ".", "she", "fell", "ing", "."]);
    // Such vocabularies spell their own signs: a text that does so is refused rather than misread.
    let trap = tokenizer.encode("she ran [SEP]", "she ran");
    assert!(
        matches!(&trap, Err(TextError::ControlTokenInText { id: 2, .. })),
        "{trap:?}"
    );
}
