//! The guide and its rulings.

use crate::labelling::{next, search_queue, snippets};
use crate::server::Server;
use nines_domain::account::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn the_guide_is_read_safely_and_written_in_versions() {
    let server = Server::start().await;
    let on_disk = || server.bench.guide.lock().expect("no panic");
    *on_disk() = "# Guide\n\n<script>alert(1)</script>".into();
    let ada = server.signed_in_as(Role::Labeller).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    ada.get("/api/guide").await.refused(404, "not-found");
    nines_server::prepare(&server.state).await.expect("ready");
    let guide = ada.get("/api/guide").await.expect(200).json();
    assert_eq!(
        (&guide["version"], &guide["changed_on_disk"]),
        (&json!(1), &json!(false))
    );
    let html = guide["html"].as_str().expect("a page");
    assert!(
        html.contains("<h1>Guide</h1>")
            && html.contains("&lt;script&gt;")
            && !html.contains("<script")
    );

    let new = |version: u32| json!({"text": "# Better", "note": "toys", "version": version});
    let saved = boss.put("/api/guide", new(1)).await.expect(200).json();
    assert_eq!(saved["version"], 2);
    assert_eq!(*on_disk(), "# Better", "on the disk too");
    boss.put("/api/guide", new(1))
        .await
        .refused(409, "conflict");
    boss.put(
        "/api/guide",
        json!({"text": " ", "note": "x", "version": 2}),
    )
    .await
    .refused(422, "invalid");
    boss.put("/api/guide", json!({"text": "x", "note": "", "version": 2}))
        .await
        .refused(422, "invalid");
    ada.put("/api/guide", new(2))
        .await
        .refused(403, "forbidden");
    let old = ada.get("/api/guide/1").await.expect(200).json();
    assert_eq!(old["text"], "# Guide\n\n<script>alert(1)</script>");
    assert_eq!(old["versions"].as_array().expect("versions").len(), 2);
    ada.get("/api/guide/7").await.refused(404, "not-found");
    // Labels speak of the new version at once.
    assert_eq!(
        ada.get("/api/session").await.json()["project"]["predicate_version"],
        2
    );
    // A text that somebody changed in the folder under the same version is told, not stored.
    *on_disk() = "# Meddled".into();
    let told = ada.get("/api/guide").await.json();
    assert_eq!(
        (&told["changed_on_disk"], &told["text"]),
        (&json!(true), &json!("# Better"))
    );
    let audit = server
        .signed_in_as(Role::Admin)
        .await
        .get("/api/audit")
        .await
        .text();
    assert!(audit.contains("guide.saved"));
}

#[tokio::test]
async fn labellers_ask_about_their_items_and_researchers_answer() {
    let server = Server::start().await;
    let ids = snippets(&server, 1).await;
    let ada = server.signed_in_as(Role::Labeller).await;
    let boss = server.signed_in_as(Role::Researcher).await;
    let queue = search_queue(&boss, &ids, 1).await;
    let given = next(&ada, queue, &[]).await["assignment"].clone();
    let body = json!({"question": "<i>toys?</i>", "assignment": given["id"]});
    let asked = ada.post("/api/rulings", body).await.expect(201).json();
    assert_eq!(
        (&asked["snippet"], &asked["answer"]),
        (&json!(ids[0].0), &Value::Null)
    );
    // Whoever could name snippets could read all of them.
    let prying = json!({"question": "?", "snippet": ids[0].0});
    ada.post("/api/rulings", prying.clone())
        .await
        .refused(403, "forbidden");
    boss.post("/api/rulings", prying).await.expect(201);
    let nowhere = json!({"question": "?", "snippet": 999});
    boss.post("/api/rulings", nowhere)
        .await
        .refused(404, "not-found");
    ada.post("/api/rulings", json!({"question": ""}))
        .await
        .refused(422, "invalid");
    let path = format!("/api/rulings/{}", asked["id"]);
    ada.put(&path, json!({"answer": "no"}))
        .await
        .refused(403, "forbidden");
    let told = boss
        .put(&path, json!({"answer": "Toys feel nothing."}))
        .await
        .expect(200)
        .json();
    assert!(told["answered_by"].is_string() && told["answered"].is_string());
    let rows = ada.get("/api/rulings?limit=1").await.expect(200).json();
    assert_eq!(rows["rows"][0]["question"], "<i>toys?</i>");
    assert_eq!(rows["rows"].as_array().expect("rows").len(), 1);
    let rest = ada
        .get(&format!("/api/rulings?after={}", rows["next"]))
        .await
        .json();
    assert_eq!(
        (rest["rows"].as_array().expect("rows").len(), &rest["next"]),
        (1, &Value::Null)
    );
}
