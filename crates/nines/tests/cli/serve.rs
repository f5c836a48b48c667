//! `nines serve`: the workbench over HTTP, with the real measuring protocols behind it.

use crate::measure::{json as output_of, simulated};
use crate::world::{Ended, World, golden};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A running server, and somebody who is signed in.
pub struct Served {
    child: Child,
    address: String,
    session: Option<(String, String)>,
}

impl Served {
    /// Starts the server of a world's project on a free port and makes its first account.
    pub fn start(world: &World) -> Self {
        Self::start_with(world, &[])
    }

    /// The same, with more options.
    fn start_with(world: &World, more: &[&str]) -> Self {
        let words = [&["--json", "serve", "--listen", "127.0.0.1:0"], more].concat();
        let mut child = world.command(&words).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut said = String::new();
        while serde_json::from_str::<Value>(&said).is_err() {
            assert!(
                lines.read_line(&mut said).expect("read") > 0,
                "it ended early: {said}"
            );
        }
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let address = said["address"].as_str().expect("an address").to_owned();
        assert_eq!(said["origin"], format!("http://{address}"));
        let link = said["setup"].as_str().expect("a link").to_owned();
        let token = link
            .strip_prefix(&format!("http://{address}/setup/"))
            .expect("our link");
        let mut served = Self {
            child,
            address,
            session: None,
        };
        let body = json!({"token": token, "name": "ann", "password": "correct horse"});
        let (status, head, made) = served.call("POST", "/api/setup", Some(&body));
        assert_eq!(status, 201, "{made}");
        let cookie = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next())?
        });
        let cookie = cookie.expect("a cookie").to_owned();
        served.session = Some((cookie, made["csrf"].as_str().expect("a token").to_owned()));
        served
    }

    /// Sends a request and reads the answer to its end.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let signed = self
            .session
            .as_ref()
            .map_or(String::new(), |(cookie, csrf)| {
                format!("cookie: {cookie}\r\nx-csrf-token: {csrf}\r\n")
            });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{signed}\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("a status");
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        (status, head.to_owned(), body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let (status, _, body) = self.call("GET", path, None);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits for numbers that meet a condition.
    fn numbers(&self, meet: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let numbers = self.get("/api/reliability");
            if numbers["computed"].is_string() && numbers["stale"] == false && meet(&numbers) {
                return numbers;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{numbers}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(self) -> Ended {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
        self.child.wait_with_output().expect("it ends").into()
    }
}

#[test]
fn the_numbers_are_those_of_the_command_and_plans_do_what_they_said() {
    let world = simulated();
    output_of(
        &world,
        &["measure", "plan", "--labels", "60", "--answers", "400"],
    );
    let served = Served::start(&world);
    let first = served.numbers(|_| true);
    assert_eq!(first["first"]["step"], "label", "{first}");
    assert_eq!(first["leak"]["requests"], 400);

    // Labels that another process brings are seen.
    world.run(&["simulate", "label", "--n", "40"]).good();
    let numbers = served.numbers(|n| n["leak"]["by"] != json!([]));
    let measured = output_of(&world, &["measure", "leak"]);
    let (by, command) = (&numbers["leak"]["by"][0], &measured["by"][0]["report"]);
    assert_eq!(by["labels_of"], "people");
    for reading in ["strict", "broad"] {
        for number in ["leak", "at_most", "among_answers"] {
            assert_eq!(
                by[reading][number], command[reading][number],
                "{reading} {number}"
            );
        }
        let shown = command[reading]["nines_shown"].as_f64().expect("a number");
        assert_eq!(
            by[reading]["nines"]["lower"].as_f64(),
            Some(shown.min(command[reading]["nines"].as_f64().unwrap_or(f64::INFINITY)))
        );
    }
    assert_eq!(numbers["nines"], by["strict"]["nines"]);

    // What a step says of the bound comes true when it is drawn and nothing it draws is a catastrophe:
    // until then the bound of what waits is the same.
    let even = numbers["next"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["plan"]["allocation"] == "proportional");
    let even = even.expect("a step").clone();
    let (status, _, planned) = served.call("POST", "/api/reliability/plan", Some(&even["plan"]));
    assert_eq!(status, 200, "{planned}");
    let count = |step: &Value| step["labels"].as_u64().expect("a number");
    // One text may answer several requests, and wants one label.
    assert!(planned["drawn"].as_u64() >= Some(count(&even)), "{planned}");
    let after = served.numbers(|n| n["leak"]["drawn"] != numbers["leak"]["drawn"]);
    assert_eq!(after["next"][0]["is_drawn"], true);
    assert_eq!(after["next"][0]["to"], even["to"]);
    let waited = &numbers["next"][0];
    assert_eq!(waited["is_drawn"], true);
    assert_eq!(count(&after["next"][0]), count(waited) + count(&even));
    assert_eq!(after["leak"]["queue"], planned["waiting"]);
    let queue = served.get("/api/queues")["rows"][0].clone();
    assert_eq!(
        (&queue["id"], &queue["items"]),
        (&planned["queue"], &planned["waiting"])
    );

    let goal = json!({"kind": "leak", "leak": 1e-6});
    let (status, _, refused) = served.call("POST", "/api/reliability/plan", Some(&goal));
    assert_eq!(status, 422, "{refused}");
    let why = refused["detail"].as_str().expect("words");
    assert!(
        why.contains("CANNOT show that") && why.contains("requests and"),
        "{why}"
    );
    assert_eq!(
        served.get("/api/reliability")["leak"]["drawn"],
        after["leak"]["drawn"]
    );
    served.stop().good();
}

#[test]
fn a_project_without_anything_is_told_what_to_do_first() {
    let world = World::with_project();
    let served = Served::start(&world);
    let numbers = served.numbers(|_| true);
    assert_eq!(numbers["first"]["step"], "train", "{numbers}");
    assert_eq!(
        (&numbers["leak"], &numbers["error"]),
        (&Value::Null, &Value::Null)
    );
    let plan = json!({"kind": "quality", "pairs": 10});
    let (status, _, refused) = served.call("POST", "/api/reliability/plan", Some(&plan));
    assert_eq!(status, 422, "{refused}");
    served.stop().good();
    // The link is for a project without an admin alone.
    let again = world
        .command(&["--json", "serve", "--listen", "127.0.0.1:0"])
        .spawn();
    let mut again = again.expect("it starts");
    let mut lines = BufReader::new(again.stdout.take().expect("piped"));
    let mut said = String::new();
    while serde_json::from_str::<Value>(&said).is_err() {
        assert!(
            lines.read_line(&mut said).expect("read") > 0,
            "it ended early: {said}"
        );
    }
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["setup"], Value::Null);
    again.kill().expect("killed");
    again.wait().expect("ended");
}

#[test]
fn a_masked_language_model_is_loaded_before_anything_is_served() {
    let world = World::with_project();
    world
        .run(&["serve", "--listen", "127.0.0.1:0", "--masked", "nowhere"])
        .bad(1, &["masked language model", "nowhere"]);
    let folder = golden().join("bert_masked");
    let folder = folder.to_str().expect("text");
    Served::start_with(&world, &["--masked", folder])
        .stop()
        .good();
}

#[test]
fn a_plan_before_any_measurement_is_a_job() {
    let world = simulated();
    let served = Served::start(&world);
    let numbers = served.numbers(|_| true);
    assert_eq!(numbers["first"]["step"], "measure", "{numbers}");
    let plan = json!({"kind": "leak", "labels": 50});
    let (status, _, planned) = served.call("POST", "/api/reliability/plan", Some(&plan));
    assert_eq!(status, 200, "{planned}");
    assert_eq!(
        (&planned["queue"], &planned["drawn"]),
        (&Value::Null, &json!(0))
    );
    assert!(planned["job"].is_i64(), "{planned}");
    // The job asks the filter; the numbers see it without being told.
    let numbers = served.numbers(|n| n["leak"]["drawn"].as_u64() > Some(0));
    let drawn = numbers["leak"]["drawn"].as_u64().expect("a number");
    assert!((20..=90).contains(&drawn), "{drawn}");
    served.stop().good();
}

#[test]
fn addresses_that_cannot_or_should_not_be_are_refused() {
    let world = World::with_project();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    world
        .run(&["serve", "--listen", &address])
        .bad(1, &["is taken", "--listen 127.0.0.1:", &address]);
    world
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .bad(2, &["--origin", "--plain-http", "readable"]);
    for (flag, value) in [
        ("--listen", "7420"),
        ("--listen", "nowhere"),
        ("--origin", "nines.example.org"),
        ("--origin", "https://nines.example.org/under"),
        ("--origin", "https://a b"),
    ] {
        world.run(&["serve", flag, value]).bad(2, &[flag]);
    }
}

#[test]
fn the_only_admin_who_forgot_the_password_gets_in_by_a_link() {
    let world = World::with_project();
    world
        .run(&["accounts", "reset", "ann"])
        .bad(1, &["ann", "active account"]);
    let mut served = Served::start(&world);
    let origin = format!("http://{}", served.address);
    let said = output_of(&world, &["accounts", "reset", "ANN", "--origin", &origin]);
    assert_eq!(said["account"], "ann");
    let link = said["link"].as_str().expect("a link");
    let token = link
        .strip_prefix(&format!("{origin}/invite/"))
        .expect("a page of ours");
    let path = format!("/api/invitations/{token}");
    let body = json!({"name": "ann", "password": "another horse"});
    let (status, _, made) = served.call("POST", &path, Some(&body));
    assert_eq!(
        (status, made["account"]["role"].as_str()),
        (201, Some("admin"))
    );
    let (status, ..) = served.call("GET", "/api/session", None);
    assert_eq!(status, 401, "the sessions before it are over");
    served.session = None;
    let (status, ..) = served.call("POST", "/api/session", Some(&body));
    assert_eq!(status, 200);
    let (status, ..) = served.call("POST", &path, Some(&body));
    assert_eq!(status, 404, "it was good once");
    world
        .run(&["accounts", "reset", "a\nb"])
        .bad(2, &["no account's name"]);
    served.stop();
}
