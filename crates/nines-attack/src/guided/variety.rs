//! How varied texts are.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How varied some texts are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Variety {
    /// Texts.
    pub texts: usize,
    /// Different ones among them.
    pub distinct: usize,
    /// Different pairs of neighbouring words over all such pairs (distinct-2); `None` without a pair. It
    /// falls with the number of texts: compare equal numbers.
    pub distinct_pairs: Option<f64>,
}

impl Variety {
    /// Measures some texts; case and punctuation do not count.
    ///
    /// # Reference
    /// Li et al., "A diversity-promoting objective function" (2016), for distinct-2.
    pub fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let words: Vec<Vec<String>> = texts.map(words).collect();
        let pairs = || words.iter().flat_map(|words| words.windows(2));
        let total = pairs().count();
        Self {
            texts: words.len(),
            distinct: words.iter().collect::<BTreeSet<_>>().len(),
            distinct_pairs: (total > 0)
                .then(|| pairs().collect::<BTreeSet<_>>().len() as f64 / total as f64),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Says how alike two texts are: the share of words that they have in common (Jaccard), 1 for equal ones.
pub fn likeness(a: &str, b: &str) -> f64 {
    let of = |text| words(text).into_iter().collect::<BTreeSet<String>>();
    let (a, b) = (of(a), of(b));
    let all = a.union(&b).count();
    if all == 0 {
        return 1.0;
    }
    a.intersection(&b).count() as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_lowers_variety() {
        let varied = Variety::of(["He ran home.", "She fell down."].into_iter());
        assert_eq!((varied.distinct, varied.distinct_pairs), (2, Some(1.0)));
        let dull = Variety::of(["He ran home.", "he ran home", "He ran away."].into_iter());
        assert_eq!((dull.texts, dull.distinct), (3, 2));
        assert_eq!(dull.distinct_pairs, Some(0.5));
        assert_eq!(Variety::of(std::iter::empty()).distinct_pairs, None);
        assert_eq!(Variety::of(["Ouch!"].into_iter()).distinct_pairs, None);
    }

    #[test]
    fn likeness_counts_shared_words() {
        assert_eq!(likeness("He ran.", "he ran"), 1.0);
        assert_eq!(likeness("He ran", "She fell"), 0.0);
        assert_eq!(likeness("he ran home", "he ran away"), 0.5);
        assert_eq!(likeness("", "!"), 1.0);
    }
}
