//! Which texts are worth scoring at a place, the most promising first.

use super::{MenuError, MenuModels};
use crate::edit::{Draft, Edit, Site};
use crate::fill::{Fill, expected_words, filled_words};
use crate::flips::{Direction, Lexicon, Slope, SlopeAt};
use crate::wording::{Case, Surroundings, is_word};
use nines_domain::snippet::SnippetText;
use nines_infer::language_model::LanguageModel;
use nines_infer::scorer::Scorer;
use std::collections::{BTreeSet, VecDeque};

/// How many expected words are looked at for each row. More would let the gradient choose among them, but each
/// costs a step of the generator, and whoever clicked waits for it.
const POOL: usize = 1;

/// One row in so many comes from the gradient alone: such words seldom read well.
const GRADIENT_SHARE: usize = 6;

/// An edit that is worth scoring.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) edit: Edit,
    pub(super) snippet: SnippetText,
    pub(super) kind: &'static str,
}

/// What was found, and what could not be asked.
pub(super) struct Candidates {
    pub(super) found: Vec<Candidate>,
    failures: Vec<String>,
}

impl Candidates {
    /// Says why there is nothing to show.
    pub(super) fn reason(&self) -> String {
        match (self.found.is_empty(), self.failures.as_slice()) {
            (false, _) => "the classifier gave none of the edited texts a score".to_owned(),
            (true, []) => {
                "no model proposes anything here; give a language model or a thesaurus".to_owned()
            }
            (true, failures) => failures.join("; "),
        }
    }
}

/// A clicked place, ready to be filled.
struct Place<'a> {
    draft: Draft,
    site: &'a Site,
    around: Surroundings,
    /// How the word there is written; a gap has none.
    case: Option<Case>,
}

impl Place<'_> {
    /// Makes the edit that puts a word here, in the case of the one that is replaced.
    fn put(&self, word: &str) -> Option<(Edit, SnippetText)> {
        let edit = match self.case {
            None => self.draft.insertion(self.site, word),
            Some(case) => Edit {
                site: self.site.clone(),
                text: case.write(word),
            },
        };
        self.changed(edit)
    }

    /// Makes an edit, where it changes anything.
    fn changed(&self, edit: Edit) -> Option<(Edit, SnippetText)> {
        let changed = self.draft.apply(std::slice::from_ref(&edit)).ok()?;
        (changed.text() != self.draft.text()).then(|| (edit, changed.text().clone()))
    }
}

/// Collects up to `limit` edits from all sources in turn.
///
/// # Errors
/// [`MenuError::Place`] where there is no such place.
pub(super) fn candidates(
    snippet: &SnippetText,
    site: &Site,
    models: &MenuModels<'_>,
    limit: usize,
) -> Result<Candidates, MenuError> {
    let draft = Draft::new(snippet.clone(), Vec::new());
    let old = draft.at(site).unwrap_or_default().to_owned();
    let around = Surroundings::of(snippet, site)?;
    let place = Place {
        draft,
        site,
        around: if site.is_gap() {
            around.for_insertion()
        } else {
            around
        },
        case: (!site.range.is_empty()).then(|| Case::of(&old)),
    };
    let mut failures = Vec::new();
    let (language_model, scorer) = (models.language_model, models.scorer);
    let (expected, gradient) = rayon::join(
        || expected(language_model, &place, limit * POOL),
        || Gradient::of(scorer, &place),
    );
    let expected = expected.unwrap_or_else(|failure| {
        failures.push(failure);
        Vec::new()
    });
    let gradient = gradient.unwrap_or_else(|failure| {
        failures.push(failure);
        None
    });
    let flips = gradient
        .as_ref()
        .map_or_else(Vec::new, |gradient| gradient.flips(&place, limit));
    let mut gradient_rows = VecDeque::from(flips);
    let later = gradient_rows.split_off(gradient_rows.len().min(limit / GRADIENT_SHARE));
    let steep = gradient
        .as_ref()
        .map(|gradient| gradient.steepest(&expected));
    let mut sources = vec![
        deletions(&place),
        put(&place, "synonym", synonyms(models, &old)),
        put(
            &place,
            "masked_language_model",
            masked(models, &place, limit, &mut failures),
        ),
        put(&place, "language_model", words(steep.unwrap_or_default())),
        put(&place, "language_model", words(expected)),
        gradient_rows,
    ];
    let mut found = Vec::with_capacity(limit);
    let mut seen = BTreeSet::new();
    while found.len() < limit && sources.iter().any(|source| !source.is_empty()) {
        for source in &mut sources {
            let fresh = loop {
                match source.pop_front() {
                    Some(next) if !seen.insert(next.snippet.clone()) => {}
                    next => break next,
                }
            };
            found.extend(fresh);
        }
    }
    let fresh = later
        .into_iter()
        .filter(|next| !seen.contains(&next.snippet));
    found.extend(fresh);
    found.truncate(limit);
    Ok(Candidates { found, failures })
}

