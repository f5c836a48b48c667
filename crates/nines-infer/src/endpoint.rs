//! The generator behind an OpenAI-compatible endpoint.
//!
//! - [`EndpointConfig`]: where it is and how it is asked.
//! - `address`: base URL and key. `request`, `response`: what is sent, and what may come back.
//! - `transport`: one question over HTTP, with retries. `workers`: many at once.
//!
//! It calls the configured URL and nothing else: redirects are not followed, and a proxy is used
//! only where [`EndpointConfig::proxy`] names one (`HTTP_PROXY` and its like are not read). The
//! key is sent in one header; it is in no log, no error and no `Debug` text.
//!
//! Everything that is not a well-formed answer is an error: nothing is guessed into a completion.

mod address;
mod request;
mod response;
mod transport;
mod workers;

use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use crate::sampling;
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::ContentHash;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use workers::Round;

pub use address::{ApiKey, EndpointConfigError};

/// Which of the two OpenAI routes is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `/v1/completions`: the model continues the prompt itself.
    Completions,
    /// `/v1/chat/completions`: the prompt is a message, and an instruction says what to do with it.
    Chat,
}

/// Which sampling settings the endpoint understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's own: temperature, top-p and seed. Top-k and a repetition penalty are refused, and
    /// whatever else the server samples by is up to the server.
    OpenAi,
    /// Also `top_k`, `min_p` (sent as 0: off), `repeat_penalty` and `repetition_penalty`, as the
    /// servers of llama.cpp and vLLM take them.
    Extended,
}

/// Where an endpoint is and how it is asked.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Such as `https://host/v1`; `/v1` is added where the path does not end in a version.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The key, where the endpoint wants one.
    pub key: Option<ApiKey>,
    /// Which route is asked.
    pub route: Route,
    /// Which sampling settings it understands.
    pub dialect: Dialect,
    /// What the model is told to do with the prompt ([`Route::Chat`] only).
    pub instruction: String,
    /// How many requests are under way at once.
    pub concurrency: usize,
    /// How many draws of a prompt one request asks for (`n`). With 1, each draw has a seed of its
    /// own and does not depend on which others are asked for; with more, those of one request
    /// share one. A server that answers with fewer is asked again, one by one.
    pub draws_per_request: u32,
    /// How long one request may take, the answer's last byte included.
    pub timeout: Duration,
    /// How often a request is repeated after 408, 429, 5xx, a timeout or a broken connection.
    pub retries: u32,
    /// The wait before the first repetition; it doubles with each, up to `longest_wait`, and is
    /// shortened by up to half at random (from the draw's seed).
    pub first_wait: Duration,
    /// No wait is longer, whatever `Retry-After` says.
    pub longest_wait: Duration,
    /// A longer answer is an error.
    pub max_response_bytes: usize,
    /// The proxy to go through, if any.
    pub proxy: Option<String>,
    /// The model's context in tokens, where known.
    pub context_window: Option<usize>,
}

impl EndpointConfig {
    /// Builds the configuration of an endpoint without a key, with defaults for the rest.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>, route: Route) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            route,
            dialect: Dialect::OpenAi,
            instruction: "You continue stories. Answer with the next sentence of the story, and with nothing else.".into(),
            concurrency: 4,
            draws_per_request: 1,
            timeout: Duration::from_secs(120),
            retries: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            max_response_bytes: 4 << 20,
            proxy: None,
            context_window: None,
        }
    }
}

/// Proposes completions by asking an endpoint.
#[derive(Debug)]
pub struct EndpointGenerator {
    config: Arc<EndpointConfig>,
    transport: Arc<transport::Transport>,
    id: String,
    /// Taken when the generator is dropped, which may happen inside another runtime.
    runtime: Option<Runtime>,
}

impl EndpointGenerator {
    /// Prepares to ask an endpoint. Nothing is sent yet.
    ///
    /// # Errors
    /// [`EndpointConfigError`] where the URL, the key or a setting cannot be used.
    pub fn new(config: EndpointConfig) -> Result<Self, EndpointConfigError> {
        if config.concurrency == 0 || config.draws_per_request == 0 {
            return Err(EndpointConfigError::Setting(
                "concurrency and draws per request must be at least 1".into(),
            ));
        }
        let transport = transport::Transport::new(&config)?;
        let id = format!(
            "endpoint {} model {} route {:?} dialect {:?} draws {} instruction {:.16}",
            transport.shown_url(),
            config.model,
            config.route,
            config.dialect,
            config.draws_per_request,
            match config.route {
                Route::Completions => "none".to_owned(),
                Route::Chat =>
                    ContentHash::of_fields("instruction", &[&config.instruction]).to_string(),
            },
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("nines-endpoint")
            .enable_all()
            .build()
            .map_err(|e| EndpointConfigError::Start(e.to_string()))?;
        Ok(Self {
            config: Arc::new(config),
            transport: Arc::new(transport),
            id,
            runtime: Some(runtime),
        })
    }
}

impl Drop for EndpointGenerator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Generator for EndpointGenerator {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn context_window(&self) -> Option<usize> {
        self.config.context_window
    }

    /// Asks for every draw. A draw that fails alone (a refused prompt, a malformed answer) is told
    /// as such.
    ///
    /// # Errors
    /// [`GenerateError::Sampling`] for settings that cannot be sent; [`GenerateError::Endpoint`]
    /// when the endpoint cannot be used at all: it refuses the key or does not know the route or
    /// model, or as many questions in a row as can be under way at once (all, where there are fewer)
    /// found it unreachable.
    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        sampling::check(sampling)?;
        request::check(&self.config, sampling)?;
        let started = Instant::now();
        let mut stats = GenerateStats::default();
        let (sender, receiver) = mpsc::channel();
        let round = Arc::new(Round::new(
            Arc::clone(&self.config),
            Arc::clone(&self.transport),
            requests.to_vec(),
            sampling.clone(),
            cancel.clone(),
        ));
        if let Some(runtime) = &self.runtime {
            for _ in 0..self.config.concurrency.min(round.jobs()) {
                runtime.spawn(Arc::clone(&round).work(sender.clone()));
            }
        }
        drop(sender);
        // Ends when every worker has ended. Should `on_draw` panic, the receiver is gone and the
        // workers stop at their next draw.
        for (request, result) in receiver {
            if let Ok(draw) = &result {
                stats.tokens += draw.tokens as u64;
            }
            on_draw(request, result);
        }
        stats.seconds = started.elapsed().as_secs_f64();
        round.failure().map_or(Ok(stats), Err)
    }
}
