//! Rows of token ids, ready for an encoder.

/// A batch of token rows of different lengths.
///
/// Rows are kept side by side in one rectangle, `[batch, width]` in row-major order; beyond its
/// length a row holds zeros, which no model reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBatch {
    /// Token ids, `[batch, width]`.
    pub ids: Vec<u32>,
    /// Segments, `[batch, width]`.
    pub type_ids: Vec<u8>,
    /// Real tokens of each row.
    pub lengths: Vec<usize>,
    /// Places in each row: the longest row, or more.
    pub width: usize,
}

impl TokenBatch {
    /// Makes a batch of rows: token ids and the segment of each.
    ///
    /// # Panics
    /// If a row has more or fewer segments than ids, which no tokenizer gives.
    pub fn from_rows(rows: &[(&[u32], &[u8])]) -> Self {
        let width = rows.iter().map(|(ids, _)| ids.len()).max().unwrap_or(0);
        Self::from_rows_padded(rows, width)
    }

    /// Makes a batch of rows with at least `width` places each.
    ///
    /// # Panics
    /// If a row has more or fewer segments than ids, which no tokenizer gives.
    pub fn from_rows_padded(rows: &[(&[u32], &[u8])], width: usize) -> Self {
        let longest = rows.iter().map(|(ids, _)| ids.len()).max().unwrap_or(0);
        let width = width.max(longest);
        let mut ids = vec![0; rows.len() * width];
        let mut type_ids = vec![0; rows.len() * width];
        for (row, (row_ids, row_types)) in rows.iter().enumerate() {
            let start = row * width;
            ids[start..start + row_ids.len()].copy_from_slice(row_ids);
            type_ids[start..start + row_ids.len()].copy_from_slice(row_types);
        }
        Self {
            ids,
            type_ids,
            lengths: rows.iter().map(|(ids, _)| ids.len()).collect(),
            width,
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Counts the real tokens of all rows.
    pub fn tokens(&self) -> usize {
        self.lengths.iter().sum()
    }
}
