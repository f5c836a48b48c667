//! Gaps and sentences, against transformers (golden/bert_masked.py) and on the real base model.

use super::fixtures::golden;
use nines_infer::masked_language_model::{Gap, MaskedLanguageModel};
use nines_infer::sentence_encoder::{EncodeError, SentenceEncoder};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    vocabulary: Vec<String>,
    gaps: Vec<ExpectedGap>,
    sentences: Vec<ExpectedSentence>,
}

#[derive(Deserialize)]
struct ExpectedGap {
    left: String,
    right: String,
    log_probabilities: Vec<f64>,
}

#[derive(Deserialize)]
struct ExpectedSentence {
    text: String,
    vector: Vec<f32>,
}

fn expected() -> Expected {
    let text = std::fs::read(golden("bert_masked/expected.json")).expect("the fixture");
    serde_json::from_slice(&text).expect("the fixture")
}

#[test]
fn gaps_are_filled_as_by_transformers_with_whole_words() {
    let model = MaskedLanguageModel::load(&golden("bert_masked")).expect("the fixture loads");
    let Expected {
        vocabulary, gaps, ..
    } = expected();
    let whole = |word: &str| !word.starts_with("##") && !word.starts_with('[');
    let count = vocabulary.iter().filter(|word| whole(word)).count();
    for gap in &gaps {
        let filled = model.fill(&gap.left, &gap.right, 1000).expect("it fits");
        assert_eq!(filled.len(), count);
        assert!(filled.is_sorted_by(|a, b| a.log_probability >= b.log_probability));
        for word in &filled {
            let id = vocabulary.iter().position(|entry| *entry == word.word);
            let exact = gap.log_probabilities[id.expect("a word of the vocabulary")];
            let apart = (word.log_probability - exact).abs();
            assert!(apart < 1e-4, "{word:?} for {exact}");
        }
        assert_eq!(
            model.fill(&gap.left, &gap.right, 3).expect("it fits"),
            filled[..3]
        );
    }
    // Together as alone.
    let all: Vec<Gap<'_>> = gaps
        .iter()
        .map(|gap| Gap {
            left: &gap.left,
            right: &gap.right,
        })
        .collect();
    let together = model.fill_each(&all, 5);
    for (gap, together) in all.iter().zip(&together) {
        assert_eq!(&model.fill(gap.left, gap.right, 5), together);
    }
    let long = "the boy ran ".repeat(20);
    assert!(matches!(
        model.fill(&long, "", 5),
        Err(EncodeError::TooLong { window: 32, .. })
    ));
}

#[test]
fn a_folder_without_the_head_is_refused() {
    let base = nines_models::resolve("minilm-l6").expect("the base is in the cache");
    let reason = MaskedLanguageModel::load(&base.path)
        .err()
        .expect("no head")
        .to_string();
    assert!(reason.contains("cls.predictions"), "{reason}");
}

#[test]
fn sentences_are_the_mean_states_of_transformers() {
    let encoder = SentenceEncoder::load(&golden("bert_masked")).expect("the fixture loads");
    let sentences = expected().sentences;
    let texts: Vec<&str> = sentences.iter().map(|sentence| &*sentence.text).collect();
    let together = encoder.embed(&texts);
    for (sentence, found) in sentences.iter().zip(&together) {
        let alone = encoder.embed(&[&sentence.text]);
        assert_eq!(&alone[0], found);
        let found = found.as_ref().expect("it fits");
        for (found, exact) in found.iter().zip(&sentence.vector) {
            assert!(
                (found - exact).abs() < 1e-5,
                "{}: {found} for {exact}",
                sentence.text
            );
        }
    }
    let long = "the boy ran ".repeat(20);
    let found = encoder.embed(&[&long, "", "the boy ran"]);
    assert!(matches!(
        found[0],
        Err(EncodeError::TooLong { window: 32, .. })
    ));
    assert_eq!(found[1], Err(EncodeError::Empty));
    assert!(found[2].is_ok());
}

#[test]
fn what_is_no_sentence_encoder_is_refused_with_what_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for (from, file) in [
        ("deberta_tiny", "config.json"),
        ("deberta_tiny", "model.safetensors"),
        ("bert_masked", "tokenizer.json"),
    ] {
        let copied = std::fs::copy(golden(from).join(file), folder.path().join(file));
        copied.expect("copied");
    }
    let refused = SentenceEncoder::load(folder.path()).err().expect("refused");
    assert!(matches!(refused, EncodeError::NoSentences { .. }));
    let refused = refused.to_string();
    assert!(
        refused.contains("is no sentence encoder") && refused.contains("minilm-l6 or mpnet-base"),
        "{refused}"
    );
}

#[test]
fn near_sentences_are_near_on_the_real_base() {
    let base = nines_models::resolve("minilm-l6").expect("the base is in the cache");
    let encoder = SentenceEncoder::load(&base.path).expect("the base loads");
    let vectors: Vec<Vec<f32>> = encoder
        .embed(&[
            "The dog bit the boy.",
            "A boy was bitten by a dog.",
            "The ministry raised taxes.",
        ])
        .into_iter()
        .map(|vector| vector.expect("it fits"))
        .collect();
    let cosine = |a: usize, b: usize| -> f32 {
        vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum()
    };
    assert!((cosine(0, 0) - 1.0).abs() < 1e-5);
    assert!(cosine(0, 1) > 0.7 && cosine(0, 2) < 0.3);
}
