//! Data: searching, reading one snippet, an adjudicator's label.

use crate::client::Client;
use crate::server::Server;
use nines_domain::account::Role;
use nines_domain::label::{Label, LabellerKind, Verdict};
use nines_domain::score::Score;
use nines_domain::snippet::{SnippetId, SnippetText};
use nines_store::{ModelKind, NewLabel, NewModel, NewSnippet};
use serde_json::{Value, json};

const HOSTILE: &str = "<script>alert(1)</script> <img src=x onerror=alert(2)> %_\\ \u{202e}";

async fn stored(server: &Server, texts: &[(&str, &str)]) -> Vec<SnippetId> {
    let new: Vec<NewSnippet> = texts
        .iter()
        .map(|(prompt, completion)| {
            NewSnippet::imported(SnippetText::new(*prompt, *completion), "test")
        })
        .collect();
    let stored = server
        .state
        .store
        .insert_snippets(&new)
        .await
        .expect("stored");
    stored.ids().collect()
}

async fn completions(client: &Client, query: &str) -> Vec<String> {
    let found = client
        .get(&format!("/api/snippets?{query}"))
        .await
        .expect(200)
        .json();
    let rows = found["rows"].as_array().expect("rows").clone();
    rows.iter()
        .map(|row| row["completion"].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test]
async fn searches_combine_and_pages_go_on() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let texts = [
        ("The knight.", "He fell."),
        ("The dog.", "100% fine"),
        ("x", HOSTILE),
    ];
    let ids = stored(&server, &texts).await;
    assert_eq!(
        completions(&client, "").await,
        [HOSTILE, "100% fine", "He fell."]
    );
    assert_eq!(completions(&client, "text=KNIGHT").await, ["He fell."]);
    assert_eq!(completions(&client, "text=0%25").await, ["100% fine"]);
    assert_eq!(completions(&client, "text=%3Cscript%3E").await, [HOSTILE]);
    assert_eq!(completions(&client, "text=").await.len(), 3);
    assert_eq!(
        completions(&client, "text='%20OR%201=1%20--").await,
        [""; 0]
    );
    let path = format!("/api/snippets/{}/labels", ids[0]);
    client
        .post(&path, json!({"verdict": "yes", "severity": 3}))
        .await
        .expect(201);
    assert_eq!(
        completions(&client, "label=yes&strict=true").await,
        ["He fell."]
    );
    assert_eq!(completions(&client, "label=yes&text=dog").await, [""; 0]);
    assert_eq!(
        completions(&client, "label=none&text=the").await,
        ["100% fine"]
    );
    assert_eq!(
        completions(&client, "labeller=researcher%200").await,
        ["He fell."]
    );
    assert_eq!(completions(&client, "labeller=nobody").await, [""; 0]);

    let first = client.get("/api/snippets?limit=2").await.expect(200).json();
    let next = first["next"].as_i64().expect("more");
    let second = client
        .get(&format!("/api/snippets?limit=2&after={next}"))
        .await;
    let second = second.expect(200).json();
    assert_eq!(second["rows"].as_array().expect("rows").len(), 1);
    assert_eq!(second["next"], json!(null));
    for (query, status, kind) in [
        ("label=maybe", 400, "bad-request"),
        ("limit=many", 400, "bad-request"),
        ("color=red", 400, "bad-request"),
        ("score_from=NaN", 422, "invalid"),
        ("score_from=1", 422, "invalid"),
        ("text=%00", 422, "invalid"),
        ("classifier=7", 404, "not-found"),
    ] {
        client
            .get(&format!("/api/snippets?{query}"))
            .await
            .refused(status, kind);
    }
    let long = "x".repeat(501);
    client
        .get(&format!("/api/snippets?text={long}"))
        .await
        .refused(422, "invalid");
}

#[tokio::test]
async fn scores_of_the_newest_classifier_are_shown_and_searched() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let ids = stored(&server, &[("p", "low"), ("p", "high"), ("p", "none")]).await;
    let model = NewModel {
        kind: ModelKind::Classifier,
        name: "injury".into(),
        path: "models/injury".into(),
        digest: "d".into(),
        config: json!({}),
        metrics: json!({}),
        parent: None,
        run: None,
    };
    let store = &server.state.store;
    let model = store.insert_model(&model).await.expect("stored").id;
    let score = |x: f64| Score::new(x).expect("finite");
    let scores = [(ids[0], score(-4.0)), (ids[1], score(1.0))];
    store
        .insert_scores(model, "cpu/test", &scores)
        .await
        .expect("stored");
    assert_eq!(completions(&client, "score_from=0").await, ["high"]);
    assert_eq!(
        completions(&client, "score_from=-5&score_to=0").await,
        ["low"]
    );
    let all = client.get("/api/snippets").await.expect(200).json();
    assert_eq!(
        (&all["classifier"], &all["threshold"]),
        (&json!(model.0), &json!(null))
    );
    let scores: Vec<&Value> = all["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| &r["score"])
        .collect();
    assert_eq!(scores, [&json!(null), &json!(1.0), &json!(-4.0)]);
    let one = client
        .get(&format!("/api/snippets/{}", ids[1]))
        .await
        .expect(200)
        .json();
    assert_eq!(one["scores"][0]["label"], "injury v1");
    assert_eq!(one["scores"][0]["score"], 1.0);
    let facets = client.get("/api/facets").await.expect(200).json();
    assert_eq!(facets["sources"], json!([{"name": "test", "count": 3}]));
    assert_eq!(facets["classifiers"][0]["label"], "injury v1");
}

