//! Many questions at once: workers that share a list of draws to ask for.

use super::transport::{Failure, Reach, Transport};
use super::{EndpointConfig, request, response};
use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, PromptRequest};
use nines_domain::draw::{Draw, Sampling};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// How soon a cancelled round notices.
const GLANCE: Duration = Duration::from_millis(25);

/// The draw of one request, or why there is none.
pub(super) type Told = (usize, Result<Draw, GenerateError>);

/// Draws of one prompt that one question asks for.
#[derive(Debug, Clone)]
struct Job {
    request: usize,
    draws: Range<u32>,
}

/// One call of `generate`, shared by its workers.
#[derive(Debug)]
pub(super) struct Round {
    config: Arc<EndpointConfig>,
    transport: Arc<Transport>,
    requests: Vec<PromptRequest>,
    sampling: Sampling,
    cancel: CancelFlag,
    jobs: Vec<Job>,
    next: AtomicUsize,
    is_over: AtomicBool,
    unreached_in_a_row: AtomicUsize,
    failure: Mutex<Option<GenerateError>>,
}

impl Round {
    pub fn new(
        config: Arc<EndpointConfig>,
        transport: Arc<Transport>,
        requests: Vec<PromptRequest>,
        sampling: Sampling,
        cancel: CancelFlag,
    ) -> Self {
        let size = config.draws_per_request;
        let jobs = requests
            .iter()
            .enumerate()
            .flat_map(|(request, asked)| {
                let end = asked.draws.end;
                asked
                    .draws
                    .clone()
                    .step_by(size as usize)
                    .map(move |start| Job {
                        request,
                        draws: start..start.saturating_add(size).min(end),
                    })
            })
            .collect();
        Self {
            config,
            transport,
            requests,
            sampling,
            cancel,
            jobs,
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            unreached_in_a_row: AtomicUsize::new(0),
            failure: Mutex::new(None),
        }
    }

    /// Returns how many questions there are at least.
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Returns what stopped everything, if anything did.
    pub fn failure(&self) -> Option<GenerateError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks until nothing is left, everything is stopped, or nobody listens.
    pub async fn work(self: Arc<Self>, sender: mpsc::Sender<Told>) {
        while !self.is_stopped() {
            let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            tokio::select! {
                () = self.answer(job.clone(), &sender) => {}
                () = self.stopped() => return,
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.is_over.load(Ordering::SeqCst) || self.cancel.is_cancelled()
    }

    async fn stopped(&self) {
        while !self.is_stopped() {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Asks for the draws of a job and tells each. Whatever a server leaves out of an answer for
    /// several draws is asked for one by one.
    async fn answer(&self, job: Job, sender: &mpsc::Sender<Told>) {
        let mut left = job.draws;
        let mut count = left.len() as u32;
        while !left.is_empty() {
            let draws = match self.ask(job.request, left.start, count).await {
                Ok(draws) => draws,
                Err(failure) if failure.reach == Reach::Everything => {
                    self.stop(failure.reason);
                    return;
                }
                Err(failure) => {
                    self.tell_failure(job.request, left, failure, sender);
                    return;
                }
            };
            self.unreached_in_a_row.store(0, Ordering::SeqCst);
            for draw in draws {
                left.start += 1;
                let told = draw.map_err(|reason| self.error(self.transport.hide(&reason)));
                if sender.send((job.request, told)).is_err() {
                    self.is_over.store(true, Ordering::SeqCst);
                    return;
                }
            }
            count = 1;
        }
    }

    /// Asks one question. The answer has between one and `count` draws.
    async fn ask(
        &self,
        request: usize,
        draw: u32,
        count: u32,
    ) -> Result<Vec<Result<Draw, String>>, Failure> {
        let prompt = &self.requests[request].prompt;
        let body = request::body(&self.config, &self.sampling, prompt, draw, count).to_string();
        let seed = request::seed(&self.sampling, prompt, draw);
        let bytes = self.transport.ask(body.as_bytes(), seed).await?;
        response::draws(&bytes, self.config.route, &self.sampling, draw, count).map_err(|reason| {
            Failure {
                reach: Reach::Question,
                reason: self.transport.hide(&reason),
            }
        })
    }

    fn tell_failure(
        &self,
        request: usize,
        draws: Range<u32>,
        failure: Failure,
        sender: &mpsc::Sender<Told>,
    ) {
        let error = match failure.reach {
            Reach::Endpoint => GenerateError::Unreached {
                url: self.transport.shown_url(),
                reason: failure.reason.clone(),
            },
            Reach::Question | Reach::Everything => self.error(failure.reason.clone()),
        };
        for _ in draws {
            if sender.send((request, Err(error.clone()))).is_err() {
                self.is_over.store(true, Ordering::SeqCst);
                return;
            }
        }
        if failure.reach == Reach::Endpoint {
            let in_a_row = self.unreached_in_a_row.fetch_add(1, Ordering::SeqCst) + 1;
            if in_a_row >= self.config.concurrency.min(self.jobs.len()) {
                self.stop(failure.reason);
            }
        }
    }

    /// Stops every worker; the first reason is kept.
    fn stop(&self, reason: String) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| self.error(reason));
        self.is_over.store(true, Ordering::SeqCst);
    }

    fn error(&self, reason: String) -> GenerateError {
        GenerateError::Endpoint {
            url: self.transport.shown_url(),
            reason,
        }
    }
}
