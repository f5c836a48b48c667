//! Gradients of what is added against finite differences; what is added nowhere changes nothing.

use super::*;
use crate::device::cpu;
use crate::encoder::{HeadConfig, Pooling, Trainable};
use PerturbationPlace::{Hidden, Normalised, Words};
use nines_kernels::rng;

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 41, "hidden_size": 20,
    "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 44,
    "max_position_embeddings": 24, "type_vocab_size": 2, "hidden_dropout_prob": 0.2,
    "attention_probs_dropout_prob": 0.1}"#;
const OTHERS: [&str; 2] = [
    r#"{"model_type": "mpnet", "vocab_size": 41, "hidden_size": 20, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 44, "max_position_embeddings": 26,
    "hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.1}"#,
    r#"{"model_type": "deberta-v2", "vocab_size": 41, "hidden_size": 20, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 44, "max_position_embeddings": 24,
    "relative_attention": true, "position_buckets": 8, "norm_rel_ebd": "layer_norm",
    "share_att_key": true, "pos_att_type": "p2c|c2p", "position_biased_input": false,
    "conv_kernel_size": 3, "hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.1}"#,
];
const TOKENS: usize = 27;
const PLACES: [PerturbationPlace; 5] = [Words, Normalised, Hidden(0), Hidden(1), Hidden(2)];

fn model(pooling: Pooling) -> Classifier {
    model_of(CONFIG, pooling)
}

/// A model of each family.
fn families(pooling: Pooling) -> impl Iterator<Item = Classifier> {
    let configs = [CONFIG].into_iter().chain(OTHERS);
    configs.map(move |config| model_of(config, pooling))
}

fn model_of(config: &str, pooling: Pooling) -> Classifier {
    let head = HeadConfig {
        pooling,
        seed: 5,
        ..HeadConfig::default()
    };
    let mut model = Classifier::random(config, &head, &cpu()).expect("a tiny model");
    let names: Vec<_> = model.parameters().map(|info| info.name.clone()).collect();
    for name in names {
        let values = model.values(&name).expect("values");
        let values = values
            .iter()
            .enumerate()
            .map(|(i, x)| match name.contains("LayerNorm") {
                true => x + 0.1 * (i % 7) as f32,
                false => 12.0 * x,
            })
            .collect();
        model.set_values(&name, values).expect("set");
    }
    model.set_trainable(Trainable::All);
    model
}

fn batch() -> TokenBatch {
    let rows: Vec<Vec<u32>> = [7, 1, 19]
        .iter()
        .map(|&length| (0..length).map(|i| (i * 11 + length) % 41).collect())
        .collect();
    let types = [0u8, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let rows: Vec<_> = rows
        .iter()
        .map(|ids| (&ids[..], &types[..ids.len()]))
        .collect();
    TokenBatch::from_rows(&rows)
}

/// A loss that weighs the rows differently.
fn loss(logits: &Tensor<1>) -> Tensor<1> {
    let slopes = TensorData::new(vec![1.0f32, -0.5, 2.0], [3]);
    let slopes = Tensor::<1>::from_data(slopes, &logits.device());
    (logits.clone() * slopes).sum()
}

fn host(tensor: Tensor<1>) -> Vec<f32> {
    values_of(tensor)
}

const KEY: DropoutKey = DropoutKey { seed: 3, step: 9 };

#[test]
fn the_gradient_of_what_is_added_is_the_finite_difference() {
    for model in families(Pooling::Pooler).chain(families(Pooling::Mean)) {
        let family = model.config().family;
        for place in PLACES {
            let pass = model
                .perturbed(&batch(), Some(KEY), place, false)
                .expect("a pass");
            let at = |delta: Vec<f32>| pass.logits(delta).expect("logits");
            let start = rng::normal(1, 2, 0.1, TOKENS * 20);
            let found = at(start.clone());
            let (parameters, gradient) = model
                .perturbed_gradients(loss(&found.logits), &found.delta)
                .expect("gradients");
            assert!(parameters.is_empty(), "no parameter learns in this pass");
            let norm = gradient
                .iter()
                .map(|g| f64::from(g * g))
                .sum::<f64>()
                .sqrt();
            assert!(norm > 1e-2, "{place:?}: the gradient's norm is {norm}");
            // Along the gradient itself the slope is the gradient's norm.
            let value = |h: f64| {
                let moved = start.iter().zip(&gradient);
                let moved = moved.map(|(x, g)| (f64::from(*x) + h * f64::from(*g) / norm) as f32);
                f64::from(host(loss(&at(moved.collect()).logits))[0])
            };
            let h = 1e-2;
            let slope = (value(h) - value(-h)) / (2.0 * h);
            assert!(
                (slope / norm - 1.0).abs() < 0.02,
                "{family:?} {place:?}: {slope} for {norm}"
            );
        }
    }
}

#[test]
fn nothing_added_is_the_plain_pass() {
    for model in families(Pooling::Pooler) {
        nothing_changes(&model);
    }
}

fn nothing_changes(model: &Classifier) {
    let plain = model.logits(&batch(), Mode::Train(KEY)).expect("logits");
    let (plain_logits, plain_gradients) = (
        host(plain.clone()),
        model.gradients(loss(&plain)).expect("gradients"),
    );
    for place in PLACES {
        let pass = model
            .perturbed(&batch(), Some(KEY), place, true)
            .expect("a pass");
        let found = pass.logits(vec![0.0; TOKENS * 20]).expect("logits");
        let logits = host(found.logits.clone());
        let (gradients, _) = model
            .perturbed_gradients(loss(&found.logits), &found.delta)
            .expect("gradients");
        let is_table = |name: &str| name.contains("_embeddings");
        for (info, plain) in plain_gradients.iter() {
            let Some(found) = gradients.get(&info.name) else {
                // The published way: what is added is added to embeddings that stand still.
                assert!(place == Normalised && is_table(&info.name), "{}", info.name);
                continue;
            };
            let apart = found.iter().zip(plain).map(|(a, b)| (a - b).abs());
            let largest = plain.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let apart = apart.fold(0.0, f32::max);
            assert!(apart <= 2e-4 * largest, "{place:?} {}: {apart}", info.name);
        }
        match place {
            // The model's own normalisation undoes the one before it, to within rounding.
            Normalised => {
                let apart = logits.iter().zip(&plain_logits).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-4);
            }
            _ => assert_eq!(logits, plain_logits, "{place:?}"),
        }
    }
}