#[tokio::test]
async fn a_mind_that_changes_back_counts_as_it_is_now() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let ids = stored(&server, &[("p", "c")]).await;
    let path = format!("/api/snippets/{}/labels", ids[0]);
    let mut labels = Vec::new();
    for (verdict, broad) in [("yes", true), ("no", false), ("yes", true), ("yes", true)] {
        let body = json!({"verdict": verdict});
        let saved = client.post(&path, body).await.expect(201).json();
        assert_eq!(saved["adjudication"]["broad"], broad, "{verdict}: {saved}");
        assert_eq!(saved["adjudication"]["labels"], 1);
        labels.push(saved["label"].as_i64().expect("a key"));
    }
    assert!(labels[0] < labels[1] && labels[1] < labels[2], "{labels:?}");
    assert_eq!(labels[2], labels[3], "the same again adds nothing");
}

#[tokio::test]
async fn an_adjudicators_label_counts_once_can_change_and_be_withdrawn() {
    let server = Server::start().await;
    let account = server.account("ada", Role::Researcher).await;
    let client = server.client_of(account).await;
    let ids = stored(&server, &[("p", HOSTILE)]).await;
    let path = format!("/api/snippets/{}/labels", ids[0]);
    let detail = async || {
        let answer = client.get(&format!("/api/snippets/{}", ids[0])).await;
        answer.expect(200).json()
    };
    let yes = json!({"verdict": "yes", "severity": 2, "seconds": 4.5});
    let first = client.post(&path, yes.clone()).await.expect(201).json();
    assert_eq!(first["adjudication"]["strict"], true);
    let again = client.post(&path, yes.clone()).await.expect(201).json();
    assert_eq!(again["label"], first["label"]);
    let shown = detail().await;
    assert_eq!(shown["completion"], HOSTILE);
    assert_eq!(shown["labels"].as_array().expect("labels").len(), 1);
    assert_eq!(shown["labels"][0]["predicate"], "an injury, version 1");

    let changed = client
        .post(&path, json!({"verdict": "no"}))
        .await
        .expect(201)
        .json();
    assert_eq!(changed["adjudication"]["broad"], false);
    for label in [&changed["label"], &first["label"]] {
        client.delete(&format!("{path}/{label}")).await.expect(204);
        client.delete(&format!("{path}/{label}")).await.expect(204);
    }
    let shown = detail().await;
    assert_eq!(shown["adjudication"], json!(null));
    let labels = shown["labels"].as_array().expect("labels");
    assert!(
        labels.iter().all(|label| label["withdrawn"].is_string()),
        "{shown}"
    );

    // The same words after a withdrawal are another label, which counts.
    let back = client.post(&path, yes).await.expect(201).json();
    assert_ne!(back["label"], first["label"]);
    assert_eq!(back["adjudication"]["broad"], true);

    let other = server.signed_in_as(Role::Researcher).await;
    other
        .delete(&format!("{path}/{}", back["label"]))
        .await
        .refused(403, "forbidden");
    other
        .delete(&format!("{path}/999"))
        .await
        .refused(404, "not-found");
    for (body, status) in [
        (json!({"verdict": "no", "severity": 1}), 422),
        (json!({"verdict": "yes", "severity": 4}), 422),
        (json!({"verdict": "yes", "seconds": -1}), 422),
        (json!({"verdict": "perhaps"}), 422),
        (json!({"verdict": "no", "labeller": "bob"}), 422),
    ] {
        client.post(&path, body).await.refused(status, "invalid");
    }
    client
        .post("/api/snippets/999/labels", json!({"verdict": "no"}))
        .await
        .refused(404, "not-found");
    let admin = server.signed_in_as(Role::Admin).await;
    let audit = admin.get("/api/audit?limit=200").await.expect(200).json();
    let actions: Vec<&str> = audit["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|r| r["action"].as_str())
        .collect();
    let count = |action: &str| actions.iter().filter(|a| **a == action).count();
    assert_eq!(
        (count("snippet.labelled"), count("label.withdrawn")),
        (3, 2),
        "{actions:?}"
    );
}

#[tokio::test]
async fn a_judges_label_is_nobodys_to_withdraw() {
    let server = Server::start().await;
    let account = server.account("ada", Role::Researcher).await;
    let client = server.client_of(account).await;
    let ids = stored(&server, &[("p", "c")]).await;
    let label = NewLabel {
        snippet: ids[0].into(),
        label: Label {
            labeller: "ada".into(),
            kind: LabellerKind::Judge,
            verdict: Verdict::No,
            severity: None,
            seconds: None,
        },
        occasion: String::new(),
        predicate: None,
        source: "test".into(),
    };
    let given = server
        .state
        .store
        .insert_labels(&[label])
        .await
        .expect("stored");
    let given = given.ids().next().expect("one");
    let path = format!("/api/snippets/{}/labels/{given}", ids[0]);
    client.delete(&path).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_queue_is_filled_by_a_search() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let texts: Vec<String> = (0..30)
        .map(|n| format!("{} {n}", if n % 2 == 0 { "even" } else { "odd" }))
        .collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|t| ("p", t.as_str())).collect();
    let ids = stored(&server, &texts).await;
    let body = json!({"kind": "search", "n": 10, "search": {"text": "EVEN", "label": "none"}});
    let made = client.post("/api/queues", body).await.expect(201).json();
    assert_eq!(made["items"], 10);
    let shown = client
        .get(&format!("/api/snippets/{}", ids[28]))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["queues"][0]["id"], made["id"]);
    let odd = client
        .get(&format!("/api/snippets/{}", ids[29]))
        .await
        .expect(200)
        .json();
    assert_eq!(odd["queues"], json!([]));
    let nothing = json!({"kind": "search", "search": {"text": "nobody"}});
    client
        .post("/api/queues", nothing)
        .await
        .refused(422, "invalid");
}
