//! What Play draws: a few drawings at once, each ending when nobody looks any more.

mod drawing;
mod made;
#[cfg(test)]
mod tests;

pub use drawing::{Drawing, Drawn};

use crate::workbench::WorkbenchError;
use futures_util::future::BoxFuture;
use made::Made;
use nines_domain::draw::{Draw, Sampling};
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Drawings at once in the whole server: more would only make each slower.
const AT_ONCE: usize = 2;

/// Seconds after which a refused drawing is worth another try.
const RETRY_AFTER: u64 = 5;

/// Drawing one candidate again waits this long for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing is drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// As many drawings as the server makes at once are under way.
    #[error("{AT_ONCE} drawings are under way already; try again in {retry_after} s")]
    Full {
        /// Seconds after which to try again.
        retry_after: u64,
    },
    /// The generator cannot be loaded.
    #[error(transparent)]
    Load(#[from] WorkbenchError),
    /// The generator cannot make the draw.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

/// One candidate, as whoever asks for it names it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The text that it continues.
    pub prompt: &'a str,
    /// How it was sampled, seed included.
    pub sampling: &'a Sampling,
    /// Which draw of the prompt it is.
    pub draw: u32,
    /// Its text.
    pub completion: &'a str,
}

/// Where a candidate comes from, as far as the server can tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The generator draws it again, whoever asks.
    Repeatable(Draw),
    /// It was drawn here a while ago; the generator would not draw it again.
    Once(Draw),
    /// The generator draws another text, and nothing is known of this one.
    Unknown,
}

/// Returns the project's generator.
type Load =
    dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Generator>, WorkbenchError>> + Send + Sync;

/// The drawings of the server.
pub struct Play {
    load: Box<Load>,
    permits: Arc<Semaphore>,
    made: Mutex<Made>,
    /// Held while a queue is looked for, so that two candidates sent at once make one.
    pub queueing: tokio::sync::Mutex<()>,
}

impl Play {
    /// Builds it; the generator is loaded when something is first drawn.
    pub fn new<F>(load: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Result<Arc<dyn Generator>, WorkbenchError>>,
        F: Send + Sync + 'static,
    {
        Self {
            load: Box::new(load),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            made: Mutex::default(),
            queueing: tokio::sync::Mutex::default(),
        }
    }

    /// Starts to draw candidates on a thread of their own. Dropping the drawing stops it.
    ///
    /// # Errors
    /// [`PlayError::Full`] and [`PlayError::Load`].
    pub async fn start(
        &self,
        prompt: &str,
        draws: Range<u32>,
        sampling: &Sampling,
    ) -> Result<Drawing, PlayError> {
        let permit = self.permits.clone().try_acquire_owned();
        let permit = permit.map_err(|_| full())?;
        let generator = (self.load)().await?;
        Ok(draw(permit, generator, prompt, draws, sampling))
    }

    /// Keeps in mind that a candidate was drawn.
    pub fn remember(&self, generator: &str, prompt: &str, sampling: &Sampling, draw: &Draw) {
        let candidate = Candidate {
            prompt,
            sampling,
            draw: draw.draw,
            completion: &draw.completion,
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.remember(generator, &candidate, draw);
    }

    /// Finds out where a candidate comes from by drawing it again: nobody's word is taken for what
    /// a generator says.
    ///
    /// # Errors
    /// [`PlayError`]; a generator that fails now does not matter where the candidate is known.
    pub async fn origin(&self, candidate: &Candidate<'_>) -> Result<(String, Origin), PlayError> {
        let generator = (self.load)().await?;
        let name = generator.id();
        let known = {
            let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.find(&name, candidate)
        };
        let waited = tokio::time::timeout(PATIENCE, self.permits.clone().acquire_owned());
        let permit = waited.await.ok().and_then(Result::ok).ok_or_else(full)?;
        let draws = candidate.draw..candidate.draw.saturating_add(1);
        let mut drawing = draw(
            permit,
            generator,
            candidate.prompt,
            draws,
            candidate.sampling,
        );
        let mut again = Err(GenerateError::Model("nothing was drawn".to_owned()));
        while let Some(drawn) = drawing.next().await {
            match drawn {
                Drawn::Draw(draw) => again = Ok(draw),
                Drawn::Failed(error) | Drawn::Ended(Err(error)) => again = Err(error),
                Drawn::Ended(Ok(_)) => {}
            }
        }
        let origin = match (again, known) {
            (Ok(draw), _) if draw.completion == candidate.completion => Origin::Repeatable(draw),
            (_, Some(draw)) => Origin::Once(draw),
            (Ok(_), None) => Origin::Unknown,
            (Err(error), None) => return Err(error.into()),
        };
        Ok((name, origin))
    }
}

fn full() -> PlayError {
    PlayError::Full {
        retry_after: RETRY_AFTER,
    }
}

fn draw(
    permit: OwnedSemaphorePermit,
    generator: Arc<dyn Generator>,
    prompt: &str,
    draws: Range<u32>,
    sampling: &Sampling,
) -> Drawing {
    let request = PromptRequest {
        prompt: prompt.to_owned(),
        draws,
    };
    Drawing::start(permit, generator, request, sampling.clone())
}
