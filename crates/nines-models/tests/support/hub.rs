//! A model hub on this machine: the routes of the hub's HTTP interface that hf-hub uses.

use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The commit that `main` stands for.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the server behaves.
#[derive(Clone, Default)]
pub struct Behaviour {
    /// Files of `owner/name` at [`COMMIT`].
    pub files: BTreeMap<String, Vec<u8>>,
    /// Files that stand in git as pointers, and are served from another path.
    pub large: Vec<String>,
    /// The token it asks for.
    pub token: Option<String>,
    /// Sends this file one byte short, though it states the whole length.
    pub cut: Option<String>,
    /// Sends this file with its last byte changed.
    pub tampered: Option<String>,
    /// Answers this many requests with 503 before it works.
    pub failures: usize,
    /// Waits after every kilobyte of a file.
    pub slow: Option<Duration>,
}

/// A running server.
pub struct Hub {
    pub endpoint: String,
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new((behaviour, Arc::clone(&log), Mutex::new(0)));
        let base = endpoint.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, base) = (Arc::clone(&state), base.clone());
                std::thread::spawn(move || {
                    answer(stream, &state.0, &state.1, &state.2, &base).ok();
                });
            }
        });
        Self { endpoint, log }
    }

    pub fn requests(&self) -> Vec<String> {
        self.log.lock().expect("not poisoned").clone()
    }
}

/// The files of a small encoder.
pub fn encoder() -> BTreeMap<String, Vec<u8>> {
    [
        ("config.json", br#"{"model_type":"bert"}"#.to_vec()),
        ("tokenizer.json", b"{\"version\":\"1.0\"}".to_vec()),
        (
            "model.safetensors",
            (0..300_000u32).map(|i| (i % 241) as u8).collect(),
        ),
        ("pytorch_model.bin", b"a pickle".to_vec()),
        ("onnx/model.onnx", b"not wanted".to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect()
}

fn git_id(content: &[u8]) -> String {
    let mut sha = Sha1::new_with_prefix(format!("blob {}\0", content.len()));
    sha.update(content);
    sha.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn answer(
    stream: TcpStream,
    behaviour: &Behaviour,
    log: &Mutex<Vec<String>>,
    failed: &Mutex<usize>,
    base: &str,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut authorization = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    log.lock()
        .expect("not poisoned")
        .push(format!("{method} {target}"));
    let path = target.split('?').next().unwrap_or("");
    let mut stream = stream;
    let mut plain = |status: &str, headers: &str, body: &[u8]| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        )?;
        if method == "HEAD" {
            Ok(())
        } else {
            stream.write_all(body)
        }
    };
    {
        let mut failed = failed.lock().expect("not poisoned");
        if *failed < behaviour.failures {
            *failed += 1;
            return plain("503 Service Unavailable", "", b"later");
        }
    }
    if let Some(token) = &behaviour.token
        && authorization.as_deref() != Some(&format!("Bearer {token}"))
    {
        return plain("401 Unauthorized", "", b"{\"error\":\"who are you?\"}");
    }
    let json = "Content-Type: application/json\r\n";
    if let Some(rest) = path.strip_prefix("/api/models/owner/name") {
        if let Some(commit) = rest.strip_prefix("/tree/") {
            if commit != COMMIT {
                return plain("404 Not Found", "", b"");
            }
            let recursive = target.contains("recursive=true");
            return plain("200 OK", json, tree(behaviour, recursive).as_bytes());
        }
        if matches!(
            rest,
            "" | "/revision/main"
                | "/revision/v1"
                | "/revision/0123456789abcdef0123456789abcdef01234567"
        ) {
            let info = format!(
                r#"{{"_id":"1","id":"owner/name","sha":"{COMMIT}","tags":["bert","license:apache-2.0"],"siblings":[]}}"#
            );
            return plain("200 OK", json, info.as_bytes());
        }
        return plain(
            "404 Not Found",
            "X-Error-Code: RevisionNotFound\r\n",
            b"{\"error\":\"no such revision\"}",
        );
    }
    let content = path
        .strip_prefix(&format!("/owner/name/resolve/{COMMIT}/"))
        .or_else(|| path.strip_prefix("/elsewhere/"));
    let Some((name, content)) = content.and_then(|name| behaviour.files.get_key_value(name)) else {
        return plain("404 Not Found", "", b"{\"error\":\"no such thing\"}");
    };
    if behaviour.large.contains(name) && !path.starts_with("/elsewhere/") {
        let headers = format!(
            "Location: {base}/elsewhere/{name}\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-Size: {}\r\n",
            content.len()
        );
        return plain("302 Found", &headers, b"");
    }
    let mut content = content.clone();
    let whole = content.len();
    if behaviour.tampered.as_ref() == Some(name)
        && let Some(last) = content.last_mut()
    {
        *last ^= 1;
    }
    if behaviour.cut.as_ref() == Some(name) {
        content.pop();
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {whole}\r\nETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\n\r\n",
        git_id(&content)
    )?;
    if method == "HEAD" {
        return Ok(());
    }
    for chunk in content.chunks(1024) {
        stream.write_all(chunk)?;
        if let Some(pause) = behaviour.slow {
            std::thread::sleep(pause);
        }
    }
    Ok(())
}

fn tree(behaviour: &Behaviour, recursive: bool) -> String {
    let mut entries = vec![r#"{"type":"directory","oid":"aa","path":"onnx","size":0}"#.to_owned()];
    for (path, content) in &behaviour.files {
        if path.contains('/') && !recursive {
            continue;
        }
        let size = content.len();
        entries.push(if behaviour.large.contains(path) {
            let sha256 = super::wheel::sha256(content);
            let pointer = format!(
                "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
            );
            format!(
                r#"{{"type":"file","oid":"{}","size":{size},"path":"{path}","lfs":{{"oid":"{sha256}","size":{size},"pointerSize":{}}}}}"#,
                git_id(pointer.as_bytes()),
                pointer.len()
            )
        } else {
            format!(r#"{{"type":"file","oid":"{}","size":{size},"path":"{path}"}}"#, git_id(content))
        });
    }
    format!("[{}]", entries.join(","))
}
