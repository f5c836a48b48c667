//! The scorer made of one trained classifier: a folder with its model and its tokenizer.

use crate::scorer::{Scorer, Unscoreable};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_nn::batch::TokenBatch;
use nines_nn::bert::{BertClassifier, Mode};
use nines_nn::error::NnError;
use nines_text::{EncodedSnippet, SnippetTokenizer, TextError};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

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
}

/// One trained classifier, ready to score.
///
/// A snippet's score depends on the snippet and the folder; what is scored beside it moves it by no
/// more than the rounding of the head's 32-bit products (below 1e-6), and the number of cores by
/// nothing. The same snippets in one call give the same scores, bit for bit.
pub struct ClassifierScorer {
    model: BertClassifier,
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
    /// [`LoadClassifierError`]: a missing or damaged file, another architecture, wrong shapes.
    pub fn load(folder: &Path, long: LongPolicy) -> Result<Self, LoadClassifierError> {
        let tokenizer = SnippetTokenizer::from_folder(folder)?;
        let model = BertClassifier::load(folder, &nines_nn::device::cpu())?;
        let digest = digest(folder)?;
        let name = folder
            .file_name()
            .map_or("classifier".into(), |name| name.to_string_lossy());
        let version = format!("{name}@{}", &digest[..DIGITS]);
        Ok(Self {
            model,
            tokenizer,
            long,
            version,
        })
    }

    /// Returns how many tokens fit the model, special tokens included.
    pub fn window(&self) -> usize {
        self.model.config().max_positions
    }

    /// Cuts a snippet into the windows that the model will read.
    fn windows(&self, snippet: &SnippetText) -> Result<Vec<EncodedSnippet>, Unscoreable> {
        if snippet.completion.trim().is_empty() {
            return Err(Unscoreable::EmptyCompletion);
        }
        let tokens = |error: TextError| Unscoreable::Tokens(error.to_string());
        let encoded = self
            .tokenizer
            .encode(&snippet.prompt, &snippet.completion)
            .map_err(tokens)?;
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

    /// Computes the logits of a batch of windows.
    fn logits(&self, windows: &[Window]) -> Result<Vec<f32>, Unscoreable> {
        let rows: Vec<(&[u32], &[u8])> = windows
            .iter()
            .map(|w| (w.encoded.ids.as_slice(), w.encoded.type_ids.as_slice()))
            .collect();
        let failed = |reason: String| Unscoreable::Model(reason);
        let logits = self
            .model
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
            match self.logits(batch) {
                Ok(logits) => {
                    for (window, logit) in batch.iter().zip(logits) {
                        keep_worst(&mut worst[window.snippet], f64::from(logit));
                    }
                }
                Err(reason) => {
                    for window in batch {
                        worst[window.snippet] = Err(reason.clone());
                    }
                }
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

/// Keeps the higher of a snippet's logits. One that is not a number stays: the snippet then has no
/// score, whatever its other windows say.
fn keep_worst(worst: &mut Result<f64, Unscoreable>, logit: f64) {
    if let Ok(worst) = worst
        && !worst.is_nan()
        && (logit.is_nan() || logit > *worst)
    {
        *worst = logit;
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
