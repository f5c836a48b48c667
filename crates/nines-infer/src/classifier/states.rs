//! A classifier's hidden states.

use super::{BATCH_TOKENS, ClassifierScorer};
use crate::scorer::Unscoreable;
use crate::sentence_encoder::fitting;
use nines_domain::snippet::SnippetText;
use nines_nn::batch::TokenBatch;
use nines_text::EncodedSnippet;
use rayon::prelude::*;

impl ClassifierScorer {
    /// Computes each snippet's mean of the last layer's tokens, `[hidden]`, in their order. What does not fit one
    /// window has none, whatever the scorer's policy. What stands beside a snippet changes no bit of it.
    pub fn states(
        &self,
        snippets: &[SnippetText],
        progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Vec<f32>, Unscoreable>> {
        let cut: Vec<_> = snippets.par_iter().map(|text| self.whole(text)).collect();
        let mut found = Vec::with_capacity(snippets.len());
        let mut rest = cut.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fitting(rest, BATCH_TOKENS));
            found.extend(self.states_of(batch));
            rest = later;
            progress(found.len());
        }
        found
    }

    fn states_of(
        &self,
        cut: &[Result<EncodedSnippet, Unscoreable>],
    ) -> Vec<Result<Vec<f32>, Unscoreable>> {
        let rows: Vec<(&[u32], &[u8])> = cut
            .iter()
            .flatten()
            .map(|encoded| (encoded.ids.as_slice(), encoded.type_ids.as_slice()))
            .collect();
        let means = match rows.is_empty() {
            true => Ok(Vec::new()),
            false => self.model.mean_states(&TokenBatch::from_rows(&rows)),
        };
        if means.is_err() && cut.len() > 1 {
            // One that cannot be read takes no state from the others.
            return cut.chunks(1).flat_map(|one| self.states_of(one)).collect();
        }
        let means = means.map_err(|error| Unscoreable::Model(error.to_string()));
        let hidden = self.model.config().hidden_size;
        let mut row = 0;
        cut.iter()
            .map(|encoded| {
                encoded.as_ref().map_err(Clone::clone)?;
                let means = means.as_ref().map_err(Clone::clone)?;
                let state = means[row * hidden..(row + 1) * hidden].to_vec();
                row += 1;
                match state.iter().all(|x| x.is_finite()) {
                    true => Ok(state),
                    false => Err(Unscoreable::Model(
                        "its hidden state is not a finite number".to_owned(),
                    )),
                }
            })
            .collect()
    }
}
