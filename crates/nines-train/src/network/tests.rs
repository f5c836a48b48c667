//! Gradients against finite differences, updates against torch, windows, scoring batches.

use super::passes::Answer;
use super::*;
use crate::adamw::clip_scale;
use crate::config::Averaging;
use crate::loss::{Objective, Target, row_loss};
use crate::schedule::Schedule;
use nines_nn::encoder::ParameterInfo;

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 30, "hidden_size": 16,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 20, "type_vocab_size": 2}"#;

fn network() -> Network {
    let head = HeadConfig {
        hidden_dropout: Some(0.0),
        attention_dropout: Some(0.0),
        classifier_dropout: Some(0.0),
        ..HeadConfig::default()
    };
    let mut model =
        Classifier::random(CONFIG, &head, &nines_nn::device::cpu()).expect("a tiny model");
    model.set_trainable(Trainable::All);
    let names: Vec<(String, bool)> = model
        .parameters()
        .map(|info| (info.name.clone(), info.decays))
        .collect();
    for (name, weight) in &names {
        // Far from zero, so that every parameter has a gradient well above rounding.
        let values = model.values(name).expect("values");
        let values = values.iter().enumerate().map(|(i, x)| match weight {
            true => x * 12.0,
            false => x + ((i * 7) % 5) as f32 * 0.05,
        });
        let values = values.collect();
        model.set_values(name, values).expect("replaced");
    }
    let moments = model
        .parameters()
        .map(|i| (i.name.clone(), Moments::zeros(i.len())))
        .collect();
    Network {
        model,
        moments,
        averages: Averages::new(Averaging::None),
        seed: 3,
    }
}

/// The mean loss and the gradients of an update, by a recipe and with a weight of catastrophes.
fn asked(
    network: &Network,
    encoded: &EncodedRows,
    broad: &[bool],
    step: u64,
    (config, weight): (&TrainConfig, f64),
) -> Answer {
    let rows: Vec<usize> = (0..broad.len()).collect();
    let targets: Vec<Target> = broad.iter().copied().map(Target::of).collect();
    let ask = Ask {
        rows: &rows,
        encoded,
        targets: &targets,
        step,
        objective: &Objective::plain(weight),
        config,
    };
    network.passes(&ask).expect("gradients")
}

fn encoded() -> EncodedRows {
    let window = |length: usize, first: u32| Window {
        ids: (0..length as u32).map(|i| (first + i * 5) % 30).collect(),
        type_ids: (0..length).map(|i| u8::from(i > length / 2)).collect(),
    };
    EncodedRows::of(vec![
        vec![window(7, 1)],
        vec![window(12, 4)],
        vec![window(9, 11), window(9, 2), window(5, 20)],
    ])
}

/// The loss of all rows, dropout off: the worst window counts.
fn loss(network: &Network, encoded: &EncodedRows, broad: &[bool]) -> f64 {
    let scores = network
        .scores(&[0, 1, 2], encoded, &mut |_| {})
        .expect("scores");
    let sum: f64 = scores
        .iter()
        .zip(broad)
        .map(|(&z, &b)| row_loss(z, b, 2.5))
        .sum();
    sum / 3.0
}

#[test]
fn gradients_of_the_loss_are_finite_differences() {
    let (mut network, encoded, broad) = (network(), encoded(), [true, false, true]);
    let config = TrainConfig::default();
    let Answer {
        gradients,
        loss: mean,
        ..
    } = asked(&network, &encoded, &broad, 1, (&config, 2.5));
    assert!((mean - loss(&network, &encoded, &broad)).abs() < 1e-5);
    assert_eq!(
        gradients.len(),
        network.moments.len(),
        "every parameter has a gradient"
    );
    for (info, gradient) in gradients.iter() {
        let norm = sum_of_squares(gradient).sqrt();
        assert!(norm > 1e-4, "{} has the gradient norm {norm}", info.name);
        // Along the gradient itself the slope is the gradient's norm.
        let values = network.model.values(&info.name).expect("values");
        let mut at = |h: f64| {
            let moved = values
                .iter()
                .zip(gradient)
                .map(|(&v, &g)| (f64::from(v) + h * f64::from(g) / norm) as f32)
                .collect();
            network
                .model
                .set_values(&info.name, moved)
                .expect("replaced");
            loss(&network, &encoded, &broad)
        };
        let h = 4e-3;
        let slope = (at(h) - at(-h)) / (2.0 * h);
        network
            .model
            .set_values(&info.name, values)
            .expect("replaced");
        let allowed = 0.02 * norm + 2e-4;
        assert!(
            (slope - norm).abs() < allowed,
            "{}: {slope} for {norm}",
            info.name
        );
    }
}

