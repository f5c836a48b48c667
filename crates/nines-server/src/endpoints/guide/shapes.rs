//! The guide as pages read it.

use crate::error::Problem;
use crate::guide;
use crate::people::Names;
use crate::state::AppState;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A version of the guide, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideVersion {
    /// Its number.
    pub version: u32,
    /// What changed.
    pub note: String,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Who wrote it; nobody where it came from the project's folder.
    pub by: Option<String>,
}

/// A version of the guide.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideText {
    /// Its number.
    pub version: u32,
    /// What its predicate is called.
    pub name: String,
    /// The text, in Markdown.
    pub text: String,
    /// The same as HTML in which nothing is active.
    pub html: String,
    /// The text's SHA-256.
    pub sha256: String,
    /// Whether the project's folder holds another text under this version: that one was never stored,
    /// and no label speaks of it.
    pub changed_on_disk: bool,
    /// All versions, oldest first.
    pub versions: Vec<GuideVersion>,
}

impl GuideText {
    /// Reads a version of the guide, the newest where none is named.
    pub async fn read(state: &AppState, version: Option<u32>) -> Result<Self, Problem> {
        let guides = state.store.guides().await?;
        let names = Names::read(&state.store).await?;
        let newest = guides.last().map(|guide| guide.new.version);
        let wanted = version.or(newest);
        let found = guides
            .iter()
            .find(|guide| Some(guide.new.version) == wanted)
            .map(|guide| guide.new.clone())
            .ok_or_else(|| {
                Problem::not_found(match version {
                    Some(version) => format!("the guide has no version {version}"),
                    None => "there is no guide yet; start the server again".to_owned(),
                })
            })?;
        let is_newest = newest == Some(found.version);
        let changed_on_disk = is_newest
            && match state.workbench.guide().await {
                Ok(text) => guide::digest(&text) != found.sha256,
                Err(_) => true,
            };
        Ok(Self {
            html: guide::to_html(&found.text),
            version: found.version,
            name: found.name,
            text: found.text,
            sha256: found.sha256,
            changed_on_disk,
            versions: guides
                .into_iter()
                .map(|guide| GuideVersion {
                    version: guide.new.version,
                    note: guide.new.note,
                    created: guide.created,
                    by: guide.new.created_by.and_then(|by| names.of(by)),
                })
                .collect(),
        })
    }
}
