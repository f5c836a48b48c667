//! Where requests go, and with which key.

use super::{EndpointConfig, Route};
use reqwest::Url;
use reqwest::header::HeaderValue;
use std::fmt;

/// An endpoint's settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointConfigError {
    /// The base URL is not one.
    #[error("the endpoint's base URL {url:?} cannot be used: {reason}")]
    Url {
        /// The URL, without what may be secret.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key has characters that cannot be sent.
    #[error("the endpoint's key is empty or has characters that cannot be sent in a header")]
    Key,
    /// A number makes no sense.
    #[error("the endpoint's settings: {0}")]
    Setting(String),
    /// The HTTP client could not be started.
    #[error("the HTTP client could not be started: {0}")]
    Start(String),
}

/// A secret key. Its `Debug` text does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key, without the white space around it.
    ///
    /// # Errors
    /// [`EndpointConfigError::Key`] when it is empty or cannot be sent in a header.
    pub fn new(key: &str) -> Result<Self, EndpointConfigError> {
        let key = key.trim();
        let can_be_sent = HeaderValue::from_str(key).is_ok();
        if key.is_empty() || !can_be_sent {
            return Err(EndpointConfigError::Key);
        }
        Ok(Self(key.to_owned()))
    }

    /// Writes the header that carries the key.
    pub(super) fn header(&self) -> Result<HeaderValue, EndpointConfigError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0))
            .map_err(|_| EndpointConfigError::Key)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Takes the key out of a text that came back from the endpoint.
    pub(super) fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

/// Finds the URL that requests go to.
pub(super) fn url(config: &EndpointConfig) -> Result<Url, EndpointConfigError> {
    let wrong = |url: &str, reason: &str| EndpointConfigError::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    let mut url = Url::parse(config.base_url.trim()).map_err(|e| {
        // It may hold a key in a place that cannot be told.
        wrong(
            "(not shown)",
            &format!("{e}; it looks like https://host/v1"),
        )
    })?;
    let name = shown(&url);
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(
            &name,
            "it must start with http:// or https:// and name a host",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            &name,
            "it holds a user name or password; give the key as a key",
        ));
    }
    let route = match config.route {
        Route::Completions => "completions",
        Route::Chat => "chat/completions",
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let path = if is_version {
        format!("{path}/{route}")
    } else if path.ends_with("/completions") {
        if path.ends_with("/chat/completions") != (config.route == Route::Chat) {
            return Err(wrong(
                &name,
                "it names the other route than the one configured",
            ));
        }
        path
    } else {
        format!("{path}/v1/{route}")
    };
    url.set_path(&path);
    url.set_fragment(None);
    Ok(url)
}

/// Writes a URL without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only impossible for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str, route: Route) -> Result<String, EndpointConfigError> {
        url(&EndpointConfig::new(base, "m", route)).map(|url| url.to_string())
    }

    #[test]
    fn finds_the_route_behind_any_base() {
        use Route::{Chat, Completions};
        for (base, route, expected) in [
            ("http://h:8000", Completions, "http://h:8000/v1/completions"),
            ("http://h/v1/", Chat, "http://h/v1/chat/completions"),
            (
                "https://h/api/v3",
                Chat,
                "https://h/api/v3/chat/completions",
            ),
            (
                "https://h/proxy",
                Completions,
                "https://h/proxy/v1/completions",
            ),
            (
                "https://h/x/chat/completions?api-version=2",
                Chat,
                "https://h/x/chat/completions?api-version=2",
            ),
        ] {
            assert_eq!(at(base, route).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn refuses_what_is_no_address_and_shows_no_secret() {
        for base in [
            "",
            "h:8000",
            "ftp://h",
            "https://user:hunter2@h/v1",
            "https://h/v1/chat/completions",
            "http://h:hunter2/v1",
        ] {
            let error = at(base, Route::Completions)
                .expect_err("refused")
                .to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        for key in ["", "  ", "a\nb"] {
            assert_eq!(ApiKey::new(key), Err(EndpointConfigError::Key));
        }
        let key = ApiKey::new(" hunter2\n").expect("a key");
        assert_eq!(format!("{key:?}"), "ApiKey(***)");
        assert_eq!(key.hide("wrong key hunter2!"), "wrong key ***!");
        assert!(!format!("{:?}", key.header()).contains("hunter2"));
    }
}
