//! Encoders of other families than BERT against what transformers and torch computed
//! (golden/encoders_tiny.py and golden/mpnet.py), and against themselves.

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{apart, batch, distance, expected, fixtures, floats, open, precisions, rows, score};
use nines_kernels::rng::DropoutKey;
use nines_nn::batch::TokenBatch;
use nines_nn::device::cpu;
use nines_nn::encoder::{Classifier, Family, HeadConfig, Mode, NamedGradients, Pooling, Trainable};
use nines_nn::precision::Precision;

/// The fixtures, the family of each, and whether bf16 makes a difference.
const TINY: [(&str, Family, bool); 3] = [
    ("mpnet_tiny", Family::Mpnet, true),
    ("deberta_tiny", Family::Deberta, false),
    ("deberta_v2_tiny", Family::Deberta, false),
];

fn tiny(name: &str) -> Classifier {
    Classifier::load(&fixtures(name), &cpu()).expect("the fixture loads")
}

/// The gradients of the loss of a fixture.
fn gradients(model: &Classifier, name: &str) -> NamedGradients {
    let folder = fixtures(name);
    let logits = model
        .logits(&batch(&rows(&folder)), Mode::Differentiate)
        .expect("scored");
    let weights = expected(&open(&folder), "loss_weights");
    let weights = burn::tensor::Tensor::<1>::from_floats(weights.as_slice(), &cpu());
    model
        .gradients((logits * weights.autodiff()).sum())
        .expect("gradients")
}

/// The tensors in a file that are one parameter here.
fn file_names(name: &str) -> Vec<String> {
    let parts = if name.contains("attn.qkv") {
        ["q", "k", "v"]
    } else if name.contains("self.qkv") {
        ["query", "key", "value"]
    } else {
        return vec![name.to_owned()];
    };
    parts.map(|part| name.replace("qkv", part)).to_vec()
}

#[test]
fn logits_and_hidden_states_are_those_of_transformers() {
    for (name, family, _) in TINY {
        let (model, folder) = (tiny(name), fixtures(name));
        assert_eq!(model.config().family, family);
        let (rows, file) = (rows(&folder), open(&folder));
        let worst = apart(&score(&model, &rows), &expected(&file, "logits"));
        assert!(worst < 2e-5, "{name}: logits differ by {worst}");
        let hidden = model
            .hidden_states(&batch(&rows), Mode::Evaluate)
            .expect("computed");
        assert_eq!(hidden.states.len(), 4);
        for (layer, state) in hidden.states.into_iter().enumerate() {
            let found = floats(state.flatten(0, 1));
            let worst = apart(&found, &expected(&file, &format!("hidden.{layer}")));
            assert!(
                worst < 2e-5,
                "{name}: hidden states {layer} differ by {worst}"
            );
        }
    }
}

#[test]
fn gradients_of_every_parameter_are_those_of_torch() {
    for (name, ..) in TINY {
        let mut model = tiny(name);
        model.set_trainable(Trainable::All);
        let file = open(&fixtures(name));
        let found = gradients(&model, name);
        assert_eq!(found.len(), model.parameters().count());
        let mut compared = 0;
        for (info, found) in found.iter() {
            let names = file_names(&info.name);
            compared += names.len();
            let expected: Vec<f32> = names
                .iter()
                .flat_map(|name| expected(&file, &format!("grad.{name}")))
                .collect();
            // What a query gives to all keys alike changes no softmax: all that is left is rounding.
            let far = if info.name.ends_with("pos_key_proj.bias") {
                f64::from(apart(found, &expected))
            } else {
                distance(found, &expected)
            };
            assert!(
                far < 2e-5,
                "{name}: gradient of {} differs by {far}",
                info.name
            );
        }
        let all = file.names();
        let all = all.iter().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(compared, all, "{name}: a gradient for each tensor");
    }
}

