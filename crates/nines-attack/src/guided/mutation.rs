//! Prompts made of prompts: sentences left out, exchanged, or taken from others.

use nines_stats::random::Stream;
use nines_text::sentences;
use std::collections::BTreeSet;

/// Changes prompts in ways that leave whole sentences whole.
pub(super) struct Mutator<'a> {
    others: &'a [String],
}

impl<'a> Mutator<'a> {
    /// Takes the prompts whose sentences may come in.
    pub(super) fn new(others: &'a [String]) -> Self {
        Self { others }
    }

    /// Makes up to `count` different new prompts of one; fewer where there are fewer.
    pub(super) fn mutate(&self, prompt: &str, count: usize, random: &mut Stream) -> Vec<String> {
        let mut made: Vec<String> = Vec::new();
        let mut known = BTreeSet::from([prompt.to_owned()]);
        // Many tries bring nothing new where a prompt is short and there are no others.
        for _ in 0..count.saturating_mul(8) {
            if made.len() == count {
                break;
            }
            if let Some(new) = self.once(prompt, random)
                && known.insert(new.clone())
            {
                made.push(new);
            }
        }
        made
    }

    fn once(&self, prompt: &str, random: &mut Stream) -> Option<String> {
        let mut parts: Vec<String> = parts(prompt);
        if parts.is_empty() {
            return None;
        }
        let at = random.below(parts.len());
        match random.below(5) {
            0 if parts.len() > 1 => {
                parts.remove(at);
            }
            1 if parts.len() > 1 => {
                let other = random.below(parts.len());
                parts.swap(at, other);
            }
            2 => parts[at] = self.sentence(random)?,
            3 => parts.insert(at, self.sentence(random)?),
            4 => parts.push(self.sentence(random)?),
            _ => return None,
        }
        Some(parts.join(" "))
    }

    /// A sentence of another prompt.
    fn sentence(&self, random: &mut Stream) -> Option<String> {
        if self.others.is_empty() {
            return None;
        }
        let mut parts = parts(&self.others[random.below(self.others.len())]);
        if parts.is_empty() {
            return None;
        }
        Some(parts.swap_remove(random.below(parts.len())))
    }
}

fn parts(text: &str) -> Vec<String> {
    sentences(text)
        .into_iter()
        .map(|range| text[range].trim().to_owned())
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// Draws different items of a list, in a random order.
pub(super) fn some<T: Clone>(items: &[T], count: usize, random: &mut Stream) -> Vec<T> {
    let mut left: Vec<&T> = items.iter().collect();
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        chosen.push(left.swap_remove(random.below(left.len())).clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_prompts_are_made_of_whole_sentences_and_differ() {
        let others = ["It rained hard. Nobody came.".to_owned()];
        let prompt = "Ann sat down. Bob stood up. The dog slept.";
        let made = Mutator::new(&others).mutate(prompt, 12, &mut Stream::new(1, 0));
        assert_eq!(made.len(), 12);
        let known = [
            "Ann sat down.",
            "Bob stood up.",
            "The dog slept.",
            "It rained hard.",
            "Nobody came.",
        ];
        for new in &made {
            assert_ne!(new, prompt);
            let mut left = new.clone();
            for sentence in known {
                left = left.replace(sentence, "");
            }
            assert_eq!(left.trim(), "", "{new}");
        }
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 12);
        let again = Mutator::new(&others).mutate(prompt, 12, &mut Stream::new(1, 0));
        assert_eq!(made, again);
        assert!(Mutator::new(&[]).mutate("One.", 3, &mut Stream::new(1, 0)).is_empty());
        assert!(Mutator::new(&[]).mutate("", 3, &mut Stream::new(1, 0)).is_empty());
    }
}
