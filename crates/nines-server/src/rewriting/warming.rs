//! What the tools read, loaded before anybody clicks.

use crate::state::AppState;
use nines_store::{RewritingSession, RewritingState};

/// Loads what the tools of an open session read, beside the answer to whoever opened it: the first click
/// should not wait for a language model.
pub fn warm(state: &AppState, session: &RewritingSession) {
    if session.state != RewritingState::Open || !session.tools {
        return;
    }
    let (state, model) = (state.clone(), session.model);
    tokio::spawn(async move {
        // What cannot be loaded is told to whoever asks for it.
        let (scorer, language_model, _) = tokio::join!(
            state.scoring.scorer(model),
            state.workbench.language_model(),
            state.workbench.thesaurus(),
        );
        drop((scorer, language_model));
    });
}
