//! Words with the same meaning, from files that are installed beside this program.

/// Words with the same meaning.
#[derive(Debug, Clone, Default)]
pub struct Thesaurus {}