#[test]
fn gradients_of_words_are_those_of_torch_and_each_rows_own() {
    for (name, ..) in TINY {
        let (model, folder) = (tiny(name), fixtures(name));
        let rows = rows(&folder);
        let together = model.input_gradients(&batch(&rows)).expect("gradients");
        assert_eq!(
            together.logits,
            score(&model, &rows),
            "the logit is the score"
        );
        let far = distance(
            &together.gradients,
            &expected(&open(&folder), "input_gradients"),
        );
        assert!(far < 2e-5, "{name}: {far}");
        let (mut logits, mut gradients) = (Vec::new(), Vec::new());
        for row in &rows {
            let alone = TokenBatch::from_rows(&[(&row.ids[..], &row.type_ids[..])]);
            let alone = model.input_gradients(&alone).expect("gradients");
            logits.extend(alone.logits);
            gradients.extend(alone.gradients);
        }
        assert_eq!((together.logits, together.gradients), (logits, gradients));
    }
}

#[test]
fn bf16_scores_and_gradients_are_near_those_of_32_bits() {
    for (name, _, rounds) in TINY {
        let mut model = tiny(name);
        model.set_trainable(Trainable::All);
        let rows = rows(&fixtures(name));
        let exact = (score(&model, &rows), gradients(&model, name));
        for precision in precisions().filter(|&precision| precision != Precision::Float32) {
            model.set_precision(precision);
            let worst = apart(&score(&model, &rows), &exact.0);
            assert_eq!(worst > 0.0, rounds, "{name} {precision}");
            assert!(worst < 0.05, "{name} {precision}: logits differ by {worst}");
            for (info, found) in gradients(&model, name).iter() {
                let far = distance(found, exact.1.get(&info.name).expect("a gradient"));
                assert!(
                    far < 0.06 || info.name.ends_with("key_proj.bias"),
                    "{name} {precision}: {} {far}",
                    info.name
                );
            }
        }
    }
}

#[test]
fn a_batch_scores_like_its_rows_bit_for_bit_and_padding_changes_nothing() {
    for (name, ..) in TINY {
        let rows = rows(&fixtures(name));
        for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
            let head = HeadConfig {
                pooling,
                seed: 3,
                ..HeadConfig::default()
            };
            let mut model = Classifier::from_base(&fixtures(name), &head, &cpu()).expect("a base");
            for precision in precisions() {
                model.set_precision(precision);
                let together = score(&model, &rows);
                for count in 1..=rows.len() {
                    for first in 0..=rows.len() - count {
                        let some = score(&model, &rows[first..first + count]);
                        assert_eq!(some, together[first..first + count], "{name} {precision}");
                    }
                }
                let borrowed: Vec<_> = rows
                    .iter()
                    .map(|row| (&row.ids[..], &row.type_ids[..]))
                    .collect();
                let padded = TokenBatch::from_rows_padded(&borrowed, 150);
                let padded = model.logits(&padded, Mode::Evaluate).expect("scored");
                assert_eq!(floats(padded), together);
            }
            model.set_precision(Precision::Float32);
            let tracked = model.logits(&batch(&rows), Mode::Differentiate);
            let tracked = floats(tracked.expect("scored").inner());
            let worst = apart(&tracked, &score(&model, &rows));
            assert!(worst < 1e-5, "{name} {pooling:?} differs by {worst}");
        }
    }
}

#[test]
fn scores_and_gradients_do_not_depend_on_the_number_of_cores() {
    for (name, ..) in TINY {
        let mut model = tiny(name);
        model.set_trainable(Trainable::All);
        let rows = rows(&fixtures(name));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| {
                let gradients = gradients(&model, name);
                let gradients: Vec<Vec<f32>> = gradients.iter().map(|g| g.1.to_vec()).collect();
                (score(&model, &rows), gradients)
            })
        };
        assert_eq!(on(1), on(3), "{name}");
    }
}

