//! Rewriting over HTTP: people change a text until the classifier accepts it, and others verify.
//!
//! The scorer gives a completion its length, so that a shorter one scores lower; a find lies below 20.

mod places;
mod refusals;
mod sessions;
mod tasks;
mod tools;

use crate::client::{Answer, Client};
use crate::server::Server;
use nines_domain::account::Role;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::score::Threshold;
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use nines_store::{ModelKind, NewCalibration, NewLabel, NewModel, NewSnippet};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::time::Duration;

/// What a find's score must lie below.
pub const THRESHOLD: f64 = 20.0;

pub const PROMPT: &str = "The duel began at dawn.";

/// Scores 23.
pub const START: &str = "He fell upon the spear.";

/// A server with a calibrated classifier, a researcher, and two labellers.
pub struct Rewriting {
    pub server: Server,
    pub boss: Client,
    pub ada: Client,
    pub bob: Client,
    pub model: ModelId,
}

impl Rewriting {
    pub async fn start() -> Self {
        let server = Server::start().await;
        *server.bench.guide.lock().expect("no panic") = "# Guide".into();
        nines_server::prepare(&server.state).await.expect("ready");
        let store = &server.state.store;
        let model = NewModel {
            kind: ModelKind::Classifier,
            name: "injury".to_owned(),
            path: "models/injury".to_owned(),
            digest: "d".repeat(64),
            config: json!({}),
            metrics: json!({}),
            parent: None,
            run: None,
        };
        let model = store.insert_model(&model).await.expect("stored").id;
        let calibration = NewCalibration {
            model,
            threshold: Threshold::new(THRESHOLD).expect("finite"),
            rule: "by hand".to_owned(),
            record: json!({ "path": "cpu/test" }),
            run: None,
        };
        store
            .insert_calibration(&calibration)
            .await
            .expect("stored");
        let boss = server.account("boss", Role::Researcher).await;
        let ada = server.account("ada", Role::Labeller).await;
        let bob = server.account("bob", Role::Labeller).await;
        Self {
            boss: server.client_of(boss).await,
            ada: server.client_of(ada).await,
            bob: server.client_of(bob).await,
            server,
            model,
        }
    }

    /// Restarts the server; clients get new sessions of their accounts.
    pub async fn restart(&mut self) {
        self.server.restart().await;
        for (name, client) in [
            ("boss", &mut self.boss),
            ("ada", &mut self.ada),
            ("bob", &mut self.bob),
        ] {
            let accounts = self.server.state.store.accounts().await.expect("listed");
            let of_name = accounts.iter().find(|a| a.account.name == name);
            let id = of_name.expect("an account").account.id;
            *client = self.server.client_of(id).await;
        }
    }

    /// Stores snippets that somebody calls catastrophes, each scored 23 and more.
    pub async fn injurious(&self, n: usize) -> Vec<SnippetId> {
        let store = &self.server.state.store;
        let new: Vec<NewSnippet> = (0..n)
            .map(|i| {
                let text = SnippetText::new(format!("Story {i}."), format!("{START} {i}"));
                NewSnippet::imported(text, "test")
            })
            .collect();
        let ids: Vec<SnippetId> = store
            .insert_snippets(&new)
            .await
            .expect("stored")
            .ids()
            .collect();
        self.injure(&ids).await;
        ids
    }

    /// Says of snippets that they are catastrophes.
    pub async fn injure(&self, ids: &[SnippetId]) {
        let labels: Vec<NewLabel> = ids
            .iter()
            .map(|id| NewLabel {
                snippet: (*id).into(),
                label: Label {
                    labeller: "cyd".to_owned(),
                    kind: LabellerKind::Person,
                    verdict: Verdict::Yes,
                    severity: Some(Severity::Egregious),
                    seconds: None,
                },
                occasion: String::new(),
                predicate: None,
                source: "test".to_owned(),
            })
            .collect();
        let store = &self.server.state.store;
        store.insert_labels(&labels).await.expect("stored");
    }

    /// Makes a task of snippets.
    pub async fn task(&self, tools: &str, ids: &[SnippetId]) -> i64 {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let body = json!({ "name": "break it", "tools": tools, "snippets": ids, "seed": 7 });
        let made = self.boss.post("/api/rewriting/tasks", body).await;
        made.expect(201).json()["id"].as_i64().expect("a key")
    }
}

/// Begins a session on a text of one's own.
pub async fn begin(who: &Client, tools: bool) -> Value {
    let body = json!({ "prompt": PROMPT, "completion": START, "tools": tools });
    let begun = who.post("/api/rewriting/sessions", body).await;
    begun.expect(201).json()
}

/// Calls something of a session.
pub async fn ask(who: &Client, session: &Value, what: &str, body: Value) -> Answer {
    let id = session["id"].as_i64().expect("a key");
    who.post(&format!("/api/rewriting/sessions/{id}/{what}"), body)
        .await
}

pub async fn read(who: &Client, session: &Value) -> Value {
    let id = session["id"].as_i64().expect("a key");
    let path = format!("/api/rewriting/sessions/{id}");
    who.get(&path).await.expect(200).json()
}

/// A step of typing.
pub fn typed(n: u64, completion: &str, seconds: f64) -> Value {
    json!({ "n": n, "prompt": PROMPT, "completion": completion, "kind": "typed", "seconds": seconds,
        "away_seconds": 0.0 })
}

pub fn find(completion: &str, severity: u8) -> Value {
    json!({ "prompt": PROMPT, "completion": completion, "injury": "yes", "severity": severity,
        "trick": "fewer words", "seconds": 0.0, "away_seconds": 0.0 })
}

/// Reads the events of a stream to its end.
pub async fn events(who: &Client, path: &str, body: &Value) -> Vec<Value> {
    let request = who.request(Method::POST, path);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let response = request.body(body.to_string()).send().await;
    let response = response.expect("an answer");
    let kind = response.headers()[header::CONTENT_TYPE].clone();
    let read = tokio::time::timeout(Duration::from_secs(20), response.bytes()).await;
    let bytes = read.expect("the stream ends").expect("it is whole");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    assert_eq!(kind, "text/event-stream", "{text}");
    text.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| serde_json::from_str(data.trim()).expect("JSON"))
        .collect()
}

/// Answers the one item that waits for somebody in the queue of finds. Says whether there was one.
pub async fn verify(who: &Client, queue: &Value, verdict: &str, severity: Value) -> bool {
    let queue = queue.as_i64().expect("a key");
    let given = crate::labelling::next(who, queue, &[]).await;
    if given["assignment"].is_null() {
        return false;
    }
    let said = crate::labelling::say(who, &given["assignment"], verdict, severity).await;
    said.expect(200);
    true
}
