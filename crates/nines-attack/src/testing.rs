//! Small models whose every answer can be computed by hand.

use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::generator::GenerateError;
use nines_infer::gradients::{Differentiable, EmbeddingTable, SnippetGradient};
use nines_infer::language_model::{Continuation, LanguageModel, NextWord, TextProbability};
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_text::{EncodedSnippet, SnippetTokenizer};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A linear model over the mean of word embeddings; `##` marks continuations of its word-pieces.
pub(crate) struct LinearScorer {
    tokenizer: SnippetTokenizer,
    embeddings: Vec<f32>,
    weights: Vec<f32>,
    bias: f32,
    window: usize,
    pub(crate) asked: AtomicUsize,
}

impl LinearScorer {
    /// Knows these words, each with its embedding; the special tokens, which come after them, have none.
    pub(crate) fn new(words: &[(&str, &[f32])], weights: &[f32], bias: f32) -> Self {
        let mut vocabulary: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        vocabulary.extend(["[UNK]", "[CLS]", "[SEP]"]);
        let mut embeddings: Vec<f32> = words.iter().flat_map(|(_, row)| row.to_vec()).collect();
        embeddings.resize(vocabulary.len() * weights.len(), 0.0);
        Self {
            tokenizer: tokenizer(&vocabulary),
            embeddings,
            weights: weights.to_vec(),
            bias,
            window: 64,
            asked: AtomicUsize::new(0),
        }
    }

    /// The example of the design: f = 0.6833333 for the first, second and fourth word.
    pub(crate) fn oracle() -> Self {
        let words: [(&str, &[f32]); 4] = [
            ("alpha", &[1.0, 0.0]),
            ("beta", &[0.0, 1.0]),
            ("gamma", &[-1.0, 0.5]),
            ("delta", &[0.2, -0.3]),
        ];
        Self::new(&words, &[1.5, -0.5], 0.2)
    }

    fn encoded(&self, text: &SnippetText) -> Result<EncodedSnippet, Unscoreable> {
        if text.completion.trim().is_empty() {
            return Err(Unscoreable::EmptyCompletion);
        }
        let encoded = self
            .tokenizer
            .encode(&text.prompt, &text.completion)
            .map_err(|error| Unscoreable::Tokens(error.to_string()))?;
        if encoded.len() > self.window {
            return Err(Unscoreable::TooLong {
                tokens: encoded.len(),
                window: self.window,
            });
        }
        Ok(encoded)
    }

    fn logit(&self, encoded: &EncodedSnippet) -> f64 {
        let tokens = encoded.offsets.iter().flatten().count() as f64;
        let table = self.embeddings();
        let sum: f64 = encoded
            .ids
            .iter()
            .map(|id| {
                let row = table.row(*id).expect("a known token");
                let products = row.iter().zip(&self.weights);
                products.map(|(e, w)| f64::from(*e) * f64::from(*w)).sum::<f64>()
            })
            .sum();
        sum / tokens + f64::from(self.bias)
    }
}

impl Scorer for LinearScorer {
    fn version(&self) -> &str {
        "linear@1"
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        self.asked.fetch_add(snippets.len(), Ordering::SeqCst);
        progress(snippets.len());
        let score = |text| {
            let logit = self.logit(&self.encoded(text)?);
            Score::new(logit).map_err(|error| Unscoreable::Model(error.to_string()))
        };
        snippets.iter().map(score).collect()
    }
}

impl Differentiable for LinearScorer {
    fn gradients(&self, snippets: &[SnippetText]) -> Vec<Result<SnippetGradient, Unscoreable>> {
        let gradient = |text| {
            let encoded = self.encoded(text)?;
            let tokens = encoded.offsets.iter().flatten().count() as f32;
            let gradient = encoded.offsets.iter().flat_map(|span| {
                let share = if span.is_some() { 1.0 / tokens } else { 0.0 };
                self.weights.iter().map(move |weight| weight * share)
            });
            Ok(SnippetGradient {
                logit: self.logit(&encoded),
                gradient: gradient.collect(),
                hidden: self.weights.len(),
                encoded,
            })
        };
        snippets.iter().map(gradient).collect()
    }

    fn embeddings(&self) -> EmbeddingTable<'_> {
        EmbeddingTable::new(&self.embeddings, self.weights.len())
    }

    fn tokenizer(&self) -> &SnippetTokenizer {
        &self.tokenizer
    }
}

