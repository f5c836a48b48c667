//! Thesauri in MyThes' format, as office programs have them: one `.dat` file.

use super::{Class, ThesaurusError, read_text};
use std::collections::HashMap;
use std::path::Path;

/// The file, and where in it each entry's lines begin.
#[derive(Debug)]
pub(super) struct MyThes {
    text: String,
    /// The byte after an entry's first line, and how many lines follow.
    index: HashMap<String, (usize, usize)>,
}

impl MyThes {
    /// Reads a `.dat` file.
    ///
    /// # Errors
    /// [`ThesaurusError`] where it cannot be read or is something else.
    pub(super) fn read(path: &Path) -> Result<Self, ThesaurusError> {
        let text = read_text(path)?;
        let damaged = |number: usize| ThesaurusError::Damaged {
            path: path.to_owned(),
            reason: format!("line {number} is no entry of a MyThes file, such as \"word|2\""),
        };
        let mut index = HashMap::new();
        // The first line names the encoding.
        let mut at = text.find('\n').map_or(text.len(), |end| end + 1);
        let mut number = 2;
        while at < text.len() {
            let line = text[at..].lines().next().unwrap_or_default();
            let next = |at: usize| text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
            let begins = next(at);
            if line.trim().is_empty() {
                (at, number) = (begins, number + 1);
                continue;
            }
            let (word, count) = line
                .trim_end()
                .rsplit_once('|')
                .ok_or_else(|| damaged(number))?;
            let count: usize = count.parse().map_err(|_| damaged(number))?;
            index.insert(word.to_owned(), (begins, count));
            at = begins;
            for _ in 0..count {
                if at >= text.len() {
                    return Err(damaged(number));
                }
                at = next(at);
            }
            number += count + 1;
        }
        Ok(Self { text, index })
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn has(&self, class: Class, lemma: &str) -> bool {
        self.senses(class, lemma).next().is_some()
    }

    pub(super) fn synonyms(&self, class: Class, lemma: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for line in self.senses(class, lemma) {
            // What carries a remark in brackets is a wider, a related or an opposite word.
            for word in line.split('|').skip(1).filter(|word| !word.contains('(')) {
                let word = word.trim();
                if !word.is_empty() && word != lemma && !found.iter().any(|known| known == word) {
                    found.push(word.to_owned());
                }
            }
        }
        found
    }

    /// Lists the lines of an entry that speak of a class.
    fn senses<'a>(&'a self, class: Class, lemma: &str) -> impl Iterator<Item = &'a str> {
        let (begins, count) = self
            .index
            .get(lemma)
            .copied()
            .unwrap_or((self.text.len(), 0));
        let wanted: &[&str] = match class {
            Class::Noun => &["(noun)"],
            Class::Verb => &["(verb)"],
            Class::Adjective => &["(adj)", "(adjective)"],
            Class::Adverb => &["(adv)", "(adverb)"],
        };
        let lines = self.text[begins..].lines().take(count);
        lines.filter(move |line| {
            line.split('|')
                .next()
                .is_some_and(|class| wanted.contains(&class))
        })
    }
}
