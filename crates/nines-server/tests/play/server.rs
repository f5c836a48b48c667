//! A server over a fresh project with two classifiers, and callers of each role.

use crate::doubles::Bench;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use nines_domain::account::{AccountId, Role};
use nines_domain::snippet::ModelId;
use nines_server::{AppState, Settings};
use nines_store::{
    ModelKind, NewAccount, NewInvitation, NewLoginSession, NewModel, Store, StoreUrl,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tower::ServiceExt;

pub const ADMIN: Option<&str> = Some("nines_admin");
pub const RESEARCHER: Option<&str> = Some("nines_researcher");
pub const LABELLER: Option<&str> = Some("nines_labeller");
pub const NOBODY: Option<&str> = None;

pub struct Server {
    pub state: AppState,
    pub router: Router,
    pub bench: Arc<Bench>,
    /// Two classifiers.
    pub models: [ModelId; 2],
    _folder: tempfile::TempDir,
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        let store = Store::open(&url).await.expect("opens");
        accounts(&store).await;
        let models = [classifier(&store).await, classifier(&store).await];
        let bench = Arc::new(Bench::default());
        let settings = Settings {
            folder: folder.path().to_owned(),
            project: "test".to_owned(),
            predicate: "an injury".to_owned(),
            predicate_version: 1,
            tls: false,
            origin: "http://127.0.0.1:7420".to_owned(),
        };
        let state = AppState::new(store, settings, bench.clone());
        Self {
            router: nines_server::router(state.clone()),
            state,
            bench,
            models,
            _folder: folder,
        }
    }

    pub async fn send(
        &self,
        by: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:7420");
        if let Some(token) = by {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a request");
        let answered = self.router.clone().oneshot(request).await;
        answered.expect("a router always answers")
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        json_of(self.send(RESEARCHER, Method::POST, path, Some(body)).await).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        json_of(self.send(RESEARCHER, Method::GET, path, None).await).await
    }
}

pub async fn json_of(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await;
    let bytes = bytes.expect("a whole body");
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

async fn accounts(store: &Store) {
    let account = |name: &str| NewAccount {
        name: name.parse().expect("a name"),
        password_hash: "none".to_owned(),
    };
    let session = |name: &str| NewLoginSession {
        token_hash: hash(&format!("session of {name}")),
        csrf: "c".repeat(64),
    };
    let admin = store
        .create_first_admin(&account("admin"), &session("admin"))
        .await
        .expect("an admin");
    token(store, admin.account.id, "nines_admin").await;
    for (role, name) in [
        (Role::Researcher, "researcher"),
        (Role::Labeller, "labeller"),
    ] {
        let invitation = NewInvitation {
            token_hash: hash(name),
            role,
            name: None,
            expires: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1),
        };
        store
            .invite(&invitation, admin.account.id)
            .await
            .expect("invited");
        let made = store
            .accept_invitation(&hash(name), &account(name), &session(name))
            .await
            .expect("accepted");
        token(store, made.account.id, &format!("nines_{name}")).await;
    }
}

async fn token(store: &Store, owner: AccountId, token: &str) {
    store
        .make_token(owner, "test", &hash(token))
        .await
        .expect("a token");
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
