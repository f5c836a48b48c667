//! What one attempt may still ask, and what it has asked.

use super::{Budget, Scores, Spent, Victim};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Snippets scored between two looks at the clock.
const STRETCH: usize = 256;

/// Asks a victim on behalf of one attempt, counts, and stops where the budget ends.
///
/// Every snippet asked for is a query, repeated ones too, as TextAttack counts. A list that is longer
/// than what is left is cut, not refused.
pub struct Meter<'a> {
    victim: &'a Victim,
    budget: Budget,
    cancel: CancelFlag,
    begun: Instant,
    spent: Spent,
    seen: HashSet<ContentHash>,
    needed: usize,
}

impl<'a> Meter<'a> {
    /// Begins to count, and to measure the time. What any scorer cannot score has no scores.
    pub fn new(victim: &'a Victim, budget: Budget, cancel: CancelFlag) -> Self {
        Self {
            victim,
            budget,
            cancel,
            begun: Instant::now(),
            spent: Spent::default(),
            seen: HashSet::new(),
            needed: victim.scorers.len(),
        }
    }

    /// Leaves a hole for what only a scorer behind the first so many cannot score: it looks on.
    pub fn needing(mut self, scorers: usize) -> Self {
        self.needed = scorers;
        self
    }

    /// Scores snippets in their order, the first of them alone where the budget, or the time, ends before
    /// the last: the answer is then shorter than the question.
    pub fn ask(&mut self, snippets: &[SnippetText]) -> Vec<Scores> {
        let mut scores = Vec::with_capacity(snippets.len());
        for stretch in snippets.chunks(STRETCH) {
            if self.is_over() {
                break;
            }
            let left = usize::try_from(self.queries_left()).unwrap_or(usize::MAX);
            let stretch = &stretch[..stretch.len().min(left)];
            scores.extend(self.victim.score(stretch, self.needed));
            self.spent.queries += stretch.len() as u64;
            let seen = &mut self.seen;
            let fresh = stretch.iter().filter(|text| seen.insert(text.hash()));
            self.spent.scored += fresh.count() as u64;
        }
        scores
    }

    /// Returns the victim, for searches that look inside it. What is asked past the meter must be
    /// counted by [`Self::charge`].
    pub fn victim(&self) -> &'a Victim {
        self.victim
    }

    /// Counts queries that did not go through [`Self::ask`], such as gradients.
    pub fn charge(&mut self, queries: u64) {
        self.spent.queries = self.spent.queries.saturating_add(queries);
        self.spent.scored = self.spent.scored.saturating_add(queries);
    }

    /// Returns how many queries are left.
    pub fn queries_left(&self) -> u64 {
        self.budget.queries.saturating_sub(self.spent.queries)
    }

    /// Says whether nothing more can be asked: the queries or the seconds are spent, or somebody
    /// asked to stop.
    pub fn is_over(&self) -> bool {
        self.queries_left() == 0 || self.is_late() || self.cancel.is_cancelled()
    }

    /// Says whether the seconds are spent.
    pub fn is_late(&self) -> bool {
        // Not a number is no time at all.
        self.budget.seconds.is_nan() || self.seconds() >= self.budget.seconds
    }

    /// Returns what was asked so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Returns the seconds since the beginning.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Returns what the attempt may cost.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Returns the flag that asks the attempt to stop; long work looks at it.
    pub fn cancel(&self) -> &CancelFlag {
        &self.cancel
    }

    /// Returns a flag that is also set when the seconds are spent, for work that nobody may wait for any
    /// longer.
    pub fn stop_flag(&self) -> CancelFlag {
        // Seconds that no clock can count are no end; those that are no number are none at all.
        let seconds = if self.budget.seconds.is_nan() {
            0.0
        } else {
            self.budget.seconds.max(0.0)
        };
        let end = Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|seconds| self.begun.checked_add(seconds));
        end.map_or_else(|| self.cancel.clone(), |end| self.cancel.until(end))
    }
}
