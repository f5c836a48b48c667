//! Undoing the changes that a find does not need.

use crate::edit::{Edit, PARTS, Site, half_of};
use crate::diff;
use crate::trial::{Candidate, Scored, Stop, Trial};
use crate::edit::Draft;

/// Takes changes of the best text back, one after the other, as long as what is left meets the goal: first
/// the one without which it is nearest to the goal.
///
/// Each look costs one query a change. Where the budget ends, what is pruned by then stands.
///
/// # Errors
/// [`Stop::Cancelled`], [`Stop::Broken`]; never [`Stop::Spent`], for the goal is met already.
pub(crate) fn prune(trial: &mut Trial<'_>) -> Result<(), Stop> {
    let mut current = trial.best().clone();
    loop {
        let undone = undone(&current.draft);
        // With one change left there is nothing that could be spared: the start does not meet the goal.
        if undone.len() < 2 || trial.meter().is_over() {
            break;
        }
        let candidates = trial.keep(&current.draft, undone)?;
        if candidates.is_empty() {
            break;
        }
        let round = trial.consider(candidates)?;
        let mut spared: Option<Scored> = None;
        for one in round.scored.into_iter().filter(|one| one.met) {
            if spared.as_ref().is_none_or(|best| one.value > best.value) {
                spared = Some(one);
            }
        }
        let Some(spared) = spared else { break };
        trial.step(&spared);
        current = spared;
        if round.over {
            break;
        }
    }
    trial.find(&current, None);
    trial.end_at(&current);
    Ok(())
}

/// Lists the texts in which one change of a draft is taken back.
fn undone(draft: &Draft) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for part in PARTS {
        let (old, new) = (half_of(draft.start(), part), draft.part(part));
        for change in diff::changes(old, new) {
            let edits = vec![Edit {
                site: Site {
                    part,
                    range: change.new,
                },
                text: old[change.old].to_owned(),
            }];
            if let Ok(draft) = draft.apply(&edits) {
                candidates.push(Candidate {
                    draft,
                    edits,
                    kind: "undo",
                    log_probability: None,
                });
            }
        }
    }
    candidates
}
