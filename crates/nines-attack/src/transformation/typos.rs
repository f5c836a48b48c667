//! Typing errors, and letters that look like others.

use super::{Proposal, ProposeError, Transformation};
use crate::edit::{Draft, Edit, Site};
use crate::recipe::{BuildTransformation, Models, RecipeError};
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};

/// The keys beside each letter on a keyboard with the letters q, w, e, r, t, y in its first row.
const BESIDE: [(char, &str); 26] = [
    ('a', "qwsz"),
    ('b', "vghn"),
    ('c', "xdfv"),
    ('d', "serfcx"),
    ('e', "wsdr"),
    ('f', "drtgvc"),
    ('g', "ftyhbv"),
    ('h', "gyujnb"),
    ('i', "ujko"),
    ('j', "huikmn"),
    ('k', "jiolm"),
    ('l', "kop"),
    ('m', "njk"),
    ('n', "bhjm"),
    ('o', "iklp"),
    ('p', "ol"),
    ('q', "wa"),
    ('r', "edft"),
    ('s', "awedxz"),
    ('t', "rfgy"),
    ('u', "yhji"),
    ('v', "cfgb"),
    ('w', "qase"),
    ('x', "zsdc"),
    ('y', "tghu"),
    ('z', "asx"),
];

/// Letters of other scripts that look the same.
const ALIKE: [(char, char); 26] = [
    ('a', 'а'),
    ('c', 'с'),
    ('d', 'ԁ'),
    ('e', 'е'),
    ('h', 'һ'),
    ('i', 'і'),
    ('j', 'ј'),
    ('o', 'о'),
    ('p', 'р'),
    ('q', 'ԛ'),
    ('s', 'ѕ'),
    ('w', 'ԝ'),
    ('x', 'х'),
    ('y', 'у'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('T', 'Т'),
    ('X', 'Х'),
];

/// Settings: which errors, and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Two neighbouring letters change places.
    pub swap: bool,
    /// A letter is left out.
    pub delete: bool,
    /// A letter is struck twice.
    pub insert: bool,
    /// The key beside it is struck.
    pub neighbour: bool,
    /// A letter is one of another script that looks the same.
    pub homoglyph: bool,
    /// Candidates of each kind for one word.
    pub each: usize,
    /// Letters that a word must have. Its first letter stays, but for homoglyphs.
    pub least: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            swap: true,
            delete: true,
            insert: true,
            neighbour: true,
            homoglyph: true,
            each: 2,
            least: 3,
        }
    }
}

impl BuildTransformation for Settings {
    fn build(&self, _: &Models, _: u64) -> Result<Box<dyn Transformation>, RecipeError> {
        if self.each == 0 || self.each > 64 {
            return Err(RecipeError::field("each", "takes a number from 1 to 64"));
        }
        let any = [
            self.swap,
            self.delete,
            self.insert,
            self.neighbour,
            self.homoglyph,
        ];
        if !any.contains(&true) {
            return Err(RecipeError::field(
                "swap",
                "and all other errors are off; leave one on",
            ));
        }
        Ok(Box::new(Typos(self.clone())))
    }
}

/// Writes words with one error each. Where in a word, the attempt's seed and the text say.
pub struct Typos(pub Settings);

/// Makes an error at a letter of a word; `None` where it cannot be made there.
type Mistake = fn(&[char], usize, &mut Stream) -> Option<String>;

fn with(letters: &[char], at: usize, gone: usize, put: &[char]) -> String {
    let (before, rest) = letters.split_at(at);
    before.iter().chain(put).chain(&rest[gone..]).collect()
}

fn swap(letters: &[char], at: usize, _: &mut Stream) -> Option<String> {
    let next = *letters.get(at + 1)?;
    (next != letters[at]).then(|| with(letters, at, 2, &[next, letters[at]]))
}

fn delete(letters: &[char], at: usize, _: &mut Stream) -> Option<String> {
    Some(with(letters, at, 1, &[]))
}

fn insert(letters: &[char], at: usize, _: &mut Stream) -> Option<String> {
    Some(with(letters, at, 0, &[letters[at]]))
}

fn neighbour(letters: &[char], at: usize, random: &mut Stream) -> Option<String> {
    let letter = letters[at];
    let (_, beside) = BESIDE
        .iter()
        .find(|(key, _)| *key == letter.to_ascii_lowercase())?;
    let beside: Vec<char> = beside.chars().collect();
    let struck = beside[random.below(beside.len())];
    let struck = if letter.is_ascii_uppercase() {
        struck.to_ascii_uppercase()
    } else {
        struck
    };
    Some(with(letters, at, 1, &[struck]))
}

fn homoglyph(letters: &[char], at: usize, _: &mut Stream) -> Option<String> {
    let (_, alike) = ALIKE.iter().find(|(letter, _)| *letter == letters[at])?;
    Some(with(letters, at, 1, &[*alike]))
}

impl Typos {
    fn mistakes(&self) -> Vec<(Mistake, usize)> {
        let kinds: [(bool, Mistake, usize); 5] = [
            (self.0.swap, swap, 1),
            (self.0.delete, delete, 1),
            (self.0.insert, insert, 1),
            (self.0.neighbour, neighbour, 1),
            (self.0.homoglyph, homoglyph, 0),
        ];
        let on = kinds.into_iter().filter(|kind| kind.0);
        on.map(|(_, mistake, first)| (mistake, first)).collect()
    }
}

impl Transformation for Typos {
    fn name(&self) -> &'static str {
        "typos"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let long = |site: &Site| {
            draft
                .at(site)
                .is_some_and(|word| word.chars().count() >= self.0.least.max(2))
        };
        draft.words().into_iter().filter(long).collect()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let of = |site: &Site| {
            let word = draft.at(site).unwrap_or_default();
            let letters: Vec<char> = word.chars().collect();
            let mut random = draft.random(&format!("typos {:?} {}", site.part, site.range.start));
            let mut written: Vec<String> = Vec::new();
            for (mistake, first) in self.mistakes() {
                let mut places: Vec<usize> = (first..letters.len()).collect();
                let mut made = 0;
                while made < self.0.each && !places.is_empty() {
                    let at = places.swap_remove(random.below(places.len()));
                    let wrong = mistake(&letters, at, &mut random);
                    if let Some(wrong) =
                        wrong.filter(|wrong| wrong != word && !written.contains(wrong))
                    {
                        written.push(wrong);
                        made += 1;
                    }
                }
            }
            let propose = |text: String| {
                let site = site.clone();
                Proposal::of(Edit { site, text }, "typo")
            };
            written.into_iter().map(propose).collect()
        };
        Ok(sites.iter().map(of).collect())
    }
}
