//! Who may call what: every endpoint, as nobody, as each role, and as an account that was
//! deactivated. An endpoint that is not in the table fails the test.

use crate::client::{Answer, Client};
use crate::openapi::operations;
use crate::server::Server;
use nines_domain::account::{AccountId, Role};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Anybody at all.
    Anyone,
    /// Any account that is active.
    Labeller,
    /// Researchers and admins.
    Researcher,
    /// Admins.
    Admin,
}
use Who::{Admin, Anyone, Labeller, Researcher};

/// One endpoint: its method and path as the document has them, who may call it, and a body that can
/// be read. Numbers in a path become one that nothing has, so that calls change little.
struct Row(&'static str, &'static str, Who, Value);

/// Where an endpoint answers 401 to whoever may call it, for a reason of its own.
const SIGNS_IN: (&str, &str) = ("POST", "/api/session");

fn table() -> Vec<Row> {
    let credentials = json!({"name": "somebody", "password": "a wrong password"});
    let mut rows = vec![
        // server
        Row("GET", "/api/health", Anyone, Value::Null),
        Row("GET", "/api/events", Labeller, Value::Null),
        // accounts
        Row("GET", "/api/setup", Anyone, Value::Null),
        Row(
            "POST",
            "/api/setup",
            Anyone,
            json!({"token": "", "name": "a", "password": "b"}),
        ),
        Row("GET", "/api/session", Labeller, Value::Null),
        Row("POST", "/api/session", Anyone, credentials.clone()),
        Row("DELETE", "/api/session", Labeller, Value::Null),
        Row("GET", "/api/invitations/{token}", Anyone, Value::Null),
        Row("POST", "/api/invitations/{token}", Anyone, credentials),
        Row(
            "PUT",
            "/api/account/password",
            Labeller,
            json!({"old": "a", "new": "b"}),
        ),
        Row("GET", "/api/account/tokens", Labeller, Value::Null),
        Row(
            "POST",
            "/api/account/tokens",
            Labeller,
            json!({"name": "a program"}),
        ),
        Row("DELETE", "/api/account/tokens/{id}", Labeller, Value::Null),
        Row("GET", "/api/people/invitations", Researcher, Value::Null),
        Row(
            "POST",
            "/api/people/invitations",
            Researcher,
            json!({"role": "labeller"}),
        ),
        Row(
            "DELETE",
            "/api/people/invitations/{id}",
            Researcher,
            Value::Null,
        ),
        Row("PATCH", "/api/people/{id}", Admin, json!({})),
        Row("GET", "/api/audit", Admin, Value::Null),
    ];
    rows.extend(labelling());
    rows.extend(jobs());
    rows.extend(play());
    rows.extend(reliability());
    rows.extend(rewriting());
    rows
}

fn labelling() -> Vec<Row> {
    let holding = || json!({"holding": []});
    let times = json!({"seconds": 1.0, "away_seconds": 0.0, "reason": "odd"});
    let label = json!({"verdict": "no", "severity": null, "seconds": 1.0, "away_seconds": 0.0});
    let comparison = json!({"choice": "left", "seconds": 1.0, "away_seconds": 0.0});
    let check =
        json!({"snippet": 987_654_321, "purpose": "gold", "verdict": "no", "explanation": "clear"});
    let wanted = json!({"practice": 1, "qualification": 1, "gold": 1, "seed": 0});
    let guide = json!({"text": "# Guide", "note": "new", "version": 987_654_321});
    vec![
        Row("GET", "/api/queues", Labeller, Value::Null),
        Row("POST", "/api/queues", Researcher, json!({"kind": "sent"})),
        Row(
            "PATCH",
            "/api/queues/{id}",
            Researcher,
            json!({"open": true}),
        ),
        Row("POST", "/api/queues/{id}/next", Labeller, holding()),
        Row("GET", "/api/labelling/standing", Labeller, Value::Null),
        Row("POST", "/api/labelling/practice/next", Labeller, holding()),
        Row(
            "POST",
            "/api/labelling/qualification/next",
            Labeller,
            holding(),
        ),
        Row("POST", "/api/assignments/{id}/label", Labeller, label),
        Row(
            "POST",
            "/api/assignments/{id}/comparison",
            Labeller,
            comparison,
        ),
        Row("POST", "/api/assignments/{id}/skip", Labeller, times),
        Row("POST", "/api/assignments/{id}/undo", Labeller, Value::Null),
        Row(
            "POST",
            "/api/assignments/{id}/flag",
            Labeller,
            json!({"reason": "odd"}),
        ),
        Row(
            "POST",
            "/api/assignments/{id}/renew",
            Labeller,
            json!({"seconds": 1.0}),
        ),
        Row("GET", "/api/guide", Labeller, Value::Null),
        Row("GET", "/api/guide/{version}", Labeller, Value::Null),
        Row("PUT", "/api/guide", Researcher, guide),
        Row("GET", "/api/rulings", Labeller, Value::Null),
        Row(
            "POST",
            "/api/rulings",
            Labeller,
            json!({"question": "and toys?"}),
        ),
        Row(
            "PUT",
            "/api/rulings/{id}",
            Researcher,
            json!({"answer": "no"}),
        ),
        Row("GET", "/api/checks", Researcher, Value::Null),
        Row("POST", "/api/checks", Researcher, check),
        Row("POST", "/api/checks/suggest", Researcher, wanted),
        Row("DELETE", "/api/checks/{id}", Researcher, Value::Null),
        Row("GET", "/api/flags", Researcher, Value::Null),
        Row("PUT", "/api/flags/{id}/resolve", Researcher, Value::Null),
        Row("GET", "/api/people", Researcher, Value::Null),
        Row(
            "POST",
            "/api/people/{id}/qualification",
            Researcher,
            json!({"again": true}),
        ),
    ]
}

