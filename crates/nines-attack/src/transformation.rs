//! What proposes edits.

use crate::edit::{Draft, Edit, Site};

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

/// Why a transformation cannot propose anything at all.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// A model that it needs failed or is not there; the message says what to do.
    #[error("{0}")]
    Model(String),
}

/// Proposes edits of a draft.
///
/// Equal drafts, sites and seeds give equal proposals in equal order.
pub trait Transformation: Send + Sync {
    /// Names it, as recipes do.
    fn name(&self) -> &'static str;

    /// Lists the places that it could change, in the order of the text: words, tokens or gaps.
    fn sites(&self, draft: &Draft) -> Vec<Site>;

    /// Proposes edits of each of some sites: one list each, best first. Constraints are not asked here.
    ///
    /// # Errors
    /// [`ProposeError`] where a model that it needs fails.
    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError>;
}
