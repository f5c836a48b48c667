//! The encoder against what transformers and torch computed (golden/bert_tiny.py and
//! golden/minilm.py), and against itself.

use nines_kernels::Unit;
use nines_kernels::rng::DropoutKey;
use nines_nn::batch::TokenBatch;
use nines_nn::device::cpu;
use nines_nn::encoder::{Classifier, HeadConfig, Mode, Pooling, Trainable};
use nines_nn::precision::Precision;
use nines_nn::weights::safetensors::SafetensorsFile;
use std::path::{Path, PathBuf};

#[derive(serde::Deserialize)]
struct Row {
    ids: Vec<u32>,
    type_ids: Vec<u8>,
    #[serde(default)]
    positions: Vec<usize>,
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../golden/fixtures")
        .join(name)
}

fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read(folder.join("rows.json")).expect("the fixture is there");
    serde_json::from_slice(&text).expect("rows")
}

fn batch(rows: &[Row]) -> TokenBatch {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (&row.ids[..], &row.type_ids[..]))
        .collect();
    TokenBatch::from_rows(&rows)
}

fn expected(file: &SafetensorsFile, name: &str) -> Vec<f32> {
    let shape = file
        .shape(name)
        .unwrap_or_else(|| panic!("{name} is in the fixture"))
        .to_vec();
    file.read(name, &shape).expect("readable")
}

fn floats(tensor: burn::tensor::Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit numbers")
}

/// The largest difference, and the largest value expected.
fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

fn tiny() -> (Classifier, Vec<Row>, SafetensorsFile) {
    let folder = fixtures("bert_tiny");
    let model = Classifier::load(&folder, &cpu()).expect("the fixture loads");
    let expected = SafetensorsFile::open(&folder.join("expected.safetensors")).expect("expected");
    (model, rows(&folder), expected)
}

#[test]
fn logits_and_hidden_states_are_those_of_transformers() {
    let (model, rows, file) = tiny();
    let batch = batch(&rows);
    let logits = floats(model.logits(&batch, Mode::Evaluate).expect("scored"));
    let worst = apart(&logits, &expected(&file, "logits"));
    assert!(worst < 1e-5, "logits differ by {worst}");
    let hidden = model
        .hidden_states(&batch, Mode::Evaluate)
        .expect("computed");
    assert_eq!(hidden.states.len(), 4);
    for (layer, state) in hidden.states.into_iter().enumerate() {
        let worst = apart(
            &floats(state.flatten(0, 1)),
            &expected(&file, &format!("hidden.{layer}")),
        );
        assert!(worst < 1e-5, "hidden states {layer} differ by {worst}");
    }
}

#[test]
fn gradients_of_every_parameter_are_those_of_torch() {
    let (mut model, rows, file) = tiny();
    model.set_trainable(Trainable::All);
    let logits = model
        .logits(&batch(&rows), Mode::Differentiate)
        .expect("scored");
    let weights = expected(&file, "loss_weights");
    let weights = burn::tensor::Tensor::<1>::from_floats(weights.as_slice(), &cpu()).autodiff();
    let gradients = model
        .gradients((logits * weights).sum())
        .expect("gradients");
    assert_eq!(gradients.len(), model.parameters().count());
    for (info, found) in gradients.iter() {
        let names = if info.name.contains("qkv") {
            ["query", "key", "value"]
                .map(|part| info.name.replace("qkv", part))
                .to_vec()
        } else {
            vec![info.name.clone()]
        };
        let expected: Vec<f32> = names
            .iter()
            .flat_map(|name| expected(&file, &format!("grad.{name}")))
            .collect();
        let worst = apart(found, &expected);
        assert!(worst < 1e-4, "gradient of {} differs by {worst}", info.name);
        assert!(
            found.iter().any(|g| *g != 0.0),
            "{} has a gradient",
            info.name
        );
    }
}

/// Every unit that this machine has.
fn rounded() -> impl Iterator<Item = Precision> {
    let units = Unit::ALL.into_iter().filter(|unit| unit.is_available());
    units.map(Precision::Bf16)
}

