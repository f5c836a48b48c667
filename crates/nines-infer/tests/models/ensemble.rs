//! Ensembles of real classifiers.

use crate::gradients::{scorer, snippets};
use nines_domain::ensemble::Combine;
use nines_infer::classifier::ClassifierScorer;
use nines_infer::ensemble::Ensemble;
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::Scorer;
use nines_nn::encoder::Pooling;
use std::sync::Arc;

fn members(folder: &std::path::Path) -> Vec<Arc<ClassifierScorer>> {
    let poolings = [Pooling::Pooler, Pooling::Mean, Pooling::Cls];
    let made = poolings.into_iter().enumerate().map(|(index, pooling)| {
        let folder = folder.join(index.to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        Arc::new(scorer(&folder, pooling))
    });
    made.collect()
}

fn ensemble(members: &[Arc<ClassifierScorer>], combine: Combine) -> Ensemble {
    let members = members
        .iter()
        .map(|m| m.clone() as Arc<dyn Scorer>)
        .collect();
    Ensemble::new("all", members, combine).expect("an ensemble")
}

#[test]
fn scores_and_gradients_are_those_of_the_members_combined() {
    let folder = tempfile::tempdir().expect("a folder");
    let members = members(folder.path());
    let snippets = snippets();
    let each: Vec<Vec<f64>> = members
        .iter()
        .map(|member| {
            let scores = member.score(&snippets, &mut |_| {});
            scores
                .into_iter()
                .map(|s| s.expect("scored").logit())
                .collect()
        })
        .collect();
    let slopes: Vec<_> = members
        .iter()
        .map(|member| member.gradients(&snippets))
        .collect();
    for combine in [Combine::Mean, Combine::Max] {
        let ensemble = ensemble(&members, combine);
        let scores = ensemble.score(&snippets, &mut |_| {});
        let gradients = ensemble
            .differentiable()
            .expect("its members have gradients and one tokenizer")
            .gradients(&snippets);
        let table = ensemble.embeddings();
        assert_eq!((table.vocabulary(), table.hidden()), (30522, 3 * 384));
        for (index, (score, gradient)) in scores.iter().zip(&gradients).enumerate() {
            let logits: Vec<f64> = each.iter().map(|scores| scores[index]).collect();
            let weights = match combine {
                Combine::Mean => vec![1.0 / 3.0; 3],
                Combine::Max => {
                    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let weights = logits.iter().map(|l| f64::from(u8::from(*l == highest)));
                    weights.collect()
                }
            };
            let expected: f64 = logits.iter().zip(&weights).map(|(l, w)| l * w).sum();
            let logit = score.as_ref().expect("scored").logit();
            assert!(
                (logit - expected).abs() < 1e-12,
                "{combine}: {logit} {expected}"
            );
            let gradient = gradient.as_ref().expect("it fits");
            assert_eq!(gradient.logit, logit);
            // What another word at a place would change, to first order.
            let place = gradient.encoded.len() / 2;
            let (here, other) = (gradient.encoded.ids[place], 2000);
            let change = |row: &dyn Fn(u32) -> Vec<f32>, slope: &[f32]| -> f64 {
                let moved = row(other).into_iter().zip(row(here)).map(|(a, b)| a - b);
                moved
                    .zip(slope)
                    .map(|(a, b)| f64::from(a) * f64::from(*b))
                    .sum()
            };
            let row = |id: u32| table.row(id).expect("a token").to_vec();
            let found = change(&row, gradient.token(place));
            let expected: f64 = members
                .iter()
                .zip(&slopes)
                .zip(&weights)
                .map(|((member, slopes), weight)| {
                    let table = member.embeddings();
                    let row = |id: u32| table.row(id).expect("a token").to_vec();
                    let slope = slopes[index].as_ref().expect("it fits");
                    weight * change(&row, slope.token(place))
                })
                .sum();
            assert!(
                (found - expected).abs() < 1e-6,
                "{combine}: {found} {expected}"
            );
            assert!(found.abs() > 1e-6, "the place matters");
        }
    }
}

#[test]
fn what_does_not_fit_has_neither_score_nor_gradient() {
    let folder = tempfile::tempdir().expect("a folder");
    let ensemble = ensemble(&members(folder.path())[..2], Combine::Mean);
    let long = "The tide came in slowly. ".repeat(120);
    let texts = [
        nines_domain::snippet::SnippetText::new(long, "Nobody saw it."),
        nines_domain::snippet::SnippetText::new("A prompt.", " "),
        snippets().remove(0),
    ];
    let gradients = ensemble.gradients(&texts);
    assert!(gradients[0].is_err() && gradients[1].is_err() && gradients[2].is_ok());
    let scores = ensemble.score(&texts, &mut |_| {});
    assert!(scores[1].is_err() && scores[2].is_ok());
}
