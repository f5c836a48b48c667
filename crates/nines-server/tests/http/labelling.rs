//! Labelling over HTTP: from the first item to a restart in the middle.

use crate::client::{Answer, Client};
use crate::server::Server;
use nines_domain::account::Role;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetId, SnippetText};
use nines_server::Event;
use nines_store::{
    DesignKind, ModelKind, NewDesign, NewDistribution, NewLabel, NewModel, NewPrompt, NewSnippet,
    SnippetFilter,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// A server that is ready for labelling.
async fn start() -> Server {
    let server = Server::start().await;
    *server.bench.guide.lock().expect("no panic") = "# Guide".into();
    nines_server::prepare(&server.state).await.expect("ready");
    server
}

pub async fn snippets(server: &Server, n: usize) -> Vec<SnippetId> {
    let new: Vec<_> = (0..n)
        .map(|i| {
            let text = SnippetText::new(
                format!("<b>Prompt</b> {i}"),
                format!("<img src=x onerror=alert({i})>"),
            );
            NewSnippet::imported(text, "test")
        })
        .collect();
    let stored = server.state.store.insert_snippets(&new).await;
    stored.expect("stored").ids().collect()
}

pub async fn search_queue(by: &Client, ids: &[SnippetId], overlap: u32) -> i64 {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let body = json!({"kind": "search", "search": {"ids": ids}, "n": 1000, "overlap": overlap});
    let made = by.post("/api/queues", body).await.expect(201);
    made.json()["id"].as_i64().expect("a key")
}

pub async fn next(who: &Client, queue: i64, holding: &[i64]) -> Value {
    let path = format!("/api/queues/{queue}/next");
    let answer = who.post(&path, json!({"holding": holding})).await;
    answer.expect(200).json()
}

pub async fn say(who: &Client, assignment: &Value, verdict: &str, severity: Value) -> Answer {
    let id = assignment["id"].as_i64().expect("a key");
    let body =
        json!({"verdict": verdict, "severity": severity, "seconds": 2.5, "away_seconds": 0.5});
    who.post(&format!("/api/assignments/{id}/label"), body)
        .await
}

#[tokio::test]
async fn thirty_items_with_a_restart_in_the_middle_and_none_lost() {
    let mut server = start().await;
    let ids = snippets(&server, 30).await;
    let ada = server.account("ada", Role::Labeller).await;
    let boss = server.account("boss", Role::Researcher).await;
    let queue = search_queue(&server.client_of(boss).await, &ids, 1).await;
    let mut client = server.client_of(ada).await;
    let mut seen = BTreeSet::new();
    for i in 0.. {
        let given = next(&client, queue, &[]).await;
        if given["assignment"].is_null() {
            break;
        }
        let assignment = &given["assignment"];
        assert_eq!(
            (&assignment["kind"], &assignment["purpose"]),
            (&json!("label"), &json!("work"))
        );
        let ahead = next(&client, queue, &[assignment["id"].as_i64().expect("a key")]).await;
        if i == 14 {
            server.restart().await;
            client = server.client_of(ada).await;
            let kept = next(&client, queue, &[]).await;
            assert_eq!(
                kept["assignment"]["id"], assignment["id"],
                "the same item after a restart"
            );
        }
        say(&client, assignment, "no", Value::Null)
            .await
            .expect(200);
        seen.insert(
            assignment["completion"]
                .as_str()
                .expect("a text")
                .to_owned(),
        );
        if !ahead["assignment"].is_null() {
            say(&client, &ahead["assignment"], "yes", json!(2))
                .await
                .expect(200);
            seen.insert(
                ahead["assignment"]["completion"]
                    .as_str()
                    .expect("a text")
                    .to_owned(),
            );
        }
    }
    assert_eq!(seen.len(), 30);
    let stored = server
        .state
        .store
        .snippets(&SnippetFilter::default())
        .await
        .expect("read");
    assert!(stored.iter().all(|snippet| snippet.labels.len() == 1));
    let label = &stored[0].labels[0];
    assert_eq!(label.predicate.as_deref(), Some("an injury, version 1"));
    assert_eq!(label.label.labeller, "ada");
    let standing = client
        .get("/api/labelling/standing")
        .await
        .expect(200)
        .json();
    assert_eq!(standing["qualified"], true);
    assert!(standing["today"]["answered"].as_i64().expect("a number") >= 30);
    let rows = client.get("/api/queues").await.expect(200).json()["rows"].clone();
    assert_eq!(
        (&rows[0]["waiting"], &rows[0]["items"]),
        (&json!(0), &json!(30))
    );
}

#[tokio::test]
async fn two_labellers_never_get_the_same_item_unless_asked() {
    let server = start().await;
    let ids = snippets(&server, 8).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let (ada, bob) = (
        server.signed_in_as(Role::Labeller).await,
        server.signed_in_as(Role::Labeller).await,
    );
    let queue = search_queue(&boss, &ids, 1).await;
    let (a, b) = tokio::join!(next(&ada, queue, &[]), next(&bob, queue, &[]));
    assert_ne!(a["assignment"]["prompt"], b["assignment"]["prompt"]);
    let both = search_queue(&boss, &ids[6..], 2).await;
    let (a, b) = (next(&ada, both, &[]).await, next(&bob, both, &[]).await);
    assert_eq!(a["assignment"]["prompt"], b["assignment"]["prompt"]);
    // A closed queue is out of labellers' sight, and gives nothing.
    let path = format!("/api/queues/{queue}");
    boss.patch(&path, json!({"open": false})).await.expect(200);
    let seen = ada.get("/api/queues").await.json();
    assert_eq!(seen["rows"].as_array().expect("rows").len(), 1);
    ada.post(&format!("{path}/next"), json!({"holding": []}))
        .await
        .refused(409, "conflict");
    assert_eq!(
        boss.get("/api/queues").await.json()["rows"]
            .as_array()
            .expect("rows")
            .len(),
        2
    );
}

#[tokio::test]
async fn answers_are_saved_once_undone_skipped_flagged_and_renewed() {
    let server = start().await;
    let ids = snippets(&server, 4).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let ada = server.signed_in_as(Role::Labeller).await;
    let queue = search_queue(&boss, &ids, 1).await;
    let given = next(&ada, queue, &[]).await["assignment"].clone();
    let first = say(&ada, &given, "yes", json!(3)).await.expect(200).json();
    assert_eq!(first, json!({"saved": true, "feedback": null}));
    assert_eq!(
        say(&ada, &given, "yes", json!(3)).await.expect(200).json(),
        first
    );
    say(&ada, &given, "no", Value::Null)
        .await
        .refused(409, "conflict");
    say(&boss, &given, "no", Value::Null)
        .await
        .refused(404, "not-found");
    say(&ada, &given, "no", json!(2))
        .await
        .refused(422, "invalid");
    say(&ada, &given, "yes", json!(4))
        .await
        .refused(422, "invalid");
    say(&ada, &given, "maybe", Value::Null)
        .await
        .refused(422, "invalid");
    let id = given["id"].as_i64().expect("a key");
    let again = ada
        .post(&format!("/api/assignments/{id}/undo"), Value::Null)
        .await
        .expect(200)
        .json();
    assert_ne!(again["id"], given["id"]);
    assert_eq!(again["completion"], given["completion"]);
    let id = again["id"].as_i64().expect("a key");
    let flag = format!("/api/assignments/{id}/flag");
    ada.post(&flag, json!({"reason": "two sentences"}))
        .await
        .expect(200);
    ada.post(&flag, json!({"reason": " "}))
        .await
        .refused(422, "invalid");
    let renewed = ada
        .post(
            &format!("/api/assignments/{id}/renew"),
            json!({"seconds": 9.0}),
        )
        .await;
    assert!(renewed.expect(200).json()["expires"].is_string());
    let skip = json!({"reason": "unclear", "seconds": 1.0, "away_seconds": 0.0});
    ada.post(&format!("/api/assignments/{id}/skip"), skip)
        .await
        .expect(200);
    assert_ne!(
        next(&ada, queue, &[]).await["assignment"]["completion"],
        given["completion"]
    );
    let flags = boss.get("/api/flags").await.expect(200).json()["rows"].clone();
    assert_eq!(
        (&flags[0]["reason"], &flags[0]["resolved"]),
        (&json!("two sentences"), &Value::Null)
    );
    // Text is data: it comes back as it is, in JSON alone.
    assert_eq!(flags[0]["completion"], "<img src=x onerror=alert(0)>");
    let path = format!("/api/flags/{}/resolve", flags[0]["id"]);
    assert!(boss.put(&path, Value::Null).await.expect(200).json()["resolved"].is_string());
    let stored = server
        .state
        .store
        .snippets_by_id(&ids[..1])
        .await
        .expect("read")
        .remove(0);
    assert!(stored.labels.is_empty(), "the label was withdrawn");
}

async fn settle(server: &Server, ids: &[SnippetId]) {
    let labels: Vec<_> = ids
        .iter()
        .enumerate()
        .flat_map(|(i, id)| {
            ["eve", "fay"].map(|name| NewLabel {
                snippet: (*id).into(),
                label: Label {
                    labeller: name.into(),
                    kind: LabellerKind::Person,
                    verdict: if i % 2 == 0 {
                        Verdict::Yes
                    } else {
                        Verdict::No
                    },
                    severity: (i % 2 == 0).then_some(Severity::Egregious),
                    seconds: None,
                },
                occasion: String::new(),
                predicate: None,
                source: "test".into(),
            })
        })
        .collect();
    server
        .state
        .store
        .insert_labels(&labels)
        .await
        .expect("stored");
}

/// Answers a part of the training as a test tells.
async fn train(who: &Client, part: &str, says: impl Fn(&str) -> bool) -> usize {
    let path = format!("/api/labelling/{part}/next");
    let mut answered = 0;
    loop {
        let given = who
            .post(&path, json!({"holding": []}))
            .await
            .expect(200)
            .json();
        let assignment = &given["assignment"];
        if assignment.is_null() {
            return answered;
        }
        assert_eq!(assignment["purpose"], part);
        let is_yes = says(assignment["prompt"].as_str().expect("a text"));
        let saved = match is_yes {
            true => say(who, assignment, "yes", json!(3)).await,
            false => say(who, assignment, "no", Value::Null).await,
        };
        let feedback = saved.expect(200).json()["feedback"].clone();
        assert_eq!(feedback.is_null(), part == "qualification");
        answered += 1;
    }
}

#[tokio::test]
async fn an_invited_labeller_qualifies_before_the_first_real_item() {
    let server = start().await;
    let ids = snippets(&server, 40).await;
    settle(&server, &ids[..30]).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let id = server.account("ada", Role::Labeller).await;
    let ada = server.client_of(id).await;
    let queue = search_queue(&boss, &ids[30..], 1).await;
    let wanted = json!({"practice": 4, "qualification": 6, "gold": 4, "seed": 1});
    let made = boss
        .post("/api/checks/suggest", wanted)
        .await
        .expect(201)
        .json();
    assert_eq!(made["rows"].as_array().expect("rows").len(), 14);
    let too_many = json!({"practice": 40, "qualification": 0, "gold": 0, "seed": 1});
    boss.post("/api/checks/suggest", too_many)
        .await
        .refused(422, "invalid");

    let path = format!("/api/queues/{queue}/next");
    ada.post(&path, json!({"holding": []}))
        .await
        .refused(403, "unqualified");
    boss.post(&path, json!({"holding": []})).await.expect(200);
    let standing = ada.get("/api/labelling/standing").await.json();
    assert_eq!(standing["stage"], "practice");
    assert_eq!(standing["practice"], json!({"done": 0, "total": 4}));
    // Prompts of even number are the catastrophes.
    let is_even = |prompt: &str| prompt.ends_with(['0', '2', '4', '6', '8']);
    assert_eq!(train(&ada, "practice", |_| true).await, 4);
    assert_eq!(
        train(&ada, "qualification", |prompt| !is_even(prompt)).await,
        6
    );
    let standing = ada.get("/api/labelling/standing").await.json();
    assert_eq!(
        (&standing["stage"], &standing["qualified"]),
        (&json!("failed"), &json!(false))
    );
    ada.post(&path, json!({"holding": []}))
        .await
        .refused(403, "unqualified");
    let again = format!("/api/people/{}/qualification", id.0);
    boss.post(&again, json!({"again": true})).await.expect(204);
    train(&ada, "practice", is_even).await;
    train(&ada, "qualification", is_even).await;
    assert_eq!(
        ada.get("/api/labelling/standing").await.json()["qualified"],
        true
    );
    let mut done = 0;
    loop {
        let given = next(&ada, queue, &[]).await;
        if given["assignment"].is_null() {
            break;
        }
        assert_eq!(given["assignment"]["purpose"], "work");
        say(&ada, &given["assignment"], "no", Value::Null)
            .await
            .expect(200);
        done += 1;
    }
    assert!(done >= 9, "one is with the researcher");
    let check = made["rows"][0]["id"].as_i64().expect("a key");
    boss.delete(&format!("/api/checks/{check}"))
        .await
        .expect(204);
    let listed = boss.get("/api/checks?limit=1").await.expect(200).json();
    assert!(listed["rows"][0]["retired"].is_string() && listed["next"] == check);
}

#[tokio::test]
async fn a_designs_queue_follows_what_the_design_wants() {
    let server = start().await;
    let ids = snippets(&server, 3).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let ada = server.signed_in_as(Role::Labeller).await;
    boss.post("/api/queues", json!({"kind": "leak"}))
        .await
        .refused(422, "invalid");
    let design = design(&server, "design").await;
    *server.bench.waiting.lock().expect("no panic") = ids[..1].to_vec();
    let made = boss
        .post("/api/queues", json!({"kind": "leak"}))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["design"], &made["waiting"]),
        (&json!(design), &json!(1))
    );
    let queue = made["id"].as_i64().expect("a key");
    let given = next(&ada, queue, &[]).await;
    say(&ada, &given["assignment"], "no", Value::Null)
        .await
        .expect(200);
    // Somebody has planned more labels since: the queue is filled when it is found empty.
    *server.bench.waiting.lock().expect("no panic") = ids[1..].to_vec();
    assert!(!next(&ada, queue, &[]).await["assignment"].is_null());
    let same = boss
        .post("/api/queues", json!({"kind": "leak"}))
        .await
        .expect(201)
        .json();
    assert_eq!((&same["id"], &same["items"]), (&json!(queue), &json!(3)));
}

