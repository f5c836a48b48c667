//! Gradients of the logits with respect to the word embeddings of the tokens.

use super::super::config::Pooling;
use super::super::model::{Classifier, InputGradients};
use super::super::parameters::values_of;
use super::Pass;
use crate::ops::{self, PackedRows, Traced};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Returns a model's word embeddings, `[vocabulary, hidden]`.
pub(in crate::encoder) fn word_embeddings(model: &Classifier) -> &[f32] {
    let nothing = PackedRows {
        ids: Vec::new(),
        types: Vec::new(),
        positions: Vec::new(),
        lengths: Vec::new(),
    };
    let pass = Pass {
        model,
        rows: nothing,
        tracked: false,
        frozen: false,
        key: None,
        distances: None,
    };
    pass.with_encoder(|encoder| model.scoring.words(encoder))
}

impl Pass<'_> {
    /// The logits, and their gradients with respect to the word embedding of each token. For a pass
    /// that is not tracked.
    pub fn input_gradients(self) -> InputGradients {
        let model = self.model;
        let traced = if self.goes_row_by_row() {
            None
        } else {
            self.with_encoder(|encoder| {
                Traced::forward(encoder, &self.rows, &model.scoring, &model.pool)
            })
        };
        let Some(traced) = traced else {
            return self.gradients_elsewhere();
        };
        let pooled = self.pooled(&traced.states);
        let logits = self.head().logits(&pooled);
        let mut gradients = self.head_gradient(&pooled);
        traced.backward(&mut gradients);
        InputGradients {
            logits,
            gradients,
            lengths: self.rows.lengths,
        }
    }

    /// The gradient of each row's logit with respect to its last hidden states, `[tokens, hidden]`.
    fn head_gradient(&self, pooled: &[f32]) -> Vec<f32> {
        let config = &self.model.config;
        let (hidden, pooling) = (config.hidden_size, config.pooling);
        let places = self.places();
        let classifier = values_of(self.vector(places.classifier));
        let dense = places.pooler.map(|dense| values_of(self.vector(dense)));
        let mut gradient = vec![0.0; self.rows.ids.len() * hidden];
        let mut rest = gradient.as_mut_slice();
        let rows = self.rows.lengths.iter().zip(pooled.chunks_exact(hidden));
        for (&length, pooled) in rows {
            let (row, later) = std::mem::take(&mut rest).split_at_mut(length * hidden);
            rest = later;
            match &dense {
                Some(weights) => pooler_gradient(weights, &classifier, pooled, &mut row[..hidden]),
                None if pooling == Pooling::Mean => {
                    for token in row.chunks_exact_mut(hidden) {
                        for (slope, weight) in token.iter_mut().zip(&classifier) {
                            *slope = weight / length as f32;
                        }
                    }
                }
                None => row[..hidden].copy_from_slice(&classifier),
            }
        }
        gradient
    }

    /// As [`Self::composed_gradients`], row by row where a family's scores are.
    fn gradients_elsewhere(self) -> InputGradients {
        if !self.goes_row_by_row() {
            return self.composed_gradients();
        }
        let rows = self.rows.each();
        // No gradient that is asked for goes through them.
        let distances = self.projected_of_layers();
        let distances = Some(&distances[..]);
        let each: Vec<InputGradients> = rows
            .into_par_iter()
            .map(|rows| {
                let alone = Pass {
                    rows,
                    distances,
                    ..self
                };
                alone.composed_gradients()
            })
            .collect();
        let logits = self.logits();
        InputGradients {
            // The score, not the tracked pass's own: they are the same but for rounding.
            logits: values_of(logits),
            gradients: each.into_iter().flat_map(|row| row.gradients).collect(),
            lengths: self.rows.lengths,
        }
    }

    /// The same through burn's own graph, for any device.
    pub(super) fn composed_gradients(mut self) -> InputGradients {
        let sum = ops::summed(&self.tables(), &self.rows)
            .autodiff()
            .require_grad();
        self.tracked = true;
        let embeddings = ops::normalised(sum.clone(), &self.norm(self.places().norm));
        let logits = self.tracked_head(self.through(0, embeddings));
        let gradients = sum.grad(&logits.clone().sum().backward());
        let count = self.rows.ids.len() * self.model.config.hidden_size;
        let values = |tensor: Option<Tensor<2>>| {
            tensor.map_or_else(
                || vec![0.0; count],
                |tensor| values_of(tensor.flatten(0, 1)),
            )
        };
        InputGradients {
            logits: values_of(logits),
            gradients: values(gradients),
            lengths: self.rows.lengths,
        }
    }
}

