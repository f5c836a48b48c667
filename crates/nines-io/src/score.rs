//! Scoring files of any size: rows go through in chunks, in order, and come back with their scores.

use crate::error::IoError;
use crate::format::Format;
use crate::records::Limits;
use crate::{score_lines, score_parquet};
use nines_domain::ensemble::Disagreement;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The fields that scoring adds; a row that has them gets new values. The last two are added where an
/// ensemble's disagreement is asked for.
const ADDED: [&str; 6] = ["score", "p", "accepted", "classifier", "spread", "gap"];

/// What is known of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowScore {
    /// Its score.
    pub score: Score,
    /// How far an ensemble's members are apart on it, where that is asked for.
    pub disagreement: Option<Disagreement>,
}

impl From<Score> for RowScore {
    fn from(score: Score) -> Self {
        Self {
            score,
            disagreement: None,
        }
    }
}

/// How to score a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOptions {
    /// The classifier's version, written into every row.
    pub classifier: String,
    /// What else tells one scorer from another, such as the digest of its files and its scoring
    /// path: work that another scorer has begun is not gone on with. It is not written into rows.
    pub scorer: String,
    /// Decides `accepted`; without one the field is left out.
    pub threshold: Option<Threshold>,
    /// Whether rows get `spread` and `gap`: how far an ensemble's members are apart. A row without them
    /// counts as one that cannot be scored.
    pub disagreement: bool,
    /// How many rows are scored at a time; after each chunk the work so far is on the disk.
    pub chunk_rows: usize,
    /// What the file may ask of memory.
    pub limits: Limits,
}

impl ScoreOptions {
    /// Scores with a classifier, without a threshold, 512 rows at a time.
    pub fn new(classifier: impl Into<String>) -> Self {
        Self {
            classifier: classifier.into(),
            scorer: String::new(),
            threshold: None,
            disagreement: false,
            chunk_rows: 512,
            limits: Limits::default(),
        }
    }

    /// Returns the names of the fields that scoring adds.
    pub(crate) fn added(&self) -> &'static [&'static str] {
        if self.disagreement {
            &ADDED
        } else {
            &ADDED[..4]
        }
    }
}

/// How far scoring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreProgress {
    /// Rows done, those of an earlier call included.
    pub rows: u64,
    /// Bytes of the input read.
    pub input_bytes: u64,
    /// Bytes of the input in all.
    pub input_total: u64,
}

/// What became of a file's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoreReport {
    /// Rows read.
    pub rows: u64,
    /// Rows scored.
    pub scored: u64,
    /// Rows accepted by the threshold.
    pub accepted: u64,
    /// Rows that are bad or cannot be scored; they stand in the side file.
    pub bad: u64,
    /// Rows that an interrupted call had done already.
    pub resumed: u64,
    /// The output.
    pub out: PathBuf,
    /// The side file, where there are bad rows.
    pub bad_file: Option<PathBuf>,
}

/// Counts of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) scored: u64,
    pub(crate) accepted: u64,
    pub(crate) bad: u64,
}

/// Scores snippets: one answer each, in order; `Err` says why one cannot be scored. A failure of
/// the whole (or the user's wish to stop) is the outer error.
pub type ScoreChunk<'a> = dyn FnMut(
        &[SnippetText],
    ) -> Result<Vec<Result<RowScore, String>>, Box<dyn std::error::Error + Send + Sync>>
    + 'a;

