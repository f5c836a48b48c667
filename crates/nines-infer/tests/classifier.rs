//! What the scorer made of a classifier promises, on the real base model.

use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_infer::unfamiliarity::Unfamiliarity;
use nines_infer::unfamiliarity::distance::{Familiar, HiddenDistance};
use nines_infer::unfamiliarity::neighbours::Neighbours;
use nines_nn::encoder::{Classifier, HeadConfig};
use nines_text::SnippetTokenizer;
use std::path::Path;
use std::sync::Arc;

/// Saves a classifier on the base model, with a head drawn from a seed; `spoil` may change it.
fn save(folder: &Path, spoil: impl FnOnce(&mut Classifier)) {
    let base = nines_models::resolve("minilm-l6")
        .expect("the model minilm-l6 is in the cache; `nines models pull minilm-l6` puts it there");
    let head = HeadConfig {
        seed: 3,
        ..HeadConfig::default()
    };
    let mut model =
        Classifier::from_base(&base.path, &head, &nines_nn::device::cpu()).expect("the base");
    spoil(&mut model);
    model.save(folder).expect("saved");
    let tokenizer = SnippetTokenizer::from_folder(&base.path).expect("its tokenizer");
    tokenizer.save_into(folder).expect("saved");
}

fn scorer(folder: &Path, long: LongPolicy) -> ClassifierScorer {
    ClassifierScorer::load(folder, long).expect("the folder loads")
}

fn score(scorer: &ClassifierScorer, snippets: &[SnippetText]) -> Vec<Result<f64, Unscoreable>> {
    let mut seen = Vec::new();
    let scores = scorer.score(snippets, &mut |done| seen.push(done));
    assert!(seen.is_sorted(), "progress goes forward");
    assert_eq!(
        seen.last().copied().unwrap_or(0),
        snippets.len(),
        "and ends"
    );
    scores
        .into_iter()
        .map(|score| score.map(|score| score.logit()))
        .collect()
}

/// Snippets of very different lengths, in no order.
fn varied() -> Vec<SnippetText> {
    (0..60)
        .map(|i| {
            let prompt = "She counted the boats again. ".repeat(i * 7 % 31);
            SnippetText::new(
                prompt,
                format!("Number {i} was missing{}", ", again".repeat(i % 5)),
            )
        })
        .collect()
}

#[test]
fn a_score_does_not_depend_on_what_is_scored_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |_| {});
    let scorer = scorer(folder.path(), LongPolicy::Refuse);
    let snippets = varied();
    let together = score(&scorer, &snippets);
    let reversed: Vec<_> = snippets.iter().rev().cloned().collect();
    let mut backwards = score(&scorer, &reversed);
    backwards.reverse();
    assert_eq!(together, backwards);
    for (snippet, together) in snippets.iter().zip(&together) {
        let alone = score(&scorer, std::slice::from_ref(snippet));
        assert!(alone[0].is_ok(), "{alone:?}");
        assert_eq!(&alone[0], together);
    }
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    assert_eq!(
        one.install(|| score(&scorer, &snippets)),
        together,
        "on any number of cores"
    );
    assert!(score(&scorer, &[]).is_empty());
}

#[test]
fn what_does_not_fit_is_refused_or_read_through_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |_| {});
    let long = SnippetText::new("The tide came in slowly. ".repeat(120), "Nobody saw it.");
    let short = SnippetText::new("The tide came in.", "Nobody saw it.");
    let refusing = scorer(folder.path(), LongPolicy::Refuse);
    assert_eq!(refusing.window(), 512);
    let scores = score(&refusing, &[long.clone(), short.clone()]);
    let Err(Unscoreable::TooLong {
        tokens,
        window: 512,
    }) = scores[0]
    else {
        panic!("a long snippet is refused: {:?}", scores[0]);
    };
    assert!(tokens > 600);
    let windows = scorer(folder.path(), LongPolicy::MaxWindow);
    let through = score(&windows, &[long.clone(), short]);
    assert!(scores[1].is_ok());
    assert_eq!(through[1], scores[1]);
    // The worst window counts: each window, as far as it can be said as a snippet, scores no more.
    let tokenizer = SnippetTokenizer::from_folder(folder.path()).expect("a tokenizer");
    let encoded = tokenizer
        .encode(&long.prompt, &long.completion)
        .expect("tokens");
    let cut = encoded.windows(512).expect("windows");
    assert!(cut.len() > 1);
    let each: Vec<f64> = cut
        .iter()
        .map(|window| {
            let spans: Vec<_> = window
                .offsets
                .iter()
                .flatten()
                .filter(|span| span.part == nines_text::SnippetPart::Prompt)
                .collect();
            let (first, last) = (spans[0], spans[spans.len() - 1]);
            let prompt = &long.prompt[first.start..last.end];
            let snippet = SnippetText::new(prompt, long.completion.clone());
            score(&refusing, &[snippet])[0].clone().expect("it fits")
        })
        .collect();
    let worst = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(through[0], Ok(worst));
}

