//! What each person has done.

use crate::labelling::{next, say, search_queue, snippets};
use crate::server::Server;
use nines_domain::account::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn speed_cost_and_agreement_are_what_people_did() {
    let server = Server::start().await;
    let ids = snippets(&server, 12).await;
    let admin = server.signed_in_as(Role::Admin).await;
    let ada = server.account("ada", Role::Labeller).await;
    let people = [
        server.client_of(ada).await,
        server.signed_in_as(Role::Labeller).await,
    ];
    let cost = json!({"hourly_cost": 36.0});
    admin
        .patch(&format!("/api/people/{}", ada.0), cost)
        .await
        .expect(200);
    let before = admin.get("/api/people").await.expect(200).json();
    assert_eq!(before["agreement"], Value::Null);
    let queue = search_queue(&admin, &ids, 2).await;
    for (i, who) in people.iter().enumerate() {
        let mut n = 0;
        loop {
            let given = next(who, queue, &[]).await["assignment"].clone();
            if given.is_null() {
                break;
            }
            // They agree on the first half alone.
            let number: usize = given["prompt"]
                .as_str()
                .expect("a text")
                .rsplit(' ')
                .next()
                .expect("a number")
                .parse()
                .expect("a number");
            let is_yes = if number < 6 {
                number.is_multiple_of(2)
            } else {
                i == 0
            };
            match is_yes {
                true => say(who, &given, "yes", json!(3)).await,
                false => say(who, &given, "no", Value::Null).await,
            }
            .expect(200);
            n += 1;
        }
        assert!(n >= 12);
    }
    let told = admin.get("/api/people").await.expect(200).json();
    let row = told["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["name"] == "ada")
        .expect("ada")
        .clone();
    assert_eq!(
        (&row["labels"], &row["comparisons"]),
        (&json!(12), &json!(0))
    );
    let seconds = row["seconds"].as_f64().expect("a number");
    // 2.5 seconds each: 1,440 an hour.
    assert!((row["labels_per_hour"].as_f64().expect("a number") - 1_440.0).abs() < 1e-6);
    assert!((row["cost"].as_f64().expect("a number") - 36.0 * seconds / 3_600.0).abs() < 1e-9);
    assert!(row["last_seen"].is_string());
    assert_eq!(
        (&row["gold"], &row["qualified"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&row["agreement"]["value"], &row["agreement"]["n"]),
        (&json!(0.5), &json!(12))
    );
    let agreement = &told["agreement"];
    assert_eq!(
        (&agreement["labellers"], &agreement["snippets"]),
        (&json!(2), &json!(12))
    );
    assert_eq!(agreement["disagree"]["value"], 0.5);
    assert_eq!(agreement["disagree"]["n"], 12);
    let alpha = agreement["rows"][0]["alpha"]["value"]
        .as_f64()
        .expect("a number");
    assert!(alpha < 0.5, "{alpha}");
    admin
        .post("/api/people/999/qualification", json!({"again": true}))
        .await
        .refused(404, "not-found");
    admin
        .post(
            &format!("/api/people/{}/qualification", ada.0),
            json!({"again": false}),
        )
        .await
        .refused(422, "invalid");
}
