//! Llama models: logits as transformers computes them (golden/llama_tiny.py, llama_smollm2.py),
//! the two implementations equal to each other, and to themselves with and without a cache, alone
//! and in a batch.

use burn::tensor::Tensor;
use nines_kernels::Unit;
use nines_nn::device::cpu;
use nines_nn::llama::{
    CpuLlama, CpuSequence, Feed, Llama, LlamaCache, LlamaError, LlamaWeights, Wanted, Workspace,
};
use nines_nn::precision::Precision;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures")
}

/// Reads a fixture's tensors, 32-bit floats or integers, as f32.
fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(path).expect("the fixture is there");
    let file = SafeTensors::deserialize(&bytes).expect("the fixture is whole");
    file.iter()
        .map(|(name, view)| {
            let is_float = view.dtype() == safetensors::Dtype::F32;
            let numbers = view.data().chunks_exact(4).map(|b| {
                let b = [b[0], b[1], b[2], b[3]];
                if is_float {
                    f32::from_le_bytes(b)
                } else {
                    i32::from_le_bytes(b) as f32
                }
            });
            (name.to_owned(), (view.shape().to_vec(), numbers.collect()))
        })
        .collect()
}

fn smollm2() -> PathBuf {
    let model = nines_models::resolve("smollm2-135m")
        .unwrap_or_else(|error| panic!("the default generator is needed: {error}"));
    model.gguf().expect("it is a GGUF file")
}

/// The tiny models: (name in expected.safetensors, file or folder).
fn tiny() -> Vec<(String, PathBuf)> {
    let folder = fixtures().join("llama_tiny");
    let mut models: Vec<_> = ["plain", "scaled"]
        .map(|name| (name.to_owned(), folder.join(name)))
        .into();
    let files = [
        "plain-F32",
        "plain-F16",
        "plain-BF16",
        "plain-Q8_0",
        "plain-Q4_0",
        "plain-Q4_1",
        "scaled-F32",
        "linear-F32",
    ];
    models.extend(files.map(|name| (name.to_owned(), folder.join(format!("{name}.gguf")))));
    models
}

fn tiny_rows() -> Vec<Vec<u32>> {
    let text = std::fs::read(fixtures().join("llama_tiny/rows.json")).expect("the fixture");
    serde_json::from_slice(&text).expect("rows")
}

fn load(path: &Path) -> CpuLlama {
    load_in(path, Precision::Float32)
}

fn load_in(path: &Path, precision: Precision) -> CpuLlama {
    let weights = LlamaWeights::open(path).unwrap_or_else(|error| panic!("{error}"));
    CpuLlama::new(weights, precision).expect("readable tensors")
}

/// Everything that this machine can multiply in.
fn precisions() -> impl Iterator<Item = Precision> {
    [Precision::Float32]
        .into_iter()
        .chain(Unit::ALL.map(Precision::Bf16))
        .filter(|precision| precision.is_available())
}

/// Logits after every token, each row fed in pieces of at most `piece` tokens, all rows together.
fn cpu_logits(model: &CpuLlama, rows: &[Vec<u32>], piece: usize) -> Vec<Vec<f32>> {
    let mut workspace = Workspace::default();
    let mut sequences = vec![CpuSequence::default(); rows.len()];
    let mut logits = vec![Vec::new(); rows.len()];
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    for start in (0..longest).step_by(piece) {
        let piece_of = |row: &'_ Vec<u32>| start.min(row.len())..(start + piece).min(row.len());
        let mut feeds: Vec<Feed<'_>> = sequences
            .iter_mut()
            .zip(rows)
            .map(|(sequence, row)| Feed {
                sequence,
                tokens: &row[piece_of(row)],
                wanted: Wanted::All,
            })
            .collect();
        let out = model.forward(&mut feeds, &mut workspace).expect("runs");
        let mut found = out.rows();
        for (row, logits) in rows.iter().zip(&mut logits) {
            for _ in piece_of(row) {
                logits.extend(found.next().expect("one row of logits for each token"));
            }
        }
    }
    logits
}

