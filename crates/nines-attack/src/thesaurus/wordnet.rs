//! WordNet's database files: `index.*`, `data.*`, and `*.exc` for irregular forms.

use super::inflection::Irregular;
use super::{Class, ThesaurusError, read_text};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The ends of the file names, and what they hold.
const FILES: [(&str, Class); 4] = [
    ("noun", Class::Noun),
    ("verb", Class::Verb),
    ("adj", Class::Adjective),
    ("adv", Class::Adverb),
];

/// One kind of words.
#[derive(Debug)]
struct Words {
    /// Byte offsets of the synsets of each lemma, the commonest sense first.
    index: HashMap<String, Vec<usize>>,
    data: String,
}

/// The database: synsets are found by where they begin in their file, as the format has it.
#[derive(Debug)]
pub(super) struct WordNet {
    words: [Words; 4],
}

impl WordNet {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`ThesaurusError`] for files that are missing or are something else.
    pub(super) fn read(folder: &Path) -> Result<(Self, Irregular), ThesaurusError> {
        let mut irregular = Irregular::default();
        let mut words = Vec::with_capacity(FILES.len());
        for (name, class) in FILES {
            let exceptions = folder.join(format!("{name}.exc"));
            if exceptions.is_file() {
                irregular.learn(class, &read_text(&exceptions)?);
            }
            let index_path = folder.join(format!("index.{name}"));
            let data_path = folder.join(format!("data.{name}"));
            let one = Words {
                index: index(&read_text(&index_path)?, &index_path)?,
                data: read_text(&data_path)?,
            };
            // Another encoding or other line ends would shift every offset.
            let damaged = |reason: String| ThesaurusError::Damaged {
                path: data_path.clone(),
                reason,
            };
            let first = one.index.values().flatten().min();
            if let Some(&offset) = first
                && synset(&one.data, offset).is_none()
            {
                return Err(damaged(format!(
                    "no synset begins at byte {offset}, where index.{name} has one; take both files from one version"
                )));
            }
            words.push(one);
        }
        let words: [Words; 4] = words.try_into().map_err(|_| ThesaurusError::NotFound)?;
        Ok((Self { words }, irregular))
    }

    pub(super) fn len(&self) -> usize {
        self.words.iter().map(|words| words.index.len()).sum()
    }

    fn of(&self, class: Class) -> &Words {
        &self.words[class as usize]
    }

    pub(super) fn has(&self, class: Class, lemma: &str) -> bool {
        self.of(class).index.contains_key(lemma)
    }

    pub(super) fn synonyms(&self, class: Class, lemma: &str) -> Vec<String> {
        let words = self.of(class);
        let mut found = Vec::new();
        for &offset in words.index.get(lemma).into_iter().flatten() {
            for word in synset(&words.data, offset).into_iter().flatten() {
                if word != lemma && !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        found
    }
}

/// Reads an index: lemma, class, number of synsets, pointers, two counts, offsets.
fn index(text: &str, path: &Path) -> Result<HashMap<String, Vec<usize>>, ThesaurusError> {
    let mut index = HashMap::new();
    // The licence stands in lines that begin with a space.
    let lines = text.lines().enumerate();
    for (number, line) in
        lines.filter(|(_, line)| !line.starts_with(' ') && !line.trim().is_empty())
    {
        let (lemma, offsets) = entry(line).ok_or_else(|| ThesaurusError::Damaged {
            path: PathBuf::from(path),
            reason: format!("line {} is no entry of an index", number + 1),
        })?;
        index.insert(lemma.replace('_', " "), offsets);
    }
    Ok(index)
}

fn entry(line: &str) -> Option<(&str, Vec<usize>)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let synsets: usize = fields.get(2)?.parse().ok()?;
    let pointers: usize = fields.get(3)?.parse().ok()?;
    let offsets = fields.get(pointers.checked_add(6)?..)?;
    let offsets: Option<Vec<usize>> = offsets.iter().map(|field| field.parse().ok()).collect();
    let offsets = offsets.filter(|offsets| offsets.len() == synsets)?;
    Some((fields.first()?, offsets))
}

/// Reads the words of the synset that begins at a byte; `None` where none does.
fn synset(data: &str, offset: usize) -> Option<Vec<String>> {
    let line = data.get(offset..)?.lines().next()?;
    let mut fields = line.split_whitespace();
    // The line begins with its own offset, and two fields that are not needed here.
    if fields.next()?.parse::<usize>().ok()? != offset {
        return None;
    }
    let count = usize::from_str_radix(fields.nth(2)?, 16).ok()?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let word = fields.next()?;
        // Its number among the words of that spelling.
        fields.next()?;
        // Where an adjective stands: "(a)", "(p)", "(ip)".
        let bare = word.split('(').next().unwrap_or(word);
        words.push(bare.replace('_', " "));
    }
    Some(words)
}
