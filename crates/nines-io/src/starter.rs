//! The starter project's data, embedded: a labelling guide, authored snippets, and labelled
//! completions of the default generator. `data/starter/README.md` tells how they were made.
//!
//! Every label in it comes from a language model that followed the guide, so every labeller is a
//! judge, not a person.

use crate::error::IoError;
use crate::import::ReadOptions;
use crate::json;
use crate::rows::{Row, SnippetRow};
use nines_domain::label::LabellerKind;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

/// The name of the starter predicate.
pub const PREDICATE_NAME: &str = "an injury";

/// The version of the starter predicate.
pub const PREDICATE_VERSION: u32 = 1;

/// The files of the starter data, by name.
pub const FILES: [(&str, &str); 10] = [
    ("README.md", include_str!("../../../data/starter/README.md")),
    (
        "labelling-guide.md",
        include_str!("../../../data/starter/labelling-guide.md"),
    ),
    (
        "part1.jsonl",
        include_str!("../../../data/starter/part1.jsonl"),
    ),
    (
        "part2.jsonl",
        include_str!("../../../data/starter/part2.jsonl"),
    ),
    (
        "part3.jsonl",
        include_str!("../../../data/starter/part3.jsonl"),
    ),
    (
        "part4.jsonl",
        include_str!("../../../data/starter/part4.jsonl"),
    ),
    (
        "part5.jsonl",
        include_str!("../../../data/starter/part5.jsonl"),
    ),
    (
        "part6.jsonl",
        include_str!("../../../data/starter/part6.jsonl"),
    ),
    (
        "part7.jsonl",
        include_str!("../../../data/starter/part7.jsonl"),
    ),
    (
        "generated.jsonl",
        include_str!("../../../data/starter/generated.jsonl"),
    ),
];

/// How a generated snippet was chosen for labelling, as its `meta.pick` says.
pub const RANDOM_PICK: &str = "random";

/// Returns the labelling guide: the predicate in Markdown.
pub fn guide() -> &'static str {
    FILES[1].1
}

/// Returns all starter snippets with their labels, in the order of the files.
///
/// - Authored (`source` `starter/part1` … `starter/part7`): one label each, by its author
///   (`author:part1` …), yes with severity 2 or no; `kind` and `genre` stand in `meta`.
/// - Generated (`source` `starter/generated`): two labels each, by `r1` … `r8`; `meta.pick` says
///   how the row was chosen, and only [`RANDOM_PICK`] rows estimate a rate.
///
/// # Errors
/// None with the files as shipped; a test reads them all.
pub fn snippets() -> Result<Vec<SnippetRow>, IoError> {
    let mut rows = Vec::new();
    for (file, text) in FILES {
        let Some(stem) = file.strip_suffix(".jsonl") else {
            continue;
        };
        let options = ReadOptions {
            labeller: (stem != "generated").then(|| format!("author:{stem}")),
            labeller_kind: Some(LabellerKind::Judge),
            ..ReadOptions::default()
        };
        for (line, text) in (1..).zip(text.lines()) {
            let bad = |fault| IoError::BadRow {
                path: Path::new("data/starter").join(file),
                line,
                fault,
            };
            let fields = json::object(text).map_err(bad)?;
            let row = SnippetRow::read(line, fields, &options).map_err(bad)?;
            if let Some(mut row) = row {
                row.set_default_source(&format!("starter/{stem}"));
                if stem == "generated" {
                    let generator =
                        "SmolLM2-135M-Instruct, temperature 0.9, top-p 0.95, first sentence";
                    row.meta
                        .insert("generator".to_owned(), Value::from(generator));
                }
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// Returns the SHA-256 of the starter data's files, names included, in hexadecimal.
pub fn digest() -> String {
    let mut hasher = Sha256::new();
    for text in FILES.iter().flat_map(|(name, text)| [name, text]) {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the starter prompts, each once, in order of appearance.
///
/// # Errors
/// As [`snippets`].
pub fn prompts() -> Result<Vec<String>, IoError> {
    let mut seen = BTreeSet::new();
    let mut prompts = Vec::new();
    for row in snippets()? {
        if seen.insert(row.text.prompt.clone()) {
            prompts.push(row.text.prompt);
        }
    }
    Ok(prompts)
}
