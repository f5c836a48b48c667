//! Times scoring and training steps of a classifier on rows of tokens.
//!
//!     cargo run --release -p nines-nn --example encoder_speed -- MODEL_FOLDER ROWS.json [BATCH] [STEPS] [f32|bf16] [frozen]
//!
//! With `frozen`, the embeddings do not learn. ROWS.json holds `[{"ids": [..], "type_ids": [..]}, ..]`.
//! Prints rows a second, and seconds of processor time, which say more than wall time where the
//! machine is shared.

use nines_kernels::Unit;
use nines_kernels::rng::DropoutKey;
use nines_nn::batch::TokenBatch;
use nines_nn::device::cpu;
use nines_nn::encoder::{Classifier, HeadConfig, Mode, Trainable};
use nines_nn::precision::Precision;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(serde::Deserialize)]
struct Row {
    ids: Vec<u32>,
    type_ids: Vec<u8>,
}

/// Tokens in a batch when scoring.
const BATCH_TOKENS: usize = 4096;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rows, ..] = arguments.as_slice() else {
        return Err(
            "usage: encoder_speed MODEL_FOLDER ROWS.json [BATCH] [STEPS] [f32|bf16] [frozen]"
                .into(),
        );
    };
    let batch_rows: usize = arguments.get(2).map_or(Ok(32), |text| text.parse())?;
    let steps: usize = arguments.get(3).map_or(Ok(6), |text| text.parse())?;
    let mut rows: Vec<Row> = serde_json::from_slice(&std::fs::read(rows)?)?;
    let mut model = Classifier::from_base(Path::new(folder), &HeadConfig::default(), &cpu())?;
    if arguments.get(4).is_some_and(|word| word == "bf16") {
        let unit = Unit::with_instructions().ok_or("this CPU has no instructions for bf16")?;
        model.set_precision(Precision::Bf16(unit));
    }

    let batches: Vec<TokenBatch> = rows.chunks(batch_rows).take(steps + 1).map(batch).collect();
    rows.sort_by_key(|row| row.ids.len());
    score(&model, &rows[..rows.len().min(64)])?;
    let (wall, processor) = (Instant::now(), processor_seconds());
    let sum = score(&model, &rows)?;
    let (wall, processor) = (
        wall.elapsed().as_secs_f64(),
        processor_seconds() - processor,
    );
    println!(
        "scoring: {:.1} rows a second; {wall:.2} s, {processor:.2} s of processor time for {} rows (mean logit {:.6})",
        rows.len() as f64 / wall,
        rows.len(),
        sum / rows.len() as f32
    );

    let is_frozen = arguments.get(5).is_some_and(|word| word == "frozen");
    model.set_trainable(match is_frozen {
        true => Trainable::FromLayer(0),
        false => Trainable::All,
    });
    let mut moments = BTreeMap::new();
    let mut measured = (Instant::now(), processor_seconds(), 0);
    for (step, batch) in batches.iter().enumerate() {
        if step == 1 {
            measured = (Instant::now(), processor_seconds(), 0);
        }
        train(&mut model, batch, &mut moments, step as u64 + 1)?;
        measured.2 += batch.len();
    }
    let (wall, processor) = (
        measured.0.elapsed().as_secs_f64(),
        processor_seconds() - measured.1,
    );
    println!(
        "training: {:.1} rows a second; {wall:.2} s, {processor:.2} s of processor time for {} rows",
        measured.2 as f64 / wall,
        measured.2
    );
    Ok(())
}

fn batch(rows: &[Row]) -> TokenBatch {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (&row.ids[..], &row.type_ids[..]))
        .collect();
    TokenBatch::from_rows(&rows)
}

fn score(model: &Classifier, rows: &[Row]) -> Result<f32, Box<dyn std::error::Error>> {
    let (mut sum, mut first) = (0.0, 0);
    while first < rows.len() {
        let (mut end, mut tokens) = (first, 0);
        while end < rows.len() && (end == first || tokens + rows[end].ids.len() <= BATCH_TOKENS) {
            tokens += rows[end].ids.len();
            end += 1;
        }
        let logits = model.logits(&batch(&rows[first..end]), Mode::Evaluate)?;
        sum += logits
            .into_data()
            .try_into_vec::<f32>()?
            .iter()
            .sum::<f32>();
        first = end;
    }
    Ok(sum)
}

type Moments = BTreeMap<String, (Vec<f32>, Vec<f32>)>;

/// One step: forward, backward, clipping by the global norm, and AdamW's arithmetic.
fn train(
    model: &mut Classifier,
    batch: &TokenBatch,
    moments: &mut Moments,
    step: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let logits = model.logits(batch, Mode::Train(DropoutKey { seed: 1, step }))?;
    let gradients = model.gradients(logits.powf_scalar(2.0).mean())?;
    let squares = |part: &[f32]| part.iter().map(|g| g * g).sum::<f32>();
    let norm = gradients
        .iter()
        .map(|(_, gradient)| gradient.par_chunks(1 << 14).map(squares).sum::<f32>())
        .sum::<f32>()
        .sqrt();
    let scale = (1.0 / norm).min(1.0);
    model.update(|info, values| {
        let Some(gradient) = gradients.get(&info.name) else {
            return;
        };
        let zeros = || (vec![0.0; values.len()], vec![0.0; values.len()]);
        let (first, second) = moments.entry(info.name.clone()).or_insert_with(zeros);
        values
            .par_chunks_mut(1 << 14)
            .zip(gradient.par_chunks(1 << 14))
            .zip(
                first
                    .par_chunks_mut(1 << 14)
                    .zip(second.par_chunks_mut(1 << 14)),
            )
            .for_each(|((values, gradient), (first, second))| {
                let moments = first.iter_mut().zip(second);
                for ((value, gradient), (first, second)) in
                    values.iter_mut().zip(gradient).zip(moments)
                {
                    let gradient = scale * gradient;
                    *first = 0.9 * *first + 0.1 * gradient;
                    *second = 0.999 * *second + 0.001 * gradient * gradient;
                    *value = 0.9999 * *value - 1e-6 * *first / (second.sqrt() + 1e-8);
                }
            });
    });
    Ok(())
}

/// Processor time of all threads so far; 0 where the system does not tell.
fn processor_seconds() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0.0;
    };
    let of = |task: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.flatten().filter_map(of).sum::<f64>() / 1e9
}
