//! Play through HTTP: drawing, scoring, sending, and what thresholds do.

pub mod doubles;
mod drawing;
mod ensemble;
mod points;
mod scoring;
mod sending;

use crate::client::Client;
use crate::server::Server;
use nines_domain::account::Role;
use nines_domain::snippet::ModelId;
use nines_store::{ModelKind, NewModel, Store};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A server over a project with two classifiers, and a researcher who plays.
struct Playing {
    server: Server,
    researcher: Client,
    /// The classifiers; the second is the newest.
    models: [ModelId; 2],
}

impl Playing {
    async fn start() -> Self {
        let server = Server::start().await;
        let store = &server.state.store;
        let models = [classifier(store).await, classifier(store).await];
        Self {
            researcher: server.signed_in_as(Role::Researcher).await,
            server,
            models,
        }
    }

    fn store(&self) -> &Store {
        &self.server.state.store
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.researcher.post(path, body.clone()).await;
        let status = StatusCode::from_u16(answer.status).expect("a status");
        (status, answer.json())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.researcher.get(path).await;
        let status = StatusCode::from_u16(answer.status).expect("a status");
        (status, answer.json())
    }
}

async fn classifier(store: &Store) -> ModelId {
    let new = NewModel {
        kind: ModelKind::Classifier,
        name: "injury".to_owned(),
        path: "models/injury".to_owned(),
        digest: "d".repeat(64),
        config: json!({}),
        metrics: json!({ "auc": 0.9 }),
        parent: None,
        run: None,
    };
    store.insert_model(&new).await.expect("stored").id
}
