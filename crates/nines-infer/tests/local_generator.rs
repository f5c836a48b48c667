//! The local generator on the default model.

use nines_domain::draw::{Draw, Finish, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use nines_infer::local::LocalGenerator;
use nines_kernels::Unit;
use nines_nn::precision::Precision;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const PROMPTS: [&str; 6] = [
    "Once upon a time",
    "Behind the tavern at Three Fords they race snails, and the snails are the size of ponies. \
     Imogen had her whole purse on Thunderclap. He'd been in the lead since Monday.",
    "\"Don't,\" she said. The kettle was already in his hand.",
    "The bus to Łódź was late. ",
    "It snowed.\n\nOn the third day",
    "He counted: one, two,",
];

fn generator() -> &'static LocalGenerator {
    static GENERATOR: OnceLock<LocalGenerator> = OnceLock::new();
    GENERATOR.get_or_init(load)
}

fn load() -> LocalGenerator {
    load_in(Precision::Float32)
}

/// 32 bits, and bf16 where this machine has instructions for it.
fn precisions() -> Vec<Precision> {
    let rounded = Unit::with_instructions().map(Precision::Bf16);
    [Precision::Float32].into_iter().chain(rounded).collect()
}

fn load_in(precision: Precision) -> LocalGenerator {
    let model = nines_models::resolve("smollm2-135m")
        .unwrap_or_else(|error| panic!("the default generator is needed: {error}"));
    let file = model.gguf().expect("it is a GGUF file");
    LocalGenerator::open(&file, precision).unwrap_or_else(|error| panic!("{error}"))
}

fn requests(prompts: &[&str], draws: std::ops::Range<u32>) -> Vec<PromptRequest> {
    prompts
        .iter()
        .map(|prompt| PromptRequest {
            prompt: (*prompt).to_owned(),
            draws: draws.clone(),
        })
        .collect()
}

type Draws = BTreeMap<(usize, u32), Draw>;

/// Generates, checking that every draw comes once; draws by (request, draw).
fn generate(generator: &LocalGenerator, requests: &[PromptRequest], sampling: &Sampling) -> Draws {
    let mut draws = Draws::new();
    let stats = generator
        .generate(
            requests,
            sampling,
            &mut |request, outcome| {
                let draw = outcome.unwrap_or_else(|error| panic!("{error}"));
                let before = draws.insert((request, draw.draw), draw);
                assert_eq!(before, None, "a draw came twice");
            },
            &CancelFlag::default(),
        )
        .expect("it runs");
    let tokens: usize = draws.values().map(|draw| draw.tokens).sum();
    assert!(stats.tokens >= tokens as u64);
    let expected: usize = requests.iter().map(|request| request.draws.len()).sum();
    assert_eq!(draws.len(), expected);
    draws
}

fn short() -> Sampling {
    Sampling {
        max_tokens: 16,
        seed: 11,
        ..Sampling::default()
    }
}

#[test]
fn a_text_is_the_same_at_any_batch() {
    // A prompt that is run in more than one piece, beside completions of the others.
    let long = "The road went on, and so did she. ".repeat(70);
    let mut prompts = PROMPTS.to_vec();
    prompts.insert(2, &long);
    let all = requests(&prompts, 0..4);
    for precision in precisions() {
        let together = generate(&load_in(precision), &all, &short());
        for batch in [1, 8, 32] {
            let generator = load_in(precision).with_batch(batch);
            assert_eq!(
                generate(&generator, &all, &short()),
                together,
                "{precision} at batch {batch}"
            );
        }
    }
}

#[test]
fn a_text_depends_on_nothing_but_its_own_key() {
    let all = requests(&PROMPTS, 0..4);
    let together = generate(generator(), &all, &short());
    // Other neighbours, another order, draws in two parts.
    for (index, prompt) in PROMPTS.iter().enumerate().rev().take(2) {
        for draws in [0..1, 1..4] {
            for ((_, number), draw) in generate(generator(), &requests(&[prompt], draws), &short())
            {
                assert_eq!(draw, together[&(index, number)]);
            }
        }
    }
    // Draws and seeds differ.
    let texts: BTreeSet<&str> = together
        .values()
        .map(|draw| draw.completion.as_str())
        .collect();
    assert!(texts.len() > 18, "{texts:?}");
    let other = generate(
        generator(),
        &requests(&PROMPTS[1..2], 0..4),
        &Sampling {
            seed: 12,
            ..short()
        },
    );
    assert!((0..4).any(|draw| other[&(0, draw)] != together[&(1, draw)]));
}