/// The same in burn.
fn burn_logits(model: &Llama, rows: &[Vec<u32>], piece: usize) -> Vec<Vec<f32>> {
    let mut cache = LlamaCache::default();
    let mut logits = vec![Vec::new(); rows.len()];
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    for start in (0..longest).step_by(piece) {
        let pieces: Vec<&[u32]> = rows
            .iter()
            .map(|row| &row[start.min(row.len())..(start + piece).min(row.len())])
            .collect();
        let hidden = model.forward(&pieces, &mut cache).expect("runs");
        let out: Tensor<3> = model.logits(hidden);
        let [_, width, vocabulary] = out.dims();
        let out: Vec<f32> = out.into_data().try_into_vec().expect("floats");
        for (index, (piece, logits)) in pieces.iter().zip(&mut logits).enumerate() {
            let start = (index * width + width - piece.len()) * vocabulary;
            logits.extend(&out[start..(index + 1) * width * vocabulary]);
        }
    }
    logits
}

/// The largest difference over the largest value.
fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1.0f32, |most, x| most.max(x.abs()));
    let worst = found
        .iter()
        .zip(expected)
        .map(|(a, b)| {
            if a.is_nan() {
                f32::INFINITY
            } else {
                (a - b).abs()
            }
        })
        .fold(0.0, f32::max);
    worst / largest
}

#[test]
fn tiny_models_give_the_logits_of_transformers() {
    let expected = tensors(&fixtures().join("llama_tiny/expected.safetensors"));
    let rows = tiny_rows();
    for (name, path) in tiny() {
        let expected = &expected[&name].1;
        let model = load(&path);
        let found = cpu_logits(&model, &rows, usize::MAX).concat();
        let worst = apart(&found, expected);
        assert!(worst < 1e-5, "{name} on slices: {worst}");
        let model = Llama::from_weights(model.weights(), &cpu()).expect("loads");
        let found = burn_logits(&model, &rows, 64).concat();
        let worst = apart(&found, expected);
        assert!(worst < 1e-5, "{name} in burn: {worst}");
    }
}

#[test]
fn tiny_models_in_bf16_give_nearly_the_logits_of_32_bits() {
    let rows = tiny_rows();
    for (name, path) in tiny() {
        let exact = cpu_logits(&load(&path), &rows, usize::MAX).concat();
        for precision in precisions().filter(|precision| *precision != Precision::Float32) {
            let model = load_in(&path, precision);
            let found = cpu_logits(&model, &rows, usize::MAX).concat();
            let worst = apart(&found, &exact);
            assert!(worst < 0.03, "{name} in {precision}: {worst}");
            assert!(worst > 0.0, "{name} in {precision}: nothing was rounded");
        }
    }
}

#[test]
fn cached_decoding_is_uncached_decoding() {
    let rows = tiny_rows();
    for (name, path) in tiny() {
        for precision in precisions() {
            let model = load_in(&path, precision);
            let whole = cpu_logits(&model, &rows, usize::MAX);
            for piece in [1, 5, 16] {
                assert_eq!(
                    cpu_logits(&model, &rows, piece),
                    whole,
                    "{name} in {precision} in pieces of {piece}"
                );
            }
        }
        let model = load(&path);
        let whole = cpu_logits(&model, &rows, usize::MAX);
        let model = Llama::from_weights(model.weights(), &cpu()).expect("loads");
        let pieces = burn_logits(&model, &rows, 7).concat();
        let worst = apart(&pieces, &whole.concat());
        assert!(worst < 1e-5, "{name} in burn: {worst}");
    }
}

#[test]
fn a_row_does_not_depend_on_its_neighbours_to_the_last_bit() {
    let rows = tiny_rows();
    for (name, path) in tiny() {
        for precision in precisions() {
            let model = load_in(&path, precision);
            let together = cpu_logits(&model, &rows, usize::MAX);
            for (row, together) in rows.iter().zip(together) {
                let alone = cpu_logits(&model, std::slice::from_ref(row), usize::MAX);
                let len = row.len();
                assert_eq!(alone[0], together, "{name} in {precision}, a row of {len}");
            }
        }
    }
}

