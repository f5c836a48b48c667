//! The crates depend on each other only along the arrows of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crate, and the workspace crates that it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("nines-domain", &[]),
    ("nines-stats", &[]),
    ("nines-kernels", &[]),
    ("nines-nn", &["nines-kernels"]),
    ("nines-models", &[]),
    ("nines-text", &[]),
    ("nines-report", &["nines-domain"]),
    ("nines-world", &["nines-domain", "nines-stats"]),
    ("nines-store", &["nines-domain"]),
    ("nines-jobs", &["nines-domain", "nines-store"]),
    ("nines-io", &["nines-domain", "nines-text"]),
    (
        "nines-infer",
        &["nines-domain", "nines-kernels", "nines-nn", "nines-text"],
    ),
    (
        "nines-train",
        &[
            "nines-domain",
            "nines-infer",
            "nines-kernels",
            "nines-nn",
            "nines-stats",
            "nines-text",
        ],
    ),
    (
        "nines-attack",
        &["nines-domain", "nines-infer", "nines-stats", "nines-text"],
    ),
    (
        "nines-server",
        &[
            "nines-attack",
            "nines-domain",
            "nines-infer",
            "nines-jobs",
            "nines-measure",
            "nines-stats",
            "nines-store",
            "nines-text",
        ],
    ),
    (
        "nines-measure",
        &["nines-domain", "nines-infer", "nines-stats"],
    ),
];

/// Only these may see tensors.
const BURN: &[&str] = &["nines-nn", "nines-train"];

#[test]
fn dependencies_follow_the_arrows() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("name").to_owned();
        let dependencies = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|d| d["kind"].is_null())
            .map(|d| d["name"].as_str().expect("name").to_owned())
            .collect();
        found.insert(name, dependencies);
    }
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, dependencies) in &found {
        if name == "nines" {
            continue;
        }
        let Some(allowed) = allowed.get(name.as_str()) else {
            panic!("{name} has no place in the list of arrows; add it here and in ARCHITECTURE.md");
        };
        for dependency in dependencies.iter().filter(|d| d.starts_with("nines")) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
        if dependencies.iter().any(|d| d.starts_with("burn")) {
            assert!(BURN.contains(&name.as_str()), "{name} must not import burn");
        }
    }
}
