//! `nines doctor`: what works on this machine, and what to do about the rest.

use super::models::DEFAULT_MODELS;
use crate::config::{Config, FILE_NAME};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_kernels::Unit;
use nines_kernels::lanes::Hold;
use nines_models::Cache;
use nines_nn::precision::Precision;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    works: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            what,
            works: true,
            detail: detail.into(),
            advice: None,
        }
    }

    fn bad(what: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            what,
            works: false,
            detail: detail.into(),
            advice: Some(advice.into()),
        }
    }
}

/// Runs `nines doctor`.
pub async fn run(folder: &Path, output: &Output) -> Result<()> {
    let mut findings = vec![Finding::good("device", processor()), python()];
    findings.extend(models(Config::read(folder).ok().as_ref()));
    findings.push(project(folder).await);
    output.result(&findings, || words(&findings));
    if findings.iter().any(|finding| !finding.works) {
        bail!("something does not work; see above");
    }
    Ok(())
}

fn processor() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        for (name, there) in [
            ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
            ("FMA", std::arch::is_x86_feature_detected!("fma")),
            ("AVX-512F", std::arch::is_x86_feature_detected!("avx512f")),
            (
                "AVX-512 BF16",
                std::arch::is_x86_feature_detected!("avx512bf16"),
            ),
            (
                "AVX-512 VNNI",
                std::arch::is_x86_feature_detected!("avx512vnni"),
            ),
        ] {
            if there {
                features.push(name);
            }
        }
    }
    if Unit::Amx.is_available() {
        features.push("AMX");
    }
    if Hold::get().is_less() {
        features.push("held to less by NINES_VECTORS");
    }
    format!(
        "cpu, {threads} threads, {}; by default models multiply in {}",
        if features.is_empty() {
            "no vector features known".to_owned()
        } else {
            features.join(", ")
        },
        Precision::fastest()
    )
}

fn python() -> Finding {
    let python = std::env::var_os("NINES_PYTHON").unwrap_or_else(|| "python3".into());
    let version = Command::new(python)
        .args(["-m", "pip", "--version"])
        .output();
    match version {
        Ok(answer) if answer.status.success() => Finding::good(
            "python3 -m pip",
            String::from_utf8_lossy(&answer.stdout)
                .split(" from ")
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
        _ => Finding::bad(
            "python3 -m pip",
            "not found; only `nines models pull pypi:…` needs it",
            "install Python 3 with pip, or pull models from hf: or a folder",
        ),
    }
}

/// Checks the models that the project uses, or those of a new one.
fn models(config: Option<&Config>) -> Vec<Finding> {
    let names: Vec<&str> = match config {
        None => DEFAULT_MODELS.to_vec(),
        Some(config) => {
            let local = config.generator.endpoint.is_none();
            let generator = local.then_some(config.generator.model.as_str());
            let named = |name: &&str| !name.ends_with(".gguf");
            [Some(config.classifier.base.as_str()), generator]
                .into_iter()
                .flatten()
                .filter(named)
                .collect()
        }
    };
    let cache = match Cache::open() {
        Ok(cache) => cache,
        Err(error) => {
            return vec![Finding::bad(
                "models",
                error.to_string(),
                "set NINES_CACHE to a folder",
            )];
        }
    };
    names
        .into_iter()
        .map(|name| match cache.verify(name) {
            Ok(folder) => Finding::good(
                "model",
                format!("{name}, digests match, in {}", folder.path.display()),
            ),
            Err(error) => Finding::bad(
                "model",
                format!("{name}: {error}"),
                format!("nines models pull {name}"),
            ),
        })
        .collect()
}

async fn project(folder: &Path) -> Finding {
    if !folder.join(FILE_NAME).exists() {
        return Finding::good(
            "project",
            format!("{} is no project; that is fine", folder.display()),
        );
    }
    let opened = match Project::open(folder).await {
        Ok(project) => project.store.describe().await.map_err(anyhow::Error::new),
        Err(error) => Err(error),
    };
    match opened {
        Ok(store) => Finding::good(
            "database",
            format!("{}, {}", store.database, store.location),
        ),
        Err(error) => Finding::bad("database", format!("{error:#}"), "see the message"),
    }
}

fn words(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = if finding.works { "ok  " } else { "BAD " };
        let _ = writeln!(text, "{mark} {:<15} {}", finding.what, finding.detail);
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "{:21} -> {advice}", "");
        }
    }
    text
}