#[test]
fn what_scoring_keeps_follows_the_parameters() {
    for (name, ..) in TINY {
        let (mut model, rows) = (tiny(name), rows(&fixtures(name)));
        let names: Vec<String> = model.parameters().map(|info| info.name.clone()).collect();
        for precision in precisions() {
            model.set_precision(precision);
            let before = score(&model, &rows);
            // What a query gives to all keys alike changes no softmax.
            for parameter in names
                .iter()
                .filter(|name| !name.ends_with("pos_key_proj.bias"))
            {
                let values = model.values(parameter).expect("values");
                let moved = values.iter().enumerate();
                let moved = moved
                    .map(|(i, x)| x + (1 + i * 37 % 11) as f32 / 10.0)
                    .collect();
                model.set_values(parameter, moved).expect("replaced");
                assert_ne!(score(&model, &rows), before, "{precision} {parameter}");
                model.set_values(parameter, values).expect("replaced");
                assert_eq!(score(&model, &rows), before, "{precision} {parameter}");
            }
        }
    }
}

#[test]
fn every_parameter_learns_and_what_is_frozen_stays() {
    for (name, ..) in TINY {
        for precision in precisions() {
            let mut model = tiny(name);
            model.set_precision(precision);
            let rows = rows(&fixtures(name));
            for trainable in [Trainable::FromLayer(1), Trainable::All] {
                model.set_trainable(trainable);
                let before: Vec<_> = values(&model);
                let key = DropoutKey { seed: 1, step: 1 };
                let logits = model
                    .logits(&batch(&rows), Mode::Train(key))
                    .expect("scored");
                let gradients = model.gradients(logits.mean()).expect("gradients");
                model.update(|info, values| {
                    let gradient = gradients.get(&info.name).expect("a gradient");
                    for (value, gradient) in values.iter_mut().zip(gradient) {
                        *value -= 0.1 * gradient;
                    }
                });
                let infos: Vec<_> = model.parameters().cloned().collect();
                for ((info, before), after) in infos.iter().zip(before).zip(values(&model)) {
                    // What a query gives to all keys alike changes no softmax.
                    let matters = !info.name.ends_with("pos_key_proj.bias");
                    let learns = trainable.includes(info.place) && matters;
                    let moved = before != after && matters;
                    assert_eq!(moved, learns, "{name} {}", info.name);
                }
            }
        }
    }
}

fn values(model: &Classifier) -> Vec<Vec<f32>> {
    let values = model.parameters().map(|info| model.values(&info.name));
    values.collect::<Result<_, _>>().expect("values")
}

#[test]
fn a_saved_folder_loads_back_identically() {
    let parent = tempfile::tempdir().expect("a folder");
    for (name, family, _) in TINY {
        let rows = rows(&fixtures(name));
        for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
            let head = HeadConfig {
                pooling,
                seed: 5,
                ..HeadConfig::default()
            };
            let model = Classifier::from_base(&fixtures(name), &head, &cpu()).expect("a base");
            let folder = parent.path().join(format!("{name}-{}", pooling.name()));
            model.save(&folder).expect("saved");
            let loaded = Classifier::load(&folder, &cpu()).expect("loaded");
            assert_eq!(
                (loaded.config().family, loaded.config().pooling),
                (family, pooling)
            );
            assert_eq!(values(&model), values(&loaded));
            assert_eq!(score(&model, &rows), score(&loaded, &rows));
        }
        // The names are those of transformers, each once.
        let again = parent.path().join(format!("{name}-again"));
        tiny(name).save(&again).expect("saved");
        let names = |folder: &std::path::Path| {
            let file = folder.join("model.safetensors");
            let file = nines_nn::weights::safetensors::SafetensorsFile::open(&file);
            let mut names = file.expect("readable").names();
            names.sort();
            names
        };
        assert_eq!(names(&again), names(&fixtures(name)));
    }
}

#[test]
fn a_base_keeps_its_pooler_and_loses_its_last_layer() {
    for (name, ..) in TINY {
        let head = HeadConfig {
            seed: 5,
            ..HeadConfig::default()
        };
        let (from, base) = (
            tiny(name),
            Classifier::from_base(&fixtures(name), &head, &cpu()).expect("a base"),
        );
        let all = from.parameters().map(|info| info.name.clone());
        let all: Vec<String> = all.collect();
        let last = &all[all.len() - 2..];
        assert_eq!(base.initialised(), last, "{name}");
        for parameter in &all {
            let same = from.values(parameter).ok() == base.values(parameter).ok();
            assert_eq!(same, !last.contains(parameter), "{name} {parameter}");
        }
    }
}