#[test]
fn long_rows_count_by_their_worst_window() {
    let (network, encoded) = (network(), encoded());
    let each: Vec<f32> = encoded
        .windows(2)
        .iter()
        .map(|window| network.logits(&[window]).expect("a logit")[0])
        .collect();
    let worst = each.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let score = network
        .scores(&[2, 0], &encoded, &mut |_| {})
        .expect("scores")[0];
    assert_eq!(score, f64::from(worst));
    let chosen = network.worst(encoded.windows(2)).expect("a window");
    let index = each.iter().position(|&z| z == worst).expect("it is there");
    assert_eq!(chosen, &encoded.windows(2)[index]);
}

#[test]
fn a_window_without_a_finite_logit_leaves_its_row_without_a_score() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for bad in bad {
        for logits in [[bad, 1.0, 2.0], [1.0, bad, 2.0], [1.0, 2.0, bad]] {
            let score = logits.into_iter().reduce(worse).expect("some");
            assert!(!score.is_finite(), "{logits:?}: {score}");
        }
    }
    assert_eq!([1.0, 3.0, 2.0].into_iter().reduce(worse), Some(3.0));
    // Every window's logit is -inf: the highest of them is no score.
    let (mut network, encoded) = (network(), encoded());
    let mut set = |name: &str, value: f32| {
        let values = network.model.values(name).expect("values");
        let values = vec![value; values.len()];
        network.model.set_values(name, values).expect("replaced");
    };
    set("bert.pooler.dense.weight", 0.0);
    set("bert.pooler.dense.bias", 20.0);
    set("classifier.weight", -3e38);
    let scores = network.scores(&[0, 2], &encoded, &mut |_| {});
    assert!(
        scores
            .expect("computed")
            .iter()
            .all(|score| *score == f64::NEG_INFINITY)
    );
}

#[test]
fn a_row_scores_the_same_beside_any_others() {
    let (network, encoded) = (network(), encoded());
    let scores = |rows: &[usize]| network.scores(rows, &encoded, &mut |_| {}).expect("scores");
    let together = scores(&[0, 1, 2]);
    for row in 0..3 {
        assert_eq!(scores(&[row]), together[row..=row]);
    }
}

#[test]
fn scoring_batches_are_bounded_and_whole() {
    let window = |length: usize| Window {
        ids: vec![0; length],
        type_ids: vec![0; length],
    };
    let windows: Vec<Window> = (1..400).map(window).collect();
    let listed: Vec<(usize, &Window)> = windows.iter().enumerate().collect();
    let batches = by_tokens(&listed);
    assert_eq!(batches.iter().map(|b| b.len()).sum::<usize>(), listed.len());
    for batch in batches {
        let widest = batch[batch.len() - 1].1.ids.len();
        assert!(batch.len() * widest <= SCORING_TOKENS || batch.len() == 1);
    }
}

/// What `golden/train_tiny.py` recorded of torch.
#[derive(serde::Deserialize)]
struct Recorded {
    steps: u64,
    learning_rate: f64,
    warmup: f64,
    weight_decay: f64,
    clip_norm: f64,
    positive_weight: f64,
    labels: Vec<bool>,
    losses: Vec<f64>,
    gradient_norms: Vec<f64>,
    logits: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct Row {
    ids: Vec<u32>,
    type_ids: Vec<u8>,
}

#[test]
fn a_dozen_updates_are_those_of_torch() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures");
    let read = |name: &str| std::fs::read(fixtures.join(name)).expect("a fixture");
    let torch: Recorded = serde_json::from_slice(&read("train_tiny.json")).expect("recorded");
    let rows: Vec<Row> = serde_json::from_slice(&read("bert_tiny/rows.json")).expect("rows");
    let folder = tempfile::tempdir().expect("a folder");
    let mut config: serde_json::Value =
        serde_json::from_slice(&read("bert_tiny/config.json")).expect("a configuration");
    for dropout in ["hidden_dropout_prob", "attention_probs_dropout_prob"] {
        config[dropout] = 0.0.into();
    }
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("written");
    };
    write("config.json", config.to_string().as_bytes());
    write("model.safetensors", &read("bert_tiny/model.safetensors"));
    let mut model =
        Classifier::load(folder.path(), &nines_nn::device::cpu()).expect("the fixture's model");
    model.set_trainable(Trainable::All);
    let zeros = |model: &Classifier| {
        model
            .parameters()
            .map(|i| (i.name.clone(), Moments::zeros(i.len())))
            .collect()
    };
    let mut network = Network {
        moments: zeros(&model),
        model,
        averages: Averages::new(Averaging::None),
        seed: 0,
    };
    let encoded = EncodedRows::of(
        rows.into_iter()
            .map(|row| {
                vec![Window {
                    ids: row.ids,
                    type_ids: row.type_ids,
                }]
            })
            .collect(),
    );
    let all: Vec<usize> = (0..torch.labels.len()).collect();
    let adamw = AdamW {
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        weight_decay: torch.weight_decay,
        head_rate: 1.0,
        layer_decay: 1.0,
    };
    let schedule = Schedule::new(torch.learning_rate, torch.warmup, torch.steps);
    for step in 1..=torch.steps {
        let recipe = (&TrainConfig::default(), torch.positive_weight);
        let Answer {
            gradients, loss, ..
        } = asked(&network, &encoded, &torch.labels, step, recipe);
        let norm = Network::norm(&gradients);
        let at = step as usize - 1;
        assert!(
            (loss - torch.losses[at]).abs() < 1e-4,
            "step {step}: loss {loss}"
        );
        let ratio = norm / torch.gradient_norms[at];
        assert!((ratio - 1.0).abs() < 1e-3, "step {step}: norm {norm}");
        let learning_rate = schedule.learning_rate(step);
        let scale = clip_scale(norm, torch.clip_norm);
        network.update(
            &adamw,
            &gradients,
            Update {
                step,
                learning_rate,
                scale,
            },
        );
    }
    let scores = network.scores(&all, &encoded, &mut |_| {}).expect("scores");
    for (score, expected) in scores.iter().zip(&torch.logits) {
        assert!((score - expected).abs() < 1e-3, "{score} for {expected}");
    }
}

