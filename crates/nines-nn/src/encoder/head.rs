//! The head's arithmetic without gradients: each row for itself, every sum in one order.

use nines_kernels::matrix::{Onto, Panels, View, multiply, pack_all_rows, packed_len};

/// The hidden states of some rows, laid end to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    /// `[tokens, width]`.
    hidden: &'a [f32],
    width: usize,
    /// Tokens of each row; at least one.
    lengths: &'a [usize],
}

impl<'a> Rows<'a> {
    pub fn new(hidden: &'a [f32], width: usize, lengths: &'a [usize]) -> Self {
        Self {
            hidden,
            width,
            lengths,
        }
    }

    /// Goes through the rows, `[length, width]` each.
    fn iter(self) -> impl Iterator<Item = &'a [f32]> {
        let mut rest = self.hidden;
        self.lengths.iter().map(move |length| {
            let (row, later) = rest.split_at(length * self.width);
            rest = later;
            row
        })
    }

    /// Copies the first token of each row, `[rows, width]`.
    pub fn first_tokens(self) -> Vec<f32> {
        self.iter()
            .flat_map(|row| &row[..self.width])
            .copied()
            .collect()
    }

    /// Computes the mean token of each row, `[rows, width]`; sums are in double precision.
    pub fn means(self) -> Vec<f32> {
        let mut means = Vec::with_capacity(self.lengths.len() * self.width);
        let mut sums = vec![0f64; self.width];
        for (row, &length) in self.iter().zip(self.lengths) {
            sums.fill(0.0);
            for token in row.chunks_exact(self.width) {
                for (sum, &x) in sums.iter_mut().zip(token) {
                    *sum += f64::from(x);
                }
            }
            means.extend(sums.iter().map(|sum| (sum / length as f64) as f32));
        }
        means
    }
}

/// A linear layer packed for products.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    packed: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Packs `weight` `[outputs, inputs]`.
    pub fn new(weight: &[f32], bias: Vec<f32>) -> Self {
        let inputs = weight.len() / bias.len();
        let mut packed = vec![0.0; packed_len(inputs, bias.len())];
        pack_all_rows(View::whole(weight, inputs), &mut packed);
        Self {
            inputs,
            packed,
            bias,
        }
    }

    /// x Wᵀ + b for `x` `[rows, inputs]`.
    pub fn of(&self, x: &[f32]) -> Vec<f32> {
        let (x, outputs) = (View::whole(x, self.inputs), self.bias.len());
        let mut out = vec![0.0; x.rows * outputs];
        let right = Panels::new(self.inputs, outputs, &self.packed);
        multiply(x, right, &mut out, outputs, Onto::Bias(&self.bias));
        out
    }
}

/// A head packed for scoring.
#[derive(Debug)]
pub(super) struct Head {
    /// The pooler's layer, where there is one.
    pub dense: Option<Linear>,
    /// To the logit.
    pub classifier: Linear,
}

impl Head {
    /// Computes the logits of pooled rows, `[rows, hidden]`.
    pub fn logits(&self, pooled: &[f32]) -> Vec<f32> {
        self.classifier.of(pooled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_lie() {
        let hidden = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let rows = Rows::new(&hidden, 2, &[1, 3]);
        assert_eq!(rows.first_tokens(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rows.means(), [1.0, 2.0, 5.0, 6.0]);
        let weight = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert_eq!(
            Linear::new(&weight, vec![0.5, 0.0, -1.0]).of(&hidden[..4]),
            [1.5, 2.0, 2.0, 3.5, 4.0, 6.0]
        );
    }
}
