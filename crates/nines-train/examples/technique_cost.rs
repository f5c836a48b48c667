//! What each technique costs: seconds of an update beside those of the default recipe, in one run.
//!
//! ```text
//! cargo run --release -p nines-train --example technique_cost -- BASE STARTER [--updates N] [--rounds R]
//! ```
//!
//! In each of R rounds the default recipe and then every technique make the first N updates of the same
//! fold, on the same batches. What is printed is the processor time of a technique's updates over that of the
//! default recipe's in the same round (median, lowest, highest), and the same of the clock.

mod starter;

use nines_infer::cancel::CancelFlag;
use nines_nn::precision::Precision;
use nines_train::config::{Averaging, Ema, Focal, FreeLb, Latent, LatentRows, Loss, Sift};
use nines_train::processor::processor_seconds;
use nines_train::record::{Observer, StepRecord};
use nines_train::{CheckpointCadence, Job, TrainConfig, TrainError, TrainingData};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A technique, by its name and by what it changes in a recipe.
type Technique = (&'static str, fn(&mut TrainConfig));

const TECHNIQUES: [Technique; 10] = [
    ("loss = focal", |c| c.loss = Loss::Focal(Focal::default())),
    ("sift", |c| c.sift = Some(Sift::default())),
    ("freelb, 3 steps", |c| c.freelb = Some(FreeLb::default())),
    ("latent, layer 3, 4 steps", |c| {
        c.latent = Some(Latent::default())
    }),
    ("latent, all rows", |c| {
        c.latent = Some(Latent {
            rows: LatentRows::All,
            ..Latent::default()
        });
    }),
    ("r_drop", |c| c.r_drop = 1.0),
    ("layer_decay", |c| c.layer_decay = 0.9),
    ("multi_sample_dropout = 5", |c| c.multi_sample_dropout = 5),
    ("averaging = ema", |c| {
        c.averaging = Averaging::Ema(Ema::default())
    }),
    ("sift, latent, ema", |c| {
        c.sift = Some(Sift::default());
        c.latent = Some(Latent::default());
        c.averaging = Averaging::Ema(Ema::default());
    }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut number = |name: &str, default: u64| -> Result<u64, Box<dyn Error>> {
        let Some(place) = words.iter().position(|word| word == name) else {
            return Ok(default);
        };
        words.remove(place);
        Ok(words.remove(place).parse()?)
    };
    let (updates, rounds) = (number("--updates", 12)?, number("--rounds", 5)?);
    let [base, starter] = &words[..] else {
        return Err("arguments: BASE STARTER".into());
    };
    let data = TrainingData::new(starter::rows(Path::new(starter))?)?;
    let folder = std::env::temp_dir().join(format!("technique-cost-{}", std::process::id()));
    println!("{} updates of 32 rows, {}", updates, Precision::fastest());
    let mut ratios = vec![Vec::new(); TECHNIQUES.len()];
    for round in 1..=rounds {
        let plain = run(base, &data, &folder, updates, |_| {})?;
        println!(
            "round {round}: {:.3} s of the processor an update",
            plain.0 / updates as f64
        );
        for ((name, change), ratios) in TECHNIQUES.iter().zip(&mut ratios) {
            let own = run(base, &data, &folder, updates, *change)?;
            ratios.push((own.0 / plain.0, own.1 / plain.1));
            println!("  {name}: {:.2}", own.0 / plain.0);
        }
    }
    for ((name, _), ratios) in TECHNIQUES.iter().zip(&ratios) {
        let spread = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = ratios.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            let (low, high) = (all[0], all[all.len() - 1]);
            format!("{:.2} ({low:.2} to {high:.2})", all[all.len() / 2])
        };
        println!(
            "{name:<26} processor {}  clock {}",
            spread(|ratio| ratio.0),
            spread(|ratio| ratio.1)
        );
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Makes the first updates of a fold; returns their seconds of the processor and of the clock, without
/// the first update's.
fn run(
    base: &str,
    data: &TrainingData,
    folder: &Path,
    updates: u64,
    change: fn(&mut TrainConfig),
) -> Result<(f64, f64), Box<dyn Error>> {
    let mut config = TrainConfig {
        precision: Precision::fastest(),
        ..TrainConfig::default()
    };
    change(&mut config);
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let cancel = CancelFlag::default();
    let mut clock = Clock {
        updates,
        cancel: cancel.clone(),
        first: None,
        last: (0.0, Instant::now()),
    };
    let roles = data.fold(0, 5, config.split_seed);
    let job = Job {
        base: Path::new(base),
        data,
        roles: &roles,
        config: &config,
        cadence: CheckpointCadence {
            every_steps: None,
            every_seconds: None,
        },
        run_folder: folder,
        cancel: &cancel,
    };
    match nines_train::train(
        job,
        &PathBuf::from(folder).join("out"),
        "an injury",
        &mut clock,
    ) {
        Err(TrainError::Cancelled { .. }) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("the run ended before it was stopped".into()),
    }
    let (processor, begun) = clock.first.ok_or("no update was made")?;
    Ok((
        clock.last.0 - processor,
        (clock.last.1 - begun).as_secs_f64(),
    ))
}

/// Looks at both clocks after the first update and after the last.
struct Clock {
    updates: u64,
    cancel: CancelFlag,
    first: Option<(f64, Instant)>,
    last: (f64, Instant),
}

impl Observer for Clock {
    fn step(&mut self, step: &StepRecord) {
        let now = (processor_seconds().unwrap_or(0.0), Instant::now());
        self.first.get_or_insert(now);
        self.last = now;
        if step.step > self.updates {
            self.cancel.cancel();
        }
    }
}
