//! Invitations: who may make them, and that each makes one account.

use crate::server::{PASSWORD, Server};
use nines_domain::account::Role;
use serde_json::json;

fn token_of(link: &serde_json::Value) -> String {
    let link = link.as_str().expect("a link");
    link.rsplit_once("/invite/")
        .expect("an invitation's link")
        .1
        .to_owned()
}

#[tokio::test]
async fn an_invitation_makes_one_account() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let invited = admin
        .post(
            "/api/people/invitations",
            json!({"role": "researcher", "name": "Ann"}),
        )
        .await
        .expect(201)
        .json();
    assert!(
        invited["link"]
            .as_str()
            .expect("a link")
            .starts_with(&server.state.settings.origin)
    );
    let token = token_of(&invited["link"]);
    let path = format!("/api/invitations/{token}");
    let nobody = server.nobody();
    let terms = nobody.get(&path).await.expect(200).json();
    assert_eq!(
        terms,
        json!({"role": "researcher", "name": "Ann", "resets": false})
    );
    let open = admin.get("/api/people/invitations").await.expect(200);
    assert_eq!(open.json()["rows"].as_array().map(Vec::len), Some(1));
    assert!(!open.text().contains(&token));
    let body = |name: &str, password: &str| json!({"name": name, "password": password});
    nobody
        .post(&path, body("Ann", "short"))
        .await
        .refused(422, "invalid");
    nobody
        .post(&path, body("ADMIN 0", PASSWORD))
        .await
        .refused(409, "conflict");
    let both = tokio::join!(
        nobody.post(&path, body("Ann", PASSWORD)),
        nobody.post(&path, body("Eve", PASSWORD))
    );
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404]);
    nobody
        .post(&path, body("Bob", PASSWORD))
        .await
        .refused(404, "not-found");
    nobody.get(&path).await.refused(404, "not-found");
    assert_eq!(
        admin.get("/api/people/invitations").await.json(),
        json!({"rows": []})
    );
    assert_eq!(
        server.state.store.accounts().await.expect("listed").len(),
        2
    );
}

#[tokio::test]
async fn researchers_invite_labellers_alone() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let researcher = server.signed_in_as(Role::Researcher).await;
    let path = "/api/people/invitations";
    for role in ["researcher", "admin"] {
        researcher
            .post(path, json!({"role": role}))
            .await
            .refused(403, "forbidden");
    }
    researcher
        .post(path, json!({"role": "owner"}))
        .await
        .refused(422, "invalid");
    researcher
        .post(path, json!({"role": "labeller", "name": ""}))
        .await
        .refused(422, "invalid");
    researcher
        .post(path, json!({"role": "labeller"}))
        .await
        .expect(201);
    let invited = admin
        .post(path, json!({"role": "admin"}))
        .await
        .expect(201)
        .json();
    let of_role = |rows: &serde_json::Value, role: &str| {
        let rows = rows["rows"].as_array().expect("rows").clone();
        let row = rows
            .into_iter()
            .find(|row| row["role"] == role)
            .expect("a row");
        row["id"].to_string()
    };
    let open = researcher.get(path).await.expect(200).json();
    let (admins, labellers) = (of_role(&open, "admin"), of_role(&open, "labeller"));
    researcher
        .delete(&format!("{path}/{admins}"))
        .await
        .refused(404, "not-found");
    researcher
        .delete(&format!("{path}/{labellers}"))
        .await
        .expect(204);
    researcher
        .delete(&format!("{path}/{labellers}"))
        .await
        .refused(404, "not-found");
    admin.delete(&format!("{path}/{admins}")).await.expect(204);
    let token = token_of(&invited["link"]);
    server
        .nobody()
        .get(&format!("/api/invitations/{token}"))
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn an_invitation_is_over_some_day() {
    use crate::server::hash;
    let server = Server::start().await;
    let admin = server.account("root", Role::Admin).await;
    let invitation = nines_store::NewInvitation {
        token_hash: hash("yesterday"),
        role: Role::Labeller,
        name: None,
        expires: jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1),
    };
    server
        .state
        .store
        .invite(&invitation, admin)
        .await
        .expect("invited");
    let nobody = server.nobody();
    nobody
        .get("/api/invitations/yesterday")
        .await
        .refused(404, "not-found");
    let body = json!({"name": "ann", "password": PASSWORD});
    nobody
        .post("/api/invitations/yesterday", body)
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn whoever_forgot_the_password_gets_in_by_a_link_from_the_command_line() {
    let server = Server::start().await;
    let root = server.register("Root", Role::Admin).await;
    let name = "root".parse().expect("a name");
    let offer = || nines_server::reset_link(&server.state.store, &name, "http://nines.example");
    let (older, link) = (
        offer().await.expect("made").link,
        offer().await.expect("made").link,
    );
    let path = |link: &str| {
        format!(
            "/api/invitations/{}",
            link.rsplit_once('/').expect("a token").1
        )
    };
    assert!(link.starts_with("http://nines.example/invite/"), "{link}");
    let nobody = server.nobody();
    nobody.get(&path(&older)).await.refused(404, "not-found");
    let terms = nobody.get(&path(&link)).await.expect(200).json();
    assert_eq!(
        terms,
        json!({"role": "admin", "name": "Root", "resets": true})
    );
    let open = root.get("/api/people/invitations").await.expect(200).json();
    assert_eq!(open, json!({"rows": []}), "it invites nobody");
    let body = |password: &str| json!({"name": "somebody else", "password": password});
    nobody
        .post(&path(&link), body("short"))
        .await
        .refused(422, "invalid");
    root.get("/api/session").await.expect(200);
    let answer = nobody
        .post(&path(&link), body("another password"))
        .await
        .expect(201);
    assert_eq!(answer.json()["account"]["name"], "Root");
    assert_eq!(answer.json()["account"]["role"], "admin");
    let again = server.nobody().taking(&answer);
    again.get("/api/session").await.expect(200);
    root.get("/api/session").await.refused(401, "signed-out");
    nobody
        .post(&path(&link), body("a third password"))
        .await
        .refused(404, "not-found");
    nobody.sign_in("Root", "another password").await.expect(200);
    nobody
        .sign_in("Root", PASSWORD)
        .await
        .refused(401, "credentials");
}

#[tokio::test]
async fn a_link_of_a_deactivated_account_lets_nobody_in() {
    let server = Server::start().await;
    let admin = server.signed_in_as(Role::Admin).await;
    let ann = server.account("ann", Role::Labeller).await;
    let name = "ann".parse().expect("a name");
    let offer = || nines_server::reset_link(&server.state.store, &name, "http://x");
    let link = offer().await.expect("made").link;
    let person = format!("/api/people/{ann}");
    admin
        .patch(&person, json!({"active": false}))
        .await
        .expect(200);
    let token = link.rsplit_once('/').expect("a token").1;
    let body = json!({"name": "ann", "password": PASSWORD});
    server
        .nobody()
        .post(&format!("/api/invitations/{token}"), body)
        .await
        .refused(404, "not-found");
    assert!(offer().await.is_err());
}