#[test]
fn mpnet_reads_snippets_like_transformers() {
    let Ok(folder) = nines_models::resolve("mpnet-base") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "mpnet-base is not in the cache: make models-dev pulls it"
        );
        eprintln!(
            "skipped: mpnet-base is not in the cache; `nines models pull mpnet-base` puts it there"
        );
        return;
    };
    let head = HeadConfig::default();
    let model = Classifier::from_base(&folder.path, &head, &cpu()).expect("MPNet loads");
    let fixture = fixtures("mpnet");
    let (file, rows) = (open(&fixture), rows(&fixture));
    let hidden = model
        .hidden_states(&batch(&rows), Mode::Evaluate)
        .expect("computed");
    let states: Vec<Vec<f32>> = hidden
        .states
        .into_iter()
        .map(|state| floats(state.flatten(0, 1)))
        .collect();
    assert_eq!(states.len(), 13);
    let (width, mut start, mut worst) = (768, 0, 0f32);
    for (index, row) in rows.iter().enumerate() {
        let tokens = row.ids.len();
        let at = |state: usize, position: usize| {
            let from = (start + position) * width;
            &states[state][from..from + width]
        };
        let last: Vec<f32> = row
            .positions
            .iter()
            .flat_map(|&position| at(12, position))
            .copied()
            .collect();
        worst = worst.max(apart(&last, &expected(&file, &format!("{index}.last"))));
        let layers: Vec<f32> = (0..13)
            .flat_map(|state| at(state, (tokens - 1) / 2).iter().step_by(8))
            .copied()
            .collect();
        worst = worst.max(apart(&layers, &expected(&file, &format!("{index}.layers"))));
        let means: Vec<f32> = (0..13)
            .flat_map(|state| (0..width).step_by(32).map(move |column| (state, column)))
            .map(|(state, column)| (0..tokens).map(|p| at(state, p)[column]).sum())
            .map(|sum: f32| sum / tokens as f32)
            .collect();
        let sums = expected(&file, &format!("{index}.sums"));
        let expected: Vec<f32> = sums.iter().map(|sum| sum / tokens as f32).collect();
        worst = worst.max(apart(&means, &expected));
        start += tokens;
    }
    assert!(worst < 1e-4, "hidden states differ by {worst}");
    println!("largest difference {worst:e}");
}

#[test]
fn every_family_overfits_a_batch() {
    for (name, ..) in TINY {
        let mut model = tiny(name);
        model.set_trainable(Trainable::All);
        let rows: Vec<_> = rows(&fixtures(name))
            .into_iter()
            .filter(|row| row.ids.len() < 24)
            .collect();
        // A row of one label between two of the other, so that no mean of all rows will do.
        let signs: Vec<f32> = (0..rows.len())
            .map(|row| if row % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let target = burn::tensor::Tensor::<1>::from_floats(signs.as_slice(), &cpu());
        let mut squares = std::collections::BTreeMap::new();
        for step in 1..=80 {
            let key = DropoutKey { seed: 1, step };
            let logits = model.logits(&batch(&rows), Mode::Train(key));
            let wrong = logits.expect("scored") * target.clone().neg().autodiff();
            let gradients = model.gradients(wrong.exp().log1p().mean());
            let gradients = gradients.expect("gradients");
            model.update(|info, values| {
                let gradient = gradients.get(&info.name).expect("a gradient");
                let squares = squares.entry(info.name.clone());
                let squares: &mut Vec<f32> = squares.or_insert_with(|| vec![0.0; gradient.len()]);
                for ((value, gradient), square) in values.iter_mut().zip(gradient).zip(squares) {
                    *square = 0.9 * *square + 0.1 * gradient * gradient;
                    *value -= 0.01 * gradient / (square.sqrt() + 1e-6);
                }
            });
        }
        let scores = score(&model, &rows);
        for (score, sign) in scores.iter().zip(&signs) {
            assert!(score * sign > 1.0, "{name}: {scores:?}");
        }
    }
}
