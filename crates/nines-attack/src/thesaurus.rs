//! Words with the same meaning, from files that are installed beside this program.

/// Words with the same meaning.
#[derive(Debug, Clone, Default)]
pub struct Thesaurus {}

impl Thesaurus {
    /// Lists words with the same meaning as a word.
    pub fn synonyms(&self, _word: &str) -> Vec<String> {
        Vec::new()
    }
}
