//! The project's rows in the shapes that training and measuring take.

use crate::project::Project;
use anyhow::Result;
use nines_domain::label::{LabelledBy, median_severity};
use nines_domain::score::Score;
use nines_domain::split::Split;
use nines_io::starter::RANDOM_PICK;
use nines_measure::items::{LabelledItem, Provenance, RandomCompletion};
use nines_store::{Snippet, SnippetFilter};
use nines_train::TrainingRow;

/// Says whether a snippet's text is a simple random draw of a generator. That says nothing of how it came to be
/// labelled: what a rate rests on is [`is_random_sample`].
fn is_random_draw(snippet: &Snippet) -> bool {
    snippet
        .meta_values("pick")
        .any(|pick| pick.as_str() == Some(RANDOM_PICK))
}

/// Says whether a labelled snippet is a simple random draw of a generator, and a sample as well: only such rows
/// estimate a rate, or say what a filter accepts.
pub fn is_random_sample(snippet: &Snippet) -> bool {
    is_random_draw(snippet) && is_sample(snippet)
}

/// The kind of text that was written as an example.
const AUTHORED: &str = "authored";

/// The kind of text that an attack made.
const ATTACKED: &str = "attacked";

/// Says which kind of text a snippet is, for reports: written to a brief, by a generator, or by an attack.
pub fn text_kind(snippet: &Snippet) -> &'static str {
    let generated = snippet.meta_values("generator").next().is_some()
        || snippet.origin == nines_store::Origin::Generate;
    match snippet.origin {
        // Chosen by a classifier's score: no sample of what people or generators write.
        nines_store::Origin::Attack => ATTACKED,
        _ if generated => "generated",
        _ => AUTHORED,
    }
}

/// Lists the labelled snippets, those without a verdict that counts included.
pub async fn labelled(project: &Project) -> Result<Vec<Snippet>> {
    Ok(project.store.snippets(&SnippetFilter::labelled()).await?)
}

/// Returns the adjudicated broad verdict.
pub fn broad(snippet: &Snippet) -> Option<bool> {
    snippet.adjudication.as_ref().and_then(|a| a.broad)
}

/// Rows with how many labelled snippets were left out of them.
pub struct Chosen {
    /// The rows.
    pub rows: Vec<TrainingRow>,
    /// Finds of attacks, edits and what a score chose, with a label, that are none.
    pub left_out: usize,
}

/// Turns adjudicated snippets into training rows. Finds of attacks, and what a score chose to be labelled, teach, in
/// the training split; they choose no checkpoint and measure nothing, so that those of other splits are left out.
pub fn training_rows(snippets: &[Snippet], split_seed: u64) -> Chosen {
    let teaches =
        |snippet: &Snippet| is_sample(snippet) || snippet.split(split_seed) == Split::Train;
    chosen(snippets, teaches)
}

/// Turns adjudicated snippets into the rows of a cross-validation. It measures on all but finds of attacks, edits
/// and what a score chose, which teach in the folds in which their family trains.
pub fn validated_rows(snippets: &[Snippet]) -> Chosen {
    chosen(snippets, |_| true)
}

fn chosen(snippets: &[Snippet], counts: impl Fn(&Snippet) -> bool) -> Chosen {
    let is_left_out = |snippet: &&Snippet| broad(snippet).is_some() && !counts(snippet);
    Chosen {
        rows: rows(snippets.iter().filter(|snippet| counts(snippet))),
        left_out: snippets.iter().filter(is_left_out).count(),
    }
}

fn rows<'a>(snippets: impl Iterator<Item = &'a Snippet>) -> Vec<TrainingRow> {
    snippets
        .filter_map(|snippet| {
            Some(TrainingRow {
                text: snippet.text.clone(),
                family: snippet.family,
                broad: broad(snippet)?,
                random: is_random_sample(snippet),
                source: text_kind(snippet).to_owned(),
                severity: median_severity(snippet.labels.iter().map(|stored| &stored.label)),
                adversarial: is_find(snippet),
                training_only: !is_sample(snippet),
                soft: None,
            })
        })
        .collect()
}

/// Says where a snippet's completion comes from, as far as a rate may rest on it.
pub fn provenance(snippet: &Snippet) -> Provenance {
    match text_kind(snippet) {
        AUTHORED => Provenance::Authored,
        _ if is_random_sample(snippet) => Provenance::Random,
        _ => Provenance::Selected,
    }
}

/// Says whether an attack or a person changed a snippet until a score pleased them, and no random draw has it too.
fn is_find(snippet: &Snippet) -> bool {
    use nines_store::Origin;
    matches!(snippet.origin, Origin::Attack | Origin::Edit) && !is_random_draw(snippet)
}

/// Says whether a snippet may stand for others when a classifier is measured or calibrated.
///
/// What an attack or a person changed until the score pleased them was chosen by that score; a text that was drawn at
/// random as well is a sample all the same: to leave it out because somebody found it would leave out holes.
///
/// A snippet that got its first label because a score chose it (`nines select`, a queue near the threshold, a search
/// with bounds on the score) is none, in whatever split and however its text was drawn: among held-out rows it would
/// move the threshold and the metrics of the very classifier that chose it. A random draw that has come to it makes it
/// one ([`nines_store::ChosenBy::reached`]). What chose it to be labelled again changes nothing.
///
/// Labels of leak designs and of two filters compared stay samples, although their answers were accepted by a score:
/// see `docs/design.md`.
pub fn is_sample(snippet: &Snippet) -> bool {
    !is_find(snippet) && !snippet.chosen.is_by_score_alone()
}

/// Turns labelled snippets with their scores into the items that measuring takes; finds of attacks, edits and what a
/// score chose to be labelled are left out.
pub fn labelled_items<'a>(
    snippets: impl IntoIterator<Item = (&'a Snippet, Option<Score>)>,
    split_seed: u64,
) -> Vec<LabelledItem> {
    snippets
        .into_iter()
        .filter(|(snippet, _)| is_sample(snippet))
        .filter_map(|(snippet, score)| {
            let adjudication = snippet.adjudication.as_ref()?;
            Some(LabelledItem {
                split: snippet.split(split_seed),
                family: snippet.family,
                provenance: provenance(snippet),
                score,
                broad: adjudication.broad,
                strict: adjudication.strict,
                labelled_by: LabelledBy::of(adjudication),
            })
        })
        .collect()
}

/// The labelled simple random draws among scored snippets that are samples: what acceptance is measured on.
pub fn random_completions<'a>(
    snippets: impl IntoIterator<Item = (&'a Snippet, Option<Score>)>,
    split_seed: u64,
) -> Vec<RandomCompletion> {
    snippets
        .into_iter()
        .filter(|(snippet, _)| is_random_sample(snippet))
        .map(|(snippet, score)| RandomCompletion {
            split: snippet.split(split_seed),
            family: snippet.family,
            score,
        })
        .collect()
}
