//! Scoring stored snippets: what is scored is kept, piece by piece, and never computed again. Of an ensemble
//! its members' scores are kept too, so that what one of them has scored before is not scored again.

use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::ensemble::EnsembleRecord;
use nines_domain::score::Score;
use nines_domain::snippet::{ModelId, RunId, SnippetId};
use nines_infer::cancel::CancelFlag;
use nines_infer::ensemble::Ensemble;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_store::{Model, Snippet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Snippets scored and stored at once: a stop waits for one such piece.
const AT_ONCE: usize = 256;

/// Scores snippets of the project by one classifier on one path, for a run.
pub struct Scoring<'a> {
    project: &'a Project,
    model: &'a Model,
    path: String,
    /// The paths of an ensemble's members, in their order.
    member_paths: Vec<String>,
    scorer: Arc<dyn Scorer>,
    run: RunId,
    cancel: &'a CancelFlag,
    output: &'a Output,
}

/// What scoring all that was not scored made.
#[derive(Debug, Default, serde::Serialize)]
pub struct Scored {
    /// Snippets that have a score now and had none.
    pub scored: u64,
    /// Snippets that cannot be scored, by reason.
    pub unscoreable: BTreeMap<String, u64>,
}

impl<'a> Scoring<'a> {
    /// Loads a classifier's scorer.
    pub async fn load(
        project: &'a Project,
        model: &'a Model,
        path: ScorePath,
        run: RunId,
        cancel: &'a CancelFlag,
        output: &'a Output,
    ) -> Result<Self> {
        let mut member_paths = Vec::new();
        for member in model.ensemble.iter().flat_map(|record| &record.members) {
            let member = project.store.model(member.id).await?;
            member_paths.push(path.for_model(project, &member).await?.to_string());
        }
        Ok(Self {
            project,
            model,
            path: path.for_model(project, model).await?.to_string(),
            member_paths,
            scorer: models::scorer(project, model, path).await?,
            run,
            cancel,
            output,
        })
    }

    /// One score for each snippet; none where it cannot be scored, and none for those that were left
    /// when the command was told to stop.
    pub async fn of(&self, snippets: &[Snippet], what: &str) -> Result<Vec<Option<Score>>> {
        let ids: Vec<SnippetId> = snippets.iter().map(|snippet| snippet.id).collect();
        let store = &self.project.store;
        let mut scores = store.scores_of(self.model.id, &self.path, &ids).await?;
        let open: Vec<usize> = (0..scores.len()).filter(|&i| scores[i].is_none()).collect();
        if open.is_empty() {
            return Ok(scores);
        }
        let total = open.len() as u64;
        let mut progress = Progress::new(self.output, what, total);
        for piece in open.chunks(AT_ONCE) {
            if self.cancel.is_cancelled() {
                break;
            }
            let of_piece: Vec<&Snippet> = piece.iter().map(|&i| &snippets[i]).collect();
            let new = self.piece(&of_piece, &mut progress, total).await?;
            for (&i, score) in piece.iter().zip(new) {
                scores[i] = score.ok();
            }
        }
        progress.finish(&counted(total, "snippet"));
        Ok(scores)
    }

    /// Scores all stored snippets that have no score yet, after the run has done some already.
    pub async fn of_unscored(&self, before: u64) -> Result<Scored> {
        let store = &self.project.store;
        let total = before + store.count_unscored(self.model.id, &self.path).await?;
        let mut progress = Progress::new(self.output, "score", total);
        progress.set(before, "");
        let mut scored = Scored::default();
        let mut after = None;
        while !self.cancel.is_cancelled() {
            let ids = store
                .unscored_snippets(self.model.id, &self.path, after, AT_ONCE as u64)
                .await?;
            let Some(last) = ids.last() else {
                break;
            };
            after = Some(*last);
            let snippets = store.snippets_by_id(&ids).await?;
            let snippets: Vec<&Snippet> = snippets.iter().collect();
            for score in self.piece(&snippets, &mut progress, total).await? {
                match score {
                    Ok(_) => scored.scored += 1,
                    Err(why) => {
                        *scored.unscoreable.entry(why.to_string()).or_default() += 1;
                    }
                }
            }
        }
        progress.finish(&counted(scored.scored, "snippet"));
        Ok(scored)
    }

