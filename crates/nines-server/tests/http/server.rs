//! One server a test: the real router behind a real port of the loopback, with a new SQLite database.

use crate::client::Client;
use crate::workbench::FixedWorkbench;
use nines_domain::account::{AccountId, Role};
use nines_jobs::{Program, Supervisor};
use nines_server::{AppState, Patience, Settings, serve};
use nines_store::{NewAccount, NewInvitation, NewLoginSession, Store, StoreUrl};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The password of every account that the harness makes.
pub const PASSWORD: &str = "correct horse battery";

/// The queue of jobs whose program is another one.
pub fn jobs_by(program: impl Into<PathBuf>, state: &AppState) -> Supervisor {
    let program = Program::new(program, &state.settings.folder);
    let settings = nines_jobs::Settings {
        look_every: Duration::from_millis(20),
        ..nines_jobs::Settings::default()
    };
    Supervisor::new(state.store.clone(), program, settings)
}

/// A running server with its database.
pub struct Server {
    /// What its handlers reach; the store is the real one.
    pub state: AppState,
    /// Its scorer and its generator.
    pub bench: Arc<FixedWorkbench>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The name of its cookie.
    pub cookie: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    _folder: TempDir,
}

impl Server {
    /// Starts a server.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server whose state is changed before.
    pub async fn start_with(change: impl FnOnce(&mut AppState)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        let store = Store::open(&url).await.expect("the database opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let settings = Settings {
            folder: folder.path().to_owned(),
            project: "test".into(),
            predicate: "an injury".into(),
            predicate_version: 1,
            split_seed: 0,
            tls: false,
            origin: format!("http://{address}"),
        };
        let bench = Arc::new(FixedWorkbench::default());
        let (proposed, _) = session();
        let project = store.identity(&proposed[..32]).await.expect("an identity");
        let mut state = AppState::new(store, settings, bench.clone());
        // No test starts this program again unless it says so.
        state.jobs = jobs_by("/bin/false", &state);
        change(&mut state);
        let prefix = if state.settings.tls { "__Host-" } else { "" };
        let cookie = format!("{prefix}nines_session_{}", &project[..8]);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, state.clone(), async move {
            drop(stopped.await);
        }));
        Self {
            state,
            bench,
            address,
            cookie,
            stop: Some(stop),
            serving: Some(serving),
            _folder: folder,
        }
    }

    /// The same with little patience, so that tests of slow clients are quick.
    pub async fn start_impatient() -> Self {
        Self::start_with(|state| {
            state.patience = Patience {
                head: Duration::from_millis(700),
                piece: Duration::from_millis(700),
                body: Duration::from_secs(2),
                reading: Duration::from_secs(1),
                grace: Duration::from_secs(2),
                signed_in: Duration::from_millis(200),
            };
        })
        .await
    }

    /// Stops the server and starts another on the same database, as a restart does: nothing in memory
    /// is kept, and clients are to be made anew.
    pub async fn restart(&mut self) {
        self.stop().await;
        let url = self.state.store.url().clone();
        let store = Store::open(&url).await.expect("the database opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        let settings = Settings {
            origin: format!("http://{}", self.address),
            ..(*self.state.settings).clone()
        };
        self.state = AppState::new(store, settings, self.state.workbench.clone());
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, self.state.clone(), async move {
            drop(stopped.await);
        });
        self.stop = Some(stop);
        self.serving = Some(tokio::spawn(serving));
    }

    /// Tells the server to stop and waits until it has.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.await.expect("no panic").expect("served");
        }
    }

    /// A client who is not signed in.
    pub fn nobody(&self) -> Client {
        Client::new(self.address, &self.cookie)
    }

    /// A new account of a role, by the store alone: no password is hashed, so that tests are quick.
    /// It cannot sign in with a password; see [`Server::signed_in_as`].
    pub async fn account(&self, name: &str, role: Role) -> AccountId {
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA";
        self.account_with(name, role, hash).await
    }

    async fn account_with(&self, name: &str, role: Role, password_hash: &str) -> AccountId {
        let store = &self.state.store;
        let new = NewAccount {
            name: name.parse().expect("a name"),
            password_hash: password_hash.to_owned(),
        };
        if role == Role::Admin && !store.has_admin().await.expect("read") {
            let (_, session) = session();
            let made = store.create_first_admin(&new, &session).await;
            return made.expect("the first admin").account.id;
        }
        let admin = match self.first_admin().await {
            Some(id) => id,
            None => Box::pin(self.account("root", Role::Admin)).await,
        };
        let (token, session) = session();
        let invitation = NewInvitation {
            token_hash: hash(&token),
            role,
            name: None,
            expires: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1),
        };
        store.invite(&invitation, admin).await.expect("invited");
        let made = store.accept_invitation(&hash(&token), &new, &session).await;
        made.expect("accepted").account.id
    }

    async fn first_admin(&self) -> Option<AccountId> {
        let accounts = self.state.store.accounts().await.expect("listed");
        let mut admins = accounts.iter().filter(|a| a.account.role == Role::Admin);
        admins.next().map(|admin| admin.account.id)
    }

    /// A client with a new session of an account.
    pub async fn client_of(&self, id: AccountId) -> Client {
        let (token, session) = session();
        let started = self.state.store.start_session(id, &session).await;
        started.expect("signed in");
        self.nobody().with_session(&token, &session.csrf)
    }

    /// A client who is signed in as a new account named after its role.
    pub async fn signed_in_as(&self, role: Role) -> Client {
        let taken = self.state.store.accounts().await.expect("listed").len();
        let id = self.account(&format!("{role} {taken}"), role).await;
        self.client_of(id).await
    }

    /// Makes an account that signs in with [`PASSWORD`], through the endpoints.
    pub async fn register(&self, name: &str, role: Role) -> Client {
        let admin = match self.first_admin().await {
            Some(id) => self.client_of(id).await,
            None => self.signed_in_as(Role::Admin).await,
        };
        let invited = admin
            .post("/api/people/invitations", serde_json::json!({"role": role}))
            .await;
        let link = invited.json()["link"].as_str().expect("a link").to_owned();
        let token = link.rsplit('/').next().expect("a token");
        let client = self.nobody();
        let body = serde_json::json!({"name": name, "password": PASSWORD});
        let accepted = client
            .post(&format!("/api/invitations/{token}"), body)
            .await;
        assert_eq!(accepted.status, 201, "{}", accepted.text());
        client.taking(&accepted)
    }
}

/// Hashes a token as the server does.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Makes a token with its session, each different.
pub fn session() -> (String, NewLoginSession) {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let token = format!("test token {}", MADE.fetch_add(1, Ordering::Relaxed));
    // As long as a real one, and without spaces.
    let token: String = hash(&token).iter().map(|b| format!("{b:02x}")).collect();
    let new = NewLoginSession {
        token_hash: hash(&token),
        csrf: format!("csrf-{}", &token[..16]),
    };
    (token, new)
}
