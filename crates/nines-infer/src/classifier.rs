//! The scorer made of one trained classifier: a folder with its model and its tokenizer.

use crate::gradients::Differentiable;
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::{Classifier, Mode};
use nines_nn::error::NnError;
use nines_nn::precision::Precision;
use nines_text::{EncodedSnippet, SnippetPart, SnippetTokenizer, TextError};
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

mod gradient;
mod states;

/// Tokens of one batch: enough to keep all cores busy, little enough memory.
const BATCH_TOKENS: usize = 4096;

/// Snippets that are cut into tokens before their windows are scored, so that memory does not grow
/// with the file.
const STRETCH: usize = 4096;

/// The files that a score depends on.
const FILES: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];

/// Digits of their digest in the version.
const DIGITS: usize = 16;

/// What happens to a snippet longer than the model's window. Nothing is ever cut silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongPolicy {
    /// It has no score, and is therefore never accepted.
    #[default]
    Refuse,
    /// It is read through windows that together hold every token; the highest score counts.
    MaxWindow,
}

/// A classifier folder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadClassifierError {
    /// The model cannot be read.
    #[error(transparent)]
    Model(#[from] NnError),
    /// The tokenizer cannot be read.
    #[error(transparent)]
    Tokenizer(#[from] TextError),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The tokenizer has tokens that the model does not know.
    #[error(
        "the tokenizer in {folder} has a token of id {id}, but the model knows {vocabulary} tokens; take \
         tokenizer.json and the weights from the same model"
    )]
    Vocabulary {
        /// The folder.
        folder: PathBuf,
        /// The largest id of a token.
        id: u64,
        /// How many tokens the model knows.
        vocabulary: usize,
    },
}

/// One trained classifier, ready to score.
///
/// A snippet's score depends on the snippet, the folder and the arithmetic alone: neither what is scored beside it
/// nor the number of cores changes a bit of it. The arithmetic is the precision where layers are fused, and the same on
/// every CPU that has it; of other families it is [`nines_nn::composed`], which the CPU has a part in.
pub struct ClassifierScorer {
    model: Classifier,
    tokenizer: SnippetTokenizer,
    long: LongPolicy,
    version: String,
}

/// A stretch of one snippet that fits the model.
struct Window {
    /// The snippet it belongs to.
    snippet: usize,
    encoded: EncodedSnippet,
}

impl ClassifierScorer {
    /// Loads a folder: config.json, model.safetensors, tokenizer.json.
    ///
    /// # Errors
    /// [`LoadClassifierError`]: a missing or damaged file, another architecture, wrong shapes, a
    /// tokenizer of another model.
    pub fn load(folder: &Path, long: LongPolicy) -> Result<Self, LoadClassifierError> {
        let tokenizer = SnippetTokenizer::from_folder(folder)?;
        let model = Classifier::load(folder, &nines_nn::device::cpu())?;
        check_vocabulary(folder, &tokenizer, model.config().vocab_size)?;
        Ok(Self {
            model,
            tokenizer,
            long,
            version: version_of(folder, "classifier")?,
        })
    }