    /// Scores a piece, stores its scores, and tells the run how far it is.
    async fn piece(
        &self,
        snippets: &[&Snippet],
        progress: &mut Progress,
        total: u64,
    ) -> Result<Vec<Result<Score, Unscoreable>>> {
        let scores = match (&self.model.ensemble, self.scorer.ensemble()) {
            (Some(record), Some(ensemble)) => self.by_members(snippets, record, ensemble).await?,
            _ => self.fresh(self.scorer.clone(), snippets).await?,
        };
        let given = snippets.iter().zip(&scores);
        let stored: Vec<(SnippetId, Score)> = given
            .filter_map(|(snippet, score)| Some((snippet.id, *score.as_ref().ok()?)))
            .collect();
        let store = &self.project.store;
        store
            .insert_scores(self.model.id, &self.path, &stored)
            .await?;
        // Snippets may have come since they were counted.
        let done = progress.done() + snippets.len() as u64;
        progress.set(done, "");
        store
            .run_progress(self.run, done, Some(total.max(done)))
            .await?;
        Ok(scores)
    }

    /// Scores snippets on a thread of their own.
    async fn fresh(
        &self,
        scorer: Arc<dyn Scorer>,
        snippets: &[&Snippet],
    ) -> Result<Vec<Result<Score, Unscoreable>>> {
        let texts: Vec<_> = snippets.iter().map(|s| s.text.clone()).collect();
        tokio::task::spawn_blocking(move || scorer.score(&texts, &mut |_| {}))
            .await
            .context("scoring ended abruptly")
    }

    /// Combines the members' scores: those that are stored, and those that are made and stored now. What a
    /// member cannot score is not asked of those behind it.
    async fn by_members(
        &self,
        snippets: &[&Snippet],
        record: &EnsembleRecord,
        ensemble: &Ensemble,
    ) -> Result<Vec<Result<Score, Unscoreable>>> {
        let mut rows: Vec<Result<Vec<Score>, Unscoreable>> =
            snippets.iter().map(|_| Ok(Vec::new())).collect();
        let members = record.members.iter().zip(ensemble.members());
        for ((member, scorer), path) in members.zip(&self.member_paths) {
            let open: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_ok()).collect();
            let of_open: Vec<&Snippet> = open.iter().map(|&i| snippets[i]).collect();
            let scores = self.of_member((member.id, path), scorer, &of_open).await?;
            for (&i, score) in open.iter().zip(scores) {
                match (&mut rows[i], score) {
                    (Ok(row), Ok(score)) => row.push(score),
                    (row, Err(why)) => *row = Err(why),
                    (Err(_), Ok(_)) => {}
                }
            }
        }
        let combined = rows.into_iter().map(|row| ensemble.combined(&row?));
        Ok(combined.collect())
    }

    /// One member's scores on its path: the stored ones, and new ones where there is none.
    async fn of_member(
        &self,
        (member, path): (ModelId, &str),
        scorer: &Arc<dyn Scorer>,
        snippets: &[&Snippet],
    ) -> Result<Vec<Result<Score, Unscoreable>>> {
        let store = &self.project.store;
        let ids: Vec<SnippetId> = snippets.iter().map(|snippet| snippet.id).collect();
        let known = store.scores_of(member, path, &ids).await?;
        let unknown = || {
            snippets
                .iter()
                .zip(&known)
                .filter(|(_, score)| score.is_none())
        };
        let missing: Vec<&Snippet> = unknown().map(|(snippet, _)| *snippet).collect();
        let made = match missing.is_empty() {
            true => Vec::new(),
            false => self.fresh(scorer.clone(), &missing).await?,
        };
        let given = missing.iter().zip(&made);
        let stored: Vec<(SnippetId, Score)> = given
            .filter_map(|(snippet, score)| Some((snippet.id, *score.as_ref().ok()?)))
            .collect();
        store.insert_scores(member, path, &stored).await?;
        let mut made = made.into_iter();
        let no_answer = || Err(Unscoreable::Model("a member gave no answer".to_owned()));
        let all = known.into_iter().map(|known| match known {
            Some(score) => Ok(score),
            None => made.next().unwrap_or_else(no_answer),
        });
        Ok(all.collect())
    }
}
