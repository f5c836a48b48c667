//! Rows of different lengths, laid end to end.

use crate::batch::TokenBatch;
use crate::error::NnError;

/// The tokens of a batch without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackedRows {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Segment of each token.
    pub types: Vec<u32>,
    /// Position of each token in its row.
    pub positions: Vec<u32>,
    /// Tokens of each row.
    pub lengths: Vec<usize>,
}

impl PackedRows {
    /// Takes the real tokens of a batch, checked against what the model has: a model without segments
    /// ignores them, and rows begin at `first_position`, if positions are told apart at all.
    pub fn new(
        batch: &TokenBatch,
        vocabulary: usize,
        types: usize,
        positions: usize,
        first_position: Option<usize>,
    ) -> Result<Self, NnError> {
        if batch.is_empty() {
            return Err(NnError::EmptyBatch);
        }
        let wrong = |row, reason| Err(NnError::Batch { row, reason });
        let cells = batch.lengths.len().checked_mul(batch.width);
        if cells != Some(batch.ids.len()) || cells != Some(batch.type_ids.len()) {
            return wrong(
                0,
                "the batch's lists do not have the size that its width says".to_owned(),
            );
        }
        let mut packed = Self {
            ids: Vec::with_capacity(batch.tokens()),
            types: Vec::with_capacity(batch.tokens()),
            positions: Vec::with_capacity(batch.tokens()),
            lengths: batch.lengths.clone(),
        };
        for (row, &length) in batch.lengths.iter().enumerate() {
            if length == 0 || length > batch.width {
                return wrong(
                    row,
                    format!("it has {length} tokens of at most {}", batch.width),
                );
            }
            if length > positions {
                return wrong(
                    row,
                    format!("it has {length} tokens; the model reads {positions}"),
                );
            }
            let start = row * batch.width;
            for (position, place) in (start..start + length).enumerate() {
                let (id, kind) = (batch.ids[place], u32::from(batch.type_ids[place]));
                if id as usize >= vocabulary {
                    return wrong(
                        row,
                        format!(
                            "token id {id} is not in the vocabulary of {vocabulary}; take the model's own tokenizer"
                        ),
                    );
                }
                let kind = if types == 0 { 0 } else { kind };
                if kind as usize >= types.max(1) {
                    return wrong(
                        row,
                        format!("segment {kind} is not among the model's {types}"),
                    );
                }
                packed.ids.push(id);
                packed.types.push(kind);
                let position = first_position.map_or(0, |first| first + position);
                packed.positions.push(position as u32);
            }
        }
        Ok(packed)
    }

    /// Returns each row for itself.
    pub fn each(&self) -> Vec<Self> {
        let starts = self.starts().into_iter().zip(&self.lengths);
        starts
            .map(|(start, &length)| {
                let of = |all: &[u32]| all[start..start + length].to_vec();
                Self {
                    ids: of(&self.ids),
                    types: of(&self.types),
                    positions: of(&self.positions),
                    lengths: vec![length],
                }
            })
            .collect()
    }

    /// Returns the index of each row's first token.
    pub fn starts(&self) -> Vec<usize> {
        self.lengths
            .iter()
            .scan(0, |next, &length| {
                let start = *next;
                *next += length;
                Some(start)
            })
            .collect()
    }
}
