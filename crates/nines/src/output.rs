//! What a command prints: words for people on standard output, or one JSON value for machines;
//! errors, notes and progress always on standard error.

use indicatif::ProgressDrawTarget;
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    /// Prints JSON when asked to, and progress unless asked not to.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Says whether the result is wanted as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result: `value` as JSON, or the words.
    pub fn result<T: Serialize>(&self, value: &T, words: impl FnOnce() -> String) {
        let text = if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => text,
                Err(error) => {
                    self.note(&format!("the result cannot be written as JSON: {error}"));
                    return;
                }
            }
        } else {
            words()
        };
        self.print(&text);
    }

    /// Prints one line (or one JSON value on a line) to standard output; a closed pipe is no error.
    pub fn print(&self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    }

    /// Prints a remark to standard error.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// Prints an error with its causes to standard error, in JSON too when that was asked for.
    pub fn error(&self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let line = if self.json {
            serde_json::json!({ "error": causes }).to_string()
        } else {
            format!("error: {}", without_repeats(&causes).join("\n  because: "))
        };
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// Where progress bars go: hidden when quiet; on a terminal they move, elsewhere they are
    /// replaced by a line now and then.
    pub fn draw_target(&self) -> ProgressDrawTarget {
        if self.quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        }
    }

    /// Says whether plain progress lines should be printed (standard error is not a terminal).
    pub fn wants_lines(&self) -> bool {
        !self.quiet && !std::io::stderr().is_terminal()
    }
}

/// Writes how many of something there are: "1 prompt", "2 prompts".
pub fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// Leaves out causes whose text the line before already ends with.
fn without_repeats(causes: &[String]) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for cause in causes {
        if !kept
            .last()
            .is_some_and(|last| last.contains(cause.as_str()))
        {
            kept.push(cause);
        }
    }
    kept
}