fn jobs() -> Vec<Row> {
    let get = |path| Row("GET", path, Researcher, Value::Null);
    let post = |path, body| Row("POST", path, Researcher, body);
    vec![
        get("/api/jobs"),
        get("/api/jobs/{id}"),
        get("/api/jobs/{id}/log"),
        get("/api/runs"),
        get("/api/runs/{id}"),
        get("/api/runs/{id}/metrics"),
        get("/api/runs/{id}/attack"),
        get("/api/recipes"),
        get("/api/runs/{id}/trials"),
        post("/api/jobs", json!({"kind": "score"})),
        post("/api/jobs/{id}/cancel", Value::Null),
        post("/api/jobs/{id}/retry", Value::Null),
    ]
}

fn play() -> Vec<Row> {
    let snippet = json!({"prompt": "Once.", "completion": "Then."});
    vec![
        Row("GET", "/api/classifiers", Researcher, Value::Null),
        Row(
            "GET",
            "/api/classifiers/{id}/operating-points",
            Researcher,
            Value::Null,
        ),
        Row("GET", "/api/classifiers/{id}/card", Researcher, Value::Null),
        Row("GET", "/api/play/settings", Researcher, Value::Null),
        Row(
            "POST",
            "/api/score",
            Researcher,
            json!({"snippets": [snippet]}),
        ),
        Row(
            "POST",
            "/api/play/draw",
            Researcher,
            json!({"prompt": "Once.", "n": 1, "seed": 0, "classifiers": [1]}),
        ),
        Row("POST", "/api/play/send", Researcher, snippet),
    ]
}

fn reliability() -> Vec<Row> {
    let label = json!({"verdict": "no", "severity": null});
    vec![
        Row("GET", "/api/reliability", Researcher, Value::Null),
        Row(
            "POST",
            "/api/reliability/plan",
            Researcher,
            json!({"kind": "leak", "labels": 10}),
        ),
        Row("GET", "/api/snippets", Researcher, Value::Null),
        Row("GET", "/api/snippets/{id}", Researcher, Value::Null),
        Row("POST", "/api/snippets/{id}/labels", Researcher, label),
        Row(
            "DELETE",
            "/api/snippets/{id}/labels/{label}",
            Researcher,
            Value::Null,
        ),
        Row("GET", "/api/facets", Researcher, Value::Null),
    ]
}

