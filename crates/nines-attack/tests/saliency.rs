//! Saliency against finite differences of the score, with a tiny encoder and with the real base model.

use nines_attack::saliency::{Method, TokenSaliency, saliency};
use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::scorer::Scorer;
use nines_nn::encoder::{Classifier, HeadConfig};
use nines_text::SnippetTokenizer;
use std::path::PathBuf;

const TINY: &str = r#"{"model_type": "bert", "vocab_size": 30522, "hidden_size": 16,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 64, "type_vocab_size": 2}"#;

fn base() -> PathBuf {
    let base = nines_models::resolve("minilm-l6");
    base.expect("the model minilm-l6 is in the cache; `nines models pull minilm-l6` puts it there")
        .path
}

fn head() -> HeadConfig {
    HeadConfig {
        seed: 3,
        ..HeadConfig::default()
    }
}

fn scorer(model: &Classifier) -> ClassifierScorer {
    let folder = tempfile::tempdir().expect("a folder");
    model.save(folder.path()).expect("saved");
    let tokenizer = SnippetTokenizer::from_folder(&base()).expect("its tokenizer");
    tokenizer.save_into(folder.path()).expect("saved");
    ClassifierScorer::load(folder.path(), LongPolicy::Refuse).expect("the folder loads")
}

fn snippet() -> SnippetText {
    SnippetText::new(
        "The climbers rested at noon.",
        "A rock fell, and he broke his unprotected leg.",
    )
}

fn score(scorer: &ClassifierScorer) -> f64 {
    let scores = scorer.score(&[snippet()], &mut |_| ());
    scores[0].as_ref().expect("a score").logit()
}

/// Computes the slope of the score along a direction of one token's embedding.
fn slope(model: &mut Classifier, id: u32, direction: &[f32], step: f32) -> f64 {
    let name = model
        .parameters()
        .map(|parameter| parameter.name.clone())
        .find(|name| name.ends_with("word_embeddings.weight"))
        .expect("word embeddings");
    let kept = model.values(&name).expect("values");
    let mut at = |step: f32| {
        let mut values = kept.clone();
        let row = id as usize * direction.len();
        for (value, direction) in values[row..].iter_mut().zip(direction) {
            *value += direction * step;
        }
        model.set_values(&name, values).expect("set");
        score(&scorer(model))
    };
    let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
    model.set_values(&name, kept).expect("set");
    slope
}

fn of_word(found: &[TokenSaliency], word: &str) -> f64 {
    let of_word: Vec<&TokenSaliency> = found.iter().filter(|one| one.text == word).collect();
    assert_eq!(of_word.len(), 1, "{word} in {found:?}");
    of_word[0].value
}

fn agrees(mut model: Classifier, words: &[&str]) {
    let scorer = scorer(&model);
    let differentiable = scorer.differentiable().expect("gradients");
    let gradient = differentiable.gradients(&[snippet()]).remove(0);
    let gradient = gradient.expect("a gradient");
    let by_input = saliency(Method::GradientXInput, &scorer, &snippet()).expect("saliency");
    let norms = saliency(Method::GradientNorm, &scorer, &snippet()).expect("saliency");
    assert_eq!(by_input.len(), norms.len());
    for word in words {
        let index = (0..gradient.encoded.len()).find(|index| {
            let token = differentiable
                .tokenizer()
                .token(gradient.encoded.ids[*index]);
            token.as_deref() == Some(word)
        });
        let index = index.expect("the word is read");
        let id = gradient.encoded.ids[index];
        let row = differentiable.embeddings().row(id).expect("a row").to_vec();
        let length = gradient
            .token(index)
            .iter()
            .map(|g| g * g)
            .sum::<f32>()
            .sqrt();
        let along: Vec<f32> = gradient.token(index).iter().map(|g| g / length).collect();
        for (found, found_by_steps) in [
            (of_word(&by_input, word), slope(&mut model, id, &row, 0.02)),
            (of_word(&norms, word), slope(&mut model, id, &along, 0.02)),
        ] {
            let allowed = 0.02 * found.abs() + 2e-4;
            assert!(
                (found - found_by_steps).abs() < allowed,
                "{word}: {found} and {found_by_steps}"
            );
        }
    }
}

#[test]
fn gradients_of_a_tiny_encoder_are_those_of_finite_differences() {
    let model = Classifier::random(TINY, &head(), &nines_nn::device::cpu()).expect("a model");
    agrees(model, &["noon", "rock", "leg", "fell"]);
}

#[test]
fn gradients_of_the_real_model_are_those_of_finite_differences() {
    let model = Classifier::from_base(&base(), &head(), &nines_nn::device::cpu());
    agrees(model.expect("the base"), &["noon", "broke"]);
}

#[test]
fn leaving_one_out_is_scoring_the_text_without_it() {
    let model = Classifier::random(TINY, &head(), &nines_nn::device::cpu()).expect("a model");
    let scorer = scorer(&model);
    let found = saliency(Method::LeaveOneOut, &scorer, &snippet()).expect("saliency");
    let without = |completion: &str| {
        let text = SnippetText::new(snippet().prompt, completion);
        let scores = scorer.score(&[text], &mut |_| ());
        score(&scorer) - scores[0].as_ref().expect("a score").logit()
    };
    let rock = without("A fell, and he broke his unprotected leg.");
    assert_eq!(of_word(&found, "rock"), rock);
    let comma = without("A rock fell and he broke his unprotected leg.");
    assert_eq!(of_word(&found, ","), comma);
}
