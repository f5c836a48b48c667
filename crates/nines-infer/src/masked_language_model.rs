//! A model that fills gaps, reading both sides.

use crate::classifier::{check_vocabulary, version_of};
use crate::language_model::NextWord;
use crate::sentence_encoder::EncodeError;
use nines_nn::batch::TokenBatch;
use nines_nn::encoder::BertMaskedModel;
use nines_text::{EncodedSnippet, SnippetTokenizer, TextError};
use rayon::prelude::*;
use std::path::Path;

/// Gaps that are filled together: each takes a row of logits.
const BATCH: usize = 32;

/// A text with a gap of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap<'a> {
    /// What stands before it.
    pub left: &'a str,
    /// What stands after it.
    pub right: &'a str,
}

/// A BERT model with its masked-language-model head.
pub struct MaskedLanguageModel {
    model: BertMaskedModel,
    tokenizer: SnippetTokenizer,
    /// Ids of the tokens that are whole words or punctuation, and how they are written.
    words: Vec<(u32, String)>,
    id: String,
}

impl MaskedLanguageModel {
    /// Loads a folder as BertForMaskedLM is saved: config.json, model.safetensors, tokenizer.json.
    ///
    /// # Errors
    /// [`EncodeError::Load`]: a missing or damaged file, no such head, another architecture, wrong shapes.
    pub fn load(folder: &Path) -> Result<Self, EncodeError> {
        let tokenizer = SnippetTokenizer::from_folder(folder)?;
        let model = BertMaskedModel::load(folder, &nines_nn::device::cpu())?;
        let vocabulary = model.encoder().config().vocab_size;
        check_vocabulary(folder, &tokenizer, vocabulary)?;
        // A folder without a mask token is refused here rather than at the first gap.
        tokenizer.encode_gap("", "")?;
        let words = (0..vocabulary as u32)
            .filter(|&id| !tokenizer.is_special(id))
            .filter_map(|id| Some((id, tokenizer.token(id)?)))
            .filter(|(_, token)| is_whole(token))
            .collect();
        Ok(Self {
            model,
            tokenizer,
            words,
            id: version_of(folder, "masked-language-model")?,
        })
    }

    /// Names the model by its folder and content.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Lists the `k` whole words that best fill a gap, best first, as the vocabulary writes them: without
    /// white space, and in lower case where the model knows no other.
    ///
    /// # Errors
    /// [`EncodeError`] where the text does not fit the window or the model fails.
    pub fn fill(&self, left: &str, right: &str, k: usize) -> Result<Vec<NextWord>, EncodeError> {
        let mut filled = self.fill_each(&[Gap { left, right }], k);
        filled.pop().unwrap_or(Ok(Vec::new()))
    }

    /// Fills each of several gaps, as [`Self::fill`] does, together; what stands beside a gap changes no
    /// bit of its answer.
    pub fn fill_each(&self, gaps: &[Gap<'_>], k: usize) -> Vec<Result<Vec<NextWord>, EncodeError>> {
        let cut: Vec<_> = gaps.par_iter().map(|gap| self.cut(gap)).collect();
        cut.chunks(BATCH)
            .flat_map(|batch| self.fill_batch(batch, k))
            .collect()
    }

    fn cut(&self, gap: &Gap<'_>) -> Result<(EncodedSnippet, usize), EncodeError> {
        let failed = |error: TextError| EncodeError::Tokens(error.to_string());
        let (encoded, place) = self
            .tokenizer
            .encode_gap(gap.left, gap.right)
            .map_err(failed)?;
        let (tokens, window) = (encoded.len(), self.model.encoder().config().max_positions);
        if tokens > window {
            return Err(EncodeError::TooLong { tokens, window });
        }
        Ok((encoded, place))
    }

    fn fill_batch(
        &self,
        cut: &[Result<(EncodedSnippet, usize), EncodeError>],
        k: usize,
    ) -> Vec<Result<Vec<NextWord>, EncodeError>> {
        let rows: Vec<(&[u32], &[u8])> = cut
            .iter()
            .flatten()
            .map(|(encoded, _)| (encoded.ids.as_slice(), encoded.type_ids.as_slice()))
            .collect();
        let places: Vec<usize> = cut.iter().flatten().map(|(_, place)| *place).collect();
        let logits = match rows.is_empty() {
            true => Ok(Vec::new()),
            false => self.model.logits(&TokenBatch::from_rows(&rows), &places),
        };
        let logits = logits.map_err(|error| EncodeError::Model(error.to_string()));
        let vocabulary = self.model.encoder().config().vocab_size;
        let mut row = 0;
        cut.iter()
            .map(|cut| {
                cut.as_ref().map_err(Clone::clone)?;
                let logits = logits.as_ref().map_err(Clone::clone)?;
                let logits = &logits[row * vocabulary..(row + 1) * vocabulary];
                row += 1;
                self.best(logits, k)
            })
            .collect()
    }

    /// The best words by the logits of all tokens; equally good ones in the order of their ids.
    fn best(&self, logits: &[f32], k: usize) -> Result<Vec<NextWord>, EncodeError> {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights = logits.iter().map(|logit| f64::from(logit - most).exp());
        let log_total = f64::from(most) + weights.sum::<f64>().ln();
        if !log_total.is_finite() {
            return Err(EncodeError::Model("its logits are not numbers".to_owned()));
        }
        let mut words: Vec<&(u32, String)> = self.words.iter().collect();
        words.sort_by(|a, b| logits[b.0 as usize].total_cmp(&logits[a.0 as usize]));
        Ok(words
            .into_iter()
            .take(k)
            .map(|(id, word)| NextWord {
                word: word.clone(),
                log_probability: f64::from(logits[*id as usize]) - log_total,
            })
            .collect())
    }
}

/// Says whether a token of a vocabulary is a whole word or punctuation: no piece that goes on with a
/// word, and no place kept for words to come.
fn is_whole(token: &str) -> bool {
    let goes_on = token.starts_with("##");
    let is_kept = token.starts_with('[') && token.len() > 1;
    !(token.is_empty() || goes_on || is_kept)
}