/// A scorer that shows nothing of its inside: one log odd for each letter of the completion, less 10.
pub(crate) struct BlackBox;

impl Scorer for BlackBox {
    fn version(&self) -> &str {
        "black-box@1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let score = |text: &SnippetText| {
            if text.completion.trim().is_empty() {
                return Err(Unscoreable::EmptyCompletion);
            }
            let letters = text.completion.chars().filter(|c| c.is_alphabetic());
            Ok(Score::new(letters.count() as f64 - 10.0).expect("finite"))
        };
        snippets.iter().map(score).collect()
    }
}

/// Makes a WordPiece tokenizer of a vocabulary, in lower case, with segments between special tokens.
fn tokenizer(vocabulary: &[&str]) -> SnippetTokenizer {
    let ids: serde_json::Map<String, serde_json::Value> = vocabulary
        .iter()
        .enumerate()
        .map(|(id, token)| ((*token).to_owned(), id.into()))
        .collect();
    let special = |token: &str| json!({"id": ids[token], "content": token, "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    let token = |token: &str, segment: u8| json!({"SpecialToken": {"id": token, "type_id": segment}});
    let sequence = |name: &str, segment: u8| json!({"Sequence": {"id": name, "type_id": segment}});
    let named = |token: &str| json!({"id": token, "ids": [ids[token]], "tokens": [token]});
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special("[UNK]"), special("[CLS]"), special("[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0)],
            "pair": [token("[CLS]", 0), sequence("A", 0), token("[SEP]", 0), sequence("B", 1), token("[SEP]", 1)],
            "special_tokens": {"[CLS]": named("[CLS]"), "[SEP]": named("[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
    });
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tokenizer.json"), file.to_string()).expect("written");
    SnippetTokenizer::from_folder(folder.path()).expect("a tokenizer")
}

/// A language model of words: the next depends on the last alone.
pub(crate) struct Bigrams {
    words: Vec<&'static str>,
    /// `next[i][j]`: the probability of word j after word i; the last row after anything else.
    next: Vec<Vec<f64>>,
}

impl Bigrams {
    /// Makes a model of words and their probabilities, which are made to sum to 1.
    pub(crate) fn new(words: &[&'static str], weights: &[&[f64]]) -> Self {
        let shares = |row: &&[f64]| {
            let sum: f64 = row.iter().sum();
            row.iter().map(|weight| weight / sum).collect()
        };
        Self {
            words: words.to_vec(),
            next: weights.iter().map(shares).collect(),
        }
    }

    fn after(&self, text: &str) -> &[f64] {
        let last = text.split_whitespace().next_back();
        let known = last.and_then(|last| self.words.iter().position(|word| *word == last));
        &self.next[known.unwrap_or(self.words.len())]
    }

    /// Returns the probability of a text after a context.
    pub(crate) fn probability(&self, context: &str, text: &str) -> f64 {
        let mut before = context.to_owned();
        let mut probability = 1.0;
        for word in text.split_whitespace() {
            let known = self.words.iter().position(|known| *known == word);
            probability *= known.map_or(1e-9, |known| self.after(&before)[known]);
            before = format!("{before} {word}");
        }
        probability
    }
}

impl LanguageModel for Bigrams {
    fn id(&self) -> String {
        "bigrams@1".to_owned()
    }

    fn log_probabilities(
        &self,
        texts: &[Continuation<'_>],
    ) -> Vec<Result<TextProbability, GenerateError>> {
        let probability = |asked: &Continuation<'_>| {
            Ok(TextProbability {
                log_probability: self.probability(asked.context, asked.text).ln(),
                tokens: asked.text.split_whitespace().count(),
            })
        };
        texts.iter().map(probability).collect()
    }

    fn next_words(&self, left: &str, k: usize) -> Result<Vec<NextWord>, GenerateError> {
        let space = if left.is_empty() { "" } else { " " };
        let mut next: Vec<NextWord> = self
            .words
            .iter()
            .zip(self.after(left))
            .map(|(word, probability)| NextWord {
                word: format!("{space}{word}"),
                log_probability: probability.ln(),
            })
            .collect();
        next.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
        next.truncate(k);
        Ok(next)
    }
}