#[derive(serde::Deserialize)]
struct Greedy {
    prompt: String,
    text: String,
}

#[test]
fn the_likeliest_text_is_the_one_that_transformers_writes() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/generate_greedy.json");
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let rows: Vec<Greedy> = serde_json::from_str(&text).expect("rows");
    let prompts: Vec<&str> = rows.iter().map(|row| row.prompt.as_str()).collect();
    let sampling = Sampling {
        temperature: 0.0,
        one_sentence: false,
        max_tokens: 24,
        ..Sampling::default()
    };
    let draws = generate(generator(), &requests(&prompts, 0..2), &sampling);
    for ((request, number), draw) in draws {
        assert_eq!(draw.completion, rows[request].text.trim(), "draw {number}");
        assert_eq!((draw.finish, draw.tokens), (Finish::Budget, 24));
    }
}

#[test]
fn a_completion_is_one_sentence_or_marked_unfinished() {
    let sampling = Sampling {
        max_tokens: 40,
        ..short()
    };
    let draws = generate(generator(), &requests(&PROMPTS, 0..8), &sampling);
    let mut finished = 0;
    for draw in draws.values() {
        assert_eq!(draw.completion, draw.completion.trim());
        assert!(draw.tokens <= 40);
        match draw.finish {
            Finish::Sentence => {
                finished += 1;
                assert!(!draw.completion.contains('\n'), "{draw:?}");
                let sentences = nines_text::sentences(&draw.completion);
                assert!(sentences.len() <= 2, "{draw:?}");
            }
            Finish::Budget => assert_eq!(draw.tokens, 40, "{draw:?}"),
            Finish::EndOfText => {}
        }
    }
    assert!(finished > 30, "{finished} of 48 finished");
    let cut = Sampling {
        max_tokens: 2,
        ..sampling
    };
    for draw in generate(generator(), &requests(&PROMPTS[1..2], 0..8), &cut).values() {
        assert_eq!(draw.finish, Finish::Budget, "{draw:?}");
        assert!(!draw.finish.is_finished());
    }
}

#[test]
fn a_prompt_that_does_not_fit_fails_alone() {
    let long = "word ".repeat(9000);
    let outcomes = std::cell::RefCell::new(BTreeMap::<usize, Vec<bool>>::new());
    let mut requests = requests(&[PROMPTS[0], &long, PROMPTS[2]], 0..2);
    requests.push(PromptRequest {
        prompt: String::new(),
        draws: 5..6,
    });
    generator()
        .generate(
            &requests,
            &short(),
            &mut |request, outcome| {
                if let Err(error) = &outcome {
                    let GenerateError::PromptTooLong {
                        tokens,
                        max_tokens,
                        window,
                    } = error
                    else {
                        panic!("{error}");
                    };
                    assert!(*tokens >= 9000 && *max_tokens == 16 && *window == 8192);
                }
                outcomes
                    .borrow_mut()
                    .entry(request)
                    .or_default()
                    .push(outcome.is_ok());
            },
            &CancelFlag::default(),
        )
        .expect("the others run");
    let expected = [
        (0, vec![true, true]),
        (1, vec![false, false]),
        (2, vec![true, true]),
        (3, vec![true]),
    ];
    assert_eq!(outcomes.into_inner(), BTreeMap::from(expected));
}

