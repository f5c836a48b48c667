//! What the server needs of the rest of nines and must not know itself: the binary fills it.

use crate::attacks::AttackTable;
use crate::card::Card;
use crate::reliability::{PlanRequest, Planned, Reliability};
use futures_util::future::BoxFuture;
use nines_attack::thesaurus::Thesaurus;
use nines_domain::draw::Sampling;
use nines_domain::snippet::{DesignId, ModelId, RunId, SnippetId};
use nines_infer::generator::Generator;
use nines_infer::language_model::LanguageModel;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::Scorer;
use nines_store::DesignKind;
use std::sync::Arc;

/// Why something asked of the workbench could not be done.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// It cannot be done yet or in this way; the message says what to do.
    #[error("{0}")]
    Refused(String),
    /// The filter has not been asked anything yet: a measuring run has to come first.
    #[error("{0}")]
    NotMeasured(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// The measuring protocols and the project's own settings.
pub trait Workbench: Send + Sync + 'static {
    /// Lists what a design has drawn and still wants a person's label for, in the order in which it
    /// is to be labelled.
    fn waiting(
        &self,
        kind: DesignKind,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>>;

    /// Lists the pairs (left, right) that a quality design wants rated, sides as they are to be shown.
    fn pairs(
        &self,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>>;

    /// Computes the numbers of the Reliability page from what is labelled now. It reads alone: nothing
    /// is generated, drawn or stored.
    fn reliability(&self) -> BoxFuture<'_, Result<Reliability, WorkbenchError>>;

    /// Draws from the newest design what a plan asks for. What would take more requests than were
    /// asked is refused, and so is a goal that cannot be reached.
    fn plan(&self, asked: PlanRequest) -> BoxFuture<'_, Result<Planned, WorkbenchError>>;

    /// Computes the closing table of a run of an attack, with the labels of now.
    fn attack(&self, run: RunId) -> BoxFuture<'_, Result<AttackTable, WorkbenchError>>;

    /// Loads the scorer of a stored classifier, on the path that [`Workbench::path_of`] names. The
    /// scoring service keeps what is loaded; here nothing is kept.
    fn scorer(&self, model: ModelId) -> BoxFuture<'_, Result<Arc<dyn Scorer>, WorkbenchError>>;

    /// Tells all that is known of a stored classifier.
    fn card(&self, model: ModelId) -> BoxFuture<'_, Result<Card, WorkbenchError>>;

    /// Checks the text of a sweep file as its command would, and that it names nothing of this machine but
    /// models of the cache. Returns how many trials it means.
    fn check_sweep(&self, text: String) -> BoxFuture<'_, Result<u64, WorkbenchError>>;

    /// Returns the project's generator, loaded when it is first asked for and kept.
    fn generator(&self) -> BoxFuture<'_, Result<Arc<dyn Generator>, WorkbenchError>>;

    /// Returns the project's generator as a language model, which proposes words and says how probable
    /// texts are; none where the generator is an endpoint. It is loaded once, with the generator.
    fn language_model(
        &self,
    ) -> BoxFuture<'_, Result<Option<Arc<dyn LanguageModel>>, WorkbenchError>>;

    /// Returns the masked language model that the server was given, if any: it proposes words by what stands
    /// on both sides.
    fn masked(&self) -> Option<Arc<MaskedLanguageModel>>;

    /// Returns the thesaurus that this machine has, if any; read when it is first asked for and kept.
    fn thesaurus(&self) -> BoxFuture<'_, Option<Arc<Thesaurus>>>;

    /// Returns how the project samples unless told otherwise.
    fn sampling(&self) -> Sampling;

    /// Returns how many draws the project's filter makes for a prompt before it abstains.
    fn budget(&self) -> u32;

    /// Names the path by which scores are computed here, by a model whose family has no arithmetic of its own.
    fn path(&self) -> String;

    /// Names the path by which a classifier or an ensemble scores here: a threshold holds for the path that it
    /// was calibrated on.
    fn path_of(&self, _model: ModelId) -> BoxFuture<'_, String> {
        Box::pin(async { self.path() })
    }

    /// Reads the guide from the project's file.
    fn guide(&self) -> BoxFuture<'_, Result<String, WorkbenchError>>;

    /// Writes a new version of the guide to the project's file, and its number to the configuration.
    fn save_guide(&self, version: u32, text: String) -> BoxFuture<'_, Result<(), WorkbenchError>>;
}
