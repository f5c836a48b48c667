//! What the service has done, for whoever watches it.

/// Batches are counted by size: of 1, up to 2, up to 4, … and of more.
pub(super) const SIZES: usize = 8;

/// What one loaded classifier has done, and what waits for it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Requests that wait or are being scored.
    pub requests: usize,
    /// Snippets that wait.
    pub waiting_snippets: usize,
    /// Their tokens, estimated.
    pub waiting_tokens: usize,
    /// Batches scored.
    pub batches: u64,
    /// Batches by size: of 1 snippet, up to 2, 4, 8, … 64, and of more.
    pub batch_sizes: [u64; SIZES],
    /// Snippets scored, those without a score included.
    pub snippets: u64,
    /// The most tokens of one batch, estimated.
    pub largest_batch_tokens: usize,
    /// Requests whose callers had gone before all was scored.
    pub dropped: u64,
    /// Requests refused because the queue was full.
    pub refused: u64,
    /// Times that the model panicked, or did not answer each snippet once.
    pub faults: u64,
}

impl Stats {
    /// Counts a batch.
    pub(super) fn count(&mut self, snippets: usize, tokens: usize) {
        let size = snippets.max(1).next_power_of_two().trailing_zeros() as usize;
        self.batches += 1;
        self.batch_sizes[size.min(SIZES - 1)] += 1;
        self.snippets += snippets as u64;
        self.largest_batch_tokens = self.largest_batch_tokens.max(tokens);
    }
}