#[test]
fn the_head_learns_faster_and_lower_layers_slower_as_asked() {
    let moved = |head_rate: f64, layer_decay: f64| -> BTreeMap<String, (ParameterPlace, f64)> {
        let (mut network, encoded, broad) = (network(), encoded(), [true, false, true]);
        let before: Vec<Vec<f32>> = network
            .model
            .parameters()
            .map(|info| network.model.values(&info.name).expect("values"))
            .collect();
        let recipe = (&TrainConfig::default(), 2.5);
        let gradients = asked(&network, &encoded, &broad, 1, recipe).gradients;
        let adamw = AdamW {
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            weight_decay: 0.0,
            head_rate,
            layer_decay,
        };
        let update = Update {
            step: 1,
            learning_rate: 1e-3,
            scale: 1.0,
        };
        network.update(&adamw, &gradients, update);
        let distance = |info: &ParameterInfo, before: &[f32]| -> f64 {
            let after = network.model.values(&info.name).expect("values");
            let pairs = after.iter().zip(before);
            pairs.map(|(a, b)| f64::from((a - b).abs())).sum()
        };
        let infos = network.model.parameters().zip(&before);
        infos
            .map(|(info, before)| (info.name.clone(), (info.place, distance(info, before))))
            .collect()
    };
    let (plain, other) = (moved(1.0, 1.0), moved(7.0, 0.5));
    for (name, (place, distance)) in plain {
        let times = match place {
            ParameterPlace::Head => 7.0,
            ParameterPlace::Layer(1) => 0.5,
            ParameterPlace::Layer(_) => 0.25,
            ParameterPlace::Embeddings => 0.125,
        };
        let found = other[&name].1 / distance;
        assert!(
            (found / times - 1.0).abs() < 1e-2,
            "{name}: {found} times as far"
        );
    }
}

/// A network that drops values, on the rows of [`encoded`].
fn dropping() -> Network {
    let head = HeadConfig {
        hidden_dropout: Some(0.3),
        attention_dropout: Some(0.2),
        classifier_dropout: Some(0.4),
        ..HeadConfig::default()
    };
    let still = network();
    let mut model =
        Classifier::random(CONFIG, &head, &nines_nn::device::cpu()).expect("a tiny model");
    model.set_trainable(Trainable::All);
    for info in still.model.parameters() {
        let values = still.model.values(&info.name).expect("values");
        model.set_values(&info.name, values).expect("replaced");
    }
    Network { model, ..still }
}

#[test]
fn gradients_of_what_techniques_add_are_finite_differences() {
    // Two passes and several masks, whose loss is a plain function of the weights.
    let config = TrainConfig {
        r_drop: 2.0,
        multi_sample_dropout: 3,
        ..TrainConfig::default()
    };
    let (mut network, encoded, broad) = (dropping(), encoded(), [true, false, true]);
    let total = |network: &Network| {
        let answer = asked(network, &encoded, &broad, 4, (&config, 2.5));
        let penalty = answer.penalty.expect("the passes disagree");
        assert!(penalty > 1e-3, "{penalty}");
        (answer.loss + penalty, answer.gradients)
    };
    let (_, gradients) = total(&network);
    for (info, gradient) in gradients.iter() {
        let norm = sum_of_squares(gradient).sqrt();
        let values = network.model.values(&info.name).expect("values");
        let mut at = |h: f64| {
            let pairs = values.iter().zip(gradient);
            let moved = pairs.map(|(&v, &g)| (f64::from(v) + h * f64::from(g) / norm) as f32);
            let moved = moved.collect();
            network.model.set_values(&info.name, moved).expect("set");
            total(&network).0
        };
        let h = 2e-3;
        let slope = (at(h) - at(-h)) / (2.0 * h);
        network.model.set_values(&info.name, values).expect("set");
        let allowed = 0.03 * norm + 5e-4;
        assert!(
            (slope - norm).abs() < allowed,
            "{}: {slope} for {norm}",
            info.name
        );
    }
}