#[test]
fn a_pass_that_learns_can_be_gone_through_again() {
    for model in families(Pooling::Pooler) {
        for place in PLACES {
            let pass = model
                .perturbed(&batch(), Some(KEY), place, true)
                .expect("a pass");
            let gone = || {
                let found = pass.logits(rng::normal(4, 1, 0.3, TOKENS * 20));
                let found = found.expect("logits");
                let (gradients, of_delta) = model
                    .perturbed_gradients(loss(&found.logits), &found.delta)
                    .expect("gradients");
                let gradients = gradients.iter();
                let gradients: Vec<_> = gradients.map(|(_, values)| values.to_vec()).collect();
                (gradients, of_delta)
            };
            assert_eq!(gone(), gone(), "{place:?}");
        }
    }
}

#[test]
fn what_is_added_to_normalised_sums_is_independent_of_the_tables_scale() {
    let mut model = model(Pooling::Mean);
    let delta = rng::normal(4, 1, 0.3, TOKENS * 20);
    let logits = |model: &Classifier| {
        let pass = model.perturbed(&batch(), None, Normalised, false);
        host(
            pass.expect("a pass")
                .logits(delta.clone())
                .expect("logits")
                .logits,
        )
    };
    let before = logits(&model);
    for table in ["word", "position", "token_type"] {
        let name = format!("bert.embeddings.{table}_embeddings.weight");
        let values = model.values(&name).expect("values");
        let larger = values.iter().map(|x| 3.0 * x).collect();
        model.set_values(&name, larger).expect("set");
    }
    let apart = before
        .iter()
        .zip(logits(&model))
        .map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f32::max) < 1e-4);
}

#[test]
fn places_and_sizes_that_do_not_fit_are_refused() {
    let model = model(Pooling::Pooler);
    let message = |error: NnError| error.to_string();
    let refused = model.perturbed(&batch(), None, Hidden(3), false);
    assert!(message(refused.err().expect("refused")).contains("no output of layer 3"));
    let pass = model
        .perturbed(&batch(), None, Words, false)
        .expect("a pass");
    let refused = pass.logits(vec![0.0; 20]).expect_err("refused");
    assert!(message(refused).contains("27 tokens have 20 each"));
}

#[test]
fn more_masks_of_the_head_share_one_encoder() {
    let model = model(Pooling::Pooler);
    let logits = |samples| {
        host(
            model
                .sampled_logits(&batch(), KEY, samples)
                .expect("logits"),
        )
    };
    let plain = host(model.logits(&batch(), Mode::Train(KEY)).expect("logits"));
    let five = logits(5);
    assert_eq!((logits(1), &five[..3]), (plain.clone(), &plain[..]));
    assert_eq!(five.len(), 15);
    for sample in five.chunks(3).skip(1) {
        assert_ne!(sample, plain);
    }
}
