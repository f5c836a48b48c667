//! What proposes edits.

pub mod deletion;
pub mod fill_in;
pub mod flip;
pub mod hole_shapes;
pub mod merge;
pub mod paraphrase;
pub mod random_words;
pub mod synonyms;
pub mod typos;

use crate::edit::{Draft, Edit, Site};
use nines_infer::cancel::CancelFlag;

/// Edits made together, as one step of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The edits: places of the text before any of them, none overlapping another.
    pub edits: Vec<Edit>,
    /// How probable the proposer holds it, natural logarithm; higher first. `None` where it has no opinion.
    pub log_probability: Option<f64>,
    /// What was done, for the log: `synonym`, `flip`, `delete` …
    pub kind: &'static str,
}

impl Proposal {
    /// Proposes one edit, without an opinion how probable it is.
    pub fn of(edit: Edit, kind: &'static str) -> Self {
        Self {
            edits: vec![edit],
            log_probability: None,
            kind,
        }
    }
}

/// Why a transformation cannot propose anything at all.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// A model that it needs failed or is not there; the message says what to do.
    #[error("{0}")]
    Model(String),
    /// The attempt was to stop before all was proposed.
    #[error("stopped before all was proposed")]
    Stopped,
}

/// What a transformation that may take long goes by, and what it leaves behind.
#[derive(Debug, Default)]
pub struct Proposing {
    /// Set when the attempt must stop: somebody asked for it, or its seconds are spent.
    pub stop: CancelFlag,
    /// What the reader of the log should know.
    pub notes: Vec<String>,
}

impl Proposing {
    /// Ends the proposing where the attempt must stop.
    ///
    /// # Errors
    /// [`ProposeError::Stopped`].
    pub fn check(&self) -> Result<(), ProposeError> {
        match self.stop.is_cancelled() {
            true => Err(ProposeError::Stopped),
            false => Ok(()),
        }
    }
}

/// Proposes edits of a draft.
///
/// Equal drafts (text, start and seed) and sites give equal proposals in equal order: random numbers come
/// from [`Draft::random`].
pub trait Transformation: Send + Sync {
    /// Names it, as recipes do.
    fn name(&self) -> &'static str;

    /// Lists the places that it could change, in the order of the text: words, tokens, gaps or halves.
    fn sites(&self, draft: &Draft) -> Vec<Site>;

    /// Proposes edits of each of some sites: one list each, best first. Constraints are not asked here.
    ///
    /// # Errors
    /// [`ProposeError`] where a model that it needs fails.
    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError>;

    /// Proposes as [`Self::propose`], looks whether it must stop, and leaves notes.
    ///
    /// # Errors
    /// As [`Self::propose`], and [`ProposeError::Stopped`].
    fn propose_for(
        &self,
        draft: &Draft,
        sites: &[Site],
        _proposing: &mut Proposing,
    ) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        self.propose(draft, sites)
    }

    /// Returns how many queries to the victim one call of [`Self::propose`] hides: a gradient is one.
    fn queries(&self) -> u64 {
        0
    }

    /// Names the models that it reads, with their versions.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}