fn rewriting() -> Vec<Row> {
    let get = |path, who| Row("GET", path, who, Value::Null);
    let post = |path, body| Row("POST", path, Labeller, body);
    let text = json!({"prompt": "Once.", "completion": "Then."});
    let with = |more: Value| {
        let mut body = text.clone();
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let clock = json!({"seconds": 1.0, "away_seconds": 0.0});
    let step = json!({"n": 1, "kind": "typed", "seconds": 1.0, "away_seconds": 0.0});
    let find = json!({"injury": "yes", "severity": 3, "seconds": 1.0, "away_seconds": 0.0});
    let paused = json!({"paused": true, "seconds": 1.0, "away_seconds": 0.0});
    let task = json!({"name": "break it", "tools": "on", "injurious": 1});
    vec![
        get("/api/rewriting/tasks", Labeller),
        Row("POST", "/api/rewriting/tasks", Researcher, task),
        Row(
            "PATCH",
            "/api/rewriting/tasks/{id}",
            Researcher,
            json!({"open": true}),
        ),
        post(
            "/api/rewriting/generate",
            json!({"prompt": "Once.", "seed": 0}),
        ),
        get("/api/rewriting/sessions", Researcher),
        post("/api/rewriting/sessions", json!({"snippet": 987_654_321})),
        get("/api/rewriting/sessions/current", Labeller),
        get("/api/rewriting/sessions/{id}", Labeller),
        post("/api/rewriting/sessions/{id}/score", text.clone()),
        post("/api/rewriting/sessions/{id}/steps", with(step)),
        post(
            "/api/rewriting/sessions/{id}/saliency",
            with(json!({"method": "leave_one_out"})),
        ),
        post(
            "/api/rewriting/sessions/{id}/substitutes",
            with(json!({"part": "completion", "start": 0, "end": 4})),
        ),
        post("/api/rewriting/sessions/{id}/pause", paused),
        post("/api/rewriting/sessions/{id}/give-up", clock),
        post("/api/rewriting/sessions/{id}/submit", with(find)),
        get("/api/rewriting/inspiration", Labeller),
        get("/api/rewriting/standing", Labeller),
        get("/api/rewriting/opponent", Labeller),
    ]
}

#[test]
fn the_table_lists_every_endpoint_once() {
    let in_document: BTreeSet<(String, String)> = operations()
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let rows = table();
    let in_table: BTreeSet<(String, String)> = rows
        .iter()
        .map(|Row(method, path, ..)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let missing: Vec<_> = in_document.difference(&in_table).collect();
    assert!(
        missing.is_empty(),
        "without a row in the table of roles: {missing:?}"
    );
    let gone: Vec<_> = in_table.difference(&in_document).collect();
    assert!(
        gone.is_empty(),
        "in the table of roles and nowhere else: {gone:?}"
    );
    assert_eq!(rows.len(), in_table.len(), "a row is there twice");
}

async fn call(client: &Client, row: &Row) -> Answer {
    let Row(method, path, _, body) = row;
    let path = path
        .replace("{token}", "none")
        .replace("{version}", "987654321");
    let mut path = path;
    while let Some((before, rest)) = path.split_once('{') {
        let after = rest.split_once('}').map_or("", |(_, after)| after);
        path = format!("{before}987654321{after}");
    }
    let method: Method = method.parse().expect("a method");
    let body = (!body.is_null()).then(|| body.clone());
    let mut request = client.request(method, &path);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    // Streams do not end by themselves: the head says enough.
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let is_stream = headers
        .get("content-type")
        .is_some_and(|kind| kind == "text/event-stream");
    let body = match is_stream {
        true => Vec::new(),
        false => response.bytes().await.expect("a body").to_vec(),
    };
    Answer {
        status,
        headers,
        body,
    }
}

/// Who calls, in the table's order of being allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    Deactivated,
    Stale,
    Is(Role),
}

impl Caller {
    const ALL: [Self; 6] = [
        Self::Nobody,
        Self::Deactivated,
        Self::Stale,
        Self::Is(Role::Labeller),
        Self::Is(Role::Researcher),
        Self::Is(Role::Admin),
    ];

    fn may(self, who: Who) -> Result<(), (u16, &'static str)> {
        let needed = match who {
            Anyone => return Ok(()),
            Labeller => Role::Labeller,
            Researcher => Role::Researcher,
            Admin => Role::Admin,
        };
        match self {
            Self::Nobody | Self::Deactivated | Self::Stale => Err((401, "signed-out")),
            Self::Is(role) if role < needed => Err((403, "forbidden")),
            Self::Is(_) => Ok(()),
        }
    }
}

#[tokio::test]
async fn each_endpoint_lets_in_whom_it_should() {
    let server = Server::start().await;
    let root = server.account("root", Role::Admin).await;
    let mut accounts = Vec::new();
    for role in Role::ALL {
        accounts.push((role, server.account(&format!("the {role}"), role).await));
    }
    let gone = server.account("gone", Role::Admin).await;
    let of_gone = server.client_of(gone).await;
    let deactivation = nines_store::AccountChange {
        active: Some(false),
        ..Default::default()
    };
    let changed = server.state.store.change_account(gone, &deactivation, root);
    changed.await.expect("deactivated");
    for row in table() {
        for caller in Caller::ALL {
            let client = match caller {
                Caller::Nobody => server.nobody(),
                Caller::Deactivated => of_gone.clone(),
                Caller::Stale => server.nobody().with_session("0123456789abcdef", "x"),
                Caller::Is(role) => {
                    let of_role = |(r, _): &&(Role, AccountId)| *r == role;
                    let (_, id) = accounts.iter().find(of_role).expect("an account");
                    // A session of its own: some endpoints end it.
                    server.client_of(*id).await
                }
            };
            let answer = call(&client, &row).await;
            let Row(method, path, who, _) = &row;
            let at = format!("{method} {path} as {caller:?}: {}", answer.text());
            match caller.may(*who) {
                Err((status, kind)) => {
                    let seen = (answer.status, answer.problem());
                    assert_eq!(seen, (status, Some(kind.to_owned())), "{at}");
                }
                Ok(()) if (*method, *path) == SIGNS_IN => {
                    answer.refused(401, "credentials");
                }
                Ok(()) => {
                    let refused = answer.status == 401
                        || answer
                            .problem()
                            .is_some_and(|kind| kind == "forbidden" || kind == "csrf");
                    assert!(!refused, "{at}");
                    assert!(answer.status < 500, "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_changes_something_needs_the_csrf_token_everywhere() {
    let server = Server::start().await;
    let admin = server.account("root", Role::Admin).await;
    let client = server.client_of(admin).await;
    for row in table() {
        let Row(method, path, who, _) = &row;
        if *method == "GET" || *who == Anyone {
            continue;
        }
        let forged = server
            .nobody()
            .with_session(client.token(), "another token");
        let answer = call(&forged, &row).await;
        let at = format!("{method} {path}: {}", answer.text());
        assert_eq!(answer.problem().as_deref(), Some("csrf"), "{at}");
        assert_eq!(answer.status, 403, "{at}");
    }
    client.get("/api/session").await.expect(200);
}
