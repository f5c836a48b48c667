//! What a click on a word or a gap shows a person: texts for that place, ranked by the true score of the whole edited snippet.
//!
//! Models only propose, and the gradient only chooses which proposals are worth scoring: what is shown
//! was scored as it is shown. Rows come as soon as they are known, and the ranking is right at any time
//! for the rows that are there.

mod candidates;

use crate::edit::{EditError, Site, half_of};
use crate::fill::{RIGHT_WORDS, log_probabilities_around};
use crate::thesaurus::Thesaurus;
use crate::wording::{Surroundings, widened};
use candidates::{Candidate, candidates};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::LanguageModel;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::{Scorer, Unscoreable};

/// Rows that a person can look through.
pub const DEFAULT_LIMIT: usize = 48;

/// More rows than this are never made.
pub const LARGEST_LIMIT: usize = 192;

/// Texts that are scored together: few enough that the first rows come soon.
const BATCH: usize = 16;

/// What was clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuRequest {
    /// The snippet as it stands.
    pub snippet: SnippetText,
    /// A word, a word-piece, or a gap (an empty range). Where it cuts words it is widened to them.
    pub site: Site,
    /// How many rows at most, the first 16 of them first.
    pub limit: usize,
}

/// Scores snippets: one answer each, in their order.
pub type ScoreSnippets<'a> = dyn Fn(&[SnippetText]) -> Vec<Result<Score, Unscoreable>> + 'a;

/// What proposes and what scores. Everything but the scorer may be missing.
#[derive(Clone, Copy)]
pub struct MenuModels<'a> {
    /// Gives the true scores, as the page's live score is given: through a scoring service, say.
    pub score: &'a ScoreSnippets<'a>,
    /// The classifier, for its gradients; a black box does without.
    pub scorer: &'a dyn Scorer,
    /// Proposes words by their left context, and says how well the text goes on behind them.
    pub language_model: Option<&'a dyn LanguageModel>,
    /// Proposes words by both sides.
    pub masked: Option<&'a MaskedLanguageModel>,
    /// Proposes synonyms.
    pub thesaurus: Option<&'a Thesaurus>,
}

/// One row of the menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// What the row replaces: the clicked place, widened where it cut words; a deletion takes its white
    /// space along.
    pub site: Site,
    /// What comes there, white space included: the snippet with `site` replaced by it is `snippet`.
    pub text: String,
    /// The whole edited text, which is the text that was scored.
    pub snippet: SnippetText,
    /// Its true score, as log odds.
    pub score: f64,
    /// The score less that of the unedited snippet.
    pub delta: f64,
    /// How probable the language model holds the text at this place together with the next words behind
    /// it, natural logarithm. `None` without a model, and until it has been asked.
    pub log_probability: Option<f64>,
    /// Where it comes from: `language_model`, `masked_language_model`, `synonym`, `gradient`, `delete`.
    pub kind: &'static str,
}

