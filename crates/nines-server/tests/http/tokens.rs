//! API tokens: programs act with their owner's role, and make no more of themselves.

use crate::server::Server;
use nines_domain::account::Role;
use serde_json::json;

#[tokio::test]
async fn a_program_acts_for_its_owner() {
    let server = Server::start().await;
    let ann = server.signed_in_as(Role::Researcher).await;
    let path = "/api/account/tokens";
    let made = ann
        .post(path, json!({"name": "nightly"}))
        .await
        .expect(201)
        .json();
    let token = made["token"].as_str().expect("a token");
    assert!(token.starts_with("nines_") && token.len() == 70, "{token}");
    let script = server.nobody().with_bearer(token);
    let invited = script
        .post("/api/people/invitations", json!({"role": "labeller"}))
        .await;
    invited.expect(201);
    script.get("/api/audit").await.refused(403, "forbidden");
    let listed = ann.get(path).await.expect(200);
    assert!(!listed.text().contains(token));
    let row = &listed.json()["rows"][0];
    assert_eq!((&row["name"], &row["id"]), (&json!("nightly"), &made["id"]));
    assert!(row["last_used"].is_string(), "{row}");
    for wrong in ["nines_guess", "guess", ""] {
        let guess = server.nobody().with_bearer(wrong);
        guess
            .get("/api/people/invitations")
            .await
            .refused(401, "signed-out");
    }
    ann.delete(&format!("{path}/{}", made["id"]))
        .await
        .expect(204);
    script
        .get("/api/people/invitations")
        .await
        .refused(401, "signed-out");
    ann.delete(&format!("{path}/{}", made["id"]))
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn a_token_that_leaks_makes_no_others_and_takes_no_account() {
    let server = Server::start().await;
    let ann = server.signed_in_as(Role::Labeller).await;
    let path = "/api/account/tokens";
    let made = ann
        .post(path, json!({"name": "nightly"}))
        .await
        .expect(201)
        .json();
    let script = server
        .nobody()
        .with_bearer(made["token"].as_str().expect("a token"));
    script
        .post(path, json!({"name": "more"}))
        .await
        .refused(403, "forbidden");
    script.get(path).await.refused(403, "forbidden");
    script
        .delete(&format!("{path}/{}", made["id"]))
        .await
        .refused(403, "forbidden");
    let change = json!({"old": "a", "new": "another password"});
    script
        .put("/api/account/password", change)
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn a_token_is_its_owners_alone_and_they_are_not_endless() {
    let server = Server::start().await;
    let ann = server.signed_in_as(Role::Labeller).await;
    let bob = server.signed_in_as(Role::Admin).await;
    let path = "/api/account/tokens";
    ann.post(path, json!({"name": ""}))
        .await
        .refused(422, "invalid");
    ann.post(path, json!({"name": "x".repeat(65)}))
        .await
        .refused(422, "invalid");
    let made = ann
        .post(path, json!({"name": "one"}))
        .await
        .expect(201)
        .json();
    bob.delete(&format!("{path}/{}", made["id"]))
        .await
        .refused(404, "not-found");
    assert_eq!(bob.get(path).await.json(), json!({"rows": []}));
    for _ in 1..50 {
        ann.post(path, json!({"name": "again"})).await.expect(201);
    }
    ann.post(path, json!({"name": "one too many"}))
        .await
        .refused(422, "invalid");
}
