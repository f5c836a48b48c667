//! Training a classifier: rows in, a classifier folder out.

use crate::error::TrainError;
use crate::files::{partial_path, sync_folder_of, write_whole};
use crate::fit::{Fitted, Job, Prepared};
use crate::record::{Identity, Observer, TrainingRecord};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The file beside a classifier that tells how it was trained.
pub const RECORD_FILE: &str = "training.json";

/// Trains a classifier and saves it as a folder: `model.safetensors`, `config.json`, the
/// tokenizer's files, and [`RECORD_FILE`].
///
/// The same job in the same run folder goes on where it was stopped or killed, and ends in the
/// same weights, bit for bit. Where `output` already holds this job's result, its record is
/// returned at once. `label` says what the logit is for (the predicate's name); it is written
/// into config.json.
///
/// # Errors
/// See [`TrainError`]. The output folder appears whole or not at all.
pub fn train(
    job: Job<'_>,
    output: &Path,
    label: &str,
    observer: &mut dyn Observer,
) -> Result<TrainingRecord, TrainError> {
    let prepared = Prepared::new(job)?;
    if let Some(record) = finished(output, prepared.identity())? {
        return Ok(record);
    }
    let fitted = prepared.fit(observer)?;
    save(&fitted, output, label)?;
    fitted.run_folder.clear()?;
    Ok(fitted.record)
}

/// Returns the record of an output folder that already holds this run's result.
fn finished(output: &Path, identity: &Identity) -> Result<Option<TrainingRecord>, TrainError> {
    let is_empty =
        fs::read_dir(output).map_or(!output.exists(), |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(None);
    }
    let record = fs::read(output.join(RECORD_FILE))
        .ok()
        .and_then(|json| serde_json::from_slice::<TrainingRecord>(&json).ok());
    match record {
        Some(record) if record.identity == *identity => Ok(Some(record)),
        _ => Err(TrainError::OutputExists {
            folder: output.to_owned(),
        }),
    }
}

fn save(fitted: &Fitted, output: &Path, label: &str) -> Result<(), TrainError> {
    let failed = |source| TrainError::Write {
        path: output.to_owned(),
        kept: fitted.run_folder.newest(),
        source,
    };
    let partial = partial_path(output);
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir_all(&partial).map_err(failed)?,
    }
    let mut model = fitted.network.model().clone();
    model.set_label(label);
    model.save(&partial)?;
    fitted
        .tokenizer
        .save_into(&partial)
        .map_err(TrainError::Tokenizer)?;
    let json = serde_json::to_vec(&fitted.record).map_err(|e| failed(e.into()))?;
    write_whole(&partial.join(RECORD_FILE), |file| file.write_all(&json)).map_err(failed)?;
    flush_files(&partial)
        .and_then(|()| match fs::remove_dir(output) {
            // An empty folder may stand where the result goes.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::rename(&partial, output),
        })
        .and_then(|()| sync_folder_of(output))
        .map_err(failed)
}

/// Flushes every file of a folder to the disk, and the folder.
fn flush_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(folder)?.sync_all()
}
