//! One drawing: a generator at work on a thread of its own, for as long as somebody looks.

use nines_domain::draw::{Draw, Sampling};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest, storable};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// What a drawing tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// A candidate.
    Draw(Draw),
    /// One of the draws failed.
    Failed(GenerateError),
    /// All is done, or nothing more can be.
    Ended(Result<GenerateStats, GenerateError>),
}

/// Candidates as they come. Dropping it stops the generator at its next safe point.
#[derive(Debug)]
pub struct Drawing {
    arriving: mpsc::UnboundedReceiver<Drawn>,
    cancel: CancelFlag,
    generator: String,
}

impl Drawing {
    /// Starts a generator on some draws of one prompt. The permit is held until it has stopped.
    pub(super) fn start(
        permit: OwnedSemaphorePermit,
        generator: Arc<dyn Generator>,
        request: PromptRequest,
        sampling: Sampling,
    ) -> Self {
        // At most as many as were asked for ever wait in it.
        let (sender, arriving) = mpsc::unbounded_channel();
        let cancel = CancelFlag::default();
        let flag = cancel.clone();
        let name = generator.id();
        tokio::task::spawn_blocking(move || {
            let ended = generator.generate(
                &[request],
                &sampling,
                &mut |_, draw| {
                    let drawn = match draw.and_then(storable) {
                        Ok(draw) => Drawn::Draw(draw),
                        Err(error) => Drawn::Failed(error),
                    };
                    if sender.send(drawn).is_err() {
                        flag.cancel();
                    }
                },
                &flag,
            );
            // Whoever looked may have gone; then nobody needs to know.
            drop(sender.send(Drawn::Ended(ended)));
            drop(permit);
        });
        Self {
            arriving,
            cancel,
            generator: name,
        }
    }

    /// Returns the next thing told; none after the end, or after a generator that broke down.
    pub async fn next(&mut self) -> Option<Drawn> {
        self.arriving.recv().await
    }

    /// Names the generator.
    pub fn generator(&self) -> &str {
        &self.generator
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