#[test]
fn what_cannot_be_run_leaves_the_cache_as_it_was() {
    let (_, path) = tiny().remove(0);
    let model = Llama::from_weights(load(&path).weights(), &cpu()).expect("loads");
    let vocabulary = model.config().vocabulary as u32;
    let mut cache = LlamaCache::default();
    let (good, bad) = ([1, 2, 3], [1, vocabulary]);
    let error = model.forward(&[&good, &bad], &mut cache);
    assert!(matches!(error, Err(LlamaError::Token { .. })));
    assert!(cache.is_empty());
    // Another number of rows may come now.
    model.forward(&[&good], &mut cache).expect("runs");
    let long = vec![1; model.config().context];
    let error = model.forward(&[&long], &mut cache);
    assert!(matches!(error, Err(LlamaError::Context { .. })));
    assert_eq!(cache.len(0), good.len());
    model.forward(&[&good], &mut cache).expect("runs");
}

/// Set for a child process that is to print its logits' digest.
const PRINT_DIGEST: &str = "NINES_TEST_PRINT_DIGEST";

#[test]
fn the_width_of_the_vectors_does_not_change_a_bit() {
    let mut digest = DefaultHasher::new();
    for (_, path) in tiny() {
        for logit in cpu_logits(&load(&path), &tiny_rows(), 16).concat() {
            logit.to_bits().hash(&mut digest);
        }
    }
    let digest = format!("digest {:x}", digest.finish());
    if std::env::var_os(PRINT_DIGEST).is_some() {
        println!("{digest}");
        return;
    }
    for vectors in ["avx2", "baseline"] {
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "the_width_of_the_vectors_does_not_change_a_bit",
                "--nocapture",
            ])
            .env("NINES_VECTORS", vectors)
            .env(PRINT_DIGEST, "1")
            .output()
            .expect("runs");
        let printed = String::from_utf8_lossy(&child.stdout);
        assert!(printed.contains(&digest), "{vectors}: {printed}");
    }
}

