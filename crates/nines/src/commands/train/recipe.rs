//! The recipe of a training: what the project says, a table of fields, and the command's options.

use crate::cli::{AveragingArg, KeepArg, LongArg, LossArg, PoolingArg, TrainArgs};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_nn::encoder::Pooling;
use nines_train::TrainConfig;
use nines_train::config::{
    Averaging, Ema, Focal, FreeLb, Keep, LastShare, Latent, LogitAdjusted, LongRows, Loss, Sift,
};
use nines_train::distillation::Teacher;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// The longest table of fields, in bytes: a longer one is another file.
const LONGEST: u64 = 1 << 20;

/// Returns the recipe that a command asks for. Options win over the table, the table over the defaults.
pub(super) fn recipe(project: &Project, args: &TrainArgs) -> Result<TrainConfig> {
    let split_seed = project.config.project.split_seed;
    let defaults = TrainConfig {
        precision: project.config.classifier.precision.on_this_machine()?,
        split_seed,
        ..TrainConfig::default()
    };
    let table = match &args.techniques.recipe {
        Some(path) => with_table(&defaults, path)?,
        None => defaults,
    };
    if table.split_seed != split_seed {
        bail!(
            "the recipe's split_seed is {}, the project's is {split_seed}: another seed would train on the project's test \
             split; take it out of the recipe",
            table.split_seed
        );
    }
    let config = with_techniques(with_options(table, args), args);
    if config.teacher.is_some() && args.teaching.teacher.is_none() {
        bail!("the recipe asks for a teacher and does not say which; name one with --teacher");
    }
    config.check()?;
    Ok(config)
}

/// Lays the fields of a file over a recipe.
fn with_table(defaults: &TrainConfig, path: &Path) -> Result<TrainConfig> {
    let failed = || format!("cannot read the recipe {}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(failed)?;
    let length = file
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .with_context(failed)?;
    if length as u64 > LONGEST {
        bail!(
            "{} is longer than {LONGEST} bytes: it is no recipe",
            path.display()
        );
    }
    let fields: Map<String, Value> = toml::from_str(&text).with_context(failed)?;
    defaults.with_fields(&fields).with_context(failed)
}

fn with_options(table: TrainConfig, args: &TrainArgs) -> TrainConfig {
    TrainConfig {
        seed: args.seed.unwrap_or(table.seed),
        epochs: args.epochs.unwrap_or(table.epochs),
        batch_size: args.batch.unwrap_or(table.batch_size),
        learning_rate: args.learning_rate.unwrap_or(table.learning_rate),
        head_rate: args.head_rate.unwrap_or(table.head_rate),
        from_layer: args.from_layer.unwrap_or(table.from_layer),
        freeze_embeddings: args.freeze_embeddings || table.freeze_embeddings,
        pooling: args.pooling.map_or(table.pooling, |pooling| match pooling {
            PoolingArg::Pooler => Pooling::Pooler,
            PoolingArg::Cls => Pooling::Cls,
            PoolingArg::Mean => Pooling::Mean,
        }),
        long: match args.long {
            LongArg::Refuse => table.long,
            LongArg::Max => LongRows::MaxWindow,
        },
        ..table
    }
}

fn with_techniques(table: TrainConfig, args: &TrainArgs) -> TrainConfig {
    let given = &args.techniques;
    let sift = given.sift.map(|weight| Sift {
        weight,
        ..table.sift.unwrap_or_default()
    });
    let freelb = given.freelb.map(|steps| FreeLb {
        steps,
        ..table.freelb.unwrap_or_default()
    });
    let latent = given.latent.map(|layer| Latent {
        layer,
        ..table.latent.unwrap_or_default()
    });
    let mut label_noise = table.label_noise;
    label_noise.miss = given.label_miss.unwrap_or(label_noise.miss);
    label_noise.false_alarm = given.label_false_alarm.unwrap_or(label_noise.false_alarm);
    TrainConfig {
        keep: given.keep.map_or(table.keep, |keep| match keep {
            KeepArg::Best => Keep::Best,
            KeepArg::Last => Keep::Last,
        }),
        loss: given
            .loss
            .map_or(table.loss, |loss| shape(loss, table.loss)),
        label_smoothing: given.label_smoothing.unwrap_or(table.label_smoothing),
        severity_weights: given.severity_weights.unwrap_or(table.severity_weights),
        sift: sift.or(table.sift),
        freelb: freelb.or(table.freelb),
        latent: latent.or(table.latent),
        r_drop: given.r_drop.unwrap_or(table.r_drop),
        layer_decay: given.layer_decay.unwrap_or(table.layer_decay),
        multi_sample_dropout: given
            .multi_sample_dropout
            .unwrap_or(table.multi_sample_dropout),
        averaging: given
            .averaging
            .map_or(table.averaging, |kind| averaging(kind, table.averaging)),
        adversarial_share: given.adversarial_share.or(table.adversarial_share),
        label_budget: given.label_budget.or(table.label_budget),
        label_noise,
        teacher: match (&args.teaching.teacher, args.teaching.teacher_weight) {
            (None, _) => table.teacher,
            (Some(_), None) => Some(table.teacher.unwrap_or_default()),
            (Some(_), Some(weight)) => Some(Teacher { weight }),
        },
        ..table
    }
}

/// The loss of an option, with the table's numbers where they are of the same one.
fn shape(option: LossArg, table: Loss) -> Loss {
    match (option, table) {
        (LossArg::Bce, _) => Loss::Bce,
        (LossArg::Focal, Loss::Focal(_)) | (LossArg::LogitAdjusted, Loss::LogitAdjusted(_)) => {
            table
        }
        (LossArg::Focal, _) => Loss::Focal(Focal::default()),
        (LossArg::LogitAdjusted, _) => Loss::LogitAdjusted(LogitAdjusted::default()),
    }
}

/// The same for averages.
fn averaging(option: AveragingArg, table: Averaging) -> Averaging {
    match (option, table) {
        (AveragingArg::None, _) => Averaging::None,
        (AveragingArg::Ema, Averaging::Ema(_)) | (AveragingArg::Last, Averaging::Last(_)) => table,
        (AveragingArg::Ema, _) => Averaging::Ema(Ema::default()),
        (AveragingArg::Last, _) => Averaging::Last(LastShare::default()),
    }
}
