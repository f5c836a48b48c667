//! Requests from other sites are refused where they could do something.

use crate::error::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

/// Says that a request comes from our own pages or from a program, as far as its headers tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SameSite;

impl<S: Send + Sync> FromRequestParts<S> for SameSite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        refuse_other_sites(&parts.headers)?;
        Ok(Self)
    }
}

/// Says whether a method changes something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what a browser says it sends for another site's page.
pub(crate) fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return Err(foreign());
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let of_origin = origin.to_str().ok().and_then(|origin| {
        let host = origin.split_once("://")?.1;
        (!host.is_empty()).then_some(host)
    });
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
        let headers = pairs
            .iter()
            .map(|&(name, value)| {
                let name = name.parse::<axum::http::HeaderName>().expect("a name");
                (name, HeaderValue::from_static(value))
            })
            .collect();
        refuse_other_sites(&headers).is_ok()
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
        assert!(!judged(&[("origin", "http://127.0.0.1:7420")]));
        assert!(!judged(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!judged(&[host, ("sec-fetch-site", "same-site")]));
    }
}
