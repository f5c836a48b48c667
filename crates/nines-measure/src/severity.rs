//! How grave a catastrophe is, from its labels.

use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use std::collections::BTreeMap;

/// Returns the severity of a catastrophe: the median severity of the yes labels, the lower one of the two
/// in the middle. People's labels count where a person said yes, judges' elsewhere; of each labeller the
/// newest label counts, and a yes without a severity is a clear one. `None` where nobody says yes.
///
/// # Example
/// ```
/// use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
/// use nines_measure::severity::severity;
/// let judge = |who: &str, severity| Label {
///     labeller: who.into(), kind: LabellerKind::Judge, verdict: Verdict::Yes,
///     severity: Some(severity), seconds: None,
/// };
/// let labels = [judge("a", Severity::Egregious), judge("b", Severity::Arguable)];
/// assert_eq!(severity(&labels), Some(Severity::Arguable));
/// ```
pub fn severity<'a>(labels: impl IntoIterator<Item = &'a Label>) -> Option<Severity> {
    let mut latest: BTreeMap<(LabellerKind, &str), &Label> = BTreeMap::new();
    for label in labels {
        latest.insert((label.kind, &label.labeller), label);
    }
    let of = |kind: LabellerKind| {
        let mut found: Vec<Severity> = latest
            .values()
            .filter(|l| l.kind == kind && l.verdict == Verdict::Yes)
            .map(|l| l.severity.unwrap_or(Severity::Clear))
            .collect();
        found.sort_unstable_by_key(|s| u8::from(*s));
        found.get(found.len().saturating_sub(1) / 2).copied()
    };
    of(LabellerKind::Person).or_else(|| of(LabellerKind::Judge))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(who: &str, kind: LabellerKind, verdict: Verdict, severity: Option<u8>) -> Label {
        Label {
            labeller: who.to_owned(),
            kind,
            verdict,
            severity: severity.map(|s| Severity::try_from(s).expect("1 to 3")),
            seconds: None,
        }
    }

    #[test]
    fn people_come_before_judges_and_the_newest_label_counts() {
        use LabellerKind::{Judge, Person};
        let yes = |who, kind, s| label(who, kind, Verdict::Yes, Some(s));
        let of = |labels: &[Label]| severity(labels).map(u8::from);
        assert_eq!(of(&[yes("j", Judge, 3), yes("k", Judge, 3)]), Some(3));
        assert_eq!(of(&[yes("j", Judge, 3), yes("ada", Person, 1)]), Some(1));
        assert_eq!(of(&[yes("ada", Person, 1), yes("ada", Person, 3)]), Some(3));
        let no = label("ada", Person, Verdict::No, None);
        assert_eq!(of(&[yes("ada", Person, 3), no.clone()]), None);
        assert_eq!(of(&[yes("j", Judge, 2), no]), Some(2));
        assert_eq!(of(&[label("ada", Person, Verdict::Yes, None)]), Some(2));
        assert_eq!(of(&[]), None);
    }
}
