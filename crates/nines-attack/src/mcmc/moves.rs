//! The moves of the chain: a word replaced, put in, or taken out, each with the probability of its way back.

use super::words::WordLaw;
use crate::edit::{Draft, Edit, PARTS, Site};
use crate::transformation::ProposeError;
use crate::wording::Surroundings;
use nines_stats::random::Stream;
use nines_text::SnippetPart;

/// A possible next text.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The text.
    pub draft: Draft,
    /// `replace`, `insert` or `delete`.
    pub kind: &'static str,
    /// ln of the probability of drawing this move, over that of drawing its reverse from there.
    pub log_ratio: f64,
}

/// Draws moves: half of them replace a word, a quarter put one in behind another, a quarter take one out.
pub struct Moves {
    words: WordLaw,
    parts: Vec<SnippetPart>,
    most_words: usize,
}

impl Moves {
    /// Edits words of one half, or of both; no text has more than `most_words` words there.
    pub fn new(words: WordLaw, part: Option<SnippetPart>, most_words: usize) -> Self {
        Self {
            words,
            parts: part.map_or_else(|| PARTS.to_vec(), |part| vec![part]),
            most_words,
        }
    }

    /// Returns what draws the words.
    pub fn words(&self) -> &WordLaw {
        &self.words
    }

    /// Says whether the prompt is edited too.
    pub fn edits_prompt(&self) -> bool {
        self.parts.contains(&SnippetPart::Prompt)
    }

    /// Draws a move; `None` where the one that was drawn cannot be made, and the chain stays.
    ///
    /// # Errors
    /// [`ProposeError`] where the language model fails.
    pub fn draw(&self, draft: &Draft, random: &mut Stream) -> Result<Option<Move>, ProposeError> {
        let kind = random.below(4);
        match kind {
            0 | 1 => self.replace(draft, random),
            2 => self.insert(draft, random),
            _ => self.delete(draft, random),
        }
    }

    /// Lists the words that moves may work on.
    fn sites(&self, draft: &Draft) -> Vec<Site> {
        let words = draft.words().into_iter();
        words.filter(|site| self.parts.contains(&site.part)).collect()
    }

    /// Lists the words that may be replaced.
    fn replaceable(&self, draft: &Draft) -> Vec<Site> {
        let sites = self.sites(draft).into_iter();
        sites.filter(|site| !draft.is_protected(site)).collect()
    }

    /// Lists the gaps directly behind words, where one may be put in.
    fn openings(&self, draft: &Draft) -> Vec<Site> {
        let behind = |site: Site| Site {
            range: site.range.end..site.range.end,
            ..site
        };
        let gaps = self.sites(draft).into_iter().map(behind);
        gaps.filter(|gap| !draft.is_protected(gap)).collect()
    }

    /// Lists the words that may be taken out: those that a single space parts from the word before,
    /// which are exactly those that may have been put in. The space belongs to the site.
    fn removable(&self, draft: &Draft) -> Vec<Site> {
        let words = self.sites(draft);
        let pairs = words.windows(2).filter_map(|two| {
            let part = two[0].part;
            let site = Site {
                part,
                range: two[0].range.end..two[1].range.end,
            };
            let apart = draft.part(part).get(two[0].range.end..two[1].range.start);
            let open = part == two[1].part && apart == Some(" ");
            (open && !draft.is_protected(&site)).then_some(site)
        });
        pairs.collect()
    }

    fn replace(&self, draft: &Draft, random: &mut Stream) -> Result<Option<Move>, ProposeError> {
        let sites = self.replaceable(draft);
        let Some(site) = pick(&sites, random) else {
            return Ok(None);
        };
        let Ok(around) = Surroundings::of(draft.text(), site) else {
            return Ok(None);
        };
        let words = self.words.at(&around.left, &around.space)?;
        let (Some(old), Some(new)) = (draft.at(site), words.draw(random)) else {
            return Ok(None);
        };
        let way = words.probability(new) / words.probability(old);
        let edit = Edit {
            site: site.clone(),
            text: new.to_owned(),
        };
        let put = site.range.start..site.range.start + new.len();
        let Some(changed) = self.applied(draft, &edit, &put, 0) else {
            return Ok(None);
        };
        // The way back must be drawn from as many words.
        let back = self.replaceable(&changed).len();
        Ok(Some(Move {
            draft: changed,
            kind: "replace",
            log_ratio: way.ln() + (back as f64 / sites.len() as f64).ln(),
        }))
    }

    fn insert(&self, draft: &Draft, random: &mut Stream) -> Result<Option<Move>, ProposeError> {
        let gaps = self.openings(draft);
        let Some(gap) = pick(&gaps, random) else {
            return Ok(None);
        };
        if self.sites(draft).len() >= self.most_words {
            return Ok(None);
        }
        let Ok(around) = Surroundings::of(draft.text(), gap) else {
            return Ok(None);
        };
        let words = self.words.at(&around.left, " ")?;
        let Some(new) = words.draw(random) else {
            return Ok(None);
        };
        let edit = Edit {
            site: gap.clone(),
            text: format!(" {new}"),
        };
        let start = gap.range.start + 1;
        let Some(changed) = self.applied(draft, &edit, &(start..start + new.len()), 1) else {
            return Ok(None);
        };
        let there = words.probability(new) / gaps.len() as f64;
        let back = 1.0 / self.removable(&changed).len() as f64;
        Ok(Some(Move {
            draft: changed,
            kind: "insert",
            log_ratio: (there / back).ln(),
        }))
    }

    fn delete(&self, draft: &Draft, random: &mut Stream) -> Result<Option<Move>, ProposeError> {
        let sites = self.removable(draft);
        let Some(site) = pick(&sites, random) else {
            return Ok(None);
        };
        let Some(old) = draft.at(site).map(|text| text[1..].to_owned()) else {
            return Ok(None);
        };
        let edit = Edit {
            site: site.clone(),
            text: String::new(),
        };
        let Ok(changed) = draft.apply(std::slice::from_ref(&edit)) else {
            return Ok(None);
        };
        let gap = Site {
            part: site.part,
            range: site.range.start..site.range.start,
        };
        let gaps = self.openings(&changed);
        let joined = self.sites(draft).len() != self.sites(&changed).len() + 1;
        let Ok(around) = Surroundings::of(changed.text(), &gap) else {
            return Ok(None);
        };
        if joined || !gaps.contains(&gap) {
            return Ok(None);
        }
        let words = self.words.at(&around.left, " ")?;
        let there = 1.0 / sites.len() as f64;
        let back = words.probability(&old) / gaps.len() as f64;
        Ok(Some(Move {
            draft: changed,
            kind: "delete",
            log_ratio: (there / back).ln(),
        }))
    }

    /// Makes an edit, where the word that comes in stands there as a word of its own and all others
    /// stay what they were.
    fn applied(
        &self,
        draft: &Draft,
        edit: &Edit,
        put: &std::ops::Range<usize>,
        more: usize,
    ) -> Option<Draft> {
        let changed = draft.apply(std::slice::from_ref(edit)).ok()?;
        let words = self.sites(&changed);
        let stands = words
            .iter()
            .any(|word| word.part == edit.site.part && word.range == *put);
        (stands && words.len() == self.sites(draft).len() + more).then_some(changed)
    }
}

fn pick<'a>(sites: &'a [Site], random: &mut Stream) -> Option<&'a Site> {
    (!sites.is_empty()).then(|| &sites[random.below(sites.len())])
}