#[test]
fn completions_share_their_prompt() {
    let model = load(&fixtures().join("llama_tiny/plain-Q4_1.gguf"));
    let rows = tiny_rows();
    let (prompt, ends) = (&rows[2], [vec![3u32, 9, 27], vec![5, 5, 5], vec![1, 0, 2]]);
    let mut workspace = Workspace::default();
    let mut shared = CpuSequence::default();
    let mut feed = [Feed {
        sequence: &mut shared,
        tokens: prompt,
        wanted: Wanted::Nothing,
    }];
    let logits = model.forward(&mut feed, &mut workspace).expect("runs");
    assert_eq!(logits.rows().len(), 0);
    let mut branches = vec![shared.clone(); ends.len()];
    for round in 0..2 {
        let mut feeds: Vec<Feed<'_>> = branches
            .iter_mut()
            .zip(&ends)
            .map(|(sequence, end)| Feed {
                sequence,
                tokens: &end[round..round + 1 + round],
                wanted: Wanted::Last,
            })
            .collect();
        model.forward(&mut feeds, &mut workspace).expect("runs");
    }
    assert_eq!(
        shared.len(),
        prompt.len(),
        "the prompt's own cache is as it was"
    );
    let mut feeds: Vec<Feed<'_>> = branches
        .iter_mut()
        .map(|sequence| Feed {
            sequence,
            tokens: &[7],
            wanted: Wanted::Last,
        })
        .collect();
    let found = model.forward(&mut feeds, &mut workspace).expect("runs");
    let found: Vec<Vec<f32>> = found.rows().map(<[f32]>::to_vec).collect();
    for (found, end) in found.iter().zip(&ends) {
        let whole: Vec<u32> = prompt.iter().chain(end).copied().chain([7]).collect();
        let alone = cpu_logits(&model, &[whole], usize::MAX);
        assert!(alone[0].ends_with(found));
    }

    // In burn the rows of the prompt's cache are taken once for each completion.
    let burn = Llama::from_weights(model.weights(), &cpu()).expect("loads");
    let mut cache = LlamaCache::default();
    burn.forward(&[&rows[0], prompt], &mut cache).expect("runs");
    let mut cache = cache.rows(&[1, 1, 0]);
    assert_eq!((cache.len(0), cache.len(2)), (prompt.len(), rows[0].len()));
    let hidden = burn
        .forward(&[&ends[0], &ends[1], &[4]], &mut cache)
        .expect("runs");
    let last: Vec<f32> = burn
        .logits(hidden)
        .into_data()
        .try_into_vec()
        .expect("floats");
    let whole: Vec<u32> = prompt.iter().chain(&ends[1]).copied().collect();
    let alone = cpu_logits(&model, &[whole], usize::MAX);
    let vocabulary = model.config().vocabulary;
    let found = &last[5 * vocabulary..6 * vocabulary];
    let expected = &alone[0][alone[0].len() - vocabulary..];
    assert!(apart(found, expected) < 1e-5);
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_the_sequence_as_it_was() {
    let model = load(&fixtures().join("llama_tiny/plain"));
    let burn = Llama::from_weights(model.weights(), &cpu()).expect("loads");
    let mut workspace = Workspace::default();
    let mut sequence = CpuSequence::default();
    let long = vec![1; model.config().context + 1];
    for (tokens, message) in [
        (
            &[75u32][..],
            "token 75 is not in the model's vocabulary of 75",
        ),
        (&long, "position 64 lies beyond the model's context of 64"),
    ] {
        let mut feed = [Feed {
            sequence: &mut sequence,
            tokens,
            wanted: Wanted::Last,
        }];
        let error = model
            .forward(&mut feed, &mut workspace)
            .expect_err("refused");
        assert!(error.to_string().starts_with(message), "{error}");
        let error = burn.forward(&[tokens], &mut LlamaCache::default());
        assert!(error.expect_err("refused").to_string().starts_with(message));
        assert!(sequence.is_empty());
    }
}

#[test]
fn the_default_generator_gives_the_logits_of_transformers() {
    let fixture = tensors(&fixtures().join("smollm2.safetensors"));
    let ints = |name: &str| -> Vec<usize> { fixture[name].1.iter().map(|x| *x as usize).collect() };
    let mut tokens = ints("tokens").into_iter().map(|t| t as u32);
    let rows: Vec<Vec<u32>> = ints("lengths")
        .into_iter()
        .map(|length| tokens.by_ref().take(length).collect())
        .collect();
    let model = load(&smollm2());
    let vocabulary = model.config().vocabulary;
    let found = cpu_logits(&model, &rows, usize::MAX);
    let (top, sampled) = (ints("top.ids"), ints("sampled.ids"));
    for (position, logits) in found.concat().chunks_exact(vocabulary).enumerate() {
        let pick = |ids: &[usize]| -> Vec<f32> { ids.iter().map(|&id| logits[id]).collect() };
        let top = &top[position * 64..(position + 1) * 64];
        let expected = &fixture["top.logits"].1[position * 64..(position + 1) * 64];
        let worst = apart(&pick(top), expected);
        assert!(worst < 1e-3, "position {position}: {worst}");
        let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert_eq!(logits[top[0]], best, "position {position}");
        let rest = &fixture["sampled.logits"].1[position * 256..(position + 1) * 256];
        let rest: Vec<f32> = expected.iter().chain(rest).copied().collect();
        let mut picked = pick(top);
        picked.extend(pick(&sampled));
        let worst = apart(&picked, &rest);
        assert!(worst < 1e-3, "position {position}, sampled: {worst}");
    }

    assert_eq!(
        cpu_logits(&model, &rows[..3], 4),
        found[..3],
        "with a cache"
    );

    if let Some(unit) = Unit::with_instructions() {
        let model = load_in(&smollm2(), Precision::Bf16(unit));
        let rounded = cpu_logits(&model, &rows, usize::MAX);
        let worst = apart(&rounded.concat(), &found.concat());
        assert!(worst < 0.02, "in bf16: {worst}");
        let again = cpu_logits(&model, &rows[..3], 4);
        assert_eq!(again, rounded[..3], "in bf16 with a cache");
    }

    let burn = Llama::from_weights(model.weights(), &cpu()).expect("loads");
    let in_burn = burn_logits(&burn, &rows, 64);
    let worst = apart(&in_burn.concat(), &found.concat());
    assert!(worst < 1e-4, "burn and slices: {worst}");
    let cached = burn_logits(&burn, &rows[..2], 5);
    let worst = apart(&cached.concat(), &in_burn[..2].concat());
    assert!(worst < 1e-4, "burn with a cache: {worst}");
}
