//! Scoring JSONL: resumable, because lines can be appended.

use crate::atomic::sync_parent;
use crate::error::{Fault, IoError};
use crate::fields::Fields;
use crate::format::Format;
use crate::json;
use crate::lines::Lines;
use crate::score::{
    ScoreChunk, ScoreOptions, ScoreProgress, ScoreReport, Tally, added, ask, bad_line, bad_path,
    with_suffix,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

/// A chunk ends early when its lines are this long together.
const CHUNK_BYTES: usize = 16 << 20;

/// What an interrupted call leaves for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// What is being done; another job does not go on from here.
    job: Job,
    tally: Tally,
    /// The last line that is done.
    line: u64,
    out_bytes: u64,
    bad_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    input: PathBuf,
    input_bytes: u64,
    input_modified_ns: u128,
    gzipped: bool,
    classifier: String,
    scorer: String,
    threshold: Option<f64>,
    #[serde(default)]
    disagreement: bool,
}

/// A line that waits for its score.
struct Waiting {
    line: u64,
    text: String,
    fields: Map<String, Value>,
    snippet: SnippetText,
}

/// The two growing files and the state beside them.
struct Output {
    out: PathBuf,
    partial: PathBuf,
    bad_partial: PathBuf,
    state_path: PathBuf,
    file: File,
    bad: File,
    gzipped: bool,
    state: State,
}

pub(crate) fn run(
    input: &Path,
    from: Format,
    out: &Path,
    to: Format,
    options: &ScoreOptions,
    score: &mut ScoreChunk<'_>,
    progress: &mut dyn FnMut(ScoreProgress),
) -> Result<ScoreReport, IoError> {
    let metadata = fs::metadata(input).map_err(IoError::io("open", input))?;
    let modified = metadata.modified().ok();
    let job = Job {
        input: input.canonicalize().map_err(IoError::io("open", input))?,
        input_bytes: metadata.len(),
        input_modified_ns: modified
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |time| time.as_nanos()),
        gzipped: to == Format::JsonlGz,
        classifier: options.classifier.clone(),
        scorer: options.scorer.clone(),
        threshold: options.threshold.map(|threshold| threshold.logit()),
        disagreement: options.disagreement,
    };
    let total = metadata.len();
    let (mut lines, read) = Lines::open(input, from == Format::JsonlGz, options.limits.line_bytes)?;
    let mut output = Output::open(out, job)?;
    let resumed = output.state.tally.rows;

    let mut waiting: Vec<Waiting> = Vec::new();
    let mut bad: Vec<(u64, String)> = Vec::new();
    let mut waiting_bytes = 0;
    loop {
        let line = lines.next_line()?;
        let ended = line.is_none();
        if let Some(line) = line {
            if line.number <= output.state.line {
                continue;
            }
            let number = line.number;
            waiting_bytes += line.bytes.len();
            match line
                .text
                .clone()
                .and_then(|text| parse(number, text, options))
            {
                Ok(row) => waiting.push(row),
                Err(fault) => {
                    let raw = match line.text.clone().and_then(json::object) {
                        Ok(map) => Value::Object(map),
                        Err(_) => {
                            let shown = &line.bytes[..line.bytes.len().min(4096)];
                            Value::String(String::from_utf8_lossy(shown).into_owned())
                        }
                    };
                    bad.push((number, bad_line(number, &fault.to_string(), raw)));
                }
            }
        }
        let full = waiting.len() + bad.len() >= options.chunk_rows.max(1);
        if ended || full || waiting_bytes > CHUNK_BYTES {
            waiting_bytes = 0;
            output.chunk(&mut waiting, &mut bad, options, score)?;
            progress(ScoreProgress {
                rows: output.state.tally.rows,
                input_bytes: read.load(Ordering::Relaxed),
                input_total: total,
            });
        }
        if ended {
            return output.finish(resumed, input);
        }
    }
}

fn parse(line: u64, text: &str, options: &ScoreOptions) -> Result<Waiting, Fault> {
    let fields = json::object(text)?;
    let mut typed = Fields::new(fields.clone())?;
    let snippet = SnippetText::new(
        typed.text("prompt", &options.limits)?,
        typed.text("completion", &options.limits)?,
    );
    Ok(Waiting {
        line,
        text: text.to_owned(),
        fields,
        snippet,
    })
}

