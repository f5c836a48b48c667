//! A tiny HTTP server on the loopback address that answers as a test tells it to.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers.
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Promises more bytes than it sends, then closes the connection.
    Cut(Vec<u8>),
    /// Closes the connection without a word.
    Hang,
    /// Sends a byte now and then, for ever.
    Drip,
    /// Sends without end.
    Flood,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string().as_bytes())
    }

    pub fn bytes(status: u16, body: &[u8]) -> Self {
        Self::Whole {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: body.to_vec(),
        }
    }

    /// A completion, as OpenAI's interface writes it.
    pub fn text(text: &str) -> Self {
        Self::json(
            200,
            &serde_json::json!({
                "choices": [{"text": text, "index": 0, "finish_reason": "stop"}],
                "usage": {"completion_tokens": 5},
            }),
        )
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Answerer = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// The server; it stops when dropped.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server. `answer` is told how many requests came before.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
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
                // A client that goes away in the middle ends its connection only.
                thread::spawn(move || serve(stream, &*answer, &requests, &is_over));
            }
        });
        server
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
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
    stream: TcpStream,
    answer: &Answerer,
    requests: &Mutex<Vec<Request>>,
    is_over: &AtomicBool,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let request = read(&mut reader)?;
        let number = {
            let mut requests = requests.lock().expect("not poisoned");
            requests.push(request.clone());
            requests.len() - 1
        };
        match answer(number, &request) {
            Reply::Whole {
                status,
                headers,
                body,
            } => {
                let mut head = format!(
                    "HTTP/1.1 {status} Because\r\ncontent-length: {}\r\n",
                    body.len()
                );
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
                stream.write_all(&body).ok()?;
            }
            Reply::Cut(body) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                    body.len() + 100
                );
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(&body).ok()?;
                return stream.shutdown(std::net::Shutdown::Both).ok();
            }
            Reply::Hang => return stream.shutdown(std::net::Shutdown::Both).ok(),
            reply @ (Reply::Drip | Reply::Flood) => {
                let is_flood = matches!(reply, Reply::Flood);
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    .ok()?;
                while !is_over.load(Ordering::SeqCst) {
                    if is_flood {
                        let chunk = format!("{:x}\r\n{}\r\n", 4096, " ".repeat(4096));
                        stream.write_all(chunk.as_bytes()).ok()?;
                    } else {
                        stream.write_all(b"1\r\n \r\n").ok()?;
                        thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
