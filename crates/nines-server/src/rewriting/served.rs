//! The scoring service as a scorer: what tools ask is scored as what a person types is, in one queue.

use crate::scoring::{Scored, Scoring, ScoringError};
use nines_domain::snippet::{ModelId, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_infer::ensemble::Ensemble;
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Snippets of one request to the service.
const CHUNK: usize = 64;

/// Stops work when it is dropped: held by what goes away with whoever asked.
#[derive(Debug)]
pub struct Stop(CancelFlag);

impl Stop {
    /// Takes the flag that the work looks at.
    pub fn on_drop(cancel: CancelFlag) -> Self {
        Self(cancel)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A classifier behind the scoring service, for threads that may wait. Once it is cancelled, or its
/// time is up, nothing has a score any more.
pub struct ServedScorer {
    service: Arc<Scoring>,
    model: ModelId,
    loaded: Arc<dyn Scorer>,
    runtime: Handle,
    cancel: CancelFlag,
    until: Instant,
}

impl ServedScorer {
    /// Takes a classifier of the service for so long; it is loaded where it was not.
    ///
    /// # Errors
    /// Those of loading.
    pub async fn new(
        service: Arc<Scoring>,
        model: ModelId,
        cancel: CancelFlag,
        patience: Duration,
    ) -> Result<Self, ScoringError> {
        Ok(Self {
            loaded: service.scorer(model).await?,
            service,
            model,
            runtime: Handle::current(),
            cancel,
            until: Instant::now() + patience,
        })
    }

    /// Says whether it was cancelled, or its time is up.
    pub fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || Instant::now() >= self.until
    }

    fn ask(&self, snippets: &[SnippetText]) -> Result<Vec<Scored>, String> {
        loop {
            if self.is_over() {
                return Err("it was stopped".to_owned());
            }
            let left = self.until.saturating_duration_since(Instant::now());
            let asked = async {
                let score = self.service.score(self.model, snippets.to_vec());
                match tokio::time::timeout(left, score).await {
                    Ok(Err(ScoringError::Full { .. })) => {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        Ok(None)
                    }
                    Ok(Ok(scored)) => Ok(Some(scored)),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("no score came in time".to_owned()),
                }
            };
            if let Some(scored) = self.runtime.block_on(asked)? {
                return Ok(scored);
            }
        }
    }
}

impl Scorer for ServedScorer {
    fn version(&self) -> &str {
        self.loaded.version()
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.loaded.differentiable()
    }

    fn ensemble(&self) -> Option<&Ensemble> {
        self.loaded.ensemble()
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        self.loaded.refuses(prompt)
    }

    fn score(&self, snippets: &[SnippetText], progress: &mut dyn FnMut(usize)) -> Vec<Scored> {
        let mut scores = Vec::with_capacity(snippets.len());
        for chunk in snippets.chunks(CHUNK) {
            match self.ask(chunk) {
                Ok(scored) => scores.extend(scored),
                Err(why) => {
                    scores.extend(chunk.iter().map(|_| Err(Unscoreable::Model(why.clone()))))
                }
            }
            progress(scores.len());
        }
        scores
    }
}
