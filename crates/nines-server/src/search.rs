//! What a search for snippets may ask, the same on the Data page and where a queue is filled by one.

use crate::error::Problem;
use crate::state::AppState;
use nines_domain::snippet::ModelId;
use nines_domain::split::Split;
use nines_store::{LabelState, Model, ModelKind, Origin, ScoreRange, SnippetSearch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of the longest text that is searched for.
const LONGEST_TEXT: usize = 500;

/// Which snippets to find; what is left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchWords {
    /// A text that the prompt or the completion holds, whatever the case of its letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub text: Option<String>,
    /// The classifier whose scores count; the newest unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classifier: Option<i64>,
    /// The lowest score, a logit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_from: Option<f64>,
    /// The highest score, a logit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_to: Option<f64>,
    /// What labels say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelWord>,
    /// The strict verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// A source that it was first stored from, or met again at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How it came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginWord>,
    /// The split of its prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitWord>,
    /// Somebody whose label it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labeller: Option<String>,
    /// These snippets by key, in this order, and no others; where a queue is filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20000)]
    pub ids: Option<Vec<i64>>,
}

/// What labels say of a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelWord {
    /// A catastrophe in the broad sense.
    Yes,
    /// None.
    No,
    /// Labelled, and readers could not decide.
    Unsure,
    /// Without a label.
    None,
    /// Labellers disagree.
    Disagreement,
}

/// How a snippet came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginWord {
    /// A file brought it.
    Import,
    /// A generator of this project wrote it.
    Generate,
    /// Somebody changed another snippet.
    Edit,
    /// An attack made it, and chose it by its score.
    Attack,
}

impl From<Origin> for OriginWord {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Import => Self::Import,
            Origin::Generate => Self::Generate,
            Origin::Edit => Self::Edit,
            Origin::Attack => Self::Attack,
        }
    }
}

impl From<OriginWord> for Origin {
    fn from(word: OriginWord) -> Self {
        match word {
            OriginWord::Import => Self::Import,
            OriginWord::Generate => Self::Generate,
            OriginWord::Edit => Self::Edit,
            OriginWord::Attack => Self::Attack,
        }
    }
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitWord {
    /// For gradients.
    Train,
    /// For stopping early.
    Validation,
    /// For choosing thresholds.
    Calibration,
    /// For measuring.
    Test,
}

impl From<Split> for SplitWord {
    fn from(split: Split) -> Self {
        match split {
            Split::Train => Self::Train,
            Split::Validation => Self::Validation,
            Split::Calibration => Self::Calibration,
            Split::Test => Self::Test,
        }
    }
}

impl From<SplitWord> for Split {
    fn from(word: SplitWord) -> Self {
        match word {
            SplitWord::Train => Self::Train,
            SplitWord::Validation => Self::Validation,
            SplitWord::Calibration => Self::Calibration,
            SplitWord::Test => Self::Test,
        }
    }
}

/// Whose scores are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredBy {
    /// The classifier.
    pub model: ModelId,
    /// The path of the scores; none where it has scored nothing.
    pub path: Option<String>,
    /// Its threshold on that path, a logit.
    pub threshold: Option<f64>,
}

impl SearchWords {
    /// The words alone, for a record: a list of keys says nothing later.
    pub fn without_ids(self) -> Self {
        Self { ids: None, ..self }
    }

    /// Turns the words into a search, and says whose scores it looks at.
    ///
    /// # Errors
    /// 422 for a text that is too long or cannot be stored, for scores without a classifier, and for
    /// bounds that are no numbers; 404 for a classifier that is not there.
    pub async fn into_search(
        self,
        state: &AppState,
    ) -> Result<(SnippetSearch, Option<ScoredBy>), Problem> {
        for (name, text) in [
            ("text", &self.text),
            ("source", &self.source),
            ("labeller", &self.labeller),
        ] {
            let text = text.as_deref().unwrap_or_default();
            if text.chars().count() > LONGEST_TEXT || text.contains('\0') {
                return Err(Problem::invalid(format!(
                    "{name} has more than {LONGEST_TEXT} characters, or one that no text holds"
                )));
            }
        }
        if [self.score_from, self.score_to]
            .iter()
            .flatten()
            .any(|x| !x.is_finite())
        {
            return Err(Problem::invalid(
                "score_from and score_to are finite logits",
            ));
        }
        let scored = scored_by(state, self.classifier).await?;
        let score = match (self.score_from, self.score_to) {
            (None, None) => None,
            (from, to) => {
                let by = scored.as_ref();
                let by = by.and_then(|by| Some((by.model, by.path.clone()?)));
                let (model, path) = by.ok_or_else(|| {
                    Problem::invalid(
                        "no classifier has scored anything yet; score the snippets first",
                    )
                })?;
                Some(ScoreRange {
                    model,
                    path,
                    from,
                    to,
                })
            }
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let search = SnippetSearch {
            text: given(self.text),
            score,
            no_finds: false,
            label: self.label.map(|word| match word {
                LabelWord::Yes => LabelState::Yes,
                LabelWord::No => LabelState::No,
                LabelWord::Unsure => LabelState::Unsure,
                LabelWord::None => LabelState::Unlabelled,
                LabelWord::Disagreement => LabelState::Disagreement,
            }),
            strict: self.strict,
            source: given(self.source),
            origin: self.origin.map(Origin::from),
            labeller: given(self.labeller),
            split: self
                .split
                .map(|word| (word.into(), state.settings.split_seed)),
        };
        Ok((search, scored))
    }
}

/// Finds whose scores to show: the classifier asked for, or the newest; on the path that serves here
/// where its threshold was chosen on that, or else on the one where it was chosen last.
///
/// # Errors
/// 404 for a classifier that is not there, and those of reading.
pub async fn scored_by(
    state: &AppState,
    classifier: Option<i64>,
) -> Result<Option<ScoredBy>, Problem> {
    let model: Model = match classifier {
        None => match state
            .store
            .latest_model(ModelKind::Classifier, None)
            .await?
        {
            Some(newest) => newest,
            None => return Ok(None),
        },
        Some(id) => {
            let models = state.store.models(Some(ModelKind::Classifier)).await?;
            let found = models.into_iter().find(|model| model.id.0 == id);
            found.ok_or_else(|| Problem::not_found(format!("there is no classifier {id}")))?
        }
    };
    let here = state.workbench.path_of(model.id).await;
    let on = async |path: String| -> Result<ScoredBy, Problem> {
        let found = state
            .calibrations
            .newest(&state.store, model.id, &path)
            .await?;
        Ok(ScoredBy {
            model: model.id,
            threshold: found.map(|read| read.threshold.logit()),
            path: Some(path),
        })
    };
    let serving = on(here).await?;
    if serving.threshold.is_some() {
        return Ok(Some(serving));
    }
    Ok(Some(match state.store.serving_path(model.id).await? {
        Some(path) => on(path).await?,
        None => ScoredBy {
            path: None,
            ..serving
        },
    }))
}