/// Adds fields to a line. The line's own text is kept to the letter unless it has such fields
/// already; then it is written anew, with its fields in alphabetical order.
fn add_fields(row: &Waiting, fields: &[(&'static str, Value)], added: &[&str]) -> String {
    let mut line = if added.iter().any(|name| row.fields.contains_key(*name)) {
        let mut map = row.fields.clone();
        added.iter().for_each(|name| {
            map.remove(*name);
        });
        Value::Object(map).to_string()
    } else {
        row.text.trim().to_owned()
    };
    line.pop();
    for (name, value) in fields {
        line.push_str(&format!(",\"{name}\":{value}"));
    }
    line.push_str("}\n");
    line
}

impl Output {
    fn open(out: &Path, job: Job) -> Result<Self, IoError> {
        if out.is_dir() {
            return Err(IoError::file(out, "is a folder; name a file"));
        }
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(IoError::io("create", folder))?;
        }
        let partial = with_suffix(out, ".partial");
        let bad_partial = with_suffix(&bad_path(out), ".partial");
        let state_path = with_suffix(out, ".partial.state");
        let open = |path: &Path| {
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(IoError::io("create", path))
        };
        let mut file = open(&partial)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(IoError::InUse {
                    path: out.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(IoError::io("lock", &partial)(error)),
        }
        let mut bad = open(&bad_partial)?;
        let fresh = State {
            job: job.clone(),
            tally: Tally::default(),
            line: 0,
            out_bytes: 0,
            bad_bytes: 0,
        };
        let length = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        let state = fs::read(&state_path)
            .ok()
            .and_then(|text| serde_json::from_slice::<State>(&text).ok())
            .filter(|state| state.job == job)
            .filter(|state| length(&file) >= state.out_bytes && length(&bad) >= state.bad_bytes)
            .unwrap_or(fresh);
        for (file, path, bytes) in [
            (&mut file, &partial, state.out_bytes),
            (&mut bad, &bad_partial, state.bad_bytes),
        ] {
            file.set_len(bytes)
                .and_then(|()| file.seek(SeekFrom::End(0)))
                .map_err(IoError::io("write", path))?;
        }
        Ok(Self {
            out: out.to_owned(),
            partial,
            bad_partial,
            state_path,
            file,
            bad,
            gzipped: job.gzipped,
            state,
        })
    }

    /// Scores what waits, appends it, writes it through to the disk, and only then moves the mark
    /// from which a later call goes on.
    fn chunk(
        &mut self,
        waiting: &mut Vec<Waiting>,
        bad: &mut Vec<(u64, String)>,
        options: &ScoreOptions,
        score: &mut ScoreChunk<'_>,
    ) -> Result<(), IoError> {
        if waiting.is_empty() && bad.is_empty() {
            return Ok(());
        }
        let snippets: Vec<SnippetText> = waiting.iter().map(|row| row.snippet.clone()).collect();
        let answers = ask(score, options, &snippets, self.state.tally.rows)?;
        let mut tally = self.state.tally;
        tally.rows += (waiting.len() + bad.len()) as u64;
        let last = waiting
            .iter()
            .map(|row| row.line)
            .chain(bad.iter().map(|(line, _)| *line))
            .max();
        let mut text = String::new();
        for (row, answer) in waiting.drain(..).zip(answers) {
            match answer {
                Ok(value) => {
                    let (fields, accepted) = added(value, options);
                    tally.scored += 1;
                    tally.accepted += u64::from(accepted);
                    text.push_str(&add_fields(&row, &fields, options.added()));
                }
                Err(reason) => {
                    let reason = format!("cannot be scored: {reason}");
                    bad.push((
                        row.line,
                        bad_line(row.line, &reason, Value::Object(row.fields)),
                    ));
                }
            }
        }
        bad.sort_by_key(|(line, _)| *line);
        tally.bad += bad.len() as u64;
        let side: String = bad.drain(..).map(|(_, line)| line).collect();

        // Each chunk is a gzip member of its own, so that the file can be cut back to the mark.
        let bytes = if self.gzipped && !text.is_empty() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder
                .write_all(text.as_bytes())
                .and_then(|()| encoder.finish())
                .map_err(IoError::io("write", &self.partial))?
        } else {
            text.into_bytes()
        };
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(IoError::io("write", &self.partial))?;
        if !side.is_empty() {
            self.bad
                .write_all(side.as_bytes())
                .and_then(|()| self.bad.sync_data())
                .map_err(IoError::io("write", &self.bad_partial))?;
        }
        self.state.tally = tally;
        self.state.line = last.unwrap_or(self.state.line);
        self.state.out_bytes += bytes.len() as u64;
        self.state.bad_bytes += side.len() as u64;
        let state = serde_json::to_vec(&self.state).map_err(|error| {
            IoError::io("write", &self.state_path)(std::io::Error::other(error))
        })?;
        crate::export::write_atomically(&self.state_path, &state)?;
        Ok(())
    }

    fn finish(self, resumed: u64, input: &Path) -> Result<ScoreReport, IoError> {
        let tally = self.state.tally;
        if tally.rows == 0 {
            for path in [&self.partial, &self.bad_partial, &self.state_path] {
                fs::remove_file(path).ok();
            }
            return Err(IoError::file(input, "holds no rows"));
        }
        self.file
            .sync_all()
            .map_err(IoError::io("write", &self.partial))?;
        let bad_path = bad_path(&self.out);
        if tally.bad > 0 {
            fs::rename(&self.bad_partial, &bad_path).map_err(IoError::io("create", &bad_path))?;
        } else {
            fs::remove_file(&self.bad_partial).ok();
            fs::remove_file(&bad_path).ok();
        }
        fs::rename(&self.partial, &self.out).map_err(IoError::io("create", &self.out))?;
        fs::remove_file(&self.state_path).ok();
        sync_parent(&self.out)?;
        Ok(ScoreReport {
            rows: tally.rows,
            scored: tally.scored,
            accepted: tally.accepted,
            bad: tally.bad,
            resumed,
            out: self.out,
            bad_file: (tally.bad > 0).then_some(bad_path),
        })
    }
}
