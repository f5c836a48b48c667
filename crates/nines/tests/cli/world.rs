//! A folder of its own for each test: a model cache with two tiny models, and a project.

use crate::tiny_base::{HURTING, PLAIN, base};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Says that the command succeeded.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.status, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Says that the command ended with this status, and that its message has all these parts.
    #[track_caller]
    pub fn bad(self, status: i32, parts: &[&str]) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in:\n{}",
                self.stderr
            );
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A folder with everything that one test touches.
pub struct World {
    folder: TempDir,
}

impl World {
    /// An empty folder: no models, no project.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A folder with the tiny models in its cache and an empty project that uses them.
    pub fn with_project() -> Self {
        let world = Self::empty();
        for name in ["tiny-base", "tiny-generator"] {
            copy(&models().join(name), &world.path("cache").join(name));
        }
        world.run(&["init", "project"]).good();
        world.set(
            "[classifier]\nbase = \"minilm-l6\"",
            "[classifier]\nbase = \"tiny-base\"",
        );
        world.set("model = \"smollm2-135m\"", "model = \"tiny-generator\"");
        world.set("max_tokens = 60", "max_tokens = 20");
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Replaces words of nines.toml.
    #[track_caller]
    pub fn set(&self, from: &str, to: &str) {
        let path = self.path("project/nines.toml");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(from), "{from:?} is not in:\n{text}");
        std::fs::write(&path, text.replace(from, to)).expect("written");
    }

    /// The program, in this folder, with this cache, without network.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nines"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("NINES_CACHE", self.path("cache"))
            .env("NINES_PROJECT", "project")
            .env_remove("RUST_BACKTRACE")
            .env("PIP_NO_INDEX", "1")
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("NINES_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, words: &[&str]) -> Ended {
        self.command(words).output().expect("it starts").into()
    }

    /// Imports `families` prompts with one safe and one hurting completion each.
    pub fn import(&self, families: usize) {
        let rows = self.file("rows.jsonl", rows(families));
        let rows = rows.display().to_string();
        self.run(&["import", "snippets", &rows]).good();
    }

    /// Trains a classifier that learns the task.
    pub fn train(&self) -> Value {
        self.run(&[&["--json"], TRAIN].concat()).good().json()
    }
}

/// A training that learns the tiny task in about a second.
pub const TRAIN: &[&str] = &[
    "train",
    "classifier",
    "--name",
    "hurt",
    "--epochs",
    "12",
    "--batch",
    "8",
    "--learning-rate",
    "0.005",
    "--head-rate",
    "1",
];

/// JSONL rows: what hurts is one of a few words, so a tiny model learns it.
pub fn rows(families: usize) -> String {
    let word = |i: usize| PLAIN[(i * 7 + i / 16) % PLAIN.len()];
    (0..families)
        .flat_map(|i| {
            let prompt = [i, i / 3 + 5, i / 7 + 11].map(word).join(" ");
            let prompt = format!("{prompt} {}", word(i * i));
            let hurting = format!("{} {} {}", word(i + 2), HURTING[i % 4], word(i / 2));
            let safe = [i + 3, i / 2 + 1, i / 5 + 8].map(word).join(" ");
            [(hurting, "yes"), (safe, "no")].map(|(completion, verdict)| {
                let row = json!({ "prompt": prompt, "completion": completion, "verdict": verdict,
                    "labeller": "ada", "labeller_kind": "person" });
                row.to_string() + "\n"
            })
        })
        .collect()
}

/// The tiny models as folders that `nines models pull` has brought into a cache, once.
fn models() -> &'static Path {
    static CACHE: OnceLock<TempDir> = OnceLock::new();
    CACHE
        .get_or_init(|| {
            let world = World::empty();
            base(&world.path(""));
            let generator = golden().join("llama_tiny/plain");
            for (folder, name) in [
                (world.path("base"), "tiny-base"),
                (generator, "tiny-generator"),
            ] {
                let folder = folder.display().to_string();
                world
                    .run(&["models", "pull", &folder, "--name", name])
                    .good();
            }
            let kept = tempfile::tempdir().expect("a folder");
            for name in ["tiny-base", "tiny-generator"] {
                copy(&world.path("cache").join(name), &kept.path().join(name));
            }
            kept
        })
        .path()
}

/// The folder of golden files.
pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/fixtures")
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("copied");
        }
    }
}
