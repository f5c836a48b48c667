//! Files in and out: prompts, snippets and labels from JSONL, CSV, Parquet and plain-text books;
//! exports with data cards; model cards; streaming score files; the embedded starter data.
//!
//! - [`stream`] reads [`PromptRow`]s, [`SnippetRow`]s and [`LabelRow`]s one at a time, [`read_all`]
//!   all of a file; what either may take of memory is bounded by [`Limits`]. A bad row names file, line, field and reason; by default it ends the read, so that a
//!   caller who stores rows in one transaction imports all of a file or nothing.
//! - [`TableWriter`] writes rows as JSONL, CSV or Parquet; [`DataCard`] and [`ModelCard`] say what
//!   they are. Every file appears whole, by one rename.
//! - [`score_file`] adds scores to a file of any size.
//! - [`Table`] reads rows of numbers and names as they stand, for people with counts of their own.
//! - [`starter`] is the starter project's data, embedded.
//!
//! It knows no database and no models.
//!
//! # Fields
//!
//! | field | in | meaning |
//! |---|---|---|
//! | `prompt` | prompts, snippets, labels, comparisons | the given text (required; in label files `snippet` can stand for it) |
//! | `completion` | snippets, labels | its continuation (required likewise) |
//! | `snippet` | labels | the snippet's content hash; checked against the texts where both are given |
//! | `source` | all | where it comes from; the file's name where absent |
//! | `family` | prompts, snippets, labels | what the prompt was made from (a content hash, or that prompt's text; space around it says nothing): families are never split between training and test |
//! | `origin` | snippets | `import`, `generate`, `edit` or `attack`, as exports say it; any other word goes to `meta` |
//! | `parent` | snippets, labels | the snippet it was edited from: a content hash, or an object with `prompt` and `completion` |
//! | `verdict` or `label` | snippets, labels | `yes`, `no`, `unsure`; also `injury` (yes, severity 2), `safe` (no), `true`, `false`, `1`, `0` |
//! | `severity` | snippets, labels | 1, 2 or 3, with a yes only |
//! | `labeller`, `labeller_kind` | snippets, labels, comparisons | who, and `person` or `judge`; [`ReadOptions`] can give both |
//! | `seconds` | snippets, labels, comparisons | time spent, finite and not negative |
//! | `labels` | snippets, labels | a list of objects with the five fields above (JSON text in CSV) |
//! | `left`, `right`, `choice` | comparisons | two completions, and `left`, `right`, `same` or `unusable`; a row without a choice is left out |
//! | `attacker`, `attacker_kind` | attack sessions | who tried (required), and `person` (where absent) or `algorithm` |
//! | `minutes` or `seconds`, `found` | attack sessions | for how long, finite and above 0, and whether with a find (both required) |
//! | `group`, `classifier` | attack sessions | what is compared (`all` where absent), and the classifier that was attacked |
//! | `occasion` | comparisons, attack sessions | tells a row from another that says the same; for a session the line where absent |
//! | `meta` | prompts, snippets, labels | an object (JSON text in CSV) that is kept; other fields are put into it |

mod atomic;
mod book;
mod cards;
mod columns;
mod comma;
mod error;
mod export;
mod fields;
mod format;
mod import;
mod json;
mod lines;
mod measurements;
mod parquet_guard;
mod parquet_rows;
mod parquet_thrift;
mod records;
mod rows;
mod score;
mod score_lines;
mod score_parquet;
pub mod starter;
mod table;

pub use cards::{DataCard, LabelCounts, ModelCard};
pub use columns::{Kind, Tabular};
pub use error::{Fault, IoError};
pub use export::{ExportedLabel, ExportedScore, TableWriter, Written, write_atomically};
pub use format::Format;
pub use import::{Import, ImportReport, ReadOptions, RowStream, SkippedRow, read_all, stream};
pub use measurements::{AttackSessionRow, ComparisonRow, ExportedPair};
pub use records::Limits;
pub use rows::{LabelRow, PromptRow, Row, SnippetKey, SnippetRow};
pub use score::{RowScore, ScoreChunk, ScoreOptions, ScoreProgress, ScoreReport, score_file};
pub use table::{Table, TableRow};
