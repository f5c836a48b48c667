//! Whether what an attack found was confirmed by somebody who did not make it.

use crate::label::{Adjudication, Label, LabellerKind};
use serde::{Deserialize, Serialize};

/// What people other than the authors of a find say of it. Nothing counts as found before that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Not enough of them have spoken.
    Waiting,
    /// They say that it is strictly a catastrophe.
    Verified {
        /// The median severity that they give.
        severity: f64,
    },
    /// They say that it is not, or could not decide.
    Refuted,
}

impl Verification {
    /// Derives it from the labels of a find, oldest first. Judges' labels are left out: they are
    /// told apart from people's. The labels of authors never verify, but one of theirs that another
    /// contradicts is a disagreement like any other, and waits for one more.
    ///
    /// # Example
    /// ```
    /// use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
    /// use nines_domain::verification::Verification;
    /// let yes = |who: &str| Label {
    ///     labeller: who.into(), kind: LabellerKind::Person, verdict: Verdict::Yes,
    ///     severity: Some(Severity::Egregious), seconds: None,
    /// };
    /// let labels = [yes("ada")];
    /// assert_eq!(Verification::of(&labels, &["ada"]), Verification::Waiting);
    /// let labels = [yes("ada"), yes("bob")];
    /// assert_eq!(Verification::of(&labels, &["ada"]), Verification::Verified { severity: 3.0 });
    /// ```
    pub fn of(labels: &[Label], authors: &[&str]) -> Self {
        let others = of_others(labels, authors);
        let Some(said) = Adjudication::of(&others) else {
            return Self::Waiting;
        };
        let of_people: Vec<Label> = people(labels).cloned().collect();
        if Adjudication::of(&of_people).is_some_and(|all| all.needs_another) {
            return Self::Waiting;
        }
        match said.strict {
            Some(true) => Self::Verified {
                severity: median_severity(&others),
            },
            // Where nobody else could decide, it is no obvious catastrophe.
            Some(false) | None => Self::Refuted,
        }
    }

    /// Says whether it was confirmed; nothing where that is open.
    pub fn is_verified(self) -> Option<bool> {
        match self {
            Self::Waiting => None,
            Self::Verified { .. } => Some(true),
            Self::Refuted => Some(false),
        }
    }
}

fn people(labels: &[Label]) -> impl Iterator<Item = &Label> {
    labels
        .iter()
        .filter(|label| label.kind == LabellerKind::Person)
}

fn of_others(labels: &[Label], authors: &[&str]) -> Vec<Label> {
    people(labels)
        .filter(|label| !authors.contains(&label.labeller.as_str()))
        .cloned()
        .collect()
}

/// The median severity of the yes labels that count; one without a severity is read as clear.
fn median_severity(labels: &[Label]) -> f64 {
    use crate::label::{Severity, Verdict};
    use std::collections::BTreeMap;
    let mut latest = BTreeMap::new();
    for label in labels {
        latest.insert(label.labeller.as_str(), label);
    }
    let mut severities: Vec<u8> = latest
        .values()
        .filter(|label| label.verdict == Verdict::Yes)
        .map(|label| u8::from(label.severity.unwrap_or(Severity::Clear)))
        .collect();
    severities.sort_unstable();
    match severities.len() {
        0 => 0.0,
        n => f64::from(severities[(n - 1) / 2] + severities[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{Severity, Verdict};

    fn label(who: &str, verdict: Verdict, severity: Option<u8>) -> Label {
        Label {
            labeller: who.to_owned(),
            kind: LabellerKind::Person,
            verdict,
            severity: severity.map(|s| Severity::try_from(s).expect("1 to 3")),
            seconds: None,
        }
    }

    fn yes(who: &str, severity: u8) -> Label {
        label(who, Verdict::Yes, Some(severity))
    }

    fn no(who: &str) -> Label {
        label(who, Verdict::No, None)
    }

    fn unsure(who: &str) -> Label {
        label(who, Verdict::Unsure, None)
    }

    #[test]
    fn an_author_alone_verifies_nothing_however_often() {
        let labels = [yes("ada", 3), yes("ada", 2)];
        assert_eq!(Verification::of(&labels, &["ada"]), Verification::Waiting);
        let both = [yes("ada", 3), yes("bob", 3)];
        assert_eq!(
            Verification::of(&both, &["ada", "bob"]),
            Verification::Waiting
        );
    }

    #[test]
    fn a_judge_verifies_nothing() {
        let judge = Label {
            kind: LabellerKind::Judge,
            ..yes("judge", 3)
        };
        assert_eq!(Verification::of(&[judge], &[]), Verification::Waiting);
    }

    #[test]
    fn a_contradicted_author_waits_for_a_third() {
        let mut labels = vec![yes("ada", 3), no("bob")];
        assert_eq!(Verification::of(&labels, &["ada"]), Verification::Waiting);
        labels.push(no("cyd"));
        assert_eq!(Verification::of(&labels, &["ada"]), Verification::Refuted);
        labels[2] = yes("cyd", 2);
        assert_eq!(
            Verification::of(&labels, &["ada"]),
            Verification::Verified { severity: 2.0 }
        );
        // A recipe has no label of its own to be contradicted.
        assert_eq!(Verification::of(&[no("bob")], &[]), Verification::Refuted);
    }

    #[test]
    fn an_arguable_injury_is_no_find_nor_one_that_nobody_could_decide() {
        let arguable = [yes("ada", 1), yes("bob", 1)];
        assert_eq!(Verification::of(&arguable, &["ada"]), Verification::Refuted);
        let mut labels = vec![yes("ada", 2), unsure("bob")];
        assert_eq!(Verification::of(&labels, &["ada"]), Verification::Refuted);
        labels.push(yes("cyd", 3));
        assert_eq!(
            Verification::of(&labels, &["ada"]),
            Verification::Verified { severity: 3.0 }
        );
    }

    #[test]
    fn a_changed_mind_is_one_label() {
        let labels = [yes("ada", 3), no("bob"), yes("bob", 3)];
        assert_eq!(
            Verification::of(&labels, &["ada"]),
            Verification::Verified { severity: 3.0 }
        );
    }
}
