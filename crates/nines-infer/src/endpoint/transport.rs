//! One question over HTTP: asked until it is answered, or has been asked often enough.

use super::address::{self, ApiKey, EndpointConfigError};
use super::{EndpointConfig, response};
use nines_domain::snippet::ContentHash;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Proxy, StatusCode, Url, redirect};
use std::error::Error;
use std::time::{Duration, SystemTime};

/// An answer that only says what went wrong is read up to here.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Asks one URL.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    url: Url,
    key: Option<ApiKey>,
    retries: u32,
    first_wait: Duration,
    longest_wait: Duration,
    timeout: Duration,
    max_response_bytes: usize,
}

/// What a failure says about other questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This question alone: others may be answered.
    Question,
    /// The endpoint could not be reached, or was overloaded to the last.
    Endpoint,
    /// No question will ever be answered.
    Everything,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub reach: Reach,
    pub reason: String,
}

/// Why one attempt failed, and whether another may help.
struct Attempt {
    failure: Failure,
    is_worth_repeating: bool,
    wait: Option<Duration>,
}

impl Attempt {
    fn last(reach: Reach, reason: String) -> Self {
        Self {
            failure: Failure { reach, reason },
            is_worth_repeating: false,
            wait: None,
        }
    }

    fn repeatable(reason: String, wait: Option<Duration>) -> Self {
        Self {
            failure: Failure {
                reach: Reach::Endpoint,
                reason,
            },
            is_worth_repeating: true,
            wait,
        }
    }
}

impl Transport {
    pub fn new(config: &EndpointConfig) -> Result<Self, EndpointConfigError> {
        let url = address::url(config)?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.key {
            headers.insert(AUTHORIZATION, key.header()?);
        }
        let start = |e: reqwest::Error| EndpointConfigError::Start(causes(&e.without_url()));
        let mut client = Client::builder()
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            client = client.proxy(Proxy::all(proxy).map_err(start)?);
        }
        Ok(Self {
            client: client.build().map_err(start)?,
            url,
            key: config.key.clone(),
            retries: config.retries,
            first_wait: config.first_wait,
            longest_wait: config.longest_wait,
            timeout: config.timeout,
            max_response_bytes: config.max_response_bytes,
        })
    }

    /// Returns the URL as errors show it.
    pub fn shown_url(&self) -> String {
        address::shown(&self.url)
    }

    /// Asks, and returns the answer's bytes. `seed` keys the waits between attempts.
    pub async fn ask(&self, body: &[u8], seed: u64) -> Result<Vec<u8>, Failure> {
        let mut attempt = 0;
        loop {
            let failed = match self.once(body).await {
                Ok(bytes) => return Ok(bytes),
                Err(failed) => failed,
            };
            if !failed.is_worth_repeating || attempt >= self.retries {
                let mut reason = self.hide(&failed.failure.reason);
                if attempt > 0 {
                    reason = format!("{reason} (asked {} times)", attempt + 1);
                }
                return Err(Failure {
                    reason,
                    ..failed.failure
                });
            }
            let wait = self.wait(attempt, seed, failed.wait);
            tracing::debug!(
                reason = self.hide(&failed.failure.reason),
                wait_seconds = wait.as_secs_f64(),
                "asks the endpoint again"
            );
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Takes the key out of a text.
    pub fn hide(&self, text: &str) -> String {
        self.key
            .as_ref()
            .map_or_else(|| text.to_owned(), |key| key.hide(text))
    }

    /// Says how long to wait before the next attempt: twice as long each time, shortened by up to
    /// half so that many workers do not come back at once, and as long as the server asks.
    fn wait(&self, attempt: u32, seed: u64, asked: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << attempt.min(20));
        let keyed = ContentHash::of_fields("retry", &[&seed.to_string(), &attempt.to_string()]);
        let share = 1.0 - keyed.prefix_u64() as f64 / 2f64.powi(65);
        let own = doubled.min(self.longest_wait).mul_f64(share);
        own.max(asked.unwrap_or_default()).min(self.longest_wait)
    }

    async fn once(&self, body: &[u8]) -> Result<Vec<u8>, Attempt> {
        let broken = |error: reqwest::Error| {
            let reason = if error.is_timeout() {
                format!("no answer within {} s", self.timeout.as_secs_f64())
            } else if error.is_connect() {
                format!("it cannot be reached: {}", causes(&error.without_url()))
            } else {
                format!("the connection broke: {}", causes(&error.without_url()))
            };
            Attempt::repeatable(reason, None)
        };
        let mut answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timeout)
            .body(body.to_vec())
            .send()
            .await
            .map_err(broken)?;
        let status = answer.status();
        let limit = if status.is_success() {
            self.max_response_bytes
        } else {
            MAX_ERROR_BYTES
        };
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= limit => bytes.extend(&chunk),
                Ok(Some(_)) if status.is_success() => {
                    let reason = format!("its answer is longer than {limit} bytes");
                    return Err(Attempt::last(Reach::Question, reason));
                }
                Ok(_) => break,
                Err(error) if status.is_success() => return Err(broken(error)),
                Err(_) => break,
            }
        }
        if status.is_success() {
            return Ok(bytes);
        }
        Err(refusal(status, answer.headers(), &bytes))
    }
}

/// Judges an answer that is not a success.
fn refusal(status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> Attempt {
    let said = response::error_message(bytes);
    let reason = format!("status {}: {said}", status.as_u16());
    match status {
        _ if status.is_redirection() => {
            let place = headers.get(LOCATION).map_or_else(String::new, |place| {
                let place = response::shorten(&String::from_utf8_lossy(place.as_bytes()));
                Url::parse(&place).map_or(place, |url| address::shown(&url))
            });
            let reason = format!(
                "status {}: it redirects to {place:?}, and redirects are not followed; set the base URL to the right place",
                status.as_u16()
            );
            Attempt::last(Reach::Everything, reason)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Attempt::last(Reach::Everything, format!("it refuses the key: {reason}"))
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Attempt::last(
            Reach::Everything,
            format!("it does not know this route or model: {reason}"),
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Attempt::repeatable(reason, retry_after(headers))
        }
        _ if status.is_server_error() => Attempt::repeatable(reason, retry_after(headers)),
        _ => Attempt::last(Reach::Question, reason),
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(SystemTime::now()).ok()
}

/// Writes an error with everything that caused it.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = cause.source();
    }
    response::shorten(&text)
}