#[tokio::test]
async fn what_is_drawn_elsewhere_comes_into_a_queue_that_still_has_items() {
    let server = start().await;
    let ids = snippets(&server, 4).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let ada = server.signed_in_as(Role::Labeller).await;
    design(&server, "design").await;
    *server.bench.waiting.lock().expect("no panic") = vec![ids[0], ids[1]];
    let mut first = server.state.events.listen();
    let watching = tokio::spawn(nines_server::reliability::watch(server.state.clone()));
    let made = boss.post("/api/queues", json!({"kind": "leak"})).await;
    let queue = made.expect(201).json()["id"].as_i64().expect("a key");
    while !matches!(first.recv().await, Ok(Event::Reliability)) {}
    // A command draws more, and one of them comes before what waits.
    *server.bench.waiting.lock().expect("no panic") = vec![ids[3], ids[0], ids[1], ids[2]];
    design(&server, "another").await;
    server.state.events.tell(Event::Queues);
    let read = async || boss.get("/api/queues").await.expect(200).json()["rows"][0].clone();
    for _ in 0..100 {
        if read().await["items"] == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(read().await["items"], 4);
    let given = next(&ada, queue, &[]).await;
    let text = server
        .state
        .store
        .snippet_texts(&ids[3..])
        .await
        .expect("read");
    assert_eq!(
        given["assignment"]["completion"],
        text[0].completion.as_str()
    );
    watching.abort();
}

async fn design(server: &Server, identity: &str) -> i64 {
    let store = &server.state.store;
    let prompts = store
        .insert_prompts(&[NewPrompt::new("p", "test")])
        .await
        .expect("stored");
    let prompt = prompts.ids().next().expect("one");
    let distribution = NewDistribution {
        name: identity.into(),
        record: Value::Null,
        prompts: vec![(prompt, 1.0)],
    };
    let distribution = store
        .insert_distribution(&distribution)
        .await
        .expect("stored");
    let model = NewModel {
        kind: ModelKind::Classifier,
        name: "m".into(),
        path: "models/m".into(),
        digest: "digest".into(),
        config: Value::Null,
        metrics: Value::Null,
        parent: None,
        run: None,
    };
    let new = NewDesign {
        kind: DesignKind::Leak,
        identity: ContentHash::of_prompt(identity),
        distribution: distribution.id,
        model: store.insert_model(&model).await.expect("stored").id,
        record: Value::Null,
    };
    store.ensure_design(&new).await.expect("stored").id.0
}

#[tokio::test]
async fn what_cannot_be_a_queue_is_refused() {
    let server = start().await;
    let boss = server.signed_in_as(Role::Researcher).await;
    for (body, status, kind) in [
        (json!({"kind": "attack"}), 422, "invalid"),
        (json!({"kind": "nonsense"}), 422, "invalid"),
        (json!({"kind": "random"}), 422, "invalid"),
        (json!({"kind": "threshold"}), 422, "invalid"),
        (json!({"kind": "search"}), 422, "invalid"),
        (
            json!({"kind": "search", "search": {"ids": [999]}}),
            404,
            "not-found",
        ),
        (json!({"kind": "sent", "overlap": 0}), 422, "invalid"),
        (json!({"kind": "sent", "overlap": 99}), 422, "invalid"),
        (json!({"kind": "sent", "n": 1_000_000}), 422, "invalid"),
        (
            json!({"kind": "sent", "name": "x".repeat(201)}),
            422,
            "invalid",
        ),
        (json!({"kind": "sent", "name": "a\u{0}b"}), 422, "invalid"),
        (json!({"kind": "leak", "design": 5}), 404, "not-found"),
        (json!({"kind": "sent", "colour": "red"}), 422, "invalid"),
    ] {
        boss.post("/api/queues", body).await.refused(status, kind);
    }
    let too_many: Vec<i64> = (0..30).collect();
    let queue = boss
        .post("/api/queues", json!({"kind": "sent"}))
        .await
        .expect(201)
        .json();
    let path = format!("/api/queues/{}/next", queue["id"]);
    boss.post(&path, json!({"holding": too_many}))
        .await
        .refused(422, "invalid");
    boss.patch(
        &format!("/api/queues/{}", queue["id"]),
        json!({"overlap": 0}),
    )
    .await
    .refused(422, "invalid");
}
