//! The same rows, folds, batches and first weights for another program, so that two training
//! programs can be compared on nothing but their arithmetic.
//!
//! ```text
//! rows.jsonl      row, snippet, prompt, completion, label, family, source, random, fold
//! recipe.json     the configuration and the number of folds
//! fold-K.json     roles (one letter a row), positive weight, learning rates, evaluations, batches
//! initial/        the model before its first update, as transformers loads it
//! ```

use crate::cross_validation::CrossValidationJob;
use crate::data::Role;
use crate::error::TrainError;
use crate::files::write_whole;
use crate::fit::{Job, Prepared};
use nines_domain::split::Split;
use serde_json::json;
use std::path::Path;

/// Writes everything that another program needs to repeat a cross-validation.
///
/// # Errors
/// As [`crate::cross_validate`] before its first update, and [`TrainError::Write`].
pub fn export_folds(job: CrossValidationJob<'_>, folder: &Path) -> Result<(), TrainError> {
    let failed = |source| TrainError::Write {
        path: folder.to_owned(),
        kept: None,
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let write = |name: &str, lines: &[serde_json::Value]| {
        let path = folder.join(name);
        write_whole(&path, |file| {
            lines.iter().try_for_each(|line| writeln!(file, "{line}"))
        })
        .map_err(|source| TrainError::Write {
            path,
            kept: None,
            source,
        })
    };
    let seed = job.config.split_seed;
    let rows = job.data.rows().iter().zip(job.data.hashes()).enumerate();
    let rows: Vec<_> = rows
        .map(|(index, (row, hash))| {
            json!({
                "row": index,
                "snippet": hash,
                "prompt": row.text.prompt,
                "completion": row.text.completion,
                "label": row.broad,
                "family": row.family,
                "source": row.source,
                "random": row.random,
                "fold": Split::fold_of_family(&row.family, seed, job.folds),
            })
        })
        .collect();
    write("rows.jsonl", &rows)?;
    write(
        "recipe.json",
        &[json!({"config": job.config, "folds": job.folds})],
    )?;
    for fold in 0..job.folds {
        let roles = job.data.fold(fold, job.folds, seed);
        let prepared = Prepared::new(Job {
            base: job.base,
            data: job.data,
            roles: &roles,
            config: job.config,
            cadence: job.cadence,
            run_folder: job.folder,
            cancel: job.cancel,
        })?;
        if fold == 0 {
            let initial = folder.join("initial");
            prepared.network().model().save(&initial)?;
            prepared
                .tokenizer()
                .save_into(&initial)
                .map_err(TrainError::Tokenizer)?;
        }
        let letters: String = (0..job.data.rows().len())
            .map(|row| match roles.role(row) {
                Role::Train => 't',
                Role::Validation => 'v',
                Role::HeldOut => 'h',
                Role::LeftOut => 'x',
            })
            .collect();
        let schedule = prepared.schedule();
        let rates: Vec<f64> = (1..=prepared.steps())
            .map(|t| schedule.learning_rate(t))
            .collect();
        let evaluations: Vec<u64> = (1..=prepared.steps())
            .filter(|&step| prepared.evaluates_after(step))
            .collect();
        let batches: Vec<_> = (0..job.config.epochs)
            .map(|epoch| prepared.plan().epoch(epoch))
            .collect();
        let plan = json!({
            "fold": fold,
            "roles": letters,
            "positive_weight": prepared.positive_weight(),
            "learning_rates": rates,
            "evaluate_after": evaluations,
            "batches": batches,
        });
        write(&format!("fold-{fold}.json"), &[plan])?;
    }
    Ok(())
}
