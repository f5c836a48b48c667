//! Which files of a repository or folder make a model: configuration, tokenizer and weights, and
//! nothing that could run code.

use crate::error::ModelsError;

const SIDE_FILES: [&str; 12] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "model.safetensors.index.json",
    "LICENSE",
    "README.md",
];

fn is_weights(name: &str) -> bool {
    name == "model.safetensors"
        || (name.starts_with("model-") && name.contains("-of-") && name.ends_with(".safetensors"))
}

/// Chooses the needed files among those at the top of a repository or folder, in order of name:
/// the one GGUF file (`only`, or the only one), or `config.json`, `tokenizer.json` and safetensors
/// with what belongs to them.
///
/// # Errors
/// [`ModelsError::NotAModel`] when something needed is missing or the choice is in doubt.
pub(crate) fn select(
    names: &[String],
    only: Option<&str>,
    place: &str,
) -> Result<Vec<String>, ModelsError> {
    let wrong = |reason: String| ModelsError::NotAModel {
        place: place.to_owned(),
        reason,
    };
    let has = |name: &str| names.iter().any(|n| n == name);
    let mut ggufs: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| name.ends_with(".gguf"))
        .collect();
    ggufs.sort_unstable();
    let listed = |list: &[&str]| {
        let shown: Vec<&str> = list.iter().copied().take(20).collect();
        let more = list.len() - shown.len();
        match more {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };

    let mut chosen: Vec<String> = if let Some(only) = only {
        if !has(only) {
            return Err(wrong(format!(
                "it has no file {only}; its GGUF files: {}",
                if ggufs.is_empty() {
                    "none".to_owned()
                } else {
                    listed(&ggufs)
                }
            )));
        }
        vec![only.to_owned()]
    } else if names.iter().any(|name| is_weights(name)) {
        for needed in ["config.json", "tokenizer.json"] {
            if !has(needed) {
                return Err(wrong(format!(
                    "it has no {needed} (a fast tokenizer and a configuration are needed beside the weights)"
                )));
            }
        }
        let sharded = !has("model.safetensors");
        if sharded && !has("model.safetensors.index.json") {
            return Err(wrong(
                "its weights are in parts, but model.safetensors.index.json is missing".to_owned(),
            ));
        }
        names
            .iter()
            .filter(|name| is_weights(name) && (sharded || *name == "model.safetensors"))
            .cloned()
            .collect()
    } else {
        match ggufs.as_slice() {
            [] => {
                return Err(wrong(
                    "it has neither model.safetensors nor a GGUF file (pickled weights such as \
                     pytorch_model.bin can run code and are not read: convert them to safetensors)"
                        .to_owned(),
                ));
            }
            [one] => vec![(*one).to_owned()],
            several => {
                return Err(wrong(format!(
                    "it has several GGUF files, so name one after `#` (for a folder: give the \
                     file's path): {}",
                    listed(several)
                )));
            }
        }
    };
    chosen.extend(
        names
            .iter()
            .filter(|name| SIDE_FILES.contains(&name.as_str()))
            .cloned(),
    );
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn takes_what_a_model_needs_and_nothing_else() {
        let all = names(&[
            "pytorch_model.bin",
            "model.safetensors",
            "config.json",
            "tokenizer.json",
            "modeling_custom.py",
            "onnx/model.onnx",
            "vocab.txt",
            "extra-q4.gguf",
        ]);
        assert_eq!(
            select(&all, None, "x").expect("usable"),
            names(&[
                "config.json",
                "model.safetensors",
                "tokenizer.json",
                "vocab.txt"
            ])
        );
        assert_eq!(
            select(&all, Some("extra-q4.gguf"), "x").expect("usable"),
            names(&[
                "config.json",
                "extra-q4.gguf",
                "tokenizer.json",
                "vocab.txt"
            ])
        );
    }

    #[test]
    fn says_what_is_missing() {
        for (list, word) in [
            (
                names(&["config.json", "model.safetensors"]),
                "tokenizer.json",
            ),
            (
                names(&["tokenizer.json", "model.safetensors"]),
                "config.json",
            ),
            (names(&["pytorch_model.bin", "config.json"]), "pickled"),
            (names(&["a.gguf", "b.gguf"]), "a.gguf, b.gguf"),
            (
                names(&[
                    "model-00001-of-00002.safetensors",
                    "config.json",
                    "tokenizer.json",
                ]),
                "index",
            ),
            (names(&[]), "neither"),
        ] {
            let error = select(&list, None, "the folder")
                .expect_err("not a model")
                .to_string();
            assert!(
                error.contains(word) && error.contains("the folder"),
                "{error}"
            );
        }
    }
}
