//! Digests of what a run is given: it goes on only with the same.

use super::Job;
use crate::error::TrainError;
use crate::network::Network;
use crate::tensors;
use nines_domain::snippet::ContentHash;
use std::fs;
use std::path::Path;

/// Returns a digest of texts, families, labels and parts; of severities, where they count.
pub(super) fn data_digest(job: &Job<'_>) -> String {
    let roles = job.roles.digest();
    let mut fields = vec![job.data.digest(), &roles];
    let severities: String;
    if job.config.weighs_severity() {
        let words = job.data.rows().iter().map(|row| match row.severity {
            Some(severity) => char::from(b'0' + u8::from(severity)),
            None => '-',
        });
        severities = words.collect();
        fields.push(&severities);
    }
    ContentHash::of_fields("run data", &fields).to_string()
}

/// The files that a tokenizer is made of. What the weights and the configuration say is digested
/// as the network has it.
const TOKENIZER_FILES: [&str; 7] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

/// Returns a digest of all that a run takes from its base: weights, configuration, tokenizer.
pub(super) fn base_digest(base: &Path, network: &Network) -> Result<String, TrainError> {
    let mut parts = vec![
        ("weights", network.digest()?.into_bytes()),
        (
            "configuration",
            network.model().config().to_json("").into_bytes(),
        ),
    ];
    for name in TOKENIZER_FILES {
        let path = base.join(name);
        if path.is_file() {
            let bytes = fs::read(&path).map_err(|source| TrainError::Read { path, source })?;
            parts.push((name, bytes));
        }
    }
    Ok(tensors::digest(
        parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())),
    ))
}