fn words(fills: Vec<Fill>) -> Vec<String> {
    fills.into_iter().map(|fill| fill.word).collect()
}

fn put(place: &Place<'_>, kind: &'static str, words: Vec<String>) -> VecDeque<Candidate> {
    let made = words.iter().filter_map(|word| place.put(word));
    made.map(|(edit, snippet)| Candidate {
        edit,
        snippet,
        kind,
    })
    .collect()
}

fn deletions(place: &Place<'_>) -> VecDeque<Candidate> {
    if place.site.range.is_empty() {
        return VecDeque::new();
    }
    let edit = place.draft.deletion(place.site);
    let made = place.changed(edit).map(|(edit, snippet)| Candidate {
        edit,
        snippet,
        kind: "delete",
    });
    made.into_iter().collect()
}

fn synonyms(models: &MenuModels<'_>, word: &str) -> Vec<String> {
    match models.thesaurus {
        Some(thesaurus) if is_word(word) => thesaurus.synonyms(word),
        _ => Vec::new(),
    }
}

fn expected(
    language_model: Option<&dyn LanguageModel>,
    place: &Place<'_>,
    k: usize,
) -> Result<Vec<Fill>, String> {
    let Some(model) = language_model else {
        return Ok(Vec::new());
    };
    expected_words(model, &place.around, k).map_err(|error| error.to_string())
}

fn masked(
    models: &MenuModels<'_>,
    place: &Place<'_>,
    k: usize,
    failures: &mut Vec<String>,
) -> Vec<String> {
    let Some(model) = models.masked else {
        return Vec::new();
    };
    match filled_words(model, &place.around, k) {
        Ok(fills) => words(fills),
        Err(error) => {
            failures.push(error.to_string());
            Vec::new()
        }
    }
}

/// What the gradient says of the place.
struct Gradient<'a> {
    slope: Slope<'a>,
    at: SlopeAt,
    lexicon: Lexicon,
}

impl<'a> Gradient<'a> {
    /// Asks the classifier, where it has gradients and reads something here.
    fn of(scorer: &'a dyn Scorer, place: &Place<'_>) -> Result<Option<Self>, String> {
        let Some(model) = scorer.differentiable() else {
            return Ok(None);
        };
        let slope = Slope::of(model, place.draft.text()).map_err(|error| error.to_string())?;
        let lexicon = Lexicon::of(model);
        Ok(slope.at(place.site).map(|at| Self { slope, at, lexicon }))
    }

    /// Lists the vocabulary's words that should lower the score most, each checked to be read as the
    /// estimate assumes.
    fn flips(&self, place: &Place<'_>, k: usize) -> Vec<Candidate> {
        let flips = self
            .slope
            .flips(&self.at, &self.lexicon, Direction::Down, k * 2);
        let made = flips.into_iter().filter_map(|flip| {
            let (edit, snippet) = place.put(&flip.word)?;
            let read = self.slope.reads_as(&snippet, &self.at, flip.id);
            read.then_some(Candidate {
                edit,
                snippet,
                kind: "gradient",
            })
        });
        made.take(k).collect()
    }

    /// Orders words by how much the gradient expects each to lower the score; those that are no single
    /// token of the classifier are left out.
    fn steepest(&self, fills: &[Fill]) -> Vec<Fill> {
        let mut known: Vec<(f64, &Fill)> = fills
            .iter()
            .filter_map(|fill| {
                let id = self.lexicon.id(&fill.word)?;
                Some((self.slope.change(&self.at, id)?, fill))
            })
            .collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        known.into_iter().map(|(_, fill)| fill.clone()).collect()
    }
}