#[test]
fn adversaries_find_what_raises_the_loss() {
    let (network, encoded, broad) = (network(), encoded(), [true, false, true]);
    let loss = |config: &TrainConfig| {
        let answer = asked(&network, &encoded, &broad, 4, (config, 1.0));
        (answer.loss, answer.penalty)
    };
    let plain = loss(&TrainConfig::default()).0;
    let latent = |steps: u32, rate: f64| TrainConfig {
        latent: Some(crate::config::Latent {
            layer: 1,
            radius: 0.5,
            steps,
            rate,
            rows: crate::config::LatentRows::All,
            ..Default::default()
        }),
        ..TrainConfig::default()
    };
    // Nothing is dropped here, so that a change that climbs costs more than the rows as they are.
    let climbed = loss(&latent(5, 0.2)).1.expect("rows were changed");
    let drawn = loss(&latent(1, 0.0)).1.expect("rows were changed");
    assert!(
        climbed > plain && climbed > drawn,
        "{climbed}, {drawn}, {plain}"
    );
    let freelb = |rate: f64| TrainConfig {
        freelb: Some(crate::config::FreeLb {
            steps: 4,
            rate,
            init: 0.0,
            radius: 10.0,
        }),
        ..TrainConfig::default()
    };
    assert!((loss(&freelb(0.0)).0 - plain).abs() < 1e-5);
    assert!(loss(&freelb(0.5)).0 > plain);
    let sift = |step: f64| TrainConfig {
        sift: Some(crate::config::Sift {
            weight: 1.0,
            init: 1.0,
            step,
        }),
        ..TrainConfig::default()
    };
    // A short step from the same noise leads further from the logits without it. What is told has both entropies
    // too, which may fall on the way; over many draws of the noise they rise as often.
    let climbed = |step: f64| -> f64 {
        let config = sift(step);
        let each = (1..=40).map(|update| {
            let answer = asked(&network, &encoded, &broad, update, (&config, 1.0));
            answer.penalty.expect("a disagreement")
        });
        each.sum()
    };
    let (still, up) = (climbed(0.0), climbed(0.05));
    assert!(up > still, "{up} after the step, {still} without");
    // One of SiFT's two cross-entropies is at least the entropy of the probabilities.
    let (found, penalty) = loss(&sift(1.0));
    assert!((found - plain).abs() < 1e-6);
    let entropy: f64 = network
        .scores(&[0, 1, 2], &encoded, &mut |_| {})
        .expect("scores")
        .into_iter()
        .map(|z| crate::loss::consistency::cross_entropy(z, nines_domain::score::sigmoid(z)))
        .sum();
    let penalty = penalty.expect("a disagreement");
    assert!(penalty.is_finite() && penalty >= entropy / 3.0, "{penalty}");
}

#[test]
fn a_changed_catastrophe_counts_as_often_as_its_weight_says() {
    let (network, encoded, broad) = (network(), encoded(), [true, false, true]);
    // A change of length 0 leaves the rows as they are, so that each catastrophe counts three times in all.
    let latent = TrainConfig {
        latent: Some(crate::config::Latent {
            layer: 1,
            radius: 0.0,
            rate: 0.0,
            weight: 2.0,
            rows: crate::config::LatentRows::Catastrophes,
            ..Default::default()
        }),
        ..TrainConfig::default()
    };
    let own = asked(&network, &encoded, &broad, 4, (&latent, 1.0));
    let weighted = TrainConfig::default();
    let thrice = asked(&network, &encoded, &broad, 4, (&weighted, 3.0));
    let penalty = own.penalty.expect("rows were changed");
    assert!((own.loss + penalty - thrice.loss).abs() < 1e-5);
    for ((info, found), (_, wanted)) in own.gradients.iter().zip(thrice.gradients.iter()) {
        let off = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0, f32::max);
        let largest = wanted.iter().fold(0.0f32, |most, g| most.max(g.abs()));
        assert!(
            off <= 1e-4 * (1.0 + largest),
            "{}: {off} of {largest}",
            info.name
        );
    }
}
