//! A workbench that answers with fixed data, and with a scorer and a generator that do what a test
//! tells them. The real one is the binary's, tested there.

use crate::play::doubles::{Counting, FewWords, Lengths};
use futures_util::future::{BoxFuture, FutureExt, ready};
use nines_attack::thesaurus::Thesaurus;
use nines_domain::draw::Sampling;
use nines_domain::snippet::{DesignId, ModelId, RunId, SnippetId};
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::generator::Generator;
use nines_infer::language_model::LanguageModel;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::Scorer;
use nines_nn::encoder::{Classifier, HeadConfig};
use nines_server::attacks::AttackTable;
use nines_server::card::Card;
use nines_server::reliability::{PlanRequest, Planned, Reliability};
use nines_server::{Workbench, WorkbenchError};
use nines_store::DesignKind;
use nines_text::SnippetTokenizer;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Answers with fixed data.
#[derive(Default)]
pub struct FixedWorkbench {
    pub scorer: Arc<Lengths>,
    pub generator: Arc<Counting>,
    /// How often the numbers were computed.
    pub computed: AtomicU64,
    /// The guide's text on the disk.
    pub guide: Mutex<String>,
    /// What a design of the leak wants labelled.
    pub waiting: Mutex<Vec<SnippetId>>,
    /// A classifier in the scorer's place.
    pub classifier: Mutex<Option<Arc<dyn Scorer>>>,
    /// What proposes words by both sides.
    pub masked: Mutex<Option<Arc<MaskedLanguageModel>>>,
    /// What knows synonyms.
    pub thesaurus: Mutex<Option<Arc<Thesaurus>>>,
    /// The card of every classifier.
    pub card: Mutex<Option<Card>>,
    /// By which path scores are computed, where it is another one than usual.
    pub path: Mutex<Option<String>>,
}

/// A classifier with gradients: the default base model, with a head drawn from a seed.
pub fn real_classifier() -> ClassifierScorer {
    let base = nines_models::resolve("minilm-l6")
        .expect("the model minilm-l6 is in the cache; `nines models pull minilm-l6` puts it there");
    let head = HeadConfig {
        seed: 3,
        ..HeadConfig::default()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let model = Classifier::from_base(&base.path, &head, &nines_nn::device::cpu());
    model.expect("the base").save(folder.path()).expect("saved");
    let tokenizer = SnippetTokenizer::from_folder(&base.path).expect("its tokenizer");
    tokenizer.save_into(folder.path()).expect("saved");
    ClassifierScorer::load(folder.path(), LongPolicy::Refuse).expect("the folder loads")
}

impl Workbench for FixedWorkbench {
    fn waiting(
        &self,
        _: DesignKind,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>> {
        let waiting = self.waiting.lock().expect("no panic").clone();
        ready(Ok(waiting)).boxed()
    }

    fn pairs(
        &self,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn reliability(&self) -> BoxFuture<'_, Result<Reliability, WorkbenchError>> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Reliability::default())).boxed()
    }

    fn plan(&self, _: PlanRequest) -> BoxFuture<'_, Result<Planned, WorkbenchError>> {
        ready(Err(WorkbenchError::Refused(
            "there is no design".to_owned(),
        )))
        .boxed()
    }

    fn attack(&self, _: RunId) -> BoxFuture<'_, Result<AttackTable, WorkbenchError>> {
        ready(Err(WorkbenchError::Refused(
            "no attack has run here".to_owned(),
        )))
        .boxed()
    }

    fn scorer(&self, _: ModelId) -> BoxFuture<'_, Result<Arc<dyn Scorer>, WorkbenchError>> {
        let other = self.classifier.lock().expect("no panic").clone();
        let scorer: Arc<dyn Scorer> = self.scorer.clone();
        ready(Ok(other.unwrap_or(scorer))).boxed()
    }

    fn card(&self, _: ModelId) -> BoxFuture<'_, Result<Card, WorkbenchError>> {
        let card = self.card.lock().expect("no panic").clone();
        let none = || WorkbenchError::Refused("there is no card".to_owned());
        ready(card.ok_or_else(none)).boxed()
    }

    fn check_sweep(&self, text: String) -> BoxFuture<'_, Result<u64, WorkbenchError>> {
        let refused =
            || WorkbenchError::Refused("it needs either [[cells]] or [search]".to_owned());
        let cells = text.matches("[[cells]]").count() as u64;
        ready(Some(cells).filter(|&n| n > 0).ok_or_else(refused)).boxed()
    }

    fn generator(&self) -> BoxFuture<'_, Result<Arc<dyn Generator>, WorkbenchError>> {
        let generator: Arc<dyn Generator> = self.generator.clone();
        ready(Ok(generator)).boxed()
    }

    fn language_model(
        &self,
    ) -> BoxFuture<'_, Result<Option<Arc<dyn LanguageModel>>, WorkbenchError>> {
        let model: Arc<dyn LanguageModel> = Arc::new(FewWords);
        ready(Ok(Some(model))).boxed()
    }

    fn masked(&self) -> Option<Arc<MaskedLanguageModel>> {
        self.masked.lock().expect("no panic").clone()
    }

    fn thesaurus(&self) -> BoxFuture<'_, Option<Arc<Thesaurus>>> {
        let thesaurus = self.thesaurus.lock().expect("no panic").clone();
        ready(thesaurus).boxed()
    }

    fn sampling(&self) -> Sampling {
        Sampling::default()
    }

    fn budget(&self) -> u32 {
        20
    }

    fn path(&self) -> String {
        let other = self.path.lock().expect("no panic").clone();
        other.unwrap_or_else(|| "cpu/test".to_owned())
    }

    fn guide(&self) -> BoxFuture<'_, Result<String, WorkbenchError>> {
        let guide = self.guide.lock().expect("no panic").clone();
        ready(Ok(guide)).boxed()
    }

    fn save_guide(&self, _: u32, text: String) -> BoxFuture<'_, Result<(), WorkbenchError>> {
        *self.guide.lock().expect("no panic") = text;
        ready(Ok(())).boxed()
    }
}