/// Writes the gradient of w · tanh(W x + b) with respect to x, where `pooled` is the tanh.
fn pooler_gradient(weights: &[f32], classifier: &[f32], pooled: &[f32], out: &mut [f32]) {
    let rows = weights.chunks_exact(out.len()).zip(classifier).zip(pooled);
    for ((row, weight), tanh) in rows {
        let slope = weight * (1.0 - tanh * tanh);
        for (out, x) in out.iter_mut().zip(row) {
            *out += slope * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::TokenBatch;
    use crate::device::cpu;
    use crate::encoder::{HeadConfig, Mode};

    const BERT: &str = r#"{"model_type": "bert", "vocab_size": 41, "hidden_size": 20,
        "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 44,
        "max_position_embeddings": 24, "type_vocab_size": 2}"#;
    const MPNET: &str = r#"{"model_type": "mpnet", "vocab_size": 41, "hidden_size": 20,
        "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 44,
        "max_position_embeddings": 26}"#;

    #[test]
    fn both_ways_give_the_same_gradients() {
        let rows: Vec<Vec<u32>> = [7, 1, 19]
            .iter()
            .map(|&length| (0..length).map(|i| (i * 11 + length) % 41).collect())
            .collect();
        let types = [0u8; 24];
        let rows: Vec<_> = rows
            .iter()
            .map(|ids| (&ids[..], &types[..ids.len()]))
            .collect();
        let batch = TokenBatch::from_rows(&rows);
        let all = [Pooling::Pooler, Pooling::Cls, Pooling::Mean];
        for (config, pooling) in [BERT, MPNET].into_iter().flat_map(|c| all.map(|p| (c, p))) {
            let head = HeadConfig {
                pooling,
                seed: 5,
                ..HeadConfig::default()
            };
            let mut model = Classifier::random(config, &head, &cpu()).expect("a tiny model");
            // Far enough from zero that a wrong factor shows.
            let names: Vec<_> = model.parameters().map(|info| info.name.clone()).collect();
            for name in names.iter().filter(|name| !name.contains("LayerNorm")) {
                let values = model.values(name).expect("values");
                let larger = values.iter().map(|x| 20.0 * x).collect();
                model.set_values(name, larger).expect("set");
            }
            let pass = || Pass::new(&model, &batch, Mode::Evaluate).expect("a pass");
            let (fused, composed) = (pass().input_gradients(), pass().composed_gradients());
            assert_eq!(fused.gradients.len(), 27 * 20);
            let pairs = |a: &[f32], b: &[f32]| {
                let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
                (
                    apart.fold(0.0, f32::max),
                    b.iter().fold(0.0f32, |m, x| m.max(x.abs())),
                )
            };
            let (apart, largest) = pairs(&fused.gradients, &composed.gradients);
            assert!(
                largest > 0.01,
                "{pooling:?}: gradients are {largest} at most"
            );
            assert!(apart < 1e-4 * largest, "{pooling:?}: {apart} of {largest}");
            let (apart, _) = pairs(&fused.logits, &composed.logits);
            assert!(apart < 1e-4, "{pooling:?}: logits {apart} apart");
        }
    }
}
