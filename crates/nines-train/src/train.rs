//! Training a classifier: rows in, a classifier folder out.

use crate::checkpoint::RunFolder;
use crate::error::TrainError;
use crate::files::{partial_path, sync_folder_of, write_whole};
use crate::fit::{Fitted, Job, Prepared};
use crate::record::{Identity, Observer, TrainingRecord};
use nines_nn::error::NnError;
use nines_text::TextError;
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
        // A run that was killed after its result was saved left its checkpoints behind.
        RunFolder::clear_finished(job.run_folder, prepared.identity())?;
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

/// Saves the result beside its place and renames it into place.
pub(crate) fn save(fitted: &Fitted, output: &Path, label: &str) -> Result<(), TrainError> {
    let partial = partial_path(output);
    let failed = |source| TrainError::Write {
        path: output.to_owned(),
        kept: fitted.run_folder.newest(),
        source,
    };
    remove_folder(&partial).map_err(failed)?;
    let saved = write_folder(fitted, &partial, label)
        .and_then(|()| {
            // An empty folder may stand where the result goes.
            match fs::remove_dir(output) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => fs::rename(&partial, output),
            }
            .and_then(|()| sync_folder_of(output))
            .map_err(TrainError::from_write)
        })
        .map_err(|error| match error {
            TrainError::Write { source, .. } => failed(source),
            other => other,
        });
    if saved.is_err() {
        // Half a result is of no use and holds space; failing to remove it changes nothing.
        let _ = remove_folder(&partial);
    }
    saved
}

fn write_folder(fitted: &Fitted, folder: &Path, label: &str) -> Result<(), TrainError> {
    fs::create_dir_all(folder).map_err(TrainError::from_write)?;
    let mut model = fitted.network.model().clone();
    model.set_label(label);
    model.save(folder).map_err(|error| match error {
        NnError::Write { source, .. } => TrainError::from_write(source),
        other => other.into(),
    })?;
    fitted
        .tokenizer
        .save_into(folder)
        .map_err(|error| match error {
            TextError::File { source, .. } => TrainError::from_write(source),
            other => TrainError::Tokenizer(other),
        })?;
    let json = serde_json::to_vec(&fitted.record).map_err(|e| TrainError::from_write(e.into()))?;
    write_whole(&folder.join(RECORD_FILE), |file| file.write_all(&json))
        .and_then(|()| flush_files(folder))
        .map_err(TrainError::from_write)
}

pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Flushes every file of a folder to the disk, and the folder.
fn flush_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(folder)?.sync_all()
}
