//! Gradients of a classifier on the real base model.

use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::{Classifier, HeadConfig, Mode, Pooling};
use nines_text::SnippetTokenizer;
use std::path::Path;

pub fn scorer(folder: &Path, pooling: Pooling) -> ClassifierScorer {
    let base = nines_models::resolve("minilm-l6")
        .expect("the model minilm-l6 is in the cache; `nines models pull minilm-l6` puts it there");
    let head = HeadConfig {
        seed: 3,
        pooling,
        ..HeadConfig::default()
    };
    let model =
        Classifier::from_base(&base.path, &head, &nines_nn::device::cpu()).expect("the base");
    model.save(folder).expect("saved");
    let tokenizer = SnippetTokenizer::from_folder(&base.path).expect("its tokenizer");
    tokenizer.save_into(folder).expect("saved");
    ClassifierScorer::load(folder, LongPolicy::MaxWindow).expect("the folder loads")
}

pub fn snippets() -> Vec<SnippetText> {
    vec![
        SnippetText::new("The knife slipped.", "Blood welled up along the cut."),
        SnippetText::new("", "Nobody came."),
        SnippetText::new(
            "She counted the boats again. ".repeat(12),
            "One was missing.",
        ),
    ]
}

#[test]
fn the_gradient_is_that_of_the_score() {
    for pooling in [Pooling::Pooler, Pooling::Mean] {
        let folder = tempfile::tempdir().expect("a folder");
        let scorer = scorer(folder.path(), pooling);
        let scorer = scorer.differentiable().expect("a classifier has gradients");
        let snippets = snippets();
        let scores = scorer.score(&snippets, &mut |_| ());
        let gradients = scorer.gradients(&snippets);
        let table = scorer.embeddings();
        assert_eq!((table.vocabulary(), table.hidden()), (30522, 384));
        assert_eq!(table.row(30522), None);
        for (gradient, score) in gradients.iter().zip(&scores) {
            let gradient = gradient.as_ref().expect("it fits");
            let score = score.as_ref().expect("it fits").logit();
            assert_eq!(gradient.logit, score, "the gradient is of the score");
            assert_eq!(gradient.gradient.len(), gradient.encoded.len() * 384);
        }
    }
}

#[test]
fn the_gradient_is_a_finite_difference_of_the_real_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let scorer = scorer(folder.path(), Pooling::Pooler);
    let gradient = scorer
        .gradients(&snippets()[..1])
        .remove(0)
        .expect("it fits");
    let knife = gradient
        .encoded
        .ids
        .iter()
        .position(|&id| scorer.tokenizer().token(id).as_deref() == Some("knife"))
        .expect("a whole word of the vocabulary");
    let (id, slope) = (gradient.encoded.ids[knife] as usize, gradient.token(knife));
    let length = slope.iter().map(|x| x * x).sum::<f32>().sqrt();
    let words = "bert.embeddings.word_embeddings.weight";
    let mut model =
        Classifier::load(folder.path(), &nines_nn::device::cpu()).expect("the folder loads");
    let batch = TokenBatch::from_rows(&[(&gradient.encoded.ids, &gradient.encoded.type_ids)]);
    let table = model.values(words).expect("values");
    let step = 0.05;
    let mut moved = |sign: f32| {
        let mut changed = table.clone();
        for (value, slope) in changed[id * 384..].iter_mut().zip(slope) {
            *value += sign * step * slope / length;
        }
        model.set_values(words, changed).expect("set");
        let logits = model
            .logits(&batch, Mode::Evaluate)
            .expect("scored")
            .into_data();
        logits.try_into_vec::<f32>().expect("32 bits")[0]
    };
    let difference = (moved(1.0) - moved(-1.0)) / (2.0 * step);
    assert!(length > 0.01, "{length}");
    assert!(
        (difference - length).abs() < 0.02 * length,
        "{length} by gradient, {difference} by difference"
    );
}

#[test]
fn gradients_do_not_depend_on_what_stands_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let scorer = scorer(folder.path(), Pooling::Pooler);
    let mut all = snippets();
    all.push(SnippetText::new(
        "The tide came in slowly. ".repeat(120),
        "Nobody saw it.",
    ));
    all.push(SnippetText::new("A prompt.", " "));
    let together = scorer.gradients(&all);
    assert!(matches!(
        together[3],
        Err(Unscoreable::TooLong { window: 512, .. })
    ));
    assert_eq!(together[4], Err(Unscoreable::EmptyCompletion));
    for (snippet, together) in all.iter().zip(&together) {
        let alone = scorer.gradients(std::slice::from_ref(snippet));
        assert_eq!(&alone[0], together);
    }
    assert!(scorer.gradients(&[]).is_empty());
}