/// Adds scores to a file of rows with `prompt` and `completion`.
///
/// The output has the input's rows and fields in the input's order, with `score` (the logit), `p`,
/// `accepted` and `classifier` added, and `spread` and `gap` where they are asked for. Rows that are bad or cannot be scored are never accepted: they
/// go to `<out>.bad.jsonl` with line and reason, and not to the output. JSONL goes to JSONL, gzipped
/// or not, and Parquet to Parquet.
///
/// Nothing stands under the output's name until all is done. Until then JSONL work is kept in
/// `<out>.partial`, and a second call with the same input, classifier, scorer and threshold goes on from
/// there; Parquet starts over.
///
/// # Errors
/// [`IoError::BadFile`] for formats that do not fit or a file that is damaged, [`IoError::Scorer`],
/// [`IoError::InUse`], [`IoError::DiskFull`], [`IoError::Io`].
pub fn score_file(
    input: &Path,
    out: &Path,
    options: &ScoreOptions,
    score: &mut ScoreChunk<'_>,
    progress: &mut dyn FnMut(ScoreProgress),
) -> Result<ScoreReport, IoError> {
    let lines = [Format::Jsonl, Format::JsonlGz];
    let (from, to) = (Format::of(input)?, Format::of(out)?);
    if let (Ok(a), Ok(b)) = (input.canonicalize(), out.canonicalize())
        && a == b
    {
        return Err(IoError::file(
            out,
            "is the input itself; choose another name for the output",
        ));
    }
    match (from, to) {
        (Format::Parquet, Format::Parquet) => {
            score_parquet::run(input, out, options, score, progress)
        }
        (from, to) if lines.contains(&from) && lines.contains(&to) => {
            score_lines::run(input, from, out, to, options, score, progress)
        }
        (Format::Csv | Format::Text, _) => Err(IoError::file(
            input,
            "only JSONL (.jsonl, .jsonl.gz) and Parquet files are scored",
        )),
        _ => Err(IoError::file(
            out,
            "must have the input's format: JSONL (.jsonl, .jsonl.gz) or Parquet (.parquet)",
        )),
    }
}

/// Names the side file of an output.
pub(crate) fn bad_path(out: &Path) -> PathBuf {
    with_suffix(out, ".bad.jsonl")
}

/// Appends to a file's name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Calls the scorer and checks that it answered for every snippet.
pub(crate) fn ask(
    score: &mut ScoreChunk<'_>,
    options: &ScoreOptions,
    snippets: &[SnippetText],
    rows: u64,
) -> Result<Vec<Result<RowScore, String>>, IoError> {
    if snippets.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = score(snippets).map_err(|source| IoError::Scorer { rows, source })?;
    if answers.len() == snippets.len() {
        if options.disagreement {
            answers.iter_mut().for_each(refuse_without_disagreement);
        }
        return Ok(answers);
    }
    let source = format!("{} answers for {} snippets", answers.len(), snippets.len()).into();
    Err(IoError::Scorer { rows, source })
}

fn refuse_without_disagreement(answer: &mut Result<RowScore, String>) {
    if matches!(answer, Ok(row) if row.disagreement.is_none()) {
        *answer = Err("its members' disagreement is not known".to_owned());
    }
}

/// Returns a line of the side file.
pub(crate) fn bad_line(line: u64, reason: &str, row: Value) -> String {
    let mut map = Map::new();
    map.insert("line".to_owned(), json!(line));
    map.insert("reason".to_owned(), json!(reason));
    map.insert("row".to_owned(), row);
    format!("{}\n", Value::Object(map))
}

/// Returns the added fields of a row, in order.
pub(crate) fn added(row: RowScore, options: &ScoreOptions) -> (Vec<(&'static str, Value)>, bool) {
    let score = row.score;
    let accepted = options.threshold.map(|threshold| threshold.accepts(score));
    let mut fields = vec![
        ("score", json!(score.logit())),
        ("p", json!(score.probability())),
    ];
    if let Some(accepted) = accepted {
        fields.push(("accepted", json!(accepted)));
    }
    fields.push(("classifier", json!(options.classifier)));
    if let Some(Disagreement { spread, gap }) = row.disagreement.filter(|_| options.disagreement) {
        fields.extend([("spread", json!(spread)), ("gap", json!(gap))]);
    }
    (fields, accepted == Some(true))
}