    /// Chooses what the model multiplies in; 32 bits until then.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.model.set_precision(precision);
        self
    }

    /// Returns how many tokens fit the model, special tokens included.
    pub fn window(&self) -> usize {
        self.model.config().max_positions
    }

    /// Cuts a snippet into tokens.
    fn encode(&self, snippet: &SnippetText) -> Result<EncodedSnippet, Unscoreable> {
        if snippet.completion.trim().is_empty() {
            return Err(Unscoreable::EmptyCompletion);
        }
        let encoded = self
            .tokenizer
            .encode(&snippet.prompt, &snippet.completion)
            .map_err(|error| Unscoreable::Tokens(error.to_string()))?;
        // Text that the tokenizer drops, such as a zero-width space, is no completion either.
        if encoded.part_len(SnippetPart::Completion) == 0 {
            return Err(Unscoreable::EmptyCompletion);
        }
        Ok(encoded)
    }

    /// Cuts a snippet into the windows that the model will read.
    fn windows(&self, snippet: &SnippetText) -> Result<Vec<EncodedSnippet>, Unscoreable> {
        let tokens = |error: TextError| Unscoreable::Tokens(error.to_string());
        let encoded = self.encode(snippet)?;
        let window = self.window();
        match self.long {
            _ if encoded.len() <= window => Ok(vec![encoded]),
            LongPolicy::MaxWindow => encoded.windows(window).map_err(tokens),
            LongPolicy::Refuse => Err(Unscoreable::TooLong {
                tokens: encoded.len(),
                window,
            }),
        }
    }

    /// Scores a stretch of snippets; `progress` is told how many of them are done.
    fn score_stretch(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let cut: Vec<_> = snippets.par_iter().map(|text| self.windows(text)).collect();
        let mut worst: Vec<Result<f64, Unscoreable>> = Vec::with_capacity(snippets.len());
        let mut windows = Vec::with_capacity(snippets.len());
        for (snippet, cut) in cut.into_iter().enumerate() {
            worst.push(cut.map(|cut| {
                windows.extend(cut.into_iter().map(|encoded| Window { snippet, encoded }));
                f64::NEG_INFINITY
            }));
        }
        // Long ones first, so that the last batch, which may leave a core idle, is a small one.
        windows.sort_by_key(|window| std::cmp::Reverse(window.encoded.len()));
        let (mut rest, all) = (windows.as_slice(), windows.len().max(1));
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fitting(rest));
            for (window, logit) in batch.iter().zip(each_logit(&self.model, batch)) {
                keep_worst(&mut worst[window.snippet], logit);
            }
            rest = later;
            progress((all - rest.len()) * snippets.len() / all);
        }
        worst
            .into_iter()
            .map(|worst| Score::new(worst?).map_err(|error| Unscoreable::Model(error.to_string())))
            .collect()
    }
}

impl Scorer for ClassifierScorer {
    fn version(&self) -> &str {
        &self.version
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        let failed = |error: TextError| Unscoreable::Tokens(error.to_string());
        let encoded = match self.tokenizer.encode(prompt, ".") {
            Ok(encoded) => encoded,
            Err(error) => return Some(failed(error)),
        };
        // Of a full stop some vocabularies make more than the one token that every completion has.
        let tokens = encoded.len() - encoded.part_len(SnippetPart::Completion) + 1;
        let window = self.window();
        match self.long {
            _ if tokens <= window => None,
            LongPolicy::Refuse => Some(Unscoreable::TooLong { tokens, window }),
            LongPolicy::MaxWindow => encoded.windows(window).err().map(failed),
        }
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let mut scores = Vec::with_capacity(snippets.len());
        for stretch in snippets.chunks(STRETCH) {
            let before = scores.len();
            scores.extend(self.score_stretch(stretch, &mut |done| progress(before + done)));
            progress(scores.len());
        }
        scores
    }
}

/// Computes the logit of each window. Should the batch fail, each is asked for alone, so that one
/// that cannot be read takes no score from the others.
fn each_logit(model: &Classifier, windows: &[Window]) -> Vec<Result<f32, Unscoreable>> {
    match logits(model, windows) {
        Ok(logits) => logits.into_iter().map(Ok).collect(),
        Err(reason) if windows.len() == 1 => vec![Err(reason)],
        Err(_) => windows
            .chunks(1)
            .flat_map(|alone| each_logit(model, alone))
            .collect(),
    }
}

/// Computes the logits of a batch of windows.
fn logits(model: &Classifier, windows: &[Window]) -> Result<Vec<f32>, Unscoreable> {
    let rows: Vec<(&[u32], &[u8])> = windows
        .iter()
        .map(|w| (w.encoded.ids.as_slice(), w.encoded.type_ids.as_slice()))
        .collect();
    let failed = |reason: String| Unscoreable::Model(reason);
    let logits = model
        .logits(&TokenBatch::from_rows(&rows), Mode::Evaluate)
        .map_err(|error| failed(error.to_string()))?
        .into_data()
        .try_into_vec::<f32>()
        .map_err(|error| failed(error.to_string()))?;
    if logits.len() == windows.len() {
        Ok(logits)
    } else {
        let (found, wanted) = (logits.len(), windows.len());
        Err(failed(format!("{found} logits for {wanted} texts")))
    }
}

/// Keeps the higher of a snippet's logits. A window without a finite one leaves the snippet without
/// a score, whatever its other windows say.
fn keep_worst(worst: &mut Result<f64, Unscoreable>, logit: Result<f32, Unscoreable>) {
    let Ok(highest) = worst else { return };
    let score = logit.and_then(|logit| {
        Score::new(f64::from(logit)).map_err(|error| Unscoreable::Model(error.to_string()))
    });
    match score {
        Ok(score) => *highest = highest.max(score.logit()),
        Err(reason) => *worst = Err(reason),
    }
}

