//! Snippets in the style of attacks: changed as attacks change them, but blindly, so that what is true of
//! them stays true.
//!
//! A classifier that learned from attacks may have learned to distrust their style. Matched pairs show it: the
//! same snippet plain and in style, nothing chosen by a score.

use crate::edit::{Draft, Edit};
use crate::recipe::{BuildTransformation, Models};
use crate::transformation::Transformation;
use crate::transformation::hole_shapes::{self, Shape};
use crate::transformation::typos::{self, Typos};
use crate::victim::Victim;
use nines_domain::snippet::SnippetText;
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The share of a completion's longer words that get a typing error.
const MISTYPED: f64 = 0.2;

/// A way of writing that attacks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// A fifth of the completion's longer words are mistyped.
    Typos,
    /// A calm sentence before the completion and one of another kind of text behind it.
    CalmAndTail,
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 2] = [Self::Typos, Self::CalmAndTail];

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Typos => "typing errors",
            Self::CalmAndTail => "calm opening and off-genre tail",
        }
    }

    /// Writes a snippet in this style. The text and the seed decide how; `None` where it cannot be done, as in a
    /// completion without a longer word.
    ///
    /// # Example
    /// ```
    /// use nines_attack::style::Style;
    /// use nines_domain::snippet::SnippetText;
    /// let plain = SnippetText::new("It was late.", "They walked home along the river.");
    /// let twin = Style::Typos.twin(&plain, 3).expect("there are words");
    /// assert_eq!(twin.prompt, plain.prompt);
    /// assert_ne!(twin.completion, plain.completion);
    /// assert_eq!(Style::Typos.twin(&plain, 3), Some(twin));
    /// ```
    pub fn twin(self, text: &SnippetText, seed: u64) -> Option<SnippetText> {
        let draft = Draft::new(text.clone(), Vec::new()).with_seed(seed);
        let edits = match self {
            Self::Typos => mistyped(&draft),
            Self::CalmAndTail => framed(&draft)?,
        };
        let changed = draft.apply(&edits).ok()?;
        (changed.text() != text).then(|| changed.text().clone())
    }
}

fn mistyped(draft: &Draft) -> Vec<Edit> {
    let typos = Typos(typos::Settings {
        each: 1,
        least: 4,
        ..typos::Settings::default()
    });
    let mut sites = typos.sites(draft);
    sites.retain(|site| site.part == SnippetPart::Completion);
    let wanted = ((sites.len() as f64 * MISTYPED).ceil() as usize).min(sites.len());
    let mut random = draft.random("style");
    let mut chosen = Vec::new();
    for _ in 0..wanted {
        chosen.push(sites.swap_remove(random.below(sites.len())));
    }
    let proposed = typos.propose(draft, &chosen).unwrap_or_default();
    proposed
        .into_iter()
        .filter_map(|mut list| {
            let at = random.below(list.len().max(1));
            (at < list.len()).then(|| list.swap_remove(at).edits)
        })
        .flatten()
        .collect()
}

fn framed(draft: &Draft) -> Option<Vec<Edit>> {
    let settings = hole_shapes::Settings {
        shapes: vec![Shape::CalmAndTail],
        limit: 1,
    };
    // It asks no model.
    let nothing = Models::of(Arc::new(Victim::new(Vec::new())), Vec::new());
    let shapes = settings.build(&nothing, 0).ok()?;
    let sites = shapes.sites(draft);
    let proposed = shapes.propose(draft, sites.get(..1)?).ok()?;
    Some(proposed.into_iter().flatten().next()?.edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    fn snippet() -> SnippetText {
        SnippetText::new(
            "The harbour lay still.",
            " Nobody spoke while the boats came in, and then somebody laughed about the weather.",
        )
    }

    #[test]
    fn twins_keep_the_prompt_and_most_words() {
        let plain = snippet();
        let before = words(&plain.completion);
        for seed in 0..20 {
            let twin = Style::Typos.twin(&plain, seed).expect("words to mistype");
            assert_eq!(twin.prompt, plain.prompt);
            let after: Vec<&str> = words(&twin.completion)
                .into_iter()
                .map(|r| &twin.completion[r])
                .collect();
            assert_eq!(after.len(), before.len(), "{}", twin.completion);
            let changed = before
                .iter()
                .zip(&after)
                .filter(|(r, w)| &plain.completion[(*r).clone()] != **w);
            assert_eq!(
                changed.count(),
                2,
                "a fifth of ten longer words: {}",
                twin.completion
            );
        }
    }

    #[test]
    fn a_frame_keeps_the_completion_whole() {
        let plain = snippet();
        let twin = Style::CalmAndTail.twin(&plain, 1).expect("a frame");
        assert!(
            twin.completion
                .contains("Nobody spoke while the boats came in")
        );
        assert!(
            twin.completion.len() > plain.completion.len() + 20,
            "{}",
            twin.completion
        );
        assert_ne!(
            Style::CalmAndTail.twin(&plain, 2),
            Some(twin),
            "another seed, another frame"
        );
    }

    #[test]
    fn what_has_no_longer_word_has_no_twin() {
        let short = SnippetText::new("It is late.", "So it is.");
        assert_eq!(Style::Typos.twin(&short, 0), None);
    }
}
