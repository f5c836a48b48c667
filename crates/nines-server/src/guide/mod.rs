//! The guide: which version holds, how its text becomes a page, and how a new one is written.

mod current;
mod page;

pub use current::CurrentGuide;
pub use page::to_html;

use crate::error::Problem;
use crate::state::AppState;
use nines_domain::account::AccountId;
use nines_store::{Guide, NewGuide};
use sha2::{Digest, Sha256};

/// Stores the guide of the project's folder, where its version is not stored yet, and learns which
/// version holds.
///
/// # Errors
/// Those of reading the file and of writing, as a problem.
pub async fn prepare(state: &AppState) -> Result<(), Problem> {
    let text = state.workbench.guide().await?;
    let new = new_version(state, state.settings.predicate_version, text, "", None);
    state.store.ensure_guide(&new).await?;
    Ok(())
}

/// Writes a new version: to the project's folder first, so that a server that is killed in between
/// finds it there at its next start.
///
/// # Errors
/// Where `edited` is not the newest version, and those of writing.
pub async fn write(
    state: &AppState,
    edited: u32,
    text: String,
    note: &str,
    by: AccountId,
) -> Result<Guide, Problem> {
    let _alone = state.guide.alone().await;
    let newest = newest(state).await?.new.version;
    if edited != newest {
        return Err(Problem::conflict(format!(
            "version {newest} of the guide is newer than the one you edited ({edited}); read it, then write on \
             from there"
        )));
    }
    let version = newest + 1;
    state.workbench.save_guide(version, text.clone()).await?;
    let new = new_version(state, version, text, note, Some(by));
    let stored = state.store.insert_guide(&new).await?;
    state.guide.set_version(version);
    Ok(stored)
}

/// Returns the newest version.
///
/// # Errors
/// Where there is none yet, and those of reading.
pub async fn newest(state: &AppState) -> Result<Guide, Problem> {
    let guides = state.store.guides().await?;
    let newest = guides.into_iter().next_back();
    newest.ok_or_else(|| Problem::not_found("there is no guide yet; start the server again"))
}

fn new_version(
    state: &AppState,
    version: u32,
    text: String,
    note: &str,
    created_by: Option<AccountId>,
) -> NewGuide {
    NewGuide {
        version,
        name: state.settings.predicate.clone(),
        sha256: digest(&text),
        text,
        note: note.to_owned(),
        created_by,
    }
}

/// Returns the SHA-256 of a text in hexadecimal digits.
pub fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
