//! Long jobs and runs: asked for, watched, cancelled, tried again.

use crate::client::Client;
use crate::server::{Server, jobs_by};
use nines_domain::account::Role;
use nines_domain::estimate::Estimate;
use nines_server::Event;
use nines_store::{ModelKind, NewMetric, NewModel, NewRun, NewTrial, TrialEnd, TrialNumber};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// A server whose jobs are done by a shell script, and a researcher.
async fn server(script: &str) -> (Server, Client) {
    let server = Server::start_with(|state| {
        let path = state.settings.folder.join("program");
        let (aside, text) = (path.with_extension("new"), format!("#!/bin/sh\n{script}\n"));
        std::fs::write(&aside, text).expect("written");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&aside, executable).expect("made executable");
        std::fs::rename(aside, &path).expect("moved");
        state.jobs = jobs_by(path, state);
    })
    .await;
    let client = server.signed_in_as(Role::Researcher).await;
    (server, client)
}

async fn until(client: &Client, id: &Value, state: &str) -> Value {
    let started = Instant::now();
    loop {
        let job = client
            .get(&format!("/api/jobs/{id}"))
            .await
            .expect(200)
            .json();
        if job["state"] == state {
            return job;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "not {state}: {job}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_job_is_asked_for_watched_and_read() {
    let (server, client) = server("echo \"doing $*\"; echo '<b>loud</b>' >&2").await;
    let mut events = server.state.events.listen();
    let body = json!({"kind": "train", "name": "hurt", "epochs": 2, "learning_rate": 0.001});
    let asked = client.post("/api/jobs", body).await.expect(201).json();
    assert_eq!(
        (&asked["kind"], &asked["title"], &asked["progress"]),
        (&json!("train"), &json!("Train hurt"), &Value::Null)
    );
    assert!(asked["requested_by"].is_string(), "{asked}");
    let id = &asked["id"];
    let done = until(&client, id, "done").await;
    assert_eq!(
        (&done["attempts"], &done["error"]),
        (&json!(1), &Value::Null)
    );
    let log = client
        .get(&format!("/api/jobs/{id}/log"))
        .await
        .expect(200)
        .json();
    let text = log["text"].as_str().expect("text");
    assert!(
        text.contains(
            "train classifier --name=hurt --epochs=2 --learning-rate=0.001\n<b>loud</b>\n"
        ),
        "{text}"
    );
    assert_eq!(log["next"], text.len());
    let rest = format!("/api/jobs/{id}/log?from={}", log["next"]);
    let rest = client.get(&rest).await.expect(200).json();
    assert_eq!((&rest["text"], &rest["more"]), (&json!(""), &json!(false)));
    let listed = client.get("/api/jobs").await.expect(200).json();
    assert_eq!(
        (&listed["rows"][0]["id"], &listed["next"]),
        (id, &Value::Null)
    );
    let told = tokio::time::timeout(Duration::from_secs(5), events.recv());
    let told = told.await.expect("in time").expect("an event");
    assert!(matches!(told, Event::Run { job: Some(_), .. }), "{told:?}");
    let retry = client
        .post(&format!("/api/jobs/{id}/retry"), json!({}))
        .await;
    retry.refused(409, "conflict");
    let cancel = client
        .post(&format!("/api/jobs/{id}/cancel"), json!({}))
        .await;
    cancel.refused(409, "conflict");
}

#[tokio::test]
async fn a_failure_is_told_and_tried_again_and_a_running_job_stops() {
    let (_server, client) = server(
        "[ -f once ] || { touch once; echo 'error: no labels' >&2; exit 1; }; \
         trap 'exit 130' TERM; while :; do sleep 0.05; done",
    )
    .await;
    let body = json!({"kind": "calibrate", "recall": 0.9});
    let id = client.post("/api/jobs", body).await.expect(201).json()["id"].clone();
    let failed = until(&client, &id, "failed").await;
    let error = failed["error"].as_str().expect("an error");
    assert!(error.contains("error: no labels"), "{error}");
    let path = format!("/api/jobs/{id}");
    client
        .post(&format!("{path}/retry"), json!({}))
        .await
        .expect(200);
    until(&client, &id, "running").await;
    let waiting = client
        .post("/api/jobs", json!({"kind": "score"}))
        .await
        .expect(201)
        .json();
    let cancelled = client
        .post(&format!("/api/jobs/{}/cancel", waiting["id"]), json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(cancelled["state"], "cancelled");
    client
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .expect(200);
    let cancelled = until(&client, &id, "cancelled").await;
    assert_eq!(cancelled["attempts"], 2);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let (_server, client) = server("exit 1").await;
    for (body, field) in [
        (json!({"kind": "train", "epochs": 0}), "epochs"),
        (json!({"kind": "train", "name": "--help"}), "name"),
        (json!({"kind": "train", "path": "/etc/passwd"}), "path"),
        (json!({"kind": "score", "classifier": 7}), "classifier"),
        (json!({"kind": "shell"}), "shell"),
        (
            json!({"kind": "sweep", "file": "#".repeat(70_000)}),
            "65536",
        ),
        (json!({"kind": "sweep", "file": "epochs = 3"}), "[[cells]]"),
        (
            json!({"kind": "sweep", "file": "[[cells]]", "results": "/tmp"}),
            "results",
        ),
        (json!({"n": 1}), "kind"),
    ] {
        let answer = client.post("/api/jobs", body.clone()).await;
        answer.refused(422, "invalid");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(field), "{body}: {detail}");
    }
    for path in [
        "/api/jobs/99",
        "/api/jobs/99/log",
        "/api/runs/99",
        "/api/runs/99/metrics",
    ] {
        client.get(path).await.refused(404, "not-found");
    }
    let escape = client.get("/api/jobs/..%2F..%2Fnines.db/log").await;
    escape.refused(404, "not-found");
    client
        .get("/api/jobs/1/log?from=-1")
        .await
        .refused(400, "bad-request");
}

#[tokio::test]
async fn runs_of_every_origin_are_listed_with_what_they_measured() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let mut events = server.state.events.listen();
    let store = &server.state.store;
    let new = |kind: &str| NewRun {
        kind: kind.into(),
        config: json!({"lr": 1}),
        seed: Some(3),
        device: "cpu".into(),
        total: Some(4),
    };
    let train = store.start_run(&new("train")).await.expect("started").id;
    let score = store.start_run(&new("score")).await.expect("started").id;
    let metrics = [1, 2].map(|step| NewMetric {
        step,
        name: "loss".into(),
        value: if step == 1 { f64::INFINITY } else { 0.5 },
    });
    store.record_metrics(train, &metrics).await.expect("stored");
    store.run_progress(train, 2, None).await.expect("noted");
    let told = async {
        loop {
            let event = events.recv().await.expect("an event");
            if matches!(event, Event::Run { run: Some(run), job: None } if run == train.0) {
                return;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(5), told).await;
    told.expect("a run without a job is told too");
    let first = client.get("/api/runs?limit=1").await.expect(200).json();
    assert_eq!(
        (&first["rows"][0]["id"], &first["next"]),
        (&json!(score), &json!(score))
    );
    let rest = client
        .get(&format!("/api/runs?after={score}"))
        .await
        .expect(200)
        .json();
    let row = &rest["rows"][0];
    assert_eq!(
        (
            &row["id"],
            &row["status"],
            &row["done"],
            &row["total"],
            &row["job"]
        ),
        (
            &json!(train),
            &json!("running"),
            &json!(2),
            &json!(4),
            &Value::Null
        )
    );
    let none = client.get("/api/runs?kind=filter").await.expect(200).json();
    assert_eq!(none["rows"], json!([]));
    let path = format!("/api/runs/{train}/metrics");
    let all = client.get(&path).await.expect(200).json();
    assert_eq!(
        all,
        json!({"series": {"loss": [[1, null], [2, 0.5]]}, "more": false})
    );
    let later = client
        .get(&format!("{path}?after_step=1"))
        .await
        .expect(200)
        .json();
    assert_eq!(later["series"], json!({"loss": [[2, 0.5]]}));
}

#[tokio::test]
async fn an_attack_names_its_classifiers_and_recipes_are_listed() {
    let (server, client) = server("true").await;
    let store = &server.state.store;
    let mut keys = Vec::new();
    for name in ["hurt", "second"] {
        let model = NewModel {
            kind: ModelKind::Classifier,
            name: name.to_owned(),
            path: format!("models/{name}"),
            digest: "d".repeat(64),
            config: json!({}),
            metrics: json!({}),
            parent: None,
            run: None,
        };
        keys.push(store.insert_model(&model).await.expect("stored").id.0);
    }
    let recipes = client.get("/api/recipes").await.expect(200).json();
    let rows = recipes["rows"].as_array().expect("rows");
    let of = |name: &str| {
        let found = rows.iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(rows.len(), nines_attack::recipe::Recipe::names().len());
    assert_eq!(of("disagree")["compares"], true);
    assert_eq!(of("guided")["writes"], true);
    let hotflip = of("hotflip");
    assert_eq!(
        (
            &hotflip["seconds"],
            &hotflip["compares"],
            &hotflip["writes"]
        ),
        (&json!(30.0), &json!(false), &json!(false))
    );
    let body = json!({"kind": "attack", "recipe": "disagree", "classifier": keys[0], "against": keys[1],
        "judge": keys[1]});
    let asked = client.post("/api/jobs", body).await.expect(201).json();
    let jobs = store.jobs(None, 10).await.expect("listed");
    let job = jobs.first().expect("a job");
    assert_eq!(
        job.arguments,
        [
            "attack",
            "run",
            "disagree",
            "--classifier=hurt@1",
            "--against=second@1",
            "--judge=second@1"
        ],
        "{asked}"
    );
    let body = json!({"kind": "attack", "recipe": "disagree", "against": 99});
    let refused = client.post("/api/jobs", body).await;
    assert!(refused.text().contains("against"), "{}", refused.text());
    refused.refused(422, "invalid");
}

#[tokio::test]
async fn only_attacks_have_a_closing_table() {
    let (server, client) = server("true").await;
    let run = NewRun {
        kind: "train".to_owned(),
        config: json!({}),
        seed: None,
        device: "cpu".to_owned(),
        total: None,
    };
    let run = server.state.store.start_run(&run).await.expect("started");
    client
        .get(&format!("/api/runs/{}/attack", run.id))
        .await
        .refused(422, "invalid");
    client.get("/api/runs/987654321/attack").await.expect(404);
}

#[tokio::test]
async fn a_sweep_is_checked_kept_and_run_by_a_path_that_nobody_wrote() {
    let (server, client) = server("cat \"$5\"").await;
    let file = "[[cells]]\nname = \"plain\"\n";
    let body = json!({"kind": "sweep", "file": file});
    let asked = client.post("/api/jobs", body).await.expect(201).json();
    let id = &asked["id"];
    until(&client, id, "done").await;
    let log = client
        .get(&format!("/api/jobs/{id}/log"))
        .await
        .expect(200)
        .json();
    let text = log["text"].as_str().expect("text");
    assert!(
        text.contains("sweep run runs/sweeps/") && text.ends_with(file),
        "{text}"
    );
    let kept = std::fs::read_dir(server.state.settings.folder.join("runs/sweeps"));
    assert_eq!(kept.expect("a folder").count(), 1);
}

#[tokio::test]
async fn the_trials_of_a_sweep_are_read_in_their_order() {
    let server = Server::start().await;
    let client = server.signed_in_as(Role::Researcher).await;
    let store = &server.state.store;
    let new = NewRun {
        kind: "sweep".into(),
        config: json!({}),
        seed: None,
        device: "cpu".into(),
        total: None,
    };
    let run = store.start_run(&new).await.expect("started").id;
    let trials: Vec<NewTrial> = [3e-5, 1e-4, 2e-4]
        .map(|rate| NewTrial {
            cell: format!("rate-{rate}"),
            seed: 7,
            base: None,
            recipe: json!({"learning_rate": rate, "sift": null}),
        })
        .into();
    store
        .plan_trials(run, 0, 0, &trials)
        .await
        .expect("planned");
    let number = TrialNumber {
        what: "AUROC".into(),
        value: Estimate {
            value: Some(0.8),
            lower: 0.7,
            upper: 0.9,
            confidence: 0.95,
            method: "bootstrap".into(),
            n: 40,
        },
    };
    let end = TrialEnd {
        numbers: vec![number.clone()],
        together: vec![number],
        seconds: 3.0,
    };
    store.end_trial(run, 0, &end).await.expect("ended");
    store.begin_trial(run, 1).await.expect("begun");
    let path = format!("/api/runs/{run}/trials");
    let all = client.get(&path).await.expect(200).json();
    let states: Vec<&Value> = all["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["state"])
        .collect();
    assert_eq!(states, ["done", "running", "waiting"]);
    assert_eq!(all["rows"][0]["numbers"][0]["value"]["lower"], 0.7);
    assert_eq!(all["rows"][0]["recipe"], trials[0].recipe);
    assert_eq!(all["next"], Value::Null);
    let first = client
        .get(&format!("{path}?limit=2"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (first["rows"].as_array().map(Vec::len), &first["next"]),
        (Some(2), &json!(1))
    );
    let rest = client
        .get(&format!("{path}?after=1"))
        .await
        .expect(200)
        .json();
    assert_eq!(rest["rows"][0]["position"], 2);
    store.cancel_run(run).await.expect("ended");
    let after = client.get(&path).await.expect(200).json();
    assert_eq!(
        after["rows"][1]["state"], "waiting",
        "nobody works on it any more"
    );
    client
        .get("/api/runs/99/trials")
        .await
        .refused(404, "not-found");
    client
        .get(&format!("{path}?after=-1"))
        .await
        .refused(400, "bad-request");
}