/// Counts how many of the next windows make one batch.
fn fitting(windows: &[Window]) -> usize {
    let mut tokens = 0;
    let fitting = windows.iter().take_while(|window| {
        tokens += window.encoded.len();
        tokens <= BATCH_TOKENS
    });
    fitting.count().max(1)
}

/// Names a model folder and its content.
pub(crate) fn version_of(folder: &Path, otherwise: &str) -> Result<String, LoadClassifierError> {
    let digest = digest(folder)?;
    let name = folder
        .file_name()
        .map_or(otherwise.into(), |name| name.to_string_lossy());
    Ok(format!("{name}@{}", &digest[..DIGITS]))
}

/// Makes sure that the model knows every token of the tokenizer.
pub(crate) fn check_vocabulary(
    folder: &Path,
    tokenizer: &SnippetTokenizer,
    vocabulary: usize,
) -> Result<(), LoadClassifierError> {
    let path = folder.join("tokenizer.json");
    let bytes = std::fs::read(&path).map_err(|source| LoadClassifierError::File {
        path: path.clone(),
        source,
    })?;
    let json: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let reason = error.to_string();
        TextError::BadTokenizer { path, reason }
    })?;
    let last = match &json["model"]["vocab"] {
        Value::Object(ids) => ids.values().filter_map(Value::as_u64).max(),
        Value::Array(tokens) => (tokens.len() as u64).checked_sub(1),
        _ => None,
    };
    let added = json["added_tokens"].as_array().into_iter().flatten();
    let added = added.filter_map(|token| token["id"].as_u64()).max();
    // An added token that is not where the file says comes after all others.
    let next = u32::try_from(vocabulary).ok();
    let next = next.filter(|id| tokenizer.token(*id).is_some());
    match last.max(added).max(next.map(u64::from)) {
        Some(id) if id >= vocabulary as u64 => Err(LoadClassifierError::Vocabulary {
            folder: folder.to_owned(),
            id,
            vocabulary,
        }),
        _ => Ok(()),
    }
}

/// Digests the files that a score depends on.
fn digest(folder: &Path) -> Result<String, LoadClassifierError> {
    let mut hasher = Sha256::new();
    for name in FILES {
        let path = folder.join(name);
        let mut digest = || {
            let mut file = std::fs::File::open(&path)?;
            hasher.update(file.metadata()?.len().to_le_bytes());
            std::io::copy(&mut file, &mut hasher)
        };
        if let Err(source) = digest() {
            return Err(LoadClassifierError::File { path, source });
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_nn::encoder::HeadConfig;

    fn model() -> Classifier {
        let config = r#"{"model_type": "bert", "vocab_size": 30, "hidden_size": 16,
            "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
            "max_position_embeddings": 8, "type_vocab_size": 2}"#;
        Classifier::random(config, &HeadConfig::default(), &nines_nn::device::cpu())
            .expect("a tiny model")
    }

    fn window(ids: &[u32]) -> Window {
        let encoded = EncodedSnippet {
            ids: ids.to_vec(),
            type_ids: vec![0; ids.len()],
            offsets: vec![None; ids.len()],
        };
        Window {
            snippet: 0,
            encoded,
        }
    }

    #[test]
    fn a_window_that_cannot_be_read_spoils_no_other() {
        let model = model();
        let good = [window(&[1, 2, 3]), window(&[4, 5, 6, 7])];
        let expected = logits(&model, &good).expect("scored");
        let [first, second] = good;
        let windows = [first, window(&[1, 30]), second, window(&[1; 9])];
        let found = each_logit(&model, &windows);
        assert_eq!((&found[0], &found[2]), (&Ok(expected[0]), &Ok(expected[1])));
        for bad in [&found[1], &found[3]] {
            assert!(matches!(bad, Err(Unscoreable::Model(_))), "{bad:?}");
        }
        assert!(each_logit(&model, &[]).is_empty());
    }

    #[test]
    fn one_window_without_a_score_leaves_the_snippet_without_one() {
        let worst = |logits: &[f32]| {
            let mut worst = Ok(f64::NEG_INFINITY);
            for &logit in logits {
                keep_worst(&mut worst, Ok(logit));
            }
            worst
        };
        assert_eq!(worst(&[-1.0, 2.0, 0.5]), Ok(2.0));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for logits in [[bad, 1.0], [1.0, bad]] {
                assert!(matches!(worst(&logits), Err(Unscoreable::Model(_))));
            }
        }
    }
}
