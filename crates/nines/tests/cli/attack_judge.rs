//! Attacks that a language model behind an endpoint judges.

use crate::world::World;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const KEY: &str = "sk-secret-0123456789";

/// A chat endpoint that answers every question in the same way; returns its address and what it was asked.
fn endpoint(says: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = Arc::clone(&told);
            std::thread::spawn(move || serve(stream, says, &told));
        }
    });
    (url, asked)
}

fn serve(mut stream: TcpStream, says: &str, told: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let text = String::from_utf8_lossy(&body).into_owned();
        told.lock()
            .expect("not poisoned")
            .push(format!("{head}{text}"));
        let answer = json!({ "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": says } }] })
        .to_string();
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

fn trained() -> World {
    let world = World::with_project();
    world.import(120);
    world.train();
    world
}

fn attack(url: &str) -> Vec<&str> {
    vec![
        "--json",
        "attack",
        "random",
        "--threshold",
        "0.5",
        "--split",
        "all",
        "--queries",
        "40",
        "--limit",
        "3",
        "--judge-url",
        url,
        "--judge-model",
        "big-model",
        "--judge-key-env",
        "TEST_JUDGE_KEY",
    ]
}

#[test]
fn a_language_model_keeps_the_label_and_is_named() {
    let world = trained();
    let run = |url: &str| {
        let ended = world
            .command(&attack(url))
            .env("TEST_JUDGE_KEY", KEY)
            .output();
        crate::world::Ended::from(ended.expect("it starts"))
    };
    let (yes, asked) = endpoint("yes");
    // A guide that is too long is not cut in silence.
    let guide = world.path("project").join("predicate.md");
    let text = std::fs::read_to_string(&guide).expect("a guide");
    std::fs::write(&guide, text + &"More of it. ".repeat(1000)).expect("written");
    let ended = run(&yes).good();
    assert!(
        ended
            .stderr
            .contains("the first 8000 characters of the guide"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("big-model at an endpoint was asked"),
        "{}",
        ended.stderr
    );
    let shown: Value = ended.json();
    assert!(shown["table"]["reached"].as_u64() > Some(0), "{shown}");
    assert_eq!(shown["judge"], "big-model at an endpoint");
    assert_eq!(shown["fallible"], json!(["judge"]));
    {
        let asked = asked.lock().expect("not poisoned");
        assert!(asked.len() > 1 && asked[0].contains(KEY), "the key is sent");
        assert!(asked[1].contains("The guide:"), "{}", asked[1]);
    }
    // The key is nowhere in the project, and the run's record says who judged.
    let record = world.run(&["--json", "runs", "show", "2"]).good().stdout;
    assert!(
        record.contains("big-model") && record.contains("guide_characters"),
        "{record}"
    );
    let mut folders = vec![world.path("project")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file");
            let holds = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
            assert!(!holds, "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 3, "{files}");
    // Where it sees none, nothing is reached; and a refusal is not a verdict.
    let (no, _) = endpoint("no");
    let shown = run(&no).good().json();
    assert_eq!(shown["table"]["reached"], 0, "{shown}");
    let (refuses, _) = endpoint("I cannot help with that.");
    run(&refuses).bad(1, &["neither yes nor no", "--judge-url"]);
}

#[test]
fn a_judge_that_is_not_there_is_told_before_anything_is_attacked() {
    let world = trained();
    let offline = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/v1", listener.local_addr().expect("an address"))
    };
    let ended = world
        .command(&attack(&offline))
        .env("TEST_JUDGE_KEY", KEY)
        .output();
    crate::world::Ended::from(ended.expect("it starts")).bad(
        1,
        &[
            "big-model at an endpoint cannot be used",
            "cannot be reached",
        ],
    );
    world
        .run(&attack(&offline))
        .bad(1, &["TEST_JUDGE_KEY", "is not set"]);
    world
        .run(&[
            "attack",
            "random",
            "--threshold",
            "0.5",
            "--judge-url",
            &offline,
        ])
        .bad(2, &["--judge-model"]);
    let listed = world.run(&["--json", "attack", "list"]).good().json();
    assert_eq!(listed, json!([]), "no run was begun");
}
