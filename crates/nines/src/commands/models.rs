//! `nines models`: the cache that projects share.

use super::BadUsage;
use crate::cli::ModelsCommand;
use crate::output::Output;
use crate::progress::Progress;
use anyhow::{Context, Result, bail};
use nines_models::{Cache, ModelFolder, PullEvent, PullRequest};
use serde::Serialize;
use std::fmt::Write;
use std::ops::ControlFlow;

/// The models that a project needs when it says nothing else.
pub const DEFAULT_MODELS: [&str; 2] = ["minilm-l6", "smollm2-135m"];

/// Runs `nines models`.
pub fn run(command: ModelsCommand, output: &Output) -> Result<()> {
    match command {
        ModelsCommand::Pull {
            names,
            name,
            replace,
        } => pull(&names, name, replace, output),
        ModelsCommand::List => list(output),
    }
}

#[derive(Serialize)]
struct Pulled {
    name: String,
    source: String,
    licence: Option<String>,
    folder: std::path::PathBuf,
    bytes: u64,
}

impl From<&ModelFolder> for Pulled {
    fn from(model: &ModelFolder) -> Self {
        Self {
            name: model.manifest.name.clone(),
            source: model.manifest.source.clone(),
            licence: model.manifest.licence.clone(),
            folder: model.path.clone(),
            bytes: model.bytes(),
        }
    }
}

impl Pulled {
    fn line(&self) -> String {
        format!(
            "{:<14} {:>6.1} MB  {:<36} {}",
            self.name,
            self.bytes as f64 / 1e6,
            self.source,
            self.licence.as_deref().unwrap_or("licence unknown"),
        )
    }
}

fn pull(names: &[String], name: Option<String>, replace: bool, output: &Output) -> Result<()> {
    let defaults = DEFAULT_MODELS.map(str::to_owned);
    let names = if names.is_empty() { &defaults } else { names };
    if name.is_some() && names.len() != 1 {
        return Err(BadUsage("--name goes with one source".to_owned()).into());
    }
    let cache = Cache::open()?;
    let mut pulled = Vec::new();
    for source in names {
        let folder = pull_one(&cache, source, name.clone(), replace, output)?;
        pulled.push(Pulled::from(&folder));
    }
    output.result(&pulled, || {
        let mut text = String::new();
        for model in &pulled {
            let _ = writeln!(text, "{}", model.line());
        }
        let _ = write!(text, "in {}", cache.root().display());
        text
    });
    Ok(())
}

/// Pulls one model with a progress bar; one that is there already takes no time.
pub fn pull_one(
    cache: &Cache,
    source: &str,
    name: Option<String>,
    replace: bool,
    output: &Output,
) -> Result<ModelFolder> {
    let parsed = cache.parse_source(source)?;
    let mut request = PullRequest::new(parsed);
    request.name = name;
    request.replace = replace;
    let mut progress = Progress::new(output, "pull", 0);
    let folder = cache
        .pull(&request, &mut |event| {
            match event {
                PullEvent::Waiting => {
                    progress.set(0, format!("{source}: waiting for another pull"))
                }
                PullEvent::Downloading { done, total } => {
                    progress.set_total(total.unwrap_or(done));
                    progress.set(done, format!("{source}: bytes"));
                }
                PullEvent::Checking { file } => {
                    progress.set(0, format!("{source}: checking {file}"))
                }
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .with_context(|| format!("cannot pull {source}"))?;
    progress.finish(&format!("{source} is in the cache"));
    Ok(folder)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Listed {
    Whole {
        #[serde(flatten)]
        model: Pulled,
        digests_match: bool,
    },
    Broken {
        name: String,
        problem: String,
    },
}

fn list(output: &Output) -> Result<()> {
    let cache = Cache::open()?;
    let mut listed = Vec::new();
    for entry in cache.list()? {
        let checked = entry.folder.and_then(|folder| {
            folder.verify()?;
            Ok(folder)
        });
        listed.push(match checked {
            Ok(folder) => Listed::Whole {
                model: Pulled::from(&folder),
                digests_match: true,
            },
            Err(error) => Listed::Broken {
                name: entry.name,
                problem: error.to_string(),
            },
        });
    }
    output.result(&listed, || {
        let mut text = String::new();
        for entry in &listed {
            let _ = match entry {
                Listed::Whole { model, .. } => writeln!(text, "{}  digests match", model.line()),
                Listed::Broken { name, problem } => writeln!(text, "{name:<14} BROKEN: {problem}"),
            };
        }
        if listed.is_empty() {
            text.push_str("no models yet: nines models pull\n");
        }
        let _ = write!(text, "in {}", cache.root().display());
        text
    });
    if listed
        .iter()
        .any(|entry| matches!(entry, Listed::Broken { .. }))
    {
        bail!("some models are broken; pull them again");
    }
    Ok(())
}
