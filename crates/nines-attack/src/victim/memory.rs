//! Scores that are remembered, as many as there is room for.

use super::Told;
use nines_domain::snippet::ContentHash;
use std::collections::HashMap;

/// Remembers the scores of the snippets that were asked for last.
///
/// Two generations: when the young one is full it becomes the old one, and what was the old one is
/// forgotten. So at most `room` entries are held, and the last `room / 2` different ones always are.
pub(super) struct Memory {
    room: usize,
    young: HashMap<ContentHash, Told>,
    old: HashMap<ContentHash, Told>,
}

impl Memory {
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    pub(super) fn get(&mut self, key: &ContentHash) -> Option<Told> {
        if let Some(scores) = self.young.get(key) {
            return Some(scores.clone());
        }
        let scores = self.old.get(key)?.clone();
        self.put(*key, scores.clone());
        Some(scores)
    }

    pub(super) fn put(&mut self, key: ContentHash, scores: Told) {
        if self.young.len() >= self.room / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_is_remembered_and_the_rest_makes_room() {
        let key = |n: u32| ContentHash::of_prompt(&n.to_string());
        let mut memory = Memory::new(8);
        for n in 0..100 {
            memory.put(key(n), vec![Ok(f64::from(n))]);
            assert!(memory.young.len() + memory.old.len() <= 8);
            // Asked for all the time, so never forgotten.
            assert_eq!(memory.get(&key(0)), Some(vec![Ok(0.0)]));
        }
        assert_eq!(memory.get(&key(99)), Some(vec![Ok(99.0)]));
        assert_eq!(memory.get(&key(1)), None);
    }
}