#[test]
fn bf16_scores_and_gradients_are_near_those_of_32_bits() {
    let (mut model, rows, file) = tiny();
    model.set_trainable(Trainable::All);
    let exact = expected(&file, "logits");
    let weights = expected(&file, "loss_weights");
    let gradients = |model: &Classifier| {
        let logits = model
            .logits(&batch(&rows), Mode::Differentiate)
            .expect("scored");
        let weights = burn::tensor::Tensor::<1>::from_floats(weights.as_slice(), &cpu());
        model
            .gradients((logits * weights.autodiff()).sum())
            .expect("gradients")
    };
    let plain = gradients(&model);
    for precision in rounded() {
        model.set_precision(precision);
        let logits = floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"));
        let worst = apart(&logits, &exact);
        assert!(
            worst > 0.0 && worst < 0.02,
            "{precision}: logits differ by {worst}"
        );
        for (info, found) in gradients(&model).iter() {
            let exact = plain.get(&info.name).expect("a gradient");
            let square = |x: f32| f64::from(x) * f64::from(x);
            let apart: f64 = found.iter().zip(exact).map(|(a, b)| square(a - b)).sum();
            let whole: f64 = exact.iter().map(|&x| square(x)).sum();
            assert!(
                apart.sqrt() < 0.05 * whole.sqrt() + 1e-5,
                "{precision}: {}",
                info.name
            );
        }
    }
    model.set_precision(Precision::Float32);
    let again = floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"));
    assert!(apart(&again, &exact) < 1e-5);
}

#[test]
fn what_scoring_keeps_follows_the_parameters() {
    let (mut model, rows, _) = tiny();
    let names: Vec<String> = model.parameters().map(|info| info.name.clone()).collect();
    for precision in rounded().chain([Precision::Float32]) {
        model.set_precision(precision);
        let logits = |model: &Classifier| {
            floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"))
        };
        let before = logits(&model);
        // What is added to all keys alike changes no softmax.
        for name in names.iter().filter(|name| !name.ends_with("key.bias")) {
            let values = model.values(name).expect("values");
            let moved = values.iter().enumerate();
            let moved = moved
                .map(|(i, x)| x + (1 + i * 37 % 11) as f32 / 10.0)
                .collect();
            model.set_values(name, moved).expect("replaced");
            assert_ne!(logits(&model), before, "{precision} {name}");
            model.set_values(name, values).expect("replaced");
            assert_eq!(logits(&model), before, "{precision} {name}");
        }
    }
}

#[test]
fn a_batch_scores_like_its_rows_bit_for_bit_and_padding_changes_nothing() {
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        let head = HeadConfig {
            pooling,
            seed: 3,
            ..HeadConfig::default()
        };
        let mut model =
            Classifier::from_base(&fixtures("bert_tiny"), &head, &cpu()).expect("a base");
        let rows = rows(&fixtures("bert_tiny"));
        for precision in rounded().chain([Precision::Float32]) {
            model.set_precision(precision);
            rows_stand_alone(&model, &rows);
        }
        let together = floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"));
        let tracked = model.logits(&batch(&rows), Mode::Differentiate);
        let worst = apart(&floats(tracked.expect("scored").inner()), &together);
        assert!(
            worst < 1e-5,
            "with gradients, {pooling:?} differs by {worst}"
        );
        let borrowed: Vec<_> = rows
            .iter()
            .map(|row| (&row.ids[..], &row.type_ids[..]))
            .collect();
        let padded = TokenBatch::from_rows_padded(&borrowed, 40);
        assert_eq!(padded.width, 40);
        assert_eq!(
            floats(model.logits(&padded, Mode::Evaluate).expect("scored")),
            together
        );
    }
}

/// Every stretch of rows scores as it does among all.
fn rows_stand_alone(model: &Classifier, rows: &[Row]) {
    let score = |rows: &[Row]| floats(model.logits(&batch(rows), Mode::Evaluate).expect("scored"));
    let together = score(rows);
    for count in 1..=rows.len() {
        for first in 0..=rows.len() - count {
            let some = score(&rows[first..first + count]);
            assert_eq!(
                some,
                together[first..first + count],
                "{}",
                model.precision()
            );
        }
    }
}

#[test]
fn every_parameter_moves_and_frozen_ones_stay() {
    let (mut model, rows, _) = tiny();
    let before: Vec<Vec<f32>> = names(&model)
        .iter()
        .map(|n| model.values(n).expect("values"))
        .collect();
    model.set_trainable(Trainable::FromLayer(1));
    train_once(&mut model, &rows);
    for (info, before) in model.clone().parameters().zip(&before) {
        let learns = Trainable::FromLayer(1).includes(info.place);
        assert_eq!(model.is_trainable(&info.name).expect("known"), learns);
        assert_eq!(
            &model.values(&info.name).expect("values") != before,
            learns,
            "{}",
            info.name
        );
    }
    model.set_trainable(Trainable::All);
    train_once(&mut model, &rows);
    for (name, before) in names(&model).iter().zip(&before) {
        assert_ne!(&model.values(name).expect("values"), before, "{name} moved");
    }
}

fn names(model: &Classifier) -> Vec<String> {
    model.parameters().map(|info| info.name.clone()).collect()
}

fn train_once(model: &mut Classifier, rows: &[Row]) {
    let key = DropoutKey { seed: 1, step: 1 };
    let logits = model
        .logits(&batch(rows), Mode::Train(key))
        .expect("scored");
    let gradients = model.gradients(logits.mean()).expect("gradients");
    model.update(|info, values| {
        let gradient = gradients
            .get(&info.name)
            .expect("every parameter has a gradient");
        for (value, gradient) in values.iter_mut().zip(gradient) {
            *value -= 0.1 * gradient;
        }
    });
}

