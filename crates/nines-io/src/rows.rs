//! What an import takes: prompts, snippets, labels.

use crate::columns::{Kind, Tabular};
use crate::error::Fault;
use crate::fields::Fields;
use crate::import::ReadOptions;
use nines_domain::label::Label;
use nines_domain::snippet::{ContentHash, SnippetText};
use serde_json::{Map, Value, json};

/// A row that a file can hold.
pub trait Row: Sized {
    /// Reads a row from its fields. `Ok(None)`: a row that is fine and holds nothing to take, such as one
    /// of a labelling batch that nobody labelled.
    ///
    /// # Errors
    /// The [`Fault`] of the first field that is wrong.
    fn read(
        line: u64,
        fields: Map<String, Value>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, Fault>;

    /// Returns the hash that two rows share when the second adds nothing: it says the same in every
    /// field.
    fn identity(&self) -> ContentHash;

    /// Returns the snippet that the row labels, where it does. Such a row adds something even when an
    /// earlier one said the same, if another row of that snippet stands between: a labeller may have
    /// changed their mind and changed it back.
    fn labels_of(&self) -> Option<ContentHash> {
        None
    }

    /// Names the row's origin where the file does not.
    fn set_default_source(&mut self, source: &str);
}

/// A prompt to import.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptRow {
    /// Its line, from 1.
    pub line: u64,
    /// The prompt.
    pub prompt: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// The family it belongs to, where not its own.
    pub family: Option<ContentHash>,
    /// Everything else.
    pub meta: Map<String, Value>,
}

/// A snippet to import, with the labels it brings.
#[derive(Debug, Clone, PartialEq)]
pub struct SnippetRow {
    /// Its line, from 1.
    pub line: u64,
    /// The snippet.
    pub text: SnippetText,
    /// Where it comes from.
    pub source: Option<String>,
    /// The family its prompt belongs to, where not its own.
    pub family: Option<ContentHash>,
    /// The snippet it was edited from.
    pub parent: Option<ContentHash>,
    /// How it came to be, as an export says it: `import`, `generate` or `edit`.
    pub origin: Option<String>,
    /// Its labels; often none.
    pub labels: Vec<Label>,
    /// Everything else.
    pub meta: Map<String, Value>,
}

/// Which snippet a label speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnippetKey {
    /// The snippet's text, which may be new.
    Text(SnippetText),
    /// The hash of a snippet that must be known.
    Hash(ContentHash),
}

impl SnippetKey {
    /// Returns the content hash either way.
    pub fn hash(&self) -> ContentHash {
        match self {
            Self::Text(text) => text.hash(),
            Self::Hash(hash) => *hash,
        }
    }
}

/// Labels to import for one snippet.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// Its line, from 1.
    pub line: u64,
    /// The snippet.
    pub snippet: SnippetKey,
    /// Where it comes from.
    pub source: Option<String>,
    /// The family its prompt belongs to, where not its own.
    pub family: Option<ContentHash>,
    /// The snippet it was edited from.
    pub parent: Option<ContentHash>,
    /// Its labels; at least one.
    pub labels: Vec<Label>,
    /// Everything else.
    pub meta: Map<String, Value>,
}

impl Row for PromptRow {
    fn read(
        line: u64,
        fields: Map<String, Value>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, Fault> {
        let mut fields = Fields::new(fields)?;
        Ok(Some(Self {
            line,
            prompt: fields.text("prompt", &options.limits)?,
            source: fields.name("source")?,
            family: fields.family(&options.limits)?,
            meta: fields.into_meta()?,
        }))
    }

    fn identity(&self) -> ContentHash {
        let about = (&self.source, self.family, None);
        identity_of(ContentHash::of_prompt(&self.prompt), about, &[], &self.meta)
    }

    fn set_default_source(&mut self, source: &str) {
        self.source.get_or_insert_with(|| source.to_owned());
    }
}

impl Row for SnippetRow {
    fn read(
        line: u64,
        fields: Map<String, Value>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, Fault> {
        let mut fields = Fields::new(fields)?;
        let text = SnippetText::new(
            fields.text("prompt", &options.limits)?,
            fields.text("completion", &options.limits)?,
        );
        check_hash(fields.hash("snippet")?, &text)?;
        Ok(Some(Self {
            line,
            text,
            source: fields.name("source")?,
            family: fields.family(&options.limits)?,
            parent: fields.parent(&options.limits)?,
            origin: fields.origin(),
            labels: fields.labels(&options.who())?,
            meta: fields.into_meta()?,
        }))
    }

    fn identity(&self) -> ContentHash {
        let about = (&self.source, self.family, self.parent);
        let whole = identity_of(self.text.hash(), about, &self.labels, &self.meta);
        let origin = self.origin.as_deref().unwrap_or_default();
        ContentHash::of_fields("row", &[&whole.to_string(), origin])
    }

    fn labels_of(&self) -> Option<ContentHash> {
        (!self.labels.is_empty()).then(|| self.text.hash())
    }

    fn set_default_source(&mut self, source: &str) {
        self.source.get_or_insert_with(|| source.to_owned());
    }
}

impl Row for LabelRow {
    fn read(
        line: u64,
        fields: Map<String, Value>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, Fault> {
        let mut fields = Fields::new(fields)?;
        let hash = fields.hash("snippet")?;
        let prompt = fields.optional_text("prompt", &options.limits)?;
        let completion = fields.optional_text("completion", &options.limits)?;
        let snippet = match (prompt, completion, hash) {
            (Some(prompt), Some(completion), hash) => {
                let text = SnippetText::new(prompt, completion);
                check_hash(hash, &text)?;
                SnippetKey::Text(text)
            }
            (None, None, Some(hash)) => SnippetKey::Hash(hash),
            (Some(_), None, _) => return Err(Fault::field("completion", "is missing")),
            (None, Some(_), _) => return Err(Fault::field("prompt", "is missing")),
            (None, None, None) => {
                let reason = "is missing; give `prompt` and `completion`, or the snippet's hash in `snippet`";
                return Err(Fault::field("prompt", reason));
            }
        };
        let labels = fields.labels(&options.who())?;
        if labels.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            line,
            snippet,
            source: fields.name("source")?,
            family: fields.family(&options.limits)?,
            parent: fields.parent(&options.limits)?,
            labels,
            meta: fields.into_meta()?,
        }))
    }

