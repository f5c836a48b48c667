//! Requests from other sites are refused where they could do something.

use crate::error::Problem;
use crate::state::{AppState, Settings};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

/// Says that a request comes from our own pages or from a program, as far as its headers tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SameSite;

impl FromRequestParts<AppState> for SameSite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        refuse_other_sites(&parts.headers, &state.settings)?;
        Ok(Self)
    }
}

/// Says whether a method changes something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what a browser says it sends for another site's page. Our own is at the address that links
/// begin with, and at whatever address the request was sent to.
pub(crate) fn refuse_other_sites(headers: &HeaderMap, settings: &Settings) -> Result<(), Problem> {
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return Err(foreign());
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    // A proxy may ask us by a name of its own.
    if origin.eq_ignore_ascii_case(&settings.origin) {
        return Ok(());
    }
    let of_origin = origin
        .split_once("://")
        .filter(|(scheme, host)| !host.is_empty() && (!settings.tls || *scheme == "https"))
        .map(|(_, host)| host);
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    match (of_origin, host) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(foreign()),
    }
}

fn foreign() -> Problem {
    Problem::forbidden("the request comes from another site's page; open nines at its own address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn judged(pairs: &[(&'static str, &'static str)]) -> bool {
        judged_at("http://127.0.0.1:7420", pairs)
    }

    fn judged_at(ours: &str, pairs: &[(&'static str, &'static str)]) -> bool {
        let settings = Settings {
            folder: ".".into(),
            project: "test".into(),
            predicate: "an injury".into(),
            predicate_version: 1,
            split_seed: 0,
            tls: ours.starts_with("https"),
            origin: ours.to_owned(),
        };
        let headers = pairs
            .iter()
            .map(|&(name, value)| {
                let name = name.parse::<axum::http::HeaderName>().expect("a name");
                (name, HeaderValue::from_static(value))
            })
            .collect();
        refuse_other_sites(&headers, &settings).is_ok()
    }

    #[test]
    fn our_pages_and_programs_pass_and_others_do_not() {
        let host = ("host", "127.0.0.1:7420");
        assert!(judged(&[host]));
        assert!(judged(&[host, ("origin", "http://127.0.0.1:7420")]));
        assert!(judged(&[
            ("host", "Nines.example"),
            ("origin", "https://nines.example")
        ]));
        assert!(judged(&[host, ("sec-fetch-site", "same-origin")]));
        for origin in [
            "http://127.0.0.1:7421",
            "https://evil.example",
            "null",
            "http://",
            "",
        ] {
            assert!(!judged(&[host, ("origin", origin)]), "{origin:?}");
        }
        assert!(!judged(&[("origin", "http://localhost:7420")]));
        assert!(!judged(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!judged(&[host, ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn a_proxy_may_ask_by_another_name_and_under_tls_plain_pages_are_others() {
        let ours = "https://nines.example";
        let inside = ("host", "10.0.0.7:7420");
        let outside = ("host", "nines.example");
        assert!(judged_at(ours, &[inside, ("origin", ours)]));
        assert!(judged_at(ours, &[outside, ("origin", ours)]));
        for origin in [
            "http://nines.example",
            "http://10.0.0.7:7420",
            "https://evil.example",
        ] {
            assert!(!judged_at(ours, &[inside, ("origin", origin)]), "{origin}");
            assert!(!judged_at(ours, &[outside, ("origin", origin)]), "{origin}");
        }
    }
}