#[test]
fn impossible_settings_stop_everything_before_it_starts() {
    for sampling in [
        Sampling {
            temperature: f64::NAN,
            ..short()
        },
        Sampling {
            top_p: 0.0,
            ..short()
        },
        Sampling {
            max_tokens: 0,
            ..short()
        },
    ] {
        let outcome = generator().generate(
            &requests(&PROMPTS, 0..1),
            &sampling,
            &mut |_, _| panic!("nothing is made"),
            &CancelFlag::default(),
        );
        assert!(
            matches!(outcome, Err(GenerateError::Sampling(_))),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_is_done_before_a_cancel_is_told_and_is_the_same() {
    let all = requests(&PROMPTS[..3], 0..4);
    let whole = generate(generator(), &all, &short());
    let cancel = CancelFlag::default();
    let mut told = Draws::new();
    let small = load().with_batch(2);
    let stats = small
        .generate(
            &all,
            &short(),
            &mut |request, outcome| {
                let draw = outcome.expect("a draw");
                told.insert((request, draw.draw), draw);
                if told.len() == 3 {
                    cancel.cancel();
                }
            },
            &cancel,
        )
        .expect("it stops in good order");
    assert!((3..=4).contains(&told.len()), "{}", told.len());
    assert!(stats.tokens > 0);
    for (key, draw) in told {
        assert_eq!(whole[&key], draw);
    }
}

#[test]
fn a_repetition_penalty_changes_the_text() {
    let sampling = Sampling {
        temperature: 0.0,
        one_sentence: false,
        max_tokens: 24,
        ..Sampling::default()
    };
    let requests = requests(&["The bus to Łódź was late."], 0..1);
    let plain = &generate(generator(), &requests, &sampling)[&(0, 0)];
    let penalised = Sampling {
        repetition_penalty: 1.4,
        ..sampling
    };
    let varied = &generate(generator(), &requests, &penalised)[&(0, 0)];
    let count = |draw: &Draw| draw.completion.matches("The bus was late").count();
    assert!(
        count(plain) > 2 && count(varied) < 2,
        "{plain:?} {varied:?}"
    );
}

#[test]
fn the_name_says_which_file_it_is() {
    let id = generator().id();
    assert_eq!(id, load().id());
    assert!(
        id.starts_with("SmolLM2-135M-Instruct.Q4_1@") && id.ends_with("-f32"),
        "{id}"
    );
    let fastest = Precision::fastest();
    assert!(load_in(fastest).id().ends_with(&format!("-{fastest}")));
    assert_eq!(generator().context_window(), Some(8192));
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures/llama_tiny")
}

#[test]
fn a_folder_is_a_generator_too() {
    let open = || {
        LocalGenerator::open(&tiny().join("plain"), Precision::Float32)
            .unwrap_or_else(|e| panic!("{e}"))
    };
    let generator = open();
    assert!(generator.id().starts_with("plain@"), "{}", generator.id());
    assert_eq!(generator.context_window(), Some(64));
    let prompts: Vec<String> = (0..20).map(|i| "Sam ran ".repeat(1 + i % 4)).collect();
    let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    let sampling = Sampling {
        max_tokens: 30,
        top_p: 1.0,
        ..Sampling::default()
    };
    let all = requests(&prompts, 0..9);
    let together = generate(&generator, &all, &sampling);
    for batch in [1, 3, 8, 32, 500] {
        let generator = open().with_batch(batch);
        assert_eq!(
            generate(&generator, &all, &sampling),
            together,
            "at batch {batch}"
        );
    }
    for settings in [
        Sampling {
            top_k: 5,
            ..sampling.clone()
        },
        Sampling {
            top_p: 0.5,
            ..sampling.clone()
        },
        Sampling {
            repetition_penalty: 1.3,
            ..sampling.clone()
        },
        Sampling {
            one_sentence: false,
            ..sampling.clone()
        },
    ] {
        let found = generate(&generator, &all, &settings);
        assert_ne!(found, together, "{settings:?}");
        let again = generate(&open().with_batch(7), &all, &settings);
        assert_eq!(again, found, "{settings:?}");
    }
    let ends: BTreeSet<&str> = together.values().map(|draw| draw.finish.as_str()).collect();
    assert_eq!(ends.len(), 3, "every kind of end: {ends:?}");
}

#[test]
fn what_is_no_generator_is_refused() {
    let tiny = tiny();
    let error =
        LocalGenerator::open(&tiny.join("scaled"), Precision::Float32).expect_err("no tokenizer");
    assert!(error.to_string().contains("tokenizer"), "{error}");
    let error = LocalGenerator::open(&tiny.join("plain-F32.gguf"), Precision::Float32)
        .expect_err("no vocabulary");
    assert!(
        error
            .to_string()
            .contains("has no metadata tokenizer.ggml.model"),
        "{error}"
    );
    let error =
        LocalGenerator::open(&tiny.join("none.gguf"), Precision::Float32).expect_err("no file");
    assert!(
        error.to_string().starts_with("cannot read the GGUF file"),
        "{error}"
    );
}