/// There is no menu for a place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MenuError {
    /// There is no such place.
    #[error(transparent)]
    Place(#[from] EditError),
    /// The unedited snippet has no score to compare with.
    #[error(transparent)]
    Unscoreable(#[from] Unscoreable),
    /// Nothing was proposed, or nothing that was can be scored.
    #[error("nothing to show for this place: {reason}")]
    Nothing {
        /// Why, and what would help.
        reason: String,
    },
}

/// Returns the place that a click means: the one that was asked for, widened to whole words.
///
/// # Errors
/// [`MenuError::Place`] where there is no such place.
pub fn place(snippet: &SnippetText, site: &Site) -> Result<Site, MenuError> {
    let text = half_of(snippet, site.part);
    if text.get(site.range.clone()).is_none() {
        let (range, len) = (site.range.clone(), text.len());
        return Err(EditError::NoSuchPlace { range, len }.into());
    }
    Ok(Site {
        part: site.part,
        range: widened(text, site.range.clone()),
    })
}

/// Proposes texts for a place, scores each edited snippet, and tells all rows so far, the lowest score
/// first, whenever some are new or better known.
///
/// The last call of `on_rows` is marked; it returns whether to go on. Rows with equal scores are
/// ordered by their log-probability, then by their text. What cannot be scored is no row.
///
/// # Errors
/// [`MenuError`]: no such place, an unedited snippet without a score, nothing to show.
pub fn rank(
    request: &MenuRequest,
    models: &MenuModels<'_>,
    on_rows: &mut dyn FnMut(&[Ranked], bool) -> bool,
) -> Result<(), MenuError> {
    let site = place(&request.snippet, &request.site)?;
    let limit = request.limit.clamp(1, LARGEST_LIMIT);
    let proposed = candidates(&request.snippet, &site, models, limit)?;
    if proposed.found.is_empty() {
        // What cannot be scored has no menu for that reason, whatever else is missing.
        let unedited = (models.score)(std::slice::from_ref(&request.snippet));
        unedited.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    let mut rows = Vec::with_capacity(proposed.found.len());
    let mut start = None;
    let batches = proposed.found.len().div_ceil(BATCH);
    for (number, batch) in proposed.found.chunks(BATCH).enumerate() {
        let unedited = start.is_none().then_some(&request.snippet);
        let mut texts: Vec<SnippetText> = unedited.into_iter().cloned().collect();
        texts.extend(batch.iter().map(|candidate| candidate.snippet.clone()));
        let mut scores = (models.score)(&texts).into_iter();
        let unedited = match start {
            Some(score) => score,
            None => scores
                .next()
                .unwrap_or_else(|| Err(Unscoreable::Model("no score came".to_owned())))?
                .logit(),
        };
        start = Some(unedited);
        for (candidate, score) in batch.iter().zip(scores) {
            let Ok(score) = score else { continue };
            rows.push(candidate.ranked(score.logit(), unedited));
        }
        sort(&mut rows);
        let last = number + 1 == batches && (models.language_model.is_none() || rows.is_empty());
        if !rows.is_empty() && !on_rows(&rows, last) {
            return Ok(());
        }
    }
    if rows.is_empty() {
        return Err(MenuError::Nothing {
            reason: proposed.reason(),
        });
    }
    match models.language_model {
        None => Ok(()),
        Some(model) => refine(request, model, rows, on_rows),
    }
}

/// Adds to the rows how well the text goes on behind them, the topmost first.
fn refine(
    request: &MenuRequest,
    model: &dyn LanguageModel,
    mut rows: Vec<Ranked>,
    on_rows: &mut dyn FnMut(&[Ranked], bool) -> bool,
) -> Result<(), MenuError> {
    let mut from = 0;
    while from < rows.len() {
        let batch = from..(from + BATCH).min(rows.len());
        let mut around = Vec::with_capacity(batch.len());
        for row in &rows[batch.clone()] {
            around.push(Surroundings::of(&request.snippet, &row.site)?);
        }
        let texts: Vec<(&Surroundings, &str)> = around
            .iter()
            .zip(&rows[batch.clone()])
            .map(|(around, row)| (around, row.text.as_str()))
            .collect();
        let found = log_probabilities_around(model, &texts, RIGHT_WORDS);
        for (row, found) in rows[batch.clone()].iter_mut().zip(found) {
            row.log_probability = found;
        }
        from = batch.end;
        let last = from == rows.len();
        // Only rows with equal scores may change places, so that what comes next is still unknown.
        let mut shown = rows.clone();
        sort(&mut shown);
        if !on_rows(&shown, last) {
            break;
        }
    }
    Ok(())
}

fn sort(rows: &mut [Ranked]) {
    let probability = |row: &Ranked| row.log_probability.unwrap_or(f64::NEG_INFINITY);
    rows.sort_by(|a, b| {
        let by_score = a.score.total_cmp(&b.score);
        let by_probability = probability(b).total_cmp(&probability(a));
        by_score
            .then(by_probability)
            .then_with(|| a.text.cmp(&b.text))
    });
}

impl Candidate {
    fn ranked(&self, score: f64, unedited: f64) -> Ranked {
        Ranked {
            site: self.edit.site.clone(),
            text: self.edit.text.clone(),
            snippet: self.snippet.clone(),
            score,
            delta: score - unedited,
            log_probability: None,
            kind: self.kind,
        }
    }
}

#[cfg(test)]
mod tests;
