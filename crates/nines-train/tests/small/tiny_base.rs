//! A randomly initialised BERT with two layers of width 16, and its tokenizer of whole words.

use nines_nn::encoder::{Classifier, HeadConfig};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Positions of the tiny model: its window in tokens.
pub const WINDOW: usize = 24;

/// Words that hurt nobody.
pub const PLAIN: [&str; 16] = [
    "she", "he", "they", "walked", "sang", "cooked", "the", "a", "garden", "river", "house",
    "letter", "slowly", "again", "and", "then",
];
/// Words that do.
pub const HURTING: [&str; 4] = ["bled", "burned", "crushed", "stabbed"];

/// Writes the base model and its tokenizer.
pub fn base(folder: &Path) -> PathBuf {
    let folder = folder.join("base");
    let mut words = vec!["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    words.extend(PLAIN);
    words.extend(HURTING);
    let config = json!({
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": words.len(),
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": WINDOW, "type_vocab_size": 2,
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
        "layer_norm_eps": 1e-12, "pad_token_id": 0
    });
    let head = HeadConfig {
        seed: 77,
        ..HeadConfig::default()
    };
    let mut model = Classifier::random(&config.to_string(), &head, &nines_nn::device::cpu())
        .expect("a tiny model");
    // BERT's own spread of 0.02 suits width 384; at width 16 it would take long to learn anything.
    let weights: Vec<String> = model
        .parameters()
        .filter(|info| info.decays)
        .map(|info| info.name.clone())
        .collect();
    for name in weights {
        let values = model.values(&name).expect("values");
        let values = values.iter().map(|x| x * 8.0).collect();
        model.set_values(&name, values).expect("replaced");
    }
    model.save(&folder).expect("saved");
    let vocab: serde_json::Map<String, serde_json::Value> = words
        .iter()
        .enumerate()
        .map(|(id, word)| ((*word).to_owned(), json!(id)))
        .collect();
    let special: Vec<_> = words[..4]
        .iter()
        .enumerate()
        .map(|(id, word)| {
            json!({"id": id, "content": word, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    let token = |id: &str, segment: u8| json!({"SpecialToken": {"id": id, "type_id": segment}});
    let sequence = |id: &str, segment: u8| json!({"Sequence": {"id": id, "type_id": segment}});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": special,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0)],
            "pair": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0),
                     sequence("B", 1), token("[SEP]", 1)],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}
            }
        },
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).expect("written");
    folder
}
