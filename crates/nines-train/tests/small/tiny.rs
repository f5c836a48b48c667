//! A task and a model small enough to train in a second: sentences of a few dozen words, of which
//! some hurt, and a randomly initialised BERT with two layers of width 16.

use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_nn::bert::{BertClassifier, HeadConfig};
use nines_train::config::{CheckpointCadence, TrainConfig};
use nines_train::fit::Job;
use nines_train::record::{Observer, Silent, TrainingRecord};
use nines_train::{Roles, TrainError, TrainingData, TrainingRow};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Positions of the tiny model: its window in tokens.
pub const WINDOW: usize = 24;

const PLAIN: [&str; 16] = [
    "she", "he", "they", "walked", "sang", "cooked", "the", "a", "garden", "river", "house",
    "letter", "slowly", "again", "and", "then",
];
const HURTING: [&str; 4] = ["bled", "burned", "crushed", "stabbed"];

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
    let mut model = BertClassifier::random(&config.to_string(), &head, &nines_nn::device::cpu())
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

/// The words of one text; which ones depends on the number alone.
fn words(number: usize, count: usize) -> Vec<&'static str> {
    let hash = ContentHash::of_fields("words", &[&number.to_string()]);
    (0..count)
        .map(|i| PLAIN[usize::from(hash.bytes()[i % 32]) % PLAIN.len()])
        .collect()
}

/// Makes `prompts` families with one safe and one hurting completion each, and a random draw for
/// every second family.
pub fn rows(prompts: usize) -> Vec<TrainingRow> {
    let mut rows = Vec::new();
    for family in 0..prompts {
        let prompt = words(family, 4 + family % 6).join(" ");
        let mut add = |variant: usize, broad: bool, random: bool| {
            let number = 1000 + family * 10 + variant;
            let mut completion = words(number, 3 + (family + variant) % 5);
            if broad {
                completion.insert(number % 3, HURTING[number % HURTING.len()]);
            }
            rows.push(TrainingRow {
                family: ContentHash::of_prompt(&prompt),
                text: SnippetText::new(prompt.clone(), completion.join(" ")),
                broad,
                random,
                source: if random { "generated" } else { "authored" }.into(),
            });
        };
        add(0, false, false);
        add(1, true, false);
        if family % 2 == 0 {
            add(2, false, true);
        }
    }
    rows
}

/// Checked rows.
pub fn data(prompts: usize) -> TrainingData {
    TrainingData::new(rows(prompts)).expect("good rows")
}

/// A recipe that learns the task in a few epochs.
pub fn config() -> TrainConfig {
    TrainConfig {
        seed: 5,
        epochs: 3,
        batch_size: 8,
        learning_rate: 5e-3,
        pool_batches: 3,
        patience: None,
        ..TrainConfig::default()
    }
}

/// Everything that a run needs, in a temporary folder.
pub struct Bench {
    folder: tempfile::TempDir,
    pub base: PathBuf,
    pub data: TrainingData,
    pub roles: Roles,
    pub config: TrainConfig,
    pub cadence: CheckpointCadence,
    pub cancel: CancelFlag,
}

impl Bench {
    pub fn new(prompts: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = data(prompts);
        Self {
            base: base(folder.path()),
            roles: data.split(1),
            data,
            config: config(),
            cadence: CheckpointCadence {
                every_steps: Some(4),
                every_seconds: None,
            },
            cancel: CancelFlag::default(),
            folder,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn train_in(
        &self,
        run: &str,
        observer: &mut dyn Observer,
    ) -> Result<TrainingRecord, TrainError> {
        let run_folder = self.path(run);
        let job = Job {
            base: &self.base,
            data: &self.data,
            roles: &self.roles,
            config: &self.config,
            cadence: self.cadence,
            run_folder: &run_folder,
            cancel: &self.cancel,
        };
        nines_train::train(
            job,
            &self.path(&format!("{run}-out")),
            "an injury",
            observer,
        )
    }

    pub fn train(&self, run: &str) -> TrainingRecord {
        self.train_in(run, &mut Silent).expect("trained")
    }
}