#[test]
fn what_cannot_be_scored_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |model| {
        let mut values = model.values("classifier.bias").expect("values");
        values[0] = 3e38;
        model.set_values("classifier.bias", values).expect("set");
        let weight = model.values("classifier.weight").expect("values");
        let large = weight.iter().map(|w| w.signum() * 3e38).collect();
        model.set_values("classifier.weight", large).expect("set");
    });
    let scorer = scorer(folder.path(), LongPolicy::Refuse);
    let snippets = [
        SnippetText::new("A prompt.", ""),
        SnippetText::new("A prompt.", " \n\t"),
        // Text that the tokenizer drops: the model would read an empty completion.
        SnippetText::new("A prompt.", "\u{200b}"),
        SnippetText::new("A prompt.", " \u{ad}\u{ad} "),
        SnippetText::new("A prompt.", "\u{fffd}"),
        SnippetText::new("A prompt.", "A completion."),
    ];
    let scores = score(&scorer, &snippets);
    let (last, empty) = scores.split_last().expect("scores");
    for score in empty {
        assert_eq!(*score, Err(Unscoreable::EmptyCompletion));
    }
    assert!(matches!(last, Err(Unscoreable::Model(_))), "{last:?}");
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |_| {});
    let path = folder.path().join("tokenizer.json");
    let whole: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    let refusal = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = whole.clone();
        change(&mut json);
        std::fs::write(&path, json.to_string()).expect("written");
        match ClassifierScorer::load(folder.path(), LongPolicy::Refuse) {
            Ok(_) => panic!("it is refused"),
            Err(error) => error.to_string(),
        }
    };
    let last = refusal(&|json| json["model"]["vocab"]["zyzzyva"] = 30_522.into());
    assert!(
        last.contains("a token of id 30522, but the model knows 30522 tokens"),
        "{last}"
    );
    let sparse = refusal(&|json| json["model"]["vocab"]["zyzzyva"] = 4_000_000.into());
    assert!(sparse.contains("a token of id 4000000"), "{sparse}");
    // Whatever the file says, an added token that the vocabulary lacks comes after its last.
    let added = refusal(&|json| {
        let token = serde_json::json!({"id": 7, "content": "zyzzyva", "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false, "special": false});
        json["added_tokens"]
            .as_array_mut()
            .expect("a list")
            .push(token);
    });
    assert!(added.contains("a token of id 30522"), "{added}");
}

#[test]
fn the_version_names_the_folder_and_what_is_in_it() {
    let parent = tempfile::tempdir().expect("a folder");
    let (first, second) = (parent.path().join("first"), parent.path().join("second"));
    save(&first, |_| {});
    save(&second, |_| {});
    let version = |folder: &Path| scorer(folder, LongPolicy::Refuse).version().to_owned();
    let (a, b) = (version(&first), version(&second));
    assert!(
        a.starts_with("first@") && b.starts_with("second@"),
        "{a} {b}"
    );
    assert_eq!(
        a["first@".len()..],
        b["second@".len()..],
        "the same content"
    );
    std::fs::remove_dir_all(&second).expect("removed");
    save(&second, |model| model.set_label("something else"));
    assert_ne!(b, version(&second));
    std::fs::remove_file(second.join("tokenizer.json")).expect("removed");
    assert!(ClassifierScorer::load(&second, LongPolicy::Refuse).is_err());
}

/// The trap of attacking a model in training mode (TextAttack #457): with dropout, every query would have
/// another answer, and an attack would find noise.
#[test]
fn attacking_in_train_mode() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |_| {});
    let plain = scorer(folder.path(), LongPolicy::Refuse);
    let snippets = &varied()[..8];
    let wanted = score(&plain, snippets);
    let path = folder.path().join("config.json");
    let text = std::fs::read_to_string(&path).expect("its shape");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for field in [
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "classifier_dropout",
    ] {
        config[field] = 0.5.into();
    }
    std::fs::write(&path, config.to_string()).expect("written");
    let dropping = scorer(folder.path(), LongPolicy::Refuse);
    for _ in 0..3 {
        assert_eq!(score(&dropping, snippets), wanted);
    }
    let model = dropping.differentiable().expect("it has gradients");
    let first = model.gradients(&snippets[..2]);
    for (gradient, again) in first.iter().zip(model.gradients(&snippets[..2])) {
        let (gradient, again) = (gradient.as_ref().expect("one"), again.expect("one"));
        assert_eq!(gradient.logit, again.logit);
        assert_eq!(gradient.gradient, again.gradient);
    }
    for (gradient, score) in first.iter().zip(&wanted) {
        let logit = gradient.as_ref().expect("one").logit;
        let score = *score.as_ref().expect("a score");
        assert!((logit - score).abs() < 1e-3, "{logit} {score}");
    }
}