    fn identity(&self) -> ContentHash {
        let about = (&self.source, self.family, self.parent);
        identity_of(self.snippet.hash(), about, &self.labels, &self.meta)
    }

    fn labels_of(&self) -> Option<ContentHash> {
        Some(self.snippet.hash())
    }

    fn set_default_source(&mut self, source: &str) {
        self.source.get_or_insert_with(|| source.to_owned());
    }
}

fn check_hash(hash: Option<ContentHash>, text: &SnippetText) -> Result<(), Fault> {
    match hash {
        Some(hash) if hash != text.hash() => Err(Fault::field(
            "snippet",
            "is not the hash of this prompt and completion: one of the texts was changed since the export",
        )),
        _ => Ok(()),
    }
}

/// Hashes everything that a row says.
fn identity_of(
    text: ContentHash,
    (source, family, parent): (&Option<String>, Option<ContentHash>, Option<ContentHash>),
    labels: &[Label],
    meta: &Map<String, Value>,
) -> ContentHash {
    // The fields of meta stand in the order of their names.
    let about = format!("{source:?} {family:?} {parent:?} {labels:?}");
    let meta = Value::Object(meta.clone()).to_string();
    ContentHash::of_fields("row", &[&text.to_string(), &about, &meta])
}

pub(crate) fn label_json(label: &Label) -> Value {
    let mut map = Map::new();
    map.insert("labeller".to_owned(), json!(label.labeller));
    map.insert("labeller_kind".to_owned(), json!(label.kind.as_str()));
    map.insert("verdict".to_owned(), json!(label.verdict.as_str()));
    if let Some(severity) = label.severity {
        map.insert("severity".to_owned(), json!(u8::from(severity)));
    }
    if let Some(seconds) = label.seconds {
        map.insert("seconds".to_owned(), json!(seconds));
    }
    Value::Object(map)
}

fn hash_cell(hash: Option<ContentHash>) -> Value {
    hash.map_or(Value::Null, |hash| Value::String(hash.to_string()))
}

fn meta_cell(meta: &Map<String, Value>) -> Value {
    if meta.is_empty() {
        Value::Null
    } else {
        Value::Object(meta.clone())
    }
}

impl Tabular for PromptRow {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("prompt", Kind::Text),
        ("source", Kind::Text),
        ("family", Kind::Text),
        ("meta", Kind::Json),
    ];

    fn cells(&self) -> Vec<Value> {
        vec![
            json!(self.prompt),
            json!(self.source),
            hash_cell(self.family),
            meta_cell(&self.meta),
        ]
    }
}

impl Tabular for SnippetRow {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("snippet", Kind::Text),
        ("prompt", Kind::Text),
        ("completion", Kind::Text),
        ("source", Kind::Text),
        ("family", Kind::Text),
        ("parent", Kind::Text),
        ("origin", Kind::Text),
        ("labels", Kind::Labels),
        ("meta", Kind::Json),
    ];

    fn cells(&self) -> Vec<Value> {
        vec![
            json!(self.text.hash()),
            json!(self.text.prompt),
            json!(self.text.completion),
            json!(self.source),
            hash_cell(self.family),
            hash_cell(self.parent),
            json!(self.origin),
            if self.labels.is_empty() {
                Value::Null
            } else {
                Value::Array(self.labels.iter().map(label_json).collect())
            },
            meta_cell(&self.meta),
        ]
    }
}
