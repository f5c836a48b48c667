//! What the description of a filter says, as frames, designs and estimates keep it: JSON with `law`, `caution`,
//! `threshold` and `rule` among its fields.
//!
//! The same classifier at the same threshold is another filter where it answers by another law, or asks for a second
//! condition. Whoever means the filter that serves asks [`is_plain`]; whoever shows a filter that may be another shows
//! [`law`] and [`caution`] in words.

use nines_infer::filter::Law;
use serde_json::Value;

/// Says whether a described filter is a plain one: it answers with the first completion below a threshold that
/// stays, and asks for nothing else. A description that cannot be read is not of a plain filter.
///
/// # Example
/// ```
/// use nines_measure::described::is_plain;
/// use serde_json::json;
/// assert!(is_plain(&json!({ "law": { "law": "first_accepted" } })));
/// assert!(!is_plain(&json!({ "law": { "law": "tightening", "step": 0.5 } })));
/// let limit = json!({ "unfamiliarity": "far v1", "limit": 2.5 });
/// assert!(!is_plain(&json!({ "law": { "law": "first_accepted" }, "caution": limit })));
/// assert!(!is_plain(&json!({})));
/// ```
pub fn is_plain(filter: &Value) -> bool {
    read_law(filter) == Some(Law::FirstAccepted) && filter["caution"].is_null()
}

/// Says by which law a described filter answers; `None` where it is the first completion below a threshold that
/// stays, or no filter is described at all (null).
pub fn law(filter: &Value) -> Option<String> {
    if filter.is_null() {
        return None;
    }
    match read_law(filter) {
        Some(law) => law_words(law),
        None => Some("by a law that this version of nines does not know".to_owned()),
    }
}

/// Says what a law does, as [`law`].
pub fn law_words(law: Law) -> Option<String> {
    match law {
        Law::FirstAccepted => None,
        Law::PickSafest { of } => Some(format!("the answer is the safest of each {of} draws")),
        Law::Tightening { step } => Some(format!(
            "the threshold falls by {}*ln(1+k) logits after k draws that were not accepted",
            step.logits()
        )),
    }
}

/// Says what the second condition of a described filter is; `None` where there is none.
pub fn caution(filter: &Value) -> Option<String> {
    let caution = &filter["caution"];
    if caution.is_null() {
        return None;
    }
    Some(
        match (caution["unfamiliarity"].as_str(), caution["limit"].as_f64()) {
            (Some(unfamiliarity), Some(limit)) => format!("{unfamiliarity} below {limit:.4}"),
            _ => "a second condition that this version of nines does not know".to_owned(),
        },
    )
}

/// Says everything that a described filter is beside a threshold, each part after a semicolon; empty for a plain one.
///
/// # Example
/// ```
/// use nines_measure::described::besides;
/// let filter = serde_json::json!({
///     "law": { "law": "tightening", "step": 0.5 }, "caution": { "unfamiliarity": "far v1", "limit": 2.5 },
/// });
/// let law = "the threshold falls by 0.5*ln(1+k) logits after k draws that were not accepted";
/// assert_eq!(besides(&filter), format!("; {law}; far v1 below 2.5000"));
/// ```
pub fn besides(filter: &Value) -> String {
    let parts = [law(filter), caution(filter)].into_iter().flatten();
    parts.map(|part| format!("; {part}")).collect()
}

/// Says the same in brackets, to stand behind a classifier's name; empty for a plain filter.
pub fn in_brackets(filter: &Value) -> String {
    let said = besides(filter);
    match said.strip_prefix("; ") {
        Some(said) => format!(" ({said})"),
        None => said,
    }
}

/// Returns a description without threshold and where that comes from: what two filters share that differ in it alone.
pub fn but_for_threshold(filter: &Value) -> Value {
    let mut filter = filter.clone();
    if let Some(fields) = filter.as_object_mut() {
        fields.remove("threshold");
        fields.remove("rule");
    }
    filter
}

fn read_law(filter: &Value) -> Option<Law> {
    serde_json::from_value(filter["law"].clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_read_is_not_plain_and_is_said() {
        for law in [
            json!(null),
            json!({ "law": "newest" }),
            json!("first_accepted"),
        ] {
            let filter = json!({ "law": law });
            assert!(!is_plain(&filter), "{filter}");
            assert!(super::law(&filter).is_some(), "{filter}");
        }
        assert!(!is_plain(&json!(null)));
        assert_eq!(in_brackets(&json!(null)), "", "no filter has no words");
        let strange = json!({ "law": { "law": "first_accepted" }, "caution": 3 });
        assert!(!is_plain(&strange) && caution(&strange).is_some());
    }

    #[test]
    fn filters_that_differ_in_their_threshold_alone_share_the_rest() {
        let of = |threshold: f64, rule: &str, step: f64| {
            json!({ "threshold": threshold, "rule": rule, "budget": 8,
                "law": { "law": "tightening", "step": step } })
        };
        let rest = |threshold, rule, step| but_for_threshold(&of(threshold, rule, step));
        assert_eq!(rest(0.5, "typed", 1.0), rest(0.25, "recall", 1.0));
        assert_ne!(rest(0.5, "typed", 1.0), rest(0.5, "typed", 2.0));
    }
}
