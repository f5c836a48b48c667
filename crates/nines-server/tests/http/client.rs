//! A client that keeps a session as a browser does.

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Method, Url};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A client, signed in or not.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    cookie: String,
    session: Option<(String, String)>,
    bearer: Option<String>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} is no JSON: {error}: {}", self.status, self.text()))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The kind of problem, without its prefix; nothing where it is none.
    pub fn problem(&self) -> Option<String> {
        if self.header("content-type") != Some("application/problem+json") {
            return None;
        }
        let kind = self.json()["type"].as_str().expect("a type").to_owned();
        kind.strip_prefix("/problems/").map(str::to_owned)
    }

    /// Demands a problem of a kind with a status.
    #[track_caller]
    pub fn refused(&self, status: u16, kind: &str) {
        let seen = (self.status, self.problem());
        assert_eq!(seen, (status, Some(kind.to_owned())), "{}", self.text());
        assert_eq!(self.json()["status"], status);
    }

    /// Demands a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Client {
    pub fn new(address: SocketAddr, cookie: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            http,
            address,
            cookie: cookie.to_owned(),
            session: None,
            bearer: None,
        }
    }

    /// The same client with a session's token and CSRF token.
    pub fn with_session(mut self, token: &str, csrf: &str) -> Self {
        self.session = Some((token.to_owned(), csrf.to_owned()));
        self
    }

    /// The same client with an API token.
    pub fn with_bearer(mut self, token: &str) -> Self {
        self.bearer = Some(token.to_owned());
        self
    }

    /// The same client with the session that an answer starts.
    pub fn taking(self, answer: &Answer) -> Self {
        let cookie = answer.header(SET_COOKIE.as_str()).expect("a cookie");
        let (name, value) = cookie.split_once('=').expect("a value");
        assert_eq!(name, self.cookie);
        let token = value.split(';').next().expect("a value").to_owned();
        let csrf = answer.json()["csrf"].as_str().expect("a csrf").to_owned();
        self.with_session(&token, &csrf)
    }

    /// The session's token.
    pub fn token(&self) -> &str {
        &self.session.as_ref().expect("a session").0
    }

    /// Starts a request as a page of ours would send it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = Url::parse(&format!("http://{}{path}", self.address)).expect("a URL");
        let mut request = self.http.request(method, url);
        if let Some((token, csrf)) = &self.session {
            request = request
                .header(COOKIE, format!("{}={token}", self.cookie))
                .header("x-csrf-token", csrf);
        }
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        request
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("a body").to_vec(),
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        Self::send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Signs in with name and password. Returns the answer.
    pub async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let body = serde_json::json!({"name": name, "password": password});
        self.post("/api/session", body).await
    }

    /// Sends bytes as they are, and reads until the server closes or two seconds pass in silence.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(bytes).await.expect("sent");
        read_out(&mut stream).await
    }
}

/// Reads until the other side closes or two seconds pass in silence.
pub async fn read_out(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let mut piece = [0u8; 4096];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut piece));
        match read.await {
            Ok(Ok(n)) if n > 0 => heard.extend_from_slice(&piece[..n]),
            _ => return String::from_utf8_lossy(&heard).into_owned(),
        }
    }
}