#[test]
fn dropout_depends_on_its_key_alone() {
    let (model, rows, _) = tiny();
    let batch = batch(&rows);
    let with = |seed, step| {
        floats(
            model
                .logits(&batch, Mode::Train(DropoutKey { seed, step }))
                .expect("scored")
                .inner(),
        )
    };
    let first = with(1, 1);
    assert_eq!(first, with(1, 1));
    assert_ne!(first, with(1, 2));
    assert_ne!(first, with(2, 1));
    assert_ne!(
        first,
        floats(model.logits(&batch, Mode::Evaluate).expect("scored"))
    );
}

#[test]
fn a_saved_folder_loads_back_identically() {
    let (_, rows, _) = tiny();
    let parent = tempfile::tempdir().expect("a folder");
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        let head = HeadConfig {
            pooling,
            seed: 5,
            ..HeadConfig::default()
        };
        let mut model =
            Classifier::from_base(&fixtures("bert_tiny"), &head, &cpu()).expect("a base");
        model.set_label("injury");
        assert_eq!(
            model.initialised(),
            ["classifier.weight", "classifier.bias"]
        );
        let folder = parent.path().join(pooling.name());
        model.save(&folder).expect("saved");
        assert_eq!(std::fs::read_dir(&folder).expect("readable").count(), 2);
        let loaded = Classifier::load(&folder, &cpu()).expect("loaded");
        assert_eq!(
            (loaded.label(), loaded.config().pooling),
            ("injury", pooling)
        );
        for name in names(&model) {
            assert_eq!(
                model.values(&name).expect("values"),
                loaded.values(&name).expect("values")
            );
        }
        let score = |model: &Classifier| {
            floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"))
        };
        assert_eq!(score(&model), score(&loaded));
        loaded.save(&folder).expect("saved over");
    }
}

#[test]
fn poolings_read_what_they_say() {
    let (_, rows, _) = tiny();
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let head = HeadConfig {
            pooling,
            ..HeadConfig::default()
        };
        let model = Classifier::from_base(&fixtures("bert_tiny"), &head, &cpu()).expect("base");
        let weight = model.values("classifier.weight").expect("values");
        let hidden = model
            .hidden_states(&batch(&rows), Mode::Evaluate)
            .expect("computed");
        let last = floats(hidden.states[3].clone().flatten(0, 1));
        let logits = floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"));
        let mut start = 0;
        for (row, logit) in rows.iter().zip(logits) {
            let tokens = if pooling == Pooling::Cls {
                1
            } else {
                row.ids.len()
            };
            let sum: f32 = (start * 20..(start + tokens) * 20)
                .map(|at| last[at] * weight[at % 20])
                .sum();
            assert!((sum / tokens as f32 - logit).abs() < 1e-5);
            start += row.ids.len();
        }
    }
}

#[test]
fn minilm_reads_32_texts_like_transformers() {
    let folder = nines_models::resolve("minilm-l6")
        .expect("the model minilm-l6 is in the cache; `nines models pull minilm-l6` puts it there");
    let model =
        Classifier::from_base(&folder.path, &HeadConfig::default(), &cpu()).expect("MiniLM loads");
    let fixture = fixtures("minilm");
    let file = SafetensorsFile::open(&fixture.join("expected.safetensors")).expect("expected");
    let rows = rows(&fixture);
    assert_eq!(rows.len(), 32);
    let hidden = model
        .hidden_states(&batch(&rows), Mode::Evaluate)
        .expect("computed");
    let states: Vec<Vec<f32>> = hidden
        .states
        .into_iter()
        .map(|state| floats(state.flatten(0, 1)))
        .collect();
    let (width, mut start, mut worst) = (384, 0, 0f32);
    for (index, row) in rows.iter().enumerate() {
        let at = |state: usize, position: usize| {
            let from = (start + position) * width;
            &states[state][from..from + width]
        };
        let last: Vec<f32> = row
            .positions
            .iter()
            .flat_map(|&p| at(6, p))
            .copied()
            .collect();
        worst = worst.max(apart(&last, &expected(&file, &format!("{index}.last"))));
        let middle = (row.ids.len() - 1) / 2;
        let layers: Vec<f32> = (0..7)
            .flat_map(|state| at(state, middle).iter().step_by(4))
            .copied()
            .collect();
        worst = worst.max(apart(&layers, &expected(&file, &format!("{index}.layers"))));
        let means: Vec<f32> = (0..7)
            .flat_map(|state| (0..width).step_by(16).map(move |column| (state, column)))
            .map(|(state, column)| (0..row.ids.len()).map(|p| at(state, p)[column]).sum())
            .map(|sum: f32| sum / row.ids.len() as f32)
            .collect();
        let sums = expected(&file, &format!("{index}.sums"));
        let expected: Vec<f32> = sums.iter().map(|sum| sum / row.ids.len() as f32).collect();
        worst = worst.max(apart(&means, &expected));
        start += row.ids.len();
    }
    assert!(worst < 1e-4, "hidden states differ by {worst}");
    println!("largest difference {worst:e}");
}

