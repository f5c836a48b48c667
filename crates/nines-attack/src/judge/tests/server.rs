//! A judge's endpoint on the loopback address that answers as a test tells it to.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is sent back.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// A status and a body.
    Whole(u16, String),
    /// Nothing, for as long as anybody waits.
    Silence,
}

impl Reply {
    /// An answer as a chat endpoint gives it.
    pub(super) fn says(text: &str) -> Self {
        let choice = json!({ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": text } });
        Self::Whole(200, json!({ "choices": [choice] }).to_string())
    }

    pub(super) fn raw(status: u16, body: &str) -> Self {
        Self::Whole(status, body.to_owned())
    }
}

type Answerer = dyn Fn(usize, &str) -> Reply + Send + Sync;

/// The server; it stops when dropped.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server. `answer` is told how many requests came before, and the question.
    pub(super) fn start(answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (requests, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = Self {
            url,
            requests: Arc::clone(&requests),
            is_over: Arc::clone(&is_over),
        };
        let answer: Arc<Answerer> = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                let is_over = Arc::clone(&is_over);
                thread::spawn(move || serve(stream, &*answer, &requests, &is_over));
            }
        });
        server
    }

    /// Returns the bodies of the requests so far.
    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &Answerer,
    requests: &Mutex<Vec<Value>>,
    is_over: &AtomicBool,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let body = read(&mut reader)?;
        let question = body["messages"][1]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let number = {
            let mut requests = requests.lock().expect("not poisoned");
            requests.push(body);
            requests.len() - 1
        };
        match answer(number, &question) {
            Reply::Whole(status, body) => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} Because\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(body.as_bytes()).ok()?;
            }
            Reply::Silence => {
                while !is_over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                }
                return None;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
