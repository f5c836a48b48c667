//! What recipes may ask for: the victim, and models that help.

use crate::guided::injury::InjuryHead;
use crate::judge::Judge;
use crate::thesaurus::Thesaurus;
use crate::victim::Victim;
use nines_domain::score::Threshold;
use nines_infer::generator::Generator;
use nines_infer::language_model::LanguageModel;
use nines_infer::local::LocalGenerator;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::sentence_encoder::SentenceEncoder;
use std::sync::Arc;

/// The models that an attack may read. Only the victim must be there; a recipe that needs another says so.
pub struct Models {
    /// What is attacked.
    pub victim: Arc<Victim>,
    /// The threshold of each of the victim's scorers.
    pub thresholds: Vec<Threshold>,
    /// How probable texts are, and which words come next.
    pub language_model: Option<Arc<dyn LanguageModel>>,
    /// Which words fill a gap.
    pub masked: Option<Arc<MaskedLanguageModel>>,
    /// What the filter stands before.
    pub generator: Option<Arc<dyn Generator>>,
    /// The same where it runs here, so that its inside can be read.
    pub local_generator: Option<Arc<LocalGenerator>>,
    /// What rewrites texts: a local model or an endpoint.
    pub paraphraser: Option<Arc<dyn Generator>>,
    /// Words with the same meaning.
    pub thesaurus: Option<Arc<Thesaurus>>,
    /// How near two texts are.
    pub encoder: Option<Arc<SentenceEncoder>>,
    /// Who says that the injury is still there.
    pub judge: Option<Judge>,
    /// Who says how injurious a text is.
    pub injury: Option<Arc<dyn InjuryHead>>,
    /// Other prompts of the project, for searches that look for a prompt.
    pub prompts: Arc<Vec<String>>,
}

impl Models {
    /// Begins with the victim and the thresholds of its scorers, and nothing else.
    pub fn of(victim: Arc<Victim>, thresholds: Vec<Threshold>) -> Self {
        Self {
            victim,
            thresholds,
            language_model: None,
            masked: None,
            generator: None,
            local_generator: None,
            paraphraser: None,
            thesaurus: None,
            encoder: None,
            judge: None,
            injury: None,
            prompts: Arc::default(),
        }
    }
}
