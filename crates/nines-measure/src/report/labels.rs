//! One labeller's verdicts against another's.

use nines_domain::label::{Label, Severity, Verdict};

/// The verdicts that [`confusion`] tells apart, in its order.
pub const CONFUSION_VERDICTS: [&str; 5] = [
    "no",
    "unsure",
    "yes, arguable",
    "yes, clear",
    "yes, egregious",
];

/// Counts pairs of labels of the same items: rows are the first labels, columns the second, in the order
/// of [`CONFUSION_VERDICTS`]. A yes without a severity is a clear one.
pub fn confusion<'a>(pairs: impl IntoIterator<Item = (&'a Label, &'a Label)>) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; CONFUSION_VERDICTS.len()]; CONFUSION_VERDICTS.len()];
    for (first, second) in pairs {
        counts[place(first)][place(second)] += 1;
    }
    counts
}

fn place(label: &Label) -> usize {
    match (label.verdict, label.severity.unwrap_or(Severity::Clear)) {
        (Verdict::No, _) => 0,
        (Verdict::Unsure, _) => 1,
        (Verdict::Yes, Severity::Arguable) => 2,
        (Verdict::Yes, Severity::Clear) => 3,
        (Verdict::Yes, Severity::Egregious) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_domain::label::LabellerKind;

    #[test]
    fn rows_are_the_first_labels() {
        let label = |verdict, severity| Label {
            labeller: "ada".to_owned(),
            kind: LabellerKind::Person,
            verdict,
            severity,
            seconds: None,
        };
        let (no, yes) = (
            label(Verdict::No, None),
            label(Verdict::Yes, Some(Severity::Egregious)),
        );
        let bare = label(Verdict::Yes, None);
        let counts = confusion([(&no, &yes), (&no, &no), (&no, &no), (&bare, &no)]);
        assert_eq!((counts[0][4], counts[0][0], counts[3][0]), (1, 2, 1));
        assert_eq!(counts.iter().flatten().sum::<u64>(), 4);
    }
}