/// A tokenizer as SentencePiece makes them, in which a full stop alone is two tokens.
fn pieces() -> serde_json::Value {
    use serde_json::json;
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false})
    };
    let token = |id: &str, kind: u32| json!({"SpecialToken": {"id": id, "type_id": kind}});
    let sequence = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    let known = |id: u32, token: &str| json!({"id": token, "ids": [id], "tokens": [token]});
    let metaspace =
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "[PAD]"), special(1, "[CLS]"), special(2, "[SEP]"), special(3, "[UNK]")],
        "normalizer": null, "pre_tokenizer": metaspace, "decoder": metaspace,
        "post_processor": {"type": "TemplateProcessing",
            "single": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0)],
            "pair": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0), sequence("B", 1), token("[SEP]", 1)],
            "special_tokens": {"[CLS]": known(1, "[CLS]"), "[SEP]": known(2, "[SEP]")}},
        "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": false,
            "vocab": [["[PAD]", 0.0], ["[CLS]", 0.0], ["[SEP]", 0.0], ["[UNK]", 0.0], ["▁", -3.0],
                ["▁ran", -1.0], ["▁a", -1.0], [".", -1.0]]}
    })
}

#[test]
fn a_prompt_is_refused_only_where_no_completion_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = r#"{"model_type": "bert", "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 8, "type_vocab_size": 2}"#;
    let model = Classifier::random(config, &HeadConfig::default(), &nines_nn::device::cpu());
    model.expect("a model").save(folder.path()).expect("saved");
    let file = folder.path().join("tokenizer.json");
    std::fs::write(file, pieces().to_string()).expect("written");
    let scorer = scorer(folder.path(), LongPolicy::Refuse);
    // Three signs, four words, and one token more.
    let full = "ran ran ran ran";
    let scores = score(
        &scorer,
        &[SnippetText::new(full, "ran"), SnippetText::new(full, ".")],
    );
    assert!(scores[0].is_ok(), "{scores:?}");
    assert!(matches!(scores[1], Err(Unscoreable::TooLong { .. })));
    assert_eq!(scorer.refuses(full), None);
    assert_eq!(
        scorer.refuses("ran ran ran ran ran"),
        Some(Unscoreable::TooLong {
            tokens: 9,
            window: 8
        })
    );
}

#[test]
fn what_decides_a_distance_stands_in_its_version() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path(), |_| {});
    let classifier = Arc::new(scorer(folder.path(), LongPolicy::Refuse));
    let rows: Vec<Vec<f32>> = (0..24).map(|i| vec![1.0, i as f32]).collect();
    let version = |k: usize, path: &str| {
        let rows = Neighbours::fit(&rows, k).expect("fitted");
        let familiar = Familiar::Neighbours(rows);
        let measure = HiddenDistance::new(classifier.clone(), familiar, "abc", path);
        measure.version().to_owned()
    };
    assert_eq!(version(3, "cpu/f32"), version(3, "cpu/f32"));
    assert_ne!(version(3, "cpu/f32"), version(4, "cpu/f32"));
    assert_ne!(version(3, "cpu/f32"), version(3, "cpu/bf16/amx"));
}