#[test]
fn gradients_of_word_embeddings_are_those_of_torch() {
    let (model, rows, file) = tiny();
    let found = model.input_gradients(&batch(&rows)).expect("gradients");
    assert!(apart(&found.logits, &expected(&file, "logits")) < 1e-5);
    // The fixture has them summed over all places of a token, each times its row's weight in the loss.
    let (weights, hidden) = (expected(&file, "loss_weights"), model.config().hidden_size);
    let name = "grad.bert.embeddings.word_embeddings.weight";
    let mut sums = vec![0.0; expected(&file, name).len()];
    let mut tokens = found.gradients.chunks_exact(hidden);
    for (row, weight) in rows.iter().zip(weights) {
        for &id in &row.ids {
            let gradient = tokens.next().expect("one for each token");
            for (sum, slope) in sums[id as usize * hidden..].iter_mut().zip(gradient) {
                *sum += weight * slope;
            }
        }
    }
    assert!(tokens.next().is_none());
    let worst = apart(&sums, &expected(&file, name));
    assert!(worst < 1e-4, "gradients differ by {worst}");
    assert_eq!(
        model.word_embeddings(),
        model
            .values("bert.embeddings.word_embeddings.weight")
            .expect("values")
    );
}

#[test]
fn gradients_of_word_embeddings_are_finite_differences_of_logits() {
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        let (loaded, rows, _) = tiny();
        let head = HeadConfig {
            pooling,
            seed: 7,
            ..HeadConfig::default()
        };
        let mut model =
            Classifier::from_base(&fixtures("bert_tiny"), &head, &cpu()).expect("the fixture");
        let drawn = model.values("classifier.weight").expect("values");
        let larger = drawn.iter().map(|x| 50.0 * x).collect();
        model.set_values("classifier.weight", larger).expect("set");
        let hidden = loaded.config().hidden_size;
        let words = "bert.embeddings.word_embeddings.weight";
        let table = model.values(words).expect("values");
        // Rows in which every token is another: what moves one embedding moves one place.
        for row in rows.iter().filter(|row| row.ids.len() > 1) {
            let ids: Vec<u32> = (0..row.ids.len() as u32).collect();
            let one = TokenBatch::from_rows(&[(&ids[..], &row.type_ids[..])]);
            let found = model.input_gradients(&one).expect("gradients").gradients;
            let largest = found.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            assert!(largest > 0.01, "{pooling:?}: {largest}");
            for place in 0..ids.len() {
                // Along its own gradient, where the difference is largest.
                let slope = &found[place * hidden..(place + 1) * hidden];
                let length = slope.iter().map(|x| x * x).sum::<f32>().sqrt();
                let step = 0.004;
                let moved = |sign: f32| {
                    let mut changed = table.clone();
                    for (value, slope) in changed[place * hidden..].iter_mut().zip(slope) {
                        *value += sign * step * slope / length;
                    }
                    let mut model = model.clone();
                    model.set_values(words, changed).expect("set");
                    floats(model.logits(&one, Mode::Evaluate).expect("scored"))[0]
                };
                let difference = (moved(1.0) - moved(-1.0)) / (2.0 * step);
                assert!(
                    (difference - length).abs() < 0.02 * length + 0.002 * largest,
                    "{pooling:?} place {place}: {length} by gradient, {difference} by difference"
                );
            }
        }
    }
}

#[test]
fn gradients_of_a_batch_are_those_of_its_rows_bit_for_bit() {
    let (model, rows, _) = tiny();
    let together = model.input_gradients(&batch(&rows)).expect("gradients");
    let scored = floats(model.logits(&batch(&rows), Mode::Evaluate).expect("scored"));
    assert_eq!(together.logits, scored, "the logit is the score");
    let (mut logits, mut gradients) = (Vec::new(), Vec::new());
    for row in &rows {
        let alone = TokenBatch::from_rows(&[(&row.ids[..], &row.type_ids[..])]);
        let alone = model.input_gradients(&alone).expect("gradients");
        logits.extend(alone.logits);
        gradients.extend(alone.gradients);
    }
    assert_eq!((together.logits, together.gradients), (logits, gradients));
    let empty = TokenBatch::from_rows(&[]);
    assert!(model.input_gradients(&empty).is_err());
}
