//! What measuring takes besides labels: comparisons of two completions, and attack sessions.

use crate::columns::{Kind, Tabular};
use crate::error::Fault;
use crate::fields::Fields;
use crate::import::ReadOptions;
use crate::rows::Row;
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ContentHash, SnippetText};
use serde_json::{Map, Value, json};

/// A comparison to import.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonRow {
    /// Its line, from 1.
    pub line: u64,
    /// The prompt above both completions.
    pub prompt: String,
    /// The completion on the left.
    pub left: String,
    /// The completion on the right.
    pub right: String,
    /// Who chose what.
    pub comparison: Comparison,
    /// Tells it from another comparison of the pair by the same rater; empty where the file does not
    /// say, so that the same row twice is one comparison.
    pub occasion: String,
    /// Where it comes from.
    pub source: Option<String>,
}

impl ComparisonRow {
    /// Returns the snippet on the left.
    pub fn left_text(&self) -> SnippetText {
        SnippetText::new(&self.prompt, &self.left)
    }

    /// Returns the snippet on the right.
    pub fn right_text(&self) -> SnippetText {
        SnippetText::new(&self.prompt, &self.right)
    }
}

impl Row for ComparisonRow {
    fn read(
        line: u64,
        fields: Map<String, Value>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, Fault> {
        let mut fields = Fields::new(fields)?;
        let prompt = fields.text("prompt", &options.limits)?;
        let left = fields.drawn("left", &options.limits)?;
        let right = fields.drawn("right", &options.limits)?;
        let seconds = fields.seconds()?;
        let kind = fields.kind()?;
        let labeller = fields.name("labeller")?;
        let Some(word) = fields.name("choice")? else {
            return Ok(None);
        };
        let choice = match word.to_lowercase().as_str() {
            "left" => Choice::Left,
            "right" => Choice::Right,
            "same" => Choice::Same,
            "unusable" => Choice::Unusable,
            _ => {
                let shown: String = word.chars().take(40).collect();
                let reason = format!("must be left, right, same or unusable, not {shown:?}");
                return Err(Fault::field("choice", reason));
            }
        };
        if left == right {
            return Err(Fault::field(
                "right",
                "is the same text as `left`; there is nothing to compare",
            ));
        }
        let labeller = labeller
            .or_else(|| options.labeller.clone())
            .ok_or_else(|| {
                Fault::field(
                    "labeller",
                    "is missing; say who compared in the file or with `--labeller`",
                )
            })?;
        Ok(Some(Self {
            line,
            prompt,
            left,
            right,
            comparison: Comparison {
                labeller,
                kind: kind
                    .or(options.labeller_kind)
                    .unwrap_or(LabellerKind::Person),
                choice,
                seconds,
            },
            occasion: fields.name("occasion")?.unwrap_or_default(),
            source: fields.name("source")?,
        }))
    }

    fn identity(&self) -> ContentHash {
        let rest = format!(
            "{:?} {:?} {:?}",
            self.comparison, self.occasion, self.source
        );
        ContentHash::of_fields(
            "comparison",
            &[&self.prompt, &self.left, &self.right, &rest],
        )
    }

    fn set_default_source(&mut self, source: &str) {
        self.source.get_or_insert_with(|| source.to_owned());
    }
}

/// A pair that wants a comparison, as batches show it. Nothing in it tells which completion was
/// filtered.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedPair {
    /// The prompt.
    pub prompt: String,
    /// The completion on the left.
    pub left: String,
    /// The completion on the right.
    pub right: String,
}

impl Tabular for ExportedPair {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("prompt", Kind::Text),
        ("left", Kind::Text),
        ("right", Kind::Text),
        ("choice", Kind::Text),
    ];

    fn cells(&self) -> Vec<Value> {
        vec![
            json!(self.prompt),
            json!(self.left),
            json!(self.right),
            Value::Null,
        ]
    }
}

/// An attack session to import.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackSessionRow {
    /// Its line, from 1.
    pub line: u64,
    /// Who attacked.
    pub attacker: String,
    /// The attacker is a program.
    pub is_algorithm: bool,
    /// What is compared, such as the filter with the tool.
    pub group: String,
    /// The classifier that was attacked, NAME@VERSION.
    pub classifier: Option<String>,
    /// Active seconds.
    pub seconds: f64,
    /// The session ended with a find.
    pub found: bool,
    /// Tells it from another session of the attacker; the line where the file does not say, so that
    /// two sessions that went alike are two.
    pub occasion: String,
    /// Where it comes from.
    pub source: Option<String>,
}

impl Row for AttackSessionRow {
    fn read(
        line: u64,
        fields: Map<String, Value>,
        _options: &ReadOptions,
    ) -> Result<Option<Self>, Fault> {
        let mut fields = Fields::new(fields)?;
        let (field, given, unit) = match (fields.number("seconds")?, fields.number("minutes")?) {
            (Some(_), Some(_)) => {
                return Err(Fault::field(
                    "minutes",
                    "stands beside `seconds`; give one of the two",
                ));
            }
            (Some(seconds), None) => ("seconds", seconds, 1.0),
            (None, Some(minutes)) => ("minutes", minutes, 60.0),
            (None, None) => return Err(Fault::field("minutes", "is missing (or give `seconds`)")),
        };
        let seconds = unit * given;
        if !(seconds.is_finite() && seconds > 0.0) {
            let reason = format!("must be a finite time above 0, not {given:?}");
            return Err(Fault::field(field, reason));
        }
        let missing = |name: &str| Fault::field(name, "is missing");
        let kind = fields.name("attacker_kind")?;
        let is_algorithm = match kind.as_deref() {
            None | Some("person") => false,
            Some("algorithm") => true,
            Some(other) => {
                let reason = format!("must be `person` or `algorithm`, not {other:?}");
                return Err(Fault::field("attacker_kind", reason));
            }
        };
        Ok(Some(Self {
            line,
            attacker: fields
                .name("attacker")?
                .ok_or_else(|| missing("attacker"))?,
            is_algorithm,
            group: fields.name("group")?.unwrap_or_else(|| "all".to_owned()),
            classifier: fields.name("classifier")?,
            seconds,
            found: fields.truth("found")?.ok_or_else(|| missing("found"))?,
            occasion: fields
                .name("occasion")?
                .unwrap_or_else(|| format!("line {line}")),
            source: fields.name("source")?,
        }))
    }

    fn identity(&self) -> ContentHash {
        ContentHash::of_fields(
            "attack session",
            &[&format!(
                "{:?}",
                (
                    &self.attacker,
                    self.is_algorithm,
                    &self.group,
                    &self.classifier,
                    self.seconds.to_bits(),
                    self.found,
                    &self.occasion,
                    &self.source
                )
            )],
        )
    }

    fn set_default_source(&mut self, source: &str) {
        self.source.get_or_insert_with(|| source.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: Value) -> Result<Option<ComparisonRow>, Fault> {
        let fields = fields.as_object().expect("an object").clone();
        let options = ReadOptions {
            labeller: Some("ada".to_owned()),
            ..ReadOptions::default()
        };
        ComparisonRow::read(1, fields, &options)
    }

    #[test]
    fn a_completion_may_be_empty_but_not_missing() {
        let of = |left: Value| {
            row(
                json!({ "prompt": "She sang.", "left": left, "right": "He wept.", "choice": "right" }),
            )
        };
        let found = of(json!("")).expect("read").expect("a row");
        assert_eq!((&*found.left, found.comparison.choice), ("", Choice::Right));
        assert!(of(Value::Null).is_err() && of(json!(3)).is_err());
    }
}
