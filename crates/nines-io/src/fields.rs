//! Typed fields out of a row's object, with what is wrong where they are not what they should be.

use crate::error::Fault;
use crate::json;
use crate::records::Limits;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::{ContentHash, SnippetText};
use serde_json::{Map, Value};

/// The longest labeller name or source in bytes.
const NAME_BYTES: usize = 400;

/// Who labelled, where the rows do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) labeller: Option<String>,
    pub(crate) kind: Option<LabellerKind>,
}

/// A row's fields; each is taken out as it is read, and what is left over goes into `meta`.
pub(crate) struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    pub(crate) fn new(map: Map<String, Value>) -> Result<Self, Fault> {
        for (key, value) in &map {
            if key.contains('\0') || json::has_nul(value) {
                return Err(Fault::field(
                    &key.replace('\0', "\\0"),
                    "holds a NUL character, which no database keeps; remove it",
                ));
            }
        }
        Ok(Self { map })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn string(&mut self, name: &str, limit: usize) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() > limit => Err(Fault::field(
                name,
                format!("has {} bytes; the limit is {limit}", text.len()),
            )),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Fault::field(
                name,
                format!("must be a string, not {}", json::kind_of(&other)),
            )),
        }
    }

    /// Takes a short name, such as a labeller's; blank counts as absent.
    pub(crate) fn name(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let text = self.string(name, NAME_BYTES)?;
        Ok(text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()))
    }

    /// Takes a prompt or completion that may be absent; it is kept to the letter.
    pub(crate) fn optional_text(
        &mut self,
        name: &str,
        limits: &Limits,
    ) -> Result<Option<String>, Fault> {
        let text = self.string(name, limits.text_bytes)?;
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Fault::field(name, "is empty"));
        }
        Ok(text)
    }

    /// Takes a prompt or completion.
    pub(crate) fn text(&mut self, name: &str, limits: &Limits) -> Result<String, Fault> {
        self.optional_text(name, limits)?
            .ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Fault {
        let near = self
            .map
            .keys()
            .find(|key| key.trim().eq_ignore_ascii_case(name))
            .map(|key| format!(" (there is {key:?})"));
        Fault::field(name, format!("is missing{}", near.unwrap_or_default()))
    }

    /// Takes a completion that a generator drew; it may be empty, where the generator ended its text at
    /// once.
    pub(crate) fn drawn(&mut self, name: &str, limits: &Limits) -> Result<String, Fault> {
        self.string(name, limits.text_bytes)?
            .ok_or_else(|| self.missing(name))
    }

    /// Takes a content hash.
    pub(crate) fn hash(&mut self, name: &str) -> Result<Option<ContentHash>, Fault> {
        self.name(name)?
            .map(|text| {
                text.parse()
                    .map_err(|error| Fault::field(name, format!("is {error}")))
            })
            .transpose()
    }

    /// Takes a prompt family: a content hash, or the text of the prompt that it stems from. Space
    /// around it says nothing.
    pub(crate) fn family(&mut self, limits: &Limits) -> Result<Option<ContentHash>, Fault> {
        let Some(text) = self.string("family", limits.text_bytes)? else {
            return Ok(None);
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        // A hash that lost a digit is no prompt: taken for one, it would part the family in two.
        let looks_like_a_hash = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match text.parse() {
            Ok(hash) => Ok(Some(hash)),
            Err(error) if looks_like_a_hash => Err(Fault::field("family", format!("is {error}"))),
            Err(_) => Ok(Some(ContentHash::of_prompt(text))),
        }
    }

    /// Takes how a snippet came to be, as exports say it. Any other word stays for `meta`.
    pub(crate) fn origin(&mut self) -> Option<String> {
        let words = ["import", "generate", "edit", "attack"];
        let word = self.map.get("origin")?.as_str()?;
        let word = words.iter().find(|known| **known == word)?;
        self.map.remove("origin");
        Some((*word).to_owned())
    }

    /// Takes the snippet that this one was edited from.
    pub(crate) fn parent(&mut self, limits: &Limits) -> Result<Option<ContentHash>, Fault> {
        let within = |fault: Fault| match fault.field {
            Some(field) => Fault::field(&format!("parent.{field}"), fault.reason),
            None => Fault::field("parent", fault.reason),
        };
        let map = match self.take("parent") {
            None => return Ok(None),
            Some(Value::String(text)) if text.trim_start().starts_with('{') => {
                json::object(&text).map_err(within)?
            }
            Some(Value::Object(map)) => map,
            Some(Value::String(text)) => {
                return match text.trim() {
                    "" => Ok(None),
                    text => text
                        .parse()
                        .map(Some)
                        .map_err(|error| Fault::field("parent", format!("is {error}"))),
                };
            }
            Some(other) => {
                let reason = format!(
                    "must be a content hash or an object, not {}",
                    json::kind_of(&other)
                );
                return Err(Fault::field("parent", reason));
            }
        };
        let mut fields = Self { map };
        let prompt = fields.text("prompt", limits).map_err(within)?;
        let completion = fields.text("completion", limits).map_err(within)?;
        Ok(Some(SnippetText::new(prompt, completion).hash()))
    }

    /// Takes everything that says how the snippet was labelled: one label in the row's own fields,
    /// and the list in `labels`. Empty when there is no verdict at all.
    pub(crate) fn labels(&mut self, who: &Who) -> Result<Vec<Label>, Fault> {
        let mut labels = Vec::new();
        labels.extend(self.label(who)?);
        let list = match self.take("labels") {
            None => return Ok(labels),
            Some(Value::Array(list)) => list,
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(labels),
            Some(Value::String(text)) => {
                let wrapped = json::object(&format!("{{\"labels\":{text}}}"));
                match wrapped.map(|mut map| map.remove("labels")) {
                    Ok(Some(Value::Array(list))) => list,
                    _ => return Err(Fault::field("labels", "must be a list in JSON")),
                }
            }
            Some(other) => {
                let reason = format!("must be a list, not {}", json::kind_of(&other));
                return Err(Fault::field("labels", reason));
            }
        };
        for (i, item) in list.into_iter().enumerate() {
            let within = |fault: Fault| match fault.field {
                Some(field) => Fault::field(&format!("labels[{i}].{field}"), fault.reason),
                None => Fault::field(&format!("labels[{i}]"), fault.reason),
            };
            let Value::Object(map) = item else {
                let reason = format!("must be an object, not {}", json::kind_of(&item));
                return Err(Fault::field(&format!("labels[{i}]"), reason));
            };
            let mut fields = Self { map };
            let label = fields.label(who).map_err(within)?;
            labels.push(label.ok_or_else(|| within(Fault::field("verdict", "is missing")))?);
            if let Some(key) = fields.map.keys().next() {
                return Err(within(Fault::field(key, "is not a field of a label")));
            }
        }
        Ok(labels)
    }

    fn label(&mut self, who: &Who) -> Result<Option<Label>, Fault> {
        let verdict = self.verdict("verdict")?;
        let label = self.verdict("label")?;
        let severity = self.severity()?;
        let seconds = self.seconds()?;
        let labeller = self.name("labeller")?;
        let kind = self.kind()?;
        let found = match (verdict, label) {
            (Some(a), Some(b)) if a.0 != b.0 => {
                return Err(Fault::field("label", "and `verdict` contradict each other"));
            }
            (a, b) => a.or(b),
        };
        let Some((verdict, implied)) = found else {
            if severity.is_some() {
                return Err(Fault::field("severity", "is given without a verdict"));
            }
            return Ok(None);
        };
        if severity.is_some() && verdict != Verdict::Yes {
            let reason = format!(
                "belongs to a `yes` only, and the verdict is `{}`",
                verdict.as_str()
            );
            return Err(Fault::field("severity", reason));
        }
        let labeller = labeller.or_else(|| who.labeller.clone()).ok_or_else(|| {
            Fault::field(
                "labeller",
                "is missing; say who labelled in the file or with `--labeller`",
            )
        })?;
        let kind = kind.or(who.kind).ok_or_else(|| {
            Fault::field(
                "labeller_kind",
                "is missing; say `person` or `judge` (a model) in the file or with `--labeller-kind`",
            )
        })?;
        Ok(Some(Label {
            labeller,
            kind,
            verdict,
            severity: severity.or(implied),
            seconds,
        }))
    }

    fn verdict(&mut self, name: &str) -> Result<Option<(Verdict, Option<Severity>)>, Fault> {
        let word = match self.take(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_lowercase(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(other) => {
                let reason = format!("must be yes, no or unsure, not {}", json::kind_of(&other));
                return Err(Fault::field(name, reason));
            }
        };
        match word.as_str() {
            "" => Ok(None),
            "yes" | "true" | "1" => Ok(Some((Verdict::Yes, None))),
            "injury" => Ok(Some((Verdict::Yes, Some(Severity::Clear)))),
            "no" | "safe" | "false" | "0" => Ok(Some((Verdict::No, None))),
            "unsure" => Ok(Some((Verdict::Unsure, None))),
            other => {
                let shown: String = other.chars().take(40).collect();
                Err(Fault::field(
                    name,
                    format!("must be yes, no or unsure, not {shown:?}"),
                ))
            }
        }
    }

    /// Takes a number.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, Fault> {
        let wrong = |shown: String| Fault::field(name, format!("must be a number, not {shown}"));
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_f64() {
                Some(value) => Ok(Some(value)),
                None => Err(wrong(number.to_string())),
            },
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => match text.trim().parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(wrong(format!(
                    "{:?}",
                    text.chars().take(40).collect::<String>()
                ))),
            },
            Some(other) => Err(wrong(json::kind_of(&other).to_owned())),
        }
    }

    fn severity(&mut self) -> Result<Option<Severity>, Fault> {
        let Some(number) = self.number("severity")? else {
            return Ok(None);
        };
        match number {
            1.0 => Ok(Some(Severity::Arguable)),
            2.0 => Ok(Some(Severity::Clear)),
            3.0 => Ok(Some(Severity::Egregious)),
            other => Err(Fault::field(
                "severity",
                format!("must be 1 (arguable), 2 (clear) or 3 (egregious), not {other}"),
            )),
        }
    }

    /// Takes a time in seconds.
    pub(crate) fn seconds(&mut self) -> Result<Option<f64>, Fault> {
        match self.number("seconds")? {
            Some(seconds) if !seconds.is_finite() || seconds < 0.0 => Err(Fault::field(
                "seconds",
                format!("must be a finite number that is not negative, not {seconds}"),
            )),
            other => Ok(other),
        }
    }

    /// Takes a truth value: true, false, yes, no, 1, 0.
    pub(crate) fn truth(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        let word = match self.take(name) {
            None => return Ok(None),
            Some(Value::Bool(value)) => return Ok(Some(value)),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.trim().to_lowercase(),
            Some(other) => {
                let reason = format!("must be true or false, not {}", json::kind_of(&other));
                return Err(Fault::field(name, reason));
            }
        };
        match word.as_str() {
            "" => Ok(None),
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            other => {
                let shown: String = other.chars().take(40).collect();
                Err(Fault::field(
                    name,
                    format!("must be true or false, not {shown:?}"),
                ))
            }
        }
    }

    /// Takes what a labeller is.
    pub(crate) fn kind(&mut self) -> Result<Option<LabellerKind>, Fault> {
        match self.name("labeller_kind")?.as_deref() {
            None => Ok(None),
            Some("person") => Ok(Some(LabellerKind::Person)),
            Some("judge") => Ok(Some(LabellerKind::Judge)),
            Some(other) => Err(Fault::field(
                "labeller_kind",
                format!("must be `person` or `judge`, not {other:?}"),
            )),
        }
    }

    /// Returns what is left, together with what stands in `meta`.
    pub(crate) fn into_meta(mut self) -> Result<Map<String, Value>, Fault> {
        let meta = match self.take("meta") {
            None => return Ok(without_nulls(self.map)),
            Some(Value::Object(map)) => map,
            Some(Value::String(text)) if text.trim().is_empty() => {
                return Ok(without_nulls(self.map));
            }
            Some(Value::String(text)) => {
                json::object(&text).map_err(|fault| Fault::field("meta", fault.reason))?
            }
            Some(other) => {
                let reason = format!("must be an object, not {}", json::kind_of(&other));
                return Err(Fault::field("meta", reason));
            }
        };
        if json::has_nul(&Value::Object(meta.clone())) {
            return Err(Fault::field(
                "meta",
                "holds a NUL character, which no database keeps",
            ));
        }
        let mut all = without_nulls(self.map);
        for (key, value) in meta {
            if all.contains_key(&key) {
                return Err(Fault::field(&key, "stands both in `meta` and beside it"));
            }
            all.insert(key, value);
        }
        Ok(all)
    }
}

fn without_nulls(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}
