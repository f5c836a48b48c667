//! From GGUF metadata to a tokenizer.

use nines_nn::gguf::{GgufError, GgufFile, GgufValue};
use nines_text::GgufVocabulary;

/// Reads the vocabulary in a GGUF file's metadata.
///
/// # Errors
/// [`GgufError`] where the vocabulary is missing or a value is of the wrong kind.
pub fn gguf_vocabulary(file: &GgufFile) -> Result<GgufVocabulary, GgufError> {
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let id = |name: &str| {
        let read = |value: &GgufValue| value.as_u64().and_then(|id| u32::try_from(id).ok());
        file.optional(&key(name), "a token id", read)
    };
    let flag = |name: &str| file.optional(&key(name), "true or false", GgufValue::as_bool);
    let texts = |name: &str| {
        let list = file.optional(&key(name), "a list of texts", GgufValue::as_texts)?;
        Ok::<_, GgufError>(list.map(<[String]>::to_vec))
    };
    let integers = file.optional(
        &key("token_type"),
        "a list of integers",
        GgufValue::as_integers,
    )?;
    let floats = file.optional(&key("scores"), "a list of numbers", GgufValue::as_floats)?;
    let pre = file.optional(&key("pre"), "a text", GgufValue::as_str)?;
    Ok(GgufVocabulary {
        model: file.text(&key("model"))?.to_owned(),
        pre: pre.unwrap_or_default().to_owned(),
        tokens: texts("tokens")?.ok_or_else(|| GgufError::MissingMetadata {
            path: file.path().to_owned(),
            key: key("tokens"),
        })?,
        token_types: integers
            .unwrap_or_default()
            .iter()
            .map(|&kind| i32::try_from(kind).unwrap_or(0))
            .collect(),
        merges: texts("merges")?.unwrap_or_default(),
        scores: floats
            .unwrap_or_default()
            .iter()
            .map(|&score| score as f32)
            .collect(),
        bos: id("bos_token_id")?,
        eos: id("eos_token_id")?,
        eot: id("eot_token_id")?,
        unknown: id("unknown_token_id")?,
        padding: id("padding_token_id")?,
        add_bos: flag("add_bos_token")?,
        add_space_prefix: flag("add_space_prefix")?,
    })
}
