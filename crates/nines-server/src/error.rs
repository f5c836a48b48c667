//! Errors as RFC 9457 problems: the one place that maps causes to HTTP.

use crate::play::PlayError;
use crate::scoring::ScoringError;
use crate::workbench::WorkbenchError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nines_jobs::JobError;
use nines_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// An error as a client reads it (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// Names the kind of problem, such as `/problems/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for people, never depending on the case at hand.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, where, and what to do.
    pub detail: String,
    /// Seconds after which to try again, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The rewriting session that stands in the way, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<i64>,
}

impl Problem {
    /// Builds a problem.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after_seconds: None,
            session: None,
        }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be read",
            detail,
        )
    }

    /// 422: the request was read, and asks for what cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The request asks for what cannot be",
            detail,
        )
    }

    /// 401: nobody is signed in.
    pub fn signed_out() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "signed-out",
            "Nobody is signed in",
            "sign in first, or send an API token in the header Authorization",
        )
    }

    /// 403: the account's role does not allow it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            detail,
        )
    }

    /// 409: it does not fit what is stored already.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            "It does not fit what is stored",
            detail,
        )
    }

    /// 429: too much at once; the client tries again later.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many",
                "Too much at once",
                detail,
            )
        }
    }

    /// 500: the server failed. The cause goes to the log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!("request failed: {cause}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed",
            "nothing was changed; the server's log says why",
        )
    }
}

/// Writes an error with what caused it, for the log.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } | StoreError::UnknownSnippet { .. } => {
                Self::not_found(error.to_string())
            }
            StoreError::BadValue { .. } | StoreError::Nul { .. } | StoreError::Dangling { .. } => {
                Self::invalid(error.to_string())
            }
            StoreError::RunState { .. }
            | StoreError::JobState { .. }
            | StoreError::Refused { .. }
            | StoreError::Taken { .. }
            | StoreError::LastAdmin
            | StoreError::HasAdmin => Self::conflict(error.to_string()),
            StoreError::Busy { .. } => Self {
                retry_after_seconds: Some(1),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "busy",
                    "The database is busy",
                    error.to_string(),
                )
            },
            _ => Self::internal(with_causes(&error)),
        }
    }
}

impl From<WorkbenchError> for Problem {
    fn from(error: WorkbenchError) -> Self {
        match error {
            WorkbenchError::Refused(why) | WorkbenchError::NotMeasured(why) => Self::invalid(why),
            WorkbenchError::Failed(why) => Self::internal(why),
        }
    }
}

impl From<ScoringError> for Problem {
    fn from(error: ScoringError) -> Self {
        match error {
            ScoringError::Full { retry_after, .. } => {
                Self::too_many(error.to_string(), retry_after)
            }
            ScoringError::Load(error) => error.into(),
            ScoringError::Failed(why) => Self::internal(why),
        }
    }
}

impl From<PlayError> for Problem {
    fn from(error: PlayError) -> Self {
        match error {
            PlayError::Full { retry_after } => Self::too_many(error.to_string(), retry_after),
            PlayError::Load(error) => error.into(),
            PlayError::Generate(error) => Self::invalid(error.to_string()),
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => error.into(),
            JobError::Refused { .. } => Self::invalid(error.to_string()),
            JobError::QueueFull { .. } => Self::too_many(error.to_string(), 60),
            // Its words leave out what the system said.
            _ => Self::internal(with_causes(&error)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = self.retry_after_seconds;
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}
