//! Hidden states, read and pushed: against transformers (golden/llama_hidden.py) and the real model.

use super::fixtures::{golden, letters, smollm2, tensor};
use nines_domain::draw::Sampling;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{Generator, PromptRequest};
use nines_infer::language_model::{Continuation, LanguageModel};
use nines_infer::local::{LocalGenerator, Steering, SteeringError};
use nines_nn::weights::safetensors::SafetensorsFile;

fn rows() -> Vec<Vec<u32>> {
    let rows = std::fs::read(golden("llama_tiny/rows.json")).expect("rows");
    serde_json::from_slice(&rows).expect("rows")
}

fn draws(generator: &LocalGenerator) -> Vec<String> {
    let request = PromptRequest {
        prompt: "Once upon a time".to_owned(),
        draws: 0..4,
    };
    let sampling = Sampling {
        max_tokens: 16,
        seed: 5,
        ..Sampling::default()
    };
    let mut texts = vec![String::new(); 4];
    generator
        .generate(
            &[request],
            &sampling,
            &mut |_, draw| {
                let draw = draw.expect("drawn");
                texts[draw.draw as usize] = draw.completion;
            },
            &CancelFlag::default(),
        )
        .expect("it runs");
    texts
}

#[test]
fn hidden_states_and_steered_probabilities_are_those_of_transformers() {
    let generator = letters();
    let file = SafetensorsFile::open(&golden("llama_tiny/hidden.safetensors")).expect("fixture");
    let direction = tensor(&file, "direction");
    let mut compared = 0;
    for layer in 0..2 {
        let (states, logits) = (
            tensor(&file, &format!("states.{layer}")),
            tensor(&file, &format!("steered.{layer}")),
        );
        let steered = generator
            .with_steering(Steering {
                layer,
                vector: direction.clone(),
                strength: 1.5,
            })
            .expect("it fits");
        let mut first = 0;
        for row in rows() {
            let (states, logits) = (&states[first * 32..], &logits[first * 75..]);
            first += row.len();
            let text = generator.tokenizer().decode(&row);
            if generator.tokenizer().encode(&text).expect("letters") != row || row.len() < 4 {
                continue;
            }
            let context = generator.tokenizer().decode(&row[..2]);
            let text = Continuation {
                context: &context,
                text: &text[context.len()..],
            };
            let found = generator.hidden_states(&[text], layer);
            let found = found[0].as_ref().expect("it fits");
            for (dimension, found) in found.iter().enumerate() {
                let all = (2..row.len()).map(|at| f64::from(states[at * 32 + dimension]));
                let mean = all.sum::<f64>() / (row.len() - 2) as f64;
                let apart = (f64::from(*found) - mean).abs();
                assert!(apart < 1e-4 * (1.0 + mean.abs()), "{found} for {mean}");
            }
            let found = steered.log_probabilities(&[text]);
            let found = found[0].clone().expect("it fits").log_probability;
            let exact: f64 = (2..row.len())
                .map(|at| {
                    let logits = &logits[(at - 1) * 75..at * 75];
                    let total: f64 = logits.iter().map(|&x| f64::from(x).exp()).sum();
                    f64::from(logits[row[at] as usize]) - total.ln()
                })
                .sum();
            assert!(
                (found - exact).abs() < 1e-4 * exact.abs(),
                "{found} for {exact}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 4, "{compared} rows compared");
}

#[test]
fn no_strength_changes_no_text_and_some_does() {
    let generator = smollm2();
    let hidden = generator.model().config().hidden;
    let vector: Vec<f32> = (0..hidden)
        .map(|i| ((i * 37 % 11) as f32 - 5.0) / 5.0)
        .collect();
    let steered = |strength| {
        let vector = vector.clone();
        let steering = Steering {
            layer: 12,
            vector,
            strength,
        };
        generator.with_steering(steering).expect("it fits")
    };
    let plain = draws(generator);
    assert_eq!(draws(&steered(0.0)), plain);
    let pushed = steered(2.0);
    assert_ne!(draws(&pushed), plain);
    assert_eq!(draws(&pushed), draws(&steered(2.0)));
    let id = |generator: &LocalGenerator| Generator::id(generator);
    assert!(id(&pushed).starts_with(&id(generator)) && id(&pushed).ends_with("@12"));
    assert_ne!(id(&pushed), id(&steered(2.5)));
    assert_eq!(id(&pushed), id(&steered(2.0)));
    // Steering anew replaces what was there.
    let back = pushed.with_steering(Steering {
        layer: 3,
        vector: vector.clone(),
        strength: 0.0,
    });
    assert_eq!(draws(&back.expect("it fits")), plain);
}

#[test]
fn states_do_not_depend_on_what_stands_beside_them() {
    let generator = smollm2();
    let long = "The road went on, and so did she. ".repeat(70);
    let texts = ["She fell.", &long, "Nobody came.", ""].map(|text| Continuation {
        context: "It was late.",
        text,
    });
    let together = generator.hidden_states(&texts, 20);
    for (text, together) in texts.iter().zip(&together) {
        let alone = generator.hidden_states(std::slice::from_ref(text), 20);
        assert_eq!(&alone[0], together);
    }
    assert!(together[0].is_ok() && together[1].is_ok() && together[3].is_err());
    assert!(generator.hidden_states(&texts, 30)[0].is_err());
}

#[test]
fn what_cannot_steer_says_why() {
    let generator = letters();
    let steering = |layer, width, strength| Steering {
        layer,
        vector: vec![1.0; width],
        strength,
    };
    let refused = |steering| generator.with_steering(steering).expect_err("refused");
    assert_eq!(
        refused(steering(2, 32, 1.0)),
        SteeringError::NoSuchLayer {
            layer: 2,
            layers: 2
        }
    );
    assert_eq!(
        refused(steering(0, 31, 1.0)),
        SteeringError::WrongWidth {
            found: 31,
            hidden: 32
        }
    );
    assert_eq!(refused(steering(0, 32, f32::NAN)), SteeringError::NotFinite);
}
