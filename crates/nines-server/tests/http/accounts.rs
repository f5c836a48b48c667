//! The first admin, roles, deactivation, and the audit.

use crate::server::{PASSWORD, Server};
use nines_domain::account::Role;
use nines_server::setup_link;
use serde_json::json;

#[tokio::test]
async fn the_setup_link_makes_one_admin() {
    let server = Server::start().await;
    assert_eq!(
        server.nobody().get("/api/setup").await.expect(200).json(),
        json!({"needed": true})
    );
    let link = setup_link(&server.state)
        .await
        .expect("read")
        .expect("a link");
    let again = setup_link(&server.state)
        .await
        .expect("read")
        .expect("a link");
    assert_eq!(link, again);
    let token = link
        .strip_prefix(&format!("http://{}/setup/", server.address))
        .expect("our address");
    let body = |token: &str, name: &str, password: &str| json!({"token": token, "name": name, "password": password});
    let nobody = server.nobody();
    nobody
        .post("/api/setup", body("guess", "eve", PASSWORD))
        .await
        .refused(404, "not-found");
    nobody
        .post("/api/setup", body(token, "ann", "short"))
        .await
        .refused(422, "invalid");
    nobody
        .post("/api/setup", body(token, "\u{200b}", PASSWORD))
        .await
        .refused(422, "invalid");
    let both = tokio::join!(
        nobody.post("/api/setup", body(token, "ann", PASSWORD)),
        nobody.post("/api/setup", body(token, "eve", PASSWORD))
    );
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert!(
        statuses == [201, 404] || statuses == [201, 409],
        "{statuses:?}"
    );
    let made = if both.0.status == 201 { both.0 } else { both.1 };
    let admin = server.nobody().taking(&made);
    admin.get("/api/audit").await.expect(200);
    nobody
        .post("/api/setup", body(token, "bob", PASSWORD))
        .await
        .refused(404, "not-found");
    assert_eq!(
        nobody.get("/api/setup").await.json(),
        json!({"needed": false})
    );
    assert_eq!(setup_link(&server.state).await.expect("read"), None);
}

#[tokio::test]
async fn a_deactivated_account_is_out_at_once() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let ann = server.register("ann", Role::Researcher).await;
    let made = ann
        .post("/api/account/tokens", json!({"name": "script"}))
        .await
        .expect(201)
        .json();
    let script = server
        .nobody()
        .with_bearer(made["token"].as_str().expect("a token"));
    script.get("/api/people/invitations").await.expect(200);
    let id = ann.get("/api/session").await.json()["account"]["id"].to_string();
    let path = format!("/api/people/{id}");
    let off = admin
        .patch(&path, json!({"active": false}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&off["active"], &off["role"]),
        (&json!(false), &json!("researcher"))
    );
    ann.get("/api/session").await.refused(401, "signed-out");
    script
        .get("/api/people/invitations")
        .await
        .refused(401, "signed-out");
    server
        .nobody()
        .sign_in("ann", PASSWORD)
        .await
        .refused(401, "credentials");
    admin
        .patch(&path, json!({"active": true}))
        .await
        .expect(200);
    ann.get("/api/session").await.refused(401, "signed-out");
    script
        .get("/api/people/invitations")
        .await
        .refused(401, "signed-out");
    server.nobody().sign_in("ann", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let id = admin.get("/api/session").await.json()["account"]["id"].to_string();
    let path = format!("/api/people/{id}");
    for change in [json!({"active": false}), json!({"role": "labeller"})] {
        admin.patch(&path, change).await.refused(409, "conflict");
    }
    let second = server.signed_in_as(Role::Admin).await;
    admin
        .patch(&path, json!({"role": "labeller"}))
        .await
        .expect(200);
    admin.get("/api/audit").await.refused(403, "forbidden");
    let other = second.get("/api/session").await.json()["account"]["id"].to_string();
    let last = second
        .patch(&format!("/api/people/{other}"), json!({"active": false}))
        .await;
    last.refused(409, "conflict");
}

#[tokio::test]
async fn a_cost_is_kept_forgotten_and_never_below_nothing() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let id = server.account("ann", Role::Labeller).await;
    let path = format!("/api/people/{id}");
    let patch = async |body| admin.patch(&path, body).await;
    assert_eq!(
        patch(json!({"hourly_cost": 12.5})).await.expect(200).json()["hourly_cost"],
        12.5
    );
    assert_eq!(
        patch(json!({})).await.expect(200).json()["hourly_cost"],
        12.5
    );
    patch(json!({"hourly_cost": -1}))
        .await
        .refused(422, "invalid");
    patch(json!({"hourly_cost": "much"}))
        .await
        .refused(422, "invalid");
    patch(json!({"role": "emperor"}))
        .await
        .refused(422, "invalid");
    assert!(patch(json!({"hourly_cost": null})).await.expect(200).json()["hourly_cost"].is_null());
    admin
        .patch("/api/people/99999", json!({}))
        .await
        .refused(404, "not-found");
    admin
        .patch("/api/people/ann", json!({}))
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn the_audit_says_who_did_what() {
    let server = Server::start().await;
    let admin = server.register("boss", Role::Admin).await;
    let ann = server.register("ann", Role::Labeller).await;
    ann.post("/api/account/tokens", json!({"name": "script"}))
        .await
        .expect(201);
    let id = ann.get("/api/session").await.json()["account"]["id"].to_string();
    admin
        .patch(&format!("/api/people/{id}"), json!({"role": "researcher"}))
        .await
        .expect(200);
    let page = admin.get("/api/audit?limit=2").await.expect(200).json();
    let row = &page["rows"][0];
    assert_eq!(row["account"], "boss");
    assert_eq!(row["action"], "role.changed");
    assert_eq!(row["subject"], format!("account {id} (ann)"));
    assert_eq!(
        row["detail"],
        json!({"from": "labeller", "to": "researcher"})
    );
    assert_eq!(
        (&page["rows"][1]["account"], &page["rows"][1]["action"]),
        (&json!("ann"), &json!("token.made"))
    );
    let mut actions = Vec::new();
    let mut after = String::new();
    loop {
        let page = admin
            .get(&format!("/api/audit?limit=3{after}"))
            .await
            .expect(200)
            .json();
        for row in page["rows"].as_array().expect("rows") {
            actions.push(row["action"].as_str().expect("an action").to_owned());
        }
        let Some(next) = page["next"].as_i64() else {
            break;
        };
        after = format!("&after={next}");
    }
    for action in [
        "account.set_up",
        "invitation.made",
        "account.made",
        "token.made",
        "role.changed",
    ] {
        assert!(
            actions.iter().any(|a| a == action),
            "{action} is not in {actions:?}"
        );
    }
    admin
        .get("/api/audit?limit=many")
        .await
        .refused(400, "bad-request");
}
